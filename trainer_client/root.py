"""The owner of a rooted project: trains on root data in every round, as a trainer would, and submits the root.

A root is weighed against: it says which way is right, has no weight and earns nothing. An attempt without one fails.
It gets to the chain as a trainer's update does (`trainer_client.dispatch`).
"""

import threading
from dataclasses import dataclass, field

from steelyard.chain.client import Marketplace, UnknownProjectError
from steelyard.chain.records import ZERO_ADDRESS, Project, ProjectStatus, Round, RoundStatus
from steelyard.chain.reverts import DuplicateCommitmentError
from steelyard.errors import (
    TransactionRevertedError,
    WrongChainError,
)
from trainer_client.decision import Stop, StopReason, Submit, Train, Wait
from trainer_client.dispatch import Dispatch, run_steps
from trainer_client.journal import Entry

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
    dispatch: Dispatch
    options: RootOptions = field(default_factory=RootOptions)
    _given_up: int = 0
    """The last attempt for which training gave nothing to send: it would give the same again."""
    _waiting: str = ""
    _seen: int = 0

    def run(self, stop: threading.Event) -> None:
        """Sends every attempt's root until the project ends or `stop` is set. Waits out failures of node and store.

        Raises:
          WrongChainError, UnknownProjectError: the node serves another chain now.
          VerificationError: a final round's aggregate is false, so that there is no model to train on.
          ConfigError: the journal cannot be written, or there is no such device.
        """
        fatal = (WrongChainError, UnknownProjectError)
        run_steps(self.step, stop, self.options.poll_seconds, self.dispatch.report, fatal)

    def step(self) -> RootAction:
        """Looks once, and sends the root of the current attempt if it is missing.

        Raises:
          ProtocolError: as `run`, and failures of node and store.
        """
        project_id = self.dispatch.project.project_id
        block = self.marketplace.get_block_number()
        project = self.marketplace.get_project(project_id, block)
        current = self.marketplace.get_round(project_id, block)
        if current.attempt != self._seen:
            self._seen = current.attempt
            self.dispatch.tidy(block)
        entry = self.dispatch.journal.get(current.attempt, current.index)
        action = decide_root(project, current, entry, self.marketplace.get_timestamp(block))
        if isinstance(action, Train | Submit) and current.attempt == self._given_up:
            action = Wait("the next attempt", current.submit_deadline)
        try:
            self._do(action, project, current, entry)
        except TransactionRevertedError as error:
            # The chain moved between looking and acting: it is looked at again. Anything else shows as repetition.
            self.dispatch.report("reverted", {"action": type(action).__name__.lower(), "error": str(error)})
            if isinstance(error, DuplicateCommitmentError):
                self.dispatch.journal.record(entry, prepared=None)
            return Wait("the chain to be read again")
        return action

    def _do(self, action: RootAction, project: Project, current: Round, entry: Entry) -> None:
        match action:
            case Train():
                if not self.dispatch.train(current, entry):
                    self._given_up = current.attempt
            case Submit(prepared):
                self.dispatch.submit(current, entry, prepared)
            case Wait(reason, until):
                if self._waiting != reason:
                    self.dispatch.report("waiting", {"for": reason, "until": until, "round": current.index})
            case Stop():
                self.dispatch.report("ended", {"status": project.status.name.lower()})
        self._waiting = action.reason if isinstance(action, Wait) else ""
