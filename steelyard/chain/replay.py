"""The marketplace's state rebuilt from its events alone.

`Ledger` holds what the views of ISteelyard.sol return. Apply the events from the deployment on, each once and in order.
A test compares every view with the ledger after a long history: an event that said too little would show.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod

from steelyard.chain.events import (
    AbsenceRecorded,
    AccessGranted,
    AccessRevoked,
    AggregatorRegistered,
    AggregatorUnregistered,
    Attested,
    Burned,
    Claimed,
    Credited,
    Event,
    HybridKeyRegistered,
    KeyRegistered,
    KeysPublished,
    ProjectCreated,
    ProjectEnded,
    ProjectStarted,
    ReputationUpdated,
    RootSubmitted,
    RoundClosed,
    RoundOpened,
    RoundSettled,
    RoundWeighed,
    StakeDeposited,
    StakeLocked,
    StakeReleased,
    StakeSlashed,
    StakeUnbonding,
    StakeWithdrawn,
    StrikeRecorded,
    TrainerEnrolled,
    TrainerLeaving,
    TrainerLeft,
    UpdateSubmitted,
)
from steelyard.chain.records import (
    ZERO_ADDRESS,
    AggregatorTerms,
    CreditKind,
    LeaveReason,
    Member,
    Project,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Stake,
)
from steelyard.constants import INITIAL_REPUTATION
from steelyard.types import Address, ProjectId

_NO_STAKE = Stake(free=0, locked=0, unbonding=0, available_at=0)
_NO_MEMBER = Member(account=ZERO_ADDRESS, strikes=0, absences=0, active=False, share=0, earned=0)
_NO_ROUND = Round(0, 0, RoundStatus.NONE, RoundOutcome.NONE, ZERO_ADDRESS, 0, 0, 0, 0, 0, 0, 0, 0, has_root=False)


def replay(events: Iterable[Event]) -> "Ledger":
    """The state after `events`, in their order."""
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
    return ledger


def compute_round_status(  # noqa: PLR0911  one answer per phase
    attempt: Round, active: int, min_trainers: int, time: int, *, rooted: bool
) -> tuple[RoundStatus, RoundOutcome]:
    """Where an attempt stands at a time, from what was recorded (contracts/src/libraries/RoundState.sol).

    Args:
      attempt: its own `status` is ignored.
      active: mask of the project's active members.
      time: in Unix seconds. At a deadline's own second the phase is over.
      rooted: whether the attempt needs the owner's root.
    """
    if attempt.attempt == 0:
        return RoundStatus.NONE, RoundOutcome.NONE
    if attempt.outcome is not RoundOutcome.NONE:
        return RoundStatus.DECIDED, attempt.outcome
    if attempt.attest_deadline != 0:
        attesters = attempt.attesters.bit_count()
        if 2 * attempt.approvals.bit_count() > attesters:
            return RoundStatus.DECIDED, RoundOutcome.FINAL
        if 2 * attempt.objections.bit_count() > attesters:
            return RoundStatus.DECIDED, RoundOutcome.VOID
        over = time >= attempt.attest_deadline
        return (RoundStatus.DECIDED, RoundOutcome.FINAL) if over else (RoundStatus.ATTESTING, RoundOutcome.NONE)
    lacks_root = rooted and not attempt.has_root
    if time < attempt.submit_deadline and (lacks_root or attempt.submitted != active):
        return RoundStatus.COLLECTING, RoundOutcome.NONE
    if lacks_root or attempt.submissions < min_trainers:
        return RoundStatus.DECIDED, RoundOutcome.TOO_FEW
    if time < attempt.settle_deadline:
        return RoundStatus.WEIGHING, RoundOutcome.NONE
    return RoundStatus.DECIDED, RoundOutcome.MISSED


@dataclass(slots=True)
class _Market:
    """One project with its current attempt, its members by slot, and the slots that the attempt weighed."""

    project: Project
    attempt: Round = _NO_ROUND
    members: list[Member] = field(default_factory=list)
    weighed: tuple[int, ...] = ()

    def slot_of(self, account: Address) -> int:
        return next(slot for slot, member in enumerate(self.members) if member.account == account)

    def change_project(self, **changes: object) -> None:
        self.project = replace(self.project, **changes)  # type: ignore[arg-type]

    def change_attempt(self, **changes: object) -> None:
        self.attempt = replace(self.attempt, **changes)  # type: ignore[arg-type]

    def change_member(self, slot: int, **changes: object) -> None:
        self.members[slot] = replace(self.members[slot], **changes)  # type: ignore[arg-type]


class Ledger:
    """What the views return, by the same keys."""

    def __init__(self) -> None:
        self.keys: dict[Address, bytes] = {}
        self.hybrid_digests: dict[Address, bytes] = {}
        self.readers: dict[tuple[ProjectId, Address], int] = {}
        """The first round of each open grant."""
        self.reputations: dict[Address, int] = {}
        self.stakes: dict[tuple[Address, Address], Stake] = {}
        self.credits: dict[tuple[Address, Address], int] = defaultdict(int)
        self.burnt: dict[Address, int] = defaultdict(int)
        self.nonces: dict[Address, int] = defaultdict(int)
        self.terms: dict[tuple[Address, Address], AggregatorTerms] = {}
        self.aggregators: dict[Address, list[Address]] = defaultdict(list)
        self._markets: dict[ProjectId, _Market] = {}

    # Views

    @property
    def project_ids(self) -> tuple[ProjectId, ...]:
        """All projects, oldest first."""
        return tuple(self._markets)

    def get_project(self, project_id: ProjectId) -> Project:
        return self._markets[project_id].project

    def get_members(self, project_id: ProjectId) -> tuple[Member, ...]:
        return tuple(self._markets[project_id].members)

    def get_round(self, project_id: ProjectId, time: int) -> Round:
        """The current attempt, with its status at `time`."""
        market = self._markets[project_id]
        project, attempt = market.project, market.attempt
        status, outcome = compute_round_status(
            attempt, project.active, project.params.min_trainers, time, rooted=project.rooted
        )
        return replace(attempt, status=status, outcome=outcome)

    def get_stake(self, account: Address, token: Address) -> Stake:
        return self.stakes.get((account, token), _NO_STAKE)

    def get_reputation(self, account: Address) -> int:
        return self.reputations.get(account, INITIAL_REPUTATION)

    # Events

    @singledispatchmethod
    def apply(self, event: Event) -> None:
        """Takes the next event.

        Raises:
          TypeError: nothing here knows this kind of event.
        """
        raise TypeError(f"no rule for {type(event).__name__}")

    @apply.register
    def _(self, event: KeyRegistered) -> None:
        self.keys[event.account] = event.key

    @apply.register
    def _(self, event: HybridKeyRegistered) -> None:
        self.hybrid_digests[event.account] = event.digest

    @apply.register
    def _(self, event: StakeDeposited) -> None:
        self._move(event.account, event.token, free=event.amount)

    @apply.register
    def _(self, event: StakeUnbonding) -> None:
        self._move(event.account, event.token, free=-event.amount, unbonding=event.amount)
        stake = self.get_stake(event.account, event.token)
        self.stakes[event.account, event.token] = replace(stake, available_at=event.available_at)

    @apply.register
    def _(self, event: StakeWithdrawn) -> None:
        stake = self.get_stake(event.account, event.token)
        self.stakes[event.account, event.token] = replace(stake, unbonding=0, available_at=0)

    @apply.register
    def _(self, event: StakeLocked) -> None:
        self._move(event.account, self._token_of(event.project_id), free=-event.amount, locked=event.amount)

    @apply.register
    def _(self, event: StakeReleased) -> None:
        self._move(event.account, self._token_of(event.project_id), free=event.amount, locked=-event.amount)

    @apply.register
    def _(self, event: StakeSlashed) -> None:
        market, token = self._markets[event.project_id], self._token_of(event.project_id)
        self._move(event.account, token, locked=-event.amount)
        self.burnt[token] += event.amount - event.to_pool
        market.change_project(pool=market.project.pool + event.to_pool)

    @apply.register
    def _(self, event: AggregatorRegistered) -> None:
        self.terms[event.account, event.token] = event.terms
        self.aggregators[event.token].append(event.account)

    @apply.register
    def _(self, event: AggregatorUnregistered) -> None:
        del self.terms[event.account, event.token]
        listed = self.aggregators[event.token]
        # The contract fills the place with the last of the list.
        listed[listed.index(event.account)] = listed[-1]
        listed.pop()

    @apply.register
    def _(self, event: ProjectCreated) -> None:
        self.nonces[event.owner] = event.nonce + 1
        self._markets[event.project_id] = _Market(
            Project(event.params, ProjectStatus.ENROLLING, event.enrol_deadline, 0, 0, 0, 0, 0, 0, 0, event.rooted)
        )

    @apply.register
    def _(self, event: ProjectStarted) -> None:
        self._markets[event.project_id].change_project(status=ProjectStatus.RUNNING)

    @apply.register
    def _(self, event: ProjectEnded) -> None:
        self._markets[event.project_id].change_project(status=event.status, pool=0)

    @apply.register
    def _(self, event: TrainerEnrolled) -> None:
        market = self._markets[event.project_id]
        market.members += [_NO_MEMBER] * (event.slot + 1 - len(market.members))
        market.members[event.slot] = replace(_NO_MEMBER, account=event.trainer, active=True)
        market.change_project(active=market.project.active | 1 << event.slot)

    @apply.register
    def _(self, event: TrainerLeaving) -> None:
        market = self._markets[event.project_id]
        market.change_project(leaving=market.project.leaving | 1 << market.slot_of(event.trainer))

    @apply.register
    def _(self, event: TrainerLeft) -> None:
        market = self._markets[event.project_id]
        slot = market.slot_of(event.trainer)
        project = market.project
        market.change_project(active=project.active & ~(1 << slot), leaving=project.leaving & ~(1 << slot))
        if project.status is ProjectStatus.ENROLLING and event.reason is LeaveReason.LEFT:
            market.members[slot] = _NO_MEMBER
            while market.members and market.members[-1] == _NO_MEMBER:
                market.members.pop()
        else:
            market.change_member(slot, active=False)

    @apply.register
    def _(self, event: RoundOpened) -> None:
        market = self._markets[event.project_id]
        market.change_project(attempt=event.attempt)
        market.weighed = ()
        market.attempt = replace(
            _NO_ROUND,
            index=event.round,
            attempt=event.attempt,
            aggregator=event.aggregator,
            submit_deadline=event.submit_deadline,
            settle_deadline=event.settle_deadline,
        )

    @apply.register
    def _(self, event: UpdateSubmitted) -> None:
        market = self._markets[event.project_id]
        submitted = market.attempt.submitted | 1 << market.slot_of(event.trainer)
        market.change_attempt(submitted=submitted, submissions=event.index + 1)

    @apply.register
    def _(self, event: RootSubmitted) -> None:
        self._markets[event.project_id].change_attempt(has_root=True)

    @apply.register
    def _(self, event: RoundSettled) -> None:
        self._markets[event.project_id].change_attempt(attest_deadline=event.attest_deadline)

    @apply.register
    def _(self, event: RoundWeighed) -> None:
        market = self._markets[event.project_id]
        trainers = event.trainers[:-1] if market.project.rooted else event.trainers
        market.weighed = slots = tuple(market.slot_of(trainer) for trainer in trainers)
        for slot, share in zip(slots, event.shares, strict=False):
            market.change_member(slot, share=share)
        voters = event.shares if any(event.shares) else event.weights
        market.change_attempt(attesters=sum(1 << slot for slot, has in zip(slots, voters, strict=False) if has))

    @apply.register
    def _(self, event: Attested) -> None:
        market = self._markets[event.project_id]
        name = "approvals" if event.opens else "objections"
        votes = getattr(market.attempt, name) | 1 << market.slot_of(event.trainer)
        market.change_attempt(**{name: votes})

    @apply.register
    def _(self, event: RoundClosed) -> None:
        market = self._markets[event.project_id]
        project = market.project
        for slot in range(len(market.members)):
            market.change_member(slot, share=0)
        market.change_attempt(outcome=event.outcome)
        if event.outcome is RoundOutcome.FINAL:
            for slot in market.weighed:
                market.change_member(slot, absences=0)
            market.change_project(pool=project.pool + event.to_pool, round=project.round + 1, failures=0, too_few=0)
        else:
            too_few = project.too_few + 1 if event.outcome is RoundOutcome.TOO_FEW else 0
            market.change_project(failures=project.failures + 1, too_few=too_few)

    @apply.register
    def _(self, event: ReputationUpdated) -> None:
        self.reputations[event.trainer] = event.current

    @apply.register
    def _(self, event: StrikeRecorded) -> None:
        market = self._markets[event.project_id]
        market.change_member(market.slot_of(event.trainer), strikes=event.strikes)

    @apply.register
    def _(self, event: AbsenceRecorded) -> None:
        market = self._markets[event.project_id]
        market.change_member(market.slot_of(event.trainer), absences=event.absences)

    @apply.register
    def _(self, event: Credited) -> None:
        self.credits[event.account, event.token] += event.amount
        if event.kind is CreditKind.SHARE:
            market = self._markets[event.project_id]
            slot = market.slot_of(event.account)
            market.change_member(slot, earned=market.members[slot].earned + event.amount)

    @apply.register
    def _(self, event: Claimed) -> None:
        self.credits[event.account, event.token] -= event.amount

    @apply.register
    def _(self, event: Burned) -> None:
        self.burnt[event.token] -= event.amount

    @apply.register
    def _(self, event: AccessGranted) -> None:
        self.readers[event.project_id, event.reader] = event.from_round

    @apply.register
    def _(self, event: AccessRevoked) -> None:
        self.readers.pop((event.project_id, event.reader), None)

    @apply.register
    def _(self, event: KeysPublished) -> None:
        """Changes nothing: what it points at is for those who can open it."""

    def _move(self, account: Address, token: Address, *, free: int = 0, locked: int = 0, unbonding: int = 0) -> None:
        stake = self.get_stake(account, token)
        self.stakes[account, token] = replace(
            stake, free=stake.free + free, locked=stake.locked + locked, unbonding=stake.unbonding + unbonding
        )

    def _token_of(self, project_id: ProjectId) -> Address:
        return self._markets[project_id].project.params.token
