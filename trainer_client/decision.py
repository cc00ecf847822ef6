"""What a trainer does next: a pure function of what the chain says, the journal and the time.

```text
project  Enrolling   wait; start or cancel it (`poke`) if nobody does after the deadline
         ended       stop
member   none        stop: enrol first              inactive   stop: left, absent too often, or struck
round    Collecting  submitted, or no aggregator was drawn → wait;  prepared → submit it;  else train
         Weighing    wait; after the deadline `poke`
         Attesting   a vote not yet cast → judge the aggregate;  else wait; after the deadline `poke`
         Decided     wait for somebody to `poke`, then do it
```
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from steelyard.chain.records import ZERO_ADDRESS, Member, Project, ProjectStatus, Round, RoundStatus
from trainer_client.journal import Entry, Prepared

POKE_AFTER_SECONDS: Final = 30
"""How long a trainer leaves an overdue step to keepers before it takes it itself."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the chain says, as far as it concerns one trainer."""

    project: Project
    round: Round
    slot: int | None
    """The trainer's; None if it never enrolled."""
    member: Member | None
    now: int
    """The chain's time, Unix seconds."""
    since: int
    """When this trainer first saw the attempt in its present status, in the chain's time."""
    passes: bool = False
    """Whether the trainer has decided to do nothing more while the attempt is in its present status."""

    def has_bit(self, mask: int) -> bool:
        """Whether the trainer's bit is set in a mask by slot."""
        return self.slot is not None and bool(mask >> self.slot & 1)


class StopReason(Enum):
    """Why there is nothing left to do."""

    ENDED = "the project has ended"
    NOT_ENROLLED = "the account is not enrolled"
    REMOVED = "the account is no longer part of the project"


@dataclass(frozen=True, slots=True)
class Train:
    """Train, prepare a submission and post it."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Post what an earlier run has prepared."""

    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Attest:
    """Judge the aggregate and vote."""


@dataclass(frozen=True, slots=True)
class Poke:
    """Take the step that a deadline allows and nobody has taken."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before something changes."""

    reason: str
    until: int | None = None
    """The deadline that is waited for, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing left to do."""

    reason: StopReason


Action = Train | Submit | Attest | Poke | Wait | Stop


def decide(situation: Situation, entry: Entry, poke_after: int = POKE_AFTER_SECONDS) -> Action:
    """The next step.

    Args:
      situation: what the chain says.
      entry: the journal's entry of the current attempt.
      poke_after: seconds past a deadline after which the trainer does a keeper's work.
    """
    project, member = situation.project, situation.member
    if project.status not in (ProjectStatus.ENROLLING, ProjectStatus.RUNNING):
        return Stop(StopReason.ENDED)
    if member is None:
        return Stop(StopReason.NOT_ENROLLED)
    if not member.active:
        return Stop(StopReason.REMOVED)
    if project.status is ProjectStatus.ENROLLING:
        return _wait_or_poke(situation, "enrolment to end", project.enrol_deadline, poke_after)
    return _decide_round(situation, entry, poke_after)


def _decide_round(situation: Situation, entry: Entry, poke_after: int) -> Action:
    current = situation.round
    if current.status is RoundStatus.COLLECTING and _may_submit(situation):
        return Train() if entry.prepared is None else Submit(entry.prepared)
    if current.status is RoundStatus.ATTESTING and _may_attest(situation):
        return Attest()
    waits = {
        RoundStatus.COLLECTING: ("the round to be collected", current.submit_deadline),
        RoundStatus.WEIGHING: ("the settlement", current.settle_deadline),
        RoundStatus.ATTESTING: ("the other votes", current.attest_deadline),
        RoundStatus.DECIDED: ("the attempt to be closed", situation.since),
    }
    if current.status not in waits:
        return Wait("the round to open")
    return _wait_or_poke(situation, *waits[current.status], poke_after)


def _may_submit(situation: Situation) -> bool:
    current = situation.round
    is_open = current.aggregator != ZERO_ADDRESS and situation.now < current.submit_deadline
    return is_open and not situation.passes and not situation.has_bit(current.submitted)


def _may_attest(situation: Situation) -> bool:
    current = situation.round
    has_vote = situation.has_bit(current.attesters & ~(current.approvals | current.objections))
    return has_vote and not situation.passes and situation.now < current.attest_deadline


def _wait_or_poke(situation: Situation, reason: str, deadline: int, poke_after: int) -> Action:
    if situation.now >= deadline + poke_after:
        return Poke(f"waited for {reason}")
    return Wait(reason, deadline)
