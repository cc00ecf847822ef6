"""The owner of a rooted project: trains on root data in every round, as a trainer would, and submits the root.

A root is weighed against: it says which way is right, has no weight and earns nothing. An attempt without one fails.
The order is a trainer's, train → seal → store → journal → post, and for the same reason: a process that is killed
anywhere and started again posts one root per attempt.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from steelyard.chain.client import Marketplace, UnknownProjectError
from steelyard.chain.records import ZERO_ADDRESS, Project, ProjectStatus, Round, RoundStatus
from steelyard.chain.reverts import DuplicateCommitmentError
from steelyard.errors import (
    AccessError,
    ChainError,
    MalformedUpdateError,
    PayloadError,
    StorageError,
    TransactionRevertedError,
    WrongChainError,
)
from steelyard.rounds.access import get_content_key
from steelyard.rounds.keys import KeyHistory, find_opening
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.retention import Housekeeper
from steelyard.storage import BlobStore
from trainer_client.data import Dataset
from trainer_client.decision import Stop, StopReason, Submit, Train, Wait
from trainer_client.journal import Entry, Journal, Prepared
from trainer_client.model_keeper import ModelKeeper
from trainer_client.participant import Report
from trainer_client.preparing import prepare_submission
from trainer_client.training import TrainingProgress

_MAX_PAUSE_SECONDS: Final = 30.0

RootAction = Train | Submit | Wait | Stop


def decide_root(project: Project, current: Round, entry: Entry, now: int) -> RootAction:
    """What the owner does next about the root of the current attempt.

    Args:
      project: as the chain has it.
      current: its current attempt.
      entry: the journal's entry of that attempt.
      now: the chain's time, Unix seconds.
    """
    if project.status not in (ProjectStatus.ENROLLING, ProjectStatus.RUNNING):
        return Stop(StopReason.ENDED)
    if project.status is ProjectStatus.ENROLLING:
        return Wait("the start", project.enrol_deadline)
    if current.status is not RoundStatus.COLLECTING:
        return Wait("the next round to collect")
    if current.has_root:
        return Wait("the round to be collected", current.submit_deadline)
    if current.aggregator == ZERO_ADDRESS or now >= current.submit_deadline:
        return Wait("the next attempt", current.submit_deadline)
    return Train() if entry.prepared is None else Submit(entry.prepared)


@dataclass(frozen=True, slots=True)
class RootOptions:
    """How an owner trains its roots."""

    device: str = "cpu"
    threads: int | None = None
    poll_seconds: float = 2.0


@dataclass(slots=True)
class RootSource:
    """Sends the roots of one project. One instance per process and project."""

    marketplace: Marketplace
    project: ProjectTerms
    store: BlobStore
    dataset: Dataset
    journal: Journal
    models: ModelKeeper
    keys: KeyHistory
    options: RootOptions = field(default_factory=RootOptions)
    report: Report = lambda _what, _particulars: None
    progress: Callable[[TrainingProgress], None] = lambda _progress: None
    _given_up: int = 0
    """The last attempt for which training gave nothing to send: it would give the same again."""
    _waiting: str = ""
    _seen: int = 0
    _housekeeper: Housekeeper = field(init=False)

    def __post_init__(self) -> None:
        owner = self.project.params.owner
        self._housekeeper = Housekeeper(self.store, lambda hold: hold.account == owner)

    def run(self, stop: threading.Event) -> None:
        """Sends every attempt's root until the project ends or `stop` is set. Waits out failures of node and store.

        Raises:
          WrongChainError, UnknownProjectError: the node serves another chain now.
          VerificationError: a final round's aggregate is false, so that there is no model to train on.
          ConfigError: the journal cannot be written, or there is no such device.
        """
        pause = self.options.poll_seconds
        while not stop.is_set():
            try:
                action = self.step()
            except (WrongChainError, UnknownProjectError):
                raise
            except (ChainError, StorageError, AccessError) as error:
                self.report("trouble", {"error": str(error), "hint": error.hint, "retry_seconds": pause})
                stop.wait(pause)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)
                continue
            pause = self.options.poll_seconds
            if isinstance(action, Stop):
                return
            stop.wait(pause)

    def step(self) -> RootAction:
        """Looks once, and sends the root of the current attempt if it is missing.

        Raises:
          ProtocolError: as `run`, and failures of node and store.
        """
        project_id = self.project.project_id
        block = self.marketplace.get_block_number()
        project = self.marketplace.get_project(project_id, block)
        current = self.marketplace.get_round(project_id, block)
        if current.attempt != self._seen:
            self._seen = current.attempt
            self._tidy(block)
        entry = self.journal.get(current.attempt, current.index)
        action = decide_root(project, current, entry, self.marketplace.get_timestamp(block))
        if isinstance(action, Train | Submit) and current.attempt == self._given_up:
            action = Wait("the next attempt", current.submit_deadline)
        try:
            self._do(action, project, current, entry)
        except TransactionRevertedError as error:
            # The chain moved between looking and acting: it is looked at again. Anything else shows as repetition.
            self.report("reverted", {"action": type(action).__name__.lower(), "error": str(error)})
            if isinstance(error, DuplicateCommitmentError):
                self.journal.record(entry, prepared=None)
            return Wait("the chain to be read again")
        return action

    def _do(self, action: RootAction, project: Project, current: Round, entry: Entry) -> None:
        match action:
            case Train():
                self._train(current, entry)
            case Submit(prepared):
                self._submit(current, entry, prepared)
            case Wait(reason, until):
                if self._waiting != reason:
                    self.report("waiting", {"for": reason, "until": until, "round": current.index})
            case Stop():
                self.report("ended", {"status": project.status.name.lower()})
        self._waiting = action.reason if isinstance(action, Wait) else ""

    def _tidy(self, block: int) -> None:
        """Lets go of roots of attempts that are over (`steelyard.rounds.retention`). It can wait."""
        try:
            released = self._housekeeper.tidy(self.models.get_events(), block)
        except StorageError as error:
            self.report("untidy", {"error": str(error)})
        else:
            if released:
                self.report("tidied", {"payloads": released})

    def _train(self, current: Round, entry: Entry) -> None:
        model = self.models.sync(current.index)
        opening = find_opening(self.models.get_events(), self.project.project_id, current.attempt)
        key = self.keys.fetch_key(self.store, current.aggregator, self.project.spec.sealing, opening)
        self.report("training", {"round": current.index, "attempt": current.attempt, "aggregator": current.aggregator})
        started = time.monotonic()
        try:
            local, submission = prepare_submission(
                self.project,
                self.project.params.owner,
                self.dataset,
                model,
                key,
                device=self.options.device,
                threads=self.options.threads,
                progress=self.progress,
                content_key=get_content_key(self.models.access, current.index),
            )
        except (MalformedUpdateError, PayloadError) as error:
            self._given_up = current.attempt
            self.report("no root", {"round": current.index, "error": str(error), "hint": error.hint})
            return
        prepared = Prepared(self.store.put(submission.blob), submission.commitment_hash)
        entry = self.journal.record(entry, prepared=prepared)
        seconds = time.monotonic() - started
        self.report(
            "trained",
            {"round": current.index, "loss": local.loss, "examples": local.examples, "seconds": seconds},
        )
        self._submit(current, entry, prepared)

    def _submit(self, current: Round, entry: Entry, prepared: Prepared) -> None:
        if not self.store.has(prepared.cid):
            self.report("lost", {"cid": str(prepared.cid)})
            self.journal.record(entry, prepared=None)
            return
        receipt = self.marketplace.submit_root(
            self.project.project_id, current.index, prepared.cid, prepared.commitment_hash
        )
        self.journal.record(entry, submitted_tx=receipt.tx_hash)
        self.report(
            "submitted",
            {
                "round": current.index,
                "attempt": current.attempt,
                "cid": str(prepared.cid),
                "tx": receipt.tx_hash,
                "gas": receipt.gas_used,
            },
        )
