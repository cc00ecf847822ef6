"""One trainer in one project: looks at the chain, decides (`trainer_client.decision`), does it, until the project ends.

How an update gets from training to the chain is told in `trainer_client.dispatch`. What a reverted transaction means is
always answered by looking at the chain again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from steelyard.chain.client import Marketplace, UnknownProjectError
from steelyard.chain.events import StakeSlashed, TrainerLeft
from steelyard.chain.records import LeaveReason, Member, Project, Round, RoundStatus
from steelyard.chain.reverts import DuplicateCommitmentError, NothingToDoError
from steelyard.errors import (
    ChainError,
    StorageError,
    TransactionRevertedError,
    WrongChainError,
)
from steelyard.keystore import Identity
from steelyard.rounds.project import ProjectTerms
from steelyard.types import Address
from trainer_client.attestation import ObjectWhen, compute_vote, judge_aggregate, open_for_attesting
from trainer_client.decision import (
    POKE_AFTER_SECONDS,
    Action,
    Attest,
    Poke,
    Situation,
    Stop,
    StopReason,
    Submit,
    Train,
    Wait,
    decide,
)
from trainer_client.dispatch import Dispatch, run_steps
from trainer_client.journal import Entry

_LAST_CALL_SECONDS: Final = 30.0


class RemovedError(ChainError):
    """The account is no longer part of the project."""

    def __init__(self, reason: LeaveReason, slashed: int) -> None:
        words = {
            LeaveReason.LEFT: "it left",
            LeaveReason.ABSENT: "it was absent too many times in a row; its stake is free again",
            LeaveReason.STRUCK: f"it got too many strikes and lost {slashed:,} of its stake",
        }
        super().__init__(f"the account is no longer part of the project: {words.get(reason, 'it was removed')}")
        self.reason = reason
        self.slashed = slashed


class NotEnrolledHereError(ChainError):
    """The account never enrolled in the project."""

    hint = "Enrol first, with `steelyard trainer enrol`."

    def __init__(self, account: Address) -> None:
        super().__init__(f"{account} is not enrolled in this project")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a trainer runs."""

    device: str = "cpu"
    threads: int | None = None
    poll_seconds: float = 2.0
    poke_after_seconds: int = POKE_AFTER_SECONDS
    object_when: ObjectWhen = ObjectWhen.MISSING


class ChainClock:
    """The chain's time between blocks: the latest block's, plus what has passed here since it was first seen."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._block_time = -1
        self._seen_at = 0.0

    def read(self, block_time: int) -> int:
        """The time now, in Unix seconds, if the latest block is of `block_time`."""
        if block_time != self._block_time:
            self._block_time, self._seen_at = block_time, self._monotonic()
        return block_time + int(self._monotonic() - self._seen_at)


@dataclass(slots=True)
class Participant:
    """Takes part in a project. One instance per process, account and project (`trainer_client.journal.locked`)."""

    marketplace: Marketplace
    identity: Identity
    dispatch: Dispatch
    options: RunOptions = field(default_factory=RunOptions)
    clock: ChainClock = field(default_factory=ChainClock)
    _status: tuple[int, RoundStatus] | None = None
    _since: int = 0
    _passes: bool = False
    _waiting: str = ""

    @property
    def me(self) -> Address:
        """The account that takes part."""
        return self.identity.address

    @property
    def project(self) -> ProjectTerms:
        """The terms that it takes part on."""
        return self.dispatch.project

    def run(self, stop: threading.Event) -> None:
        """Takes part until the project ends or `stop` is set. Failures of node and store are waited out.

        Raises:
          RemovedError, NotEnrolledHereError: the account is not part of the project.
          WrongChainError, UnknownProjectError: the node serves another chain now.
          VerificationError: a final round's aggregate is false, so that there is no model to train on.
          ConfigError: the journal cannot be written, or there is no such device.
        """
        fatal = (RemovedError, NotEnrolledHereError, WrongChainError, UnknownProjectError)
        run_steps(self.step, stop, self.options.poll_seconds, self.dispatch.report, fatal)

    def step(self) -> Action:
        """Looks once, and does what there is to do.

        Raises:
          ProtocolError: as `run`, and failures of node and store.
        """
        situation = self._look()
        entry = self.dispatch.journal.get(situation.round.attempt, situation.round.index)
        action = decide(situation, entry, self.options.poke_after_seconds)
        try:
            self._do(action, situation, entry)
        except TransactionRevertedError as error:
            # The chain moved between looking and acting: it is looked at again. Anything else shows as repetition.
            self.dispatch.report("reverted", {"action": type(action).__name__.lower(), "error": str(error)})
            if isinstance(error, DuplicateCommitmentError):
                self.dispatch.journal.record(entry, prepared=None)
            return Wait("the chain to be read again")
        return action

    def _do(self, action: Action, situation: Situation, entry: Entry) -> None:
        if not isinstance(action, Wait):
            self._waiting = ""
        match action:
            case Train():
                self._passes = not self.dispatch.train(situation.round, entry)
            case Submit(prepared):
                self.dispatch.submit(situation.round, entry, prepared)
            case Attest():
                self._attest(situation, entry)
            case Poke(reason):
                self._poke(reason)
            case Wait(reason, until):
                if self._waiting != reason:
                    self._waiting = reason
                    self.dispatch.report("waiting", {"for": reason, "until": until, "round": situation.round.index})
            case Stop(reason):
                self._stop(reason, situation)

    def _poke(self, reason: str) -> None:
        try:
            receipt = self.marketplace.poke(self.project.project_id)
        except NothingToDoError:
            return  # somebody else was quicker, or the deadline has passed here but not yet in a block
        self.dispatch.report("poked", {"reason": reason, "tx": receipt.tx_hash})

    # Looking

    def _look(self) -> Situation:
        project_id = self.project.project_id
        block = self.marketplace.get_block_number()
        project: Project = self.marketplace.get_project(project_id, block)
        current: Round = self.marketplace.get_round(project_id, block)
        members = self.marketplace.get_members(project_id, block)
        slot, member = _find_member(members, self.me)
        now = self.clock.read(self.marketplace.get_timestamp(block))
        if self._status != (current.attempt, current.status):
            self.dispatch.tidy(block)
            self._status, self._since, self._passes = (current.attempt, current.status), now, False
        return Situation(project, current, slot, member, now, self._since, self._passes)

    # Attesting

    def _attest(self, situation: Situation, entry: Entry) -> None:
        current = situation.round
        record = self.dispatch.models.find_settled(current.attempt)
        if record is None:
            return  # the node's logs are behind its state
        model = self.dispatch.models.sync(current.index)
        access = open_for_attesting(
            self.marketplace,
            self.project,
            self.dispatch.store,
            self.identity,
            self.dispatch.keys,
            self.dispatch.models.access,
            record,
            self.dispatch.models.get_events(),
        )
        judgement = judge_aggregate(self.project, self.dispatch.store, model, record, access)
        margin = min(_LAST_CALL_SECONDS, self.project.params.attest_seconds / 4)
        is_last_call = situation.now >= current.attest_deadline - margin
        opens = compute_vote(judgement.finding, self.options.object_when, is_last_call=is_last_call)
        particulars = {"round": current.index, "finding": judgement.finding.value, "reason": judgement.reason}
        if opens is None:
            self._passes = is_last_call
            self.dispatch.report("abstained" if is_last_call else "unsettled", particulars)
            return
        receipt = self.marketplace.attest(self.project.project_id, current.index, opens=opens)
        self.dispatch.journal.record(entry, opens=opens, attested_tx=receipt.tx_hash)
        row = record.get_row(self.me)
        self.dispatch.report(
            "attested",
            particulars
            | {
                "opens": opens,
                "tx": receipt.tx_hash,
                "weight": None if row is None else record.weights[row],
                "share": None if row is None else record.shares[row],
            },
        )

    # The end

    def _stop(self, reason: StopReason, situation: Situation) -> None:
        if reason is StopReason.NOT_ENROLLED:
            raise NotEnrolledHereError(self.me)
        status = situation.project.status
        if reason is StopReason.REMOVED:
            removal = self._explain_removal()
            if removal.reason is not LeaveReason.ENDED:
                raise removal
            # The project ended between two answers of the node, which gave the earlier of them from before.
            status = self.marketplace.get_project(self.project.project_id).status
        self.dispatch.report("ended", {"status": status.name.lower()})

    def _explain_removal(self) -> RemovedError:
        mine = [logged.event for logged in self.dispatch.models.get_events()]
        left = [event.reason for event in mine if isinstance(event, TrainerLeft) and event.trainer == self.me]
        slashed = sum(event.amount for event in mine if isinstance(event, StakeSlashed) and event.account == self.me)
        if not left:
            raise StorageError("the node's logs are behind its state")
        return RemovedError(left[-1], slashed)


def _find_member(members: tuple[Member, ...], account: Address) -> tuple[int | None, Member | None]:
    # Somebody who left while the project was enrolling may have come back in another slot: the active one counts.
    found = [(slot, member) for slot, member in enumerate(members) if member.account == account]
    return max(found, key=lambda pair: pair[1].active, default=(None, None))
