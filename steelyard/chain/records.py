"""The enums and structs of contracts/src/interfaces/ISteelyard.sol, which documents every member.

Amounts are in the token's smallest unit, times in Unix seconds, `…_bps` in basis points.
"""

from dataclasses import dataclass
from enum import IntEnum

from steelyard.types import Address, Cid

ZERO_ADDRESS = Address("0x0000000000000000000000000000000000000000")


class ProjectStatus(IntEnum):
    """Where a project stands."""

    NONE = 0
    ENROLLING = 1
    RUNNING = 2
    COMPLETED = 3
    CANCELLED = 4
    FAILED = 5


class RoundStatus(IntEnum):
    """Where the current attempt stands. Time alone moves it from COLLECTING to WEIGHING and on to DECIDED."""

    NONE = 0
    COLLECTING = 1
    WEIGHING = 2
    ATTESTING = 3
    DECIDED = 4


class RoundOutcome(IntEnum):
    """How an attempt ended."""

    NONE = 0
    FINAL = 1
    TOO_FEW = 2
    MISSED = 3
    ABANDONED = 4
    VOID = 5


class ExclusionReason(IntEnum):
    """Why a submission could not be used."""

    NONE = 0
    UNAVAILABLE = 1
    UNDECRYPTABLE = 2
    MALFORMED = 3
    NOT_OPENING = 4


class LeaveReason(IntEnum):
    """Why a trainer left a project."""

    NONE = 0
    LEFT = 1
    ABSENT = 2
    STRUCK = 3
    ENDED = 4


class CreditKind(IntEnum):
    """What a credit was for."""

    NONE = 0
    SHARE = 1
    FEE = 2
    POOL_SPLIT = 3
    REFUND = 4


@dataclass(frozen=True, slots=True)
class ProjectParams:
    """What a project promises; immutable, and hashed into its id."""

    owner: Address
    token: Address
    budget: int
    rounds: int
    min_trainers: int
    max_trainers: int
    min_reputation_bps: int
    byzantine_bps: int
    min_stake: int
    aggregator_fee_bps: int
    slash_bps: int
    max_strikes: int
    max_absences: int
    aggregator_stake: int
    aggregator_slash_bps: int
    enrol_seconds: int
    submit_seconds: int
    settle_seconds: int
    attest_seconds: int
    dimension: int
    rule: Address
    verifier: Address
    aggregator: Address
    spec_cid: Cid


@dataclass(frozen=True, slots=True)
class Permit:
    """An ERC-2612 signature for exactly the amount that the call transfers."""

    deadline: int
    v: int
    r: bytes
    s: bytes


@dataclass(frozen=True, slots=True)
class AggregatorTerms:
    """Projects that an aggregator agrees to be drawn for."""

    max_stake: int
    max_dimension: int
    min_settle_seconds: int
    min_fee_bps: int


@dataclass(frozen=True, slots=True)
class Stake:
    """An account's stake in one token."""

    free: int
    locked: int
    unbonding: int
    available_at: int


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A submission that the aggregator could not use, by its place in the order of submission."""

    index: int
    reason: ExclusionReason


@dataclass(frozen=True, slots=True)
class Settlement:
    """What settles a round. Byte strings as docs/proof.md section 2 encodes them."""

    exclusions: tuple[Exclusion, ...]
    commitments: bytes
    gram: bytes
    proof: bytes
    hints: bytes
    aggregate_cid: Cid
    blinders: bytes


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it stands. `active` and `leaving` are masks by member slot.

    `rooted` says whether each attempt needs a root of the owner's.
    """

    params: ProjectParams
    status: ProjectStatus
    enrol_deadline: int
    pool: int
    round: int
    attempt: int
    failures: int
    too_few: int
    active: int
    leaving: int
    rooted: bool


@dataclass(frozen=True, slots=True)
class Round:
    """The current attempt of the current round. Masks are by member slot."""

    index: int
    attempt: int
    status: RoundStatus
    outcome: RoundOutcome
    aggregator: Address
    attesters: int
    submit_deadline: int
    settle_deadline: int
    attest_deadline: int
    submissions: int
    submitted: int
    approvals: int
    objections: int
    has_root: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A trainer's place in one project."""

    account: Address
    strikes: int
    absences: int
    active: bool
    share: int
    earned: int
