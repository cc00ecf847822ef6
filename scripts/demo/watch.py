"""Follows the project's events while it runs, tells them live, and keeps what the report needs."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from scripts.demo.cast import HOLDOUT_DATA
from scripts.demo.processes import Processes
from scripts.demo.stage import Stage
from steelyard.chain.events import (
    AbsenceRecorded,
    Attested,
    Event,
    LoggedEvent,
    ProjectEnded,
    RoundClosed,
    RoundOpened,
    RoundSettled,
    RoundWeighed,
    StakeSlashed,
    StrikeRecorded,
    TrainerLeft,
    UpdateSubmitted,
)
from steelyard.chain.history import EventHistory
from steelyard.chain.records import ProjectStatus, RoundOutcome
from steelyard.cli_support import format_amount
from steelyard.errors import ProtocolError
from steelyard.gram import load_ethereum_srs
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model, sync_global_model
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.rules.registry import get_rule
from steelyard.types import Address
from trainer_client.data import load_dataset
from trainer_client.training import evaluate

POLL_SECONDS = 0.25
BLOCK_SECONDS = 1.0
"""The demo mines a block so often even if nobody sends anything, so that the chain's clock moves."""


class DemoTimeoutError(ProtocolError):
    """The project did not end in time."""


@dataclass(slots=True)
class RoundFacts:
    """What happened in an attempt, for the report."""

    record: SettledRound
    accuracy: float
    settle_gas: int
    submit_gas: list[int]
    attestations: int
    seconds: float
    steps: dict[str, float] = field(default_factory=dict)
    """The aggregator's seconds by step."""


@dataclass(slots=True)
class Watcher:
    """Tells the story of a project as it happens."""

    stage: Stage
    processes: Processes
    console: Console
    rounds: list[RoundFacts] = field(default_factory=list)
    status: ProjectStatus = ProjectStatus.ENROLLING
    _names: dict[Address, str] = field(default_factory=dict)
    _model: GlobalModel | None = None
    _history: EventHistory | None = None
    _told: int = 0
    _opened_at: float = 0.0
    _attested: int = 0

    def follow(
        self, timeout_seconds: float, until: Callable[[Sequence[LoggedEvent]], bool] = lambda _events: False
    ) -> tuple[LoggedEvent, ...]:
        """Follows the project until it has ended, or for as long as `until` is false, and returns all of its events.

        May be called again to go on.

        Raises:
          ProcessDiedError: a program failed.
          DemoTimeoutError: it takes too long.
        """
        if self._history is None:
            self._names = {identity.address: name for name, identity in self.stage.identities.items()}
            self._model = fetch_initial_model(self.stage.open_store(), self.stage.spec)
            self._history = EventHistory(self.stage.connect().marketplace.get_events, self.stage.deployment.block)
        marketplace = self.stage.connect().marketplace
        next_block = time.monotonic()
        deadline = next_block + timeout_seconds
        while True:
            self.processes.check()
            if time.monotonic() >= next_block:
                self.stage.devnet.mine()
                next_block = time.monotonic() + BLOCK_SECONDS
            events = self._history.refresh(marketplace.get_block_number())
            for logged in events[self._told :]:
                self._tell(logged, events)
            self._told = len(events)
            if self.status in (ProjectStatus.COMPLETED, ProjectStatus.FAILED, ProjectStatus.CANCELLED) or until(events):
                return events
            if time.monotonic() > deadline:
                raise DemoTimeoutError(f"the project has not come so far in {timeout_seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _name(self, account: Address) -> str:
        return self._names.get(account, account)

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(f"  {escape(text)}", style=style)

    def _money(self, amount: int) -> str:
        return format_amount(amount, 18, "SYT")

    def _tell(self, logged: LoggedEvent, events: Sequence[LoggedEvent]) -> None:  # noqa: C901, PLR0912 - one line a case
        event: Event = logged.event
        match event:
            case RoundOpened():
                self._opened_at, self._attested = time.monotonic(), 0
                self.console.print(f"\n[bold]Round {event.round}[/bold], weighed by {self._name(event.aggregator)}")
            case UpdateSubmitted():
                self._say(f"{self._name(event.trainer)} submitted {event.cid}", "dim")
            case RoundSettled():
                self._tell_settled(logged, event)
            case RoundWeighed():
                self._tell_weighed(event)
            case Attested():
                self._attested += 1
                if not event.opens:
                    self._say(f"{self._name(event.trainer)} objects to the aggregate", "red")
            case StrikeRecorded():
                self._say(f"{self._name(event.trainer)} has strike {event.strikes}", "yellow")
            case AbsenceRecorded():
                self._say(f"{self._name(event.trainer)} was absent", "yellow")
            case StakeSlashed():
                self._say(f"{self._name(event.account)} is slashed by {self._money(event.amount)}", "red")
            case TrainerLeft() if event.reason.name != "ENDED":
                self._say(f"{self._name(event.trainer)} is out: {event.reason.name.lower()}", "red")
            case RoundClosed():
                self._tell_closed(event, events)
            case ProjectEnded():
                self.status = event.status
                self._say(f"project {event.status.name.lower()}, pool of {self._money(event.pool)} split", "bold")
            case _:
                pass

    def _tell_settled(self, logged: LoggedEvent, event: RoundSettled) -> None:
        gas = self._get_gas(logged.tx_hash)
        steps = self._find_steps(logged.tx_hash)
        proof = f", proof in {steps['proof']:.2f} s" if "proof" in steps else ""
        self._say(f"{self._name(event.aggregator)} settled for {gas:,} gas{proof}")
        for exclusion in event.settlement.exclusions:
            self._say(f"submission {exclusion.index} excluded: {exclusion.reason.name.lower()}", "yellow")

    def _tell_weighed(self, event: RoundWeighed) -> None:
        total = sum(event.weights) or 1
        for i, trainer in enumerate(event.trainers):
            part = event.weights[i] / total
            bar = "█" * round(40 * part)
            self._say(f"{self._name(trainer):8} {part:6.1%} {bar:14} {self._money(event.shares[i])}")

    def _tell_closed(self, event: RoundClosed, events: Sequence[LoggedEvent]) -> None:
        if event.outcome is not RoundOutcome.FINAL:
            self._say(f"attempt {event.attempt} ended: {event.outcome.name.lower()}", "red")
            return
        records = collect_settled_rounds(events, self.stage.project_id)
        record = next(record for record in select_final(records) if record.attempt == event.attempt)
        accuracy = self._evaluate(records)
        seconds = time.monotonic() - self._opened_at
        self._say(f"final after {seconds:.1f} s, accuracy on held-out data {accuracy:.1%}", "bold green")
        submissions = [
            logged.tx_hash
            for logged in events
            if isinstance(logged.event, UpdateSubmitted) and logged.event.attempt == event.attempt
        ]
        self.rounds.append(
            RoundFacts(
                record=record,
                accuracy=accuracy,
                settle_gas=self._get_gas(record.tx_hash),
                submit_gas=[self._get_gas(tx_hash) for tx_hash in submissions],
                attestations=self._attested,
                seconds=seconds,
                steps=self._find_steps(record.tx_hash),
            )
        )

    def _evaluate(self, records: Sequence[SettledRound]) -> float:
        """Accuracy on the hold-out of the model that follows from the chain, not of anything that a program says."""
        if self._model is None:
            raise RuntimeError("follow() has not begun")
        final = [record for record in select_final(records) if record.round_index >= self._model.round_index]
        stage = self.stage
        rule = get_rule(stage.project_file.chain.rule)
        self._model = sync_global_model(
            self._model, final[:1], stage.open_store(), load_ethereum_srs(), rule, stage.spec
        )
        return evaluate(stage.spec.model, self._model.parameters, load_dataset(HOLDOUT_DATA), threads=1).accuracy

    def _get_gas(self, tx_hash: bytes) -> int:
        return int(self.stage.devnet.web3.eth.get_transaction_receipt(tx_hash)["gasUsed"])  # type: ignore[arg-type]

    def _find_steps(self, tx_hash: bytes) -> dict[str, float]:
        """The aggregator's own seconds by step, from its log. Only it knows them; the chain sees the result."""
        wanted = "0x" + tx_hash.hex()
        for name in self.stage.cast.aggregators:
            for line in read_lines(self.processes, name, lambda text: wanted in text):
                entry = json.loads(line)
                return {key.removesuffix("_seconds"): entry[key] for key in entry if key.endswith("_seconds")}
        return {}


def read_lines(processes: Processes, name: str, is_wanted: Callable[[str], bool]) -> list[str]:
    """Lines of a process's log that are wanted."""
    path = processes.log_path(name)
    return [line for line in path.read_text(errors="replace").splitlines() if is_wanted(line)] if path.exists() else []
