"""`steelyard owner watch`: a project as it happens, as a picture for people and as lines for machines."""

import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from types import FrameType
from typing import Annotated, Final

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backend.event_log import to_primitive
from scripts.follow import ENDED, count_common, repeat
from steelyard.chain.client import Marketplace
from steelyard.chain.events import LoggedEvent, RoundClosed
from steelyard.chain.history import EventHistory
from steelyard.chain.records import Member, Project, ProjectStatus, Round, RoundOutcome, RoundStatus
from steelyard.cli_money import Money
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_RPC_URL,
    AsJson,
    DeploymentFile,
    RpcUrl,
    format_duration,
    open_connection,
    open_console,
    parse_project_id,
    print_json,
)
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.types import ProjectId

SHOWN_ROUNDS: Final = 8
BAR: Final = 20


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the picture is drawn from, as of one block."""

    project_id: ProjectId
    project: Project
    round: Round
    members: tuple[Member, ...]
    settled: tuple[SettledRound, ...]
    closed: tuple[RoundClosed, ...]
    now: int
    """The chain's time."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.project.status in ENDED

    @property
    def deadline(self) -> int | None:
        """When the present phase ends if nobody ends it earlier; None where none is open."""
        if self.project.status is ProjectStatus.ENROLLING:
            return self.project.enrol_deadline
        if self.project.status is not ProjectStatus.RUNNING:
            return None
        phases = {
            RoundStatus.COLLECTING: self.round.submit_deadline,
            RoundStatus.WEIGHING: self.round.settle_deadline,
            RoundStatus.ATTESTING: self.round.attest_deadline,
        }
        return phases.get(self.round.status)

    def get_weight(self, slot: int) -> float | None:
        """A member's part of the newest settled attempt; None if it had no row there."""
        if not self.settled:
            return None
        row = self.settled[-1].get_row(self.members[slot].account)
        return None if row is None else self.settled[-1].weights[row] / (sum(self.settled[-1].weights) or 1)


def read_view(marketplace: Marketplace, project_id: ProjectId, events: Sequence[LoggedEvent], block: int) -> View:
    """The project as of a block, up to which the events were read.

    Raises:
      UnknownProjectError: there is none.
      ChainError: the node does not answer.
    """
    mine = [logged.event for logged in events]
    return View(
        project_id=project_id,
        project=marketplace.get_project(project_id, block),
        round=marketplace.get_round(project_id, block),
        members=marketplace.get_members(project_id, block),
        settled=collect_settled_rounds(events, project_id),
        closed=tuple(event for event in mine if isinstance(event, RoundClosed)),
        now=marketplace.get_timestamp(block),
    )


def describe(view: View) -> dict[str, object]:
    """A view for machines: the same figures as in the picture, amounts as text."""
    project, round_ = view.project, view.round
    return {
        "project": view.project_id,
        "status": project.status.name.lower(),
        "round": project.round,
        "rounds": project.params.rounds,
        "attempt": project.attempt,
        "roundStatus": round_.status.name.lower(),
        "deadline": view.deadline,
        "time": view.now,
        "aggregator": round_.aggregator,
        "submissions": round_.submissions,
        "rooted": project.rooted,
        "hasRoot": round_.has_root,
        "pool": str(project.pool),
        "members": [
            {
                "account": member.account,
                "active": member.active,
                "submitted": bool(round_.submitted >> slot & 1),
                "weight": view.get_weight(slot),
                "earned": str(member.earned),
                "strikes": member.strikes,
                "absences": member.absences,
            }
            for slot, member in enumerate(view.members)
        ],
        "closed": [
            {"round": event.round, "attempt": event.attempt, "outcome": event.outcome.name.lower()}
            for event in view.closed
        ],
    }


def draw(view: View, money: Money) -> Group:
    """A view for people."""
    project, round_ = view.project, view.round
    head = Text()
    head.append(f"0x{view.project_id.hex()}\n", style="dim")
    head.append(project.status.name.lower(), style="bold")
    if project.status is ProjectStatus.RUNNING:
        head.append(f", round {project.round + 1} of {project.params.rounds}, {round_.status.name.lower()}")
        head.append(f", attempt {project.attempt}, weighed by {round_.aggregator}")
        if project.rooted:
            head.append(f"\nroot {'submitted' if round_.has_root else 'missing: `steelyard owner root run`'}")
    if view.deadline is not None:
        left = view.deadline - view.now
        head.append(f"\nuntil the deadline: {format_duration(left)}" if left > 0 else "\nthe deadline has passed: poke")
    head.append(f"\nbudget {money(project.params.budget)}, pool {money(project.pool)}")

    trainers = Table("trainer", "round", "weight", "earned", "strikes", "absences", box=None, pad_edge=False)
    for slot, member in enumerate(view.members):
        weight = view.get_weight(slot)
        trainers.add_row(
            member.account,
            "left" if not member.active else "submitted" if round_.submitted >> slot & 1 else "",
            "" if weight is None else f"{weight:6.1%} {'█' * round(BAR * weight)}",
            money(member.earned),
            str(member.strikes),
            str(member.absences),
            style="dim" if not member.active else "",
        )
    rounds = Table("round", "attempt", "outcome", "paid", box=None, pad_edge=False)
    for event in view.closed[-SHOWN_ROUNDS:]:
        style = "green" if event.outcome is RoundOutcome.FINAL else "red"
        outcome = Text(event.outcome.name.lower(), style=style)
        rounds.add_row(str(event.round), str(event.attempt), outcome, money(event.paid))
    return Group(head, Text(), trainers, Text(), rounds) if view.closed else Group(head, Text(), trainers)


def describe_event(logged: LoggedEvent) -> dict[str, object]:
    """An event for machines. A settlement's proof and matrix are in its evidence bundle."""
    event = logged.event
    arguments = {field.name: to_primitive(getattr(event, field.name)) for field in fields(event)}
    arguments.pop("settlement", None)
    return {
        "event": type(event).__name__,
        "block": logged.block_number,
        "tx": "0x" + logged.tx_hash.hex(),
        **arguments,
    }


def watch(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    once: Annotated[bool, typer.Option("--once", help="Show where it stands now, and stop.")] = False,
    poll_seconds: Annotated[float, typer.Option(min=0.05, help="How often the chain is looked at.")] = 2.0,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    as_json: AsJson = False,
) -> None:
    """Follow a project live, until it ends: phase and deadline, who has submitted, weights, pay, outcomes.

    With `--json` each line is one event of the project, from its creation on; `rollback` says from which block on to
    forget what was told, because a reorganisation took it back. With `--json --once` one line says where it stands. A
    node that does not answer for a while is waited for.

    Example: [bold]steelyard owner watch 0x5f…[/bold]
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    connection = open_connection(rpc_url, deployment_file)
    marketplace, project_id = connection.marketplace, parse_project_id(project)
    money = Money(connection, marketplace.get_project(project_id).params.token)
    history = EventHistory(
        lambda first, last: marketplace.get_events(first, last, project_id=project_id), connection.deployment.block
    )
    if once:
        head = marketplace.get_block_number()
        view = read_view(marketplace, project_id, history.refresh(head), head)
        if as_json:
            print_json(describe(view))
        else:
            open_console().print(draw(view, money))
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        follower = Follower(marketplace, project_id, history, money)
        (follower.tell if as_json else follower.show)(stopped, poll_seconds)
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(slots=True)
class Follower:
    """Looks at a project again and again until it has ended."""

    marketplace: Marketplace
    project_id: ProjectId
    history: EventHistory
    money: Money
    told: list[LoggedEvent] = field(default_factory=list)

    def tell(self, stopped: threading.Event, poll_seconds: float) -> None:
        """Prints each event as a line, and what a reorganisation took back as another."""

        def look() -> bool:
            head = self.marketplace.get_block_number()
            status = self.marketplace.get_project(self.project_id, head).status
            for line in self.update(self.history.refresh(head)):
                print_json(line)
            return status in ENDED

        repeat(look, poll_seconds, stopped)

    def update(self, events: Sequence[LoggedEvent]) -> Iterator[dict[str, object]]:
        """What to tell to whom knows what was told before, so that it knows these events."""
        standing = count_common(self.told, events)
        if standing < len(self.told):
            block = self.told[standing].block_number
            del self.told[standing:]
            yield {"event": "rollback", "block": block}
        for logged in events[standing:]:
            self.told.append(logged)
            yield describe_event(logged)

    def show(self, stopped: threading.Event, poll_seconds: float) -> None:
        """Draws the project anew at each look; the last picture stays."""
        with Live(console=open_console(), auto_refresh=False, vertical_overflow="visible") as live:

            def look() -> bool:
                head = self.marketplace.get_block_number()
                view = read_view(self.marketplace, self.project_id, self.history.refresh(head), head)
                live.update(draw(view, self.money), refresh=True)
                return view.ended

            repeat(look, poll_seconds, stopped, lambda text: live.update(Text(text, style="yellow"), refresh=True))
