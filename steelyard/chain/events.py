"""Every event of ISteelyard.sol, decoded from logs, and the one place that maps topics to classes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import (
    AbiEntry,
    decode_parameters,
    from_abi,
    signature_hash,
)
from steelyard.chain.records import (
    AggregatorTerms,
    CreditKind,
    LeaveReason,
    ProjectParams,
    ProjectStatus,
    RoundOutcome,
    Settlement,
)
from steelyard.types import Address, Cid, Digest, ProjectId


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. Fields have the order and names of the Solidity event, in snake case."""


@dataclass(frozen=True, slots=True)
class KeyRegistered(Event):
    """An account has a new X25519 public key."""

    account: Address
    key: bytes


@dataclass(frozen=True, slots=True)
class HybridKeyRegistered(Event):
    """An account has a new hybrid public key; `digest` is its sha2-256."""

    account: Address
    digest: bytes


@dataclass(frozen=True, slots=True)
class StakeDeposited(Event):
    """Free stake grew."""

    account: Address
    token: Address
    amount: int


@dataclass(frozen=True, slots=True)
class StakeUnbonding(Event):
    """`amount` more is unbonding; all that unbonds may be withdrawn from `available_at` on."""

    account: Address
    token: Address
    amount: int
    available_at: int


@dataclass(frozen=True, slots=True)
class StakeWithdrawn(Event):
    """Unbonded stake was paid out."""

    account: Address
    token: Address
    amount: int
    recipient: Address


@dataclass(frozen=True, slots=True)
class StakeLocked(Event):
    """Free stake was locked in a project."""

    project_id: ProjectId
    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class StakeReleased(Event):
    """Locked stake became free."""

    project_id: ProjectId
    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class StakeSlashed(Event):
    """Locked stake was lost: `to_pool` of `amount` went to the project's pool, the rest is burnt."""

    project_id: ProjectId
    account: Address
    amount: int
    to_pool: int


@dataclass(frozen=True, slots=True)
class AggregatorRegistered(Event):
    """An account may be drawn as aggregator."""

    account: Address
    token: Address
    terms: AggregatorTerms


@dataclass(frozen=True, slots=True)
class AggregatorUnregistered(Event):
    """An account may no longer be drawn as aggregator."""

    account: Address
    token: Address


@dataclass(frozen=True, slots=True)
class ProjectCreated(Event):
    """A project was funded and is enrolling."""

    project_id: ProjectId
    owner: Address
    nonce: int
    enrol_deadline: int
    params: ProjectParams
    rooted: bool


@dataclass(frozen=True, slots=True)
class ProjectStarted(Event):
    """Enrolment has ended, the first round follows."""

    project_id: ProjectId
    trainers: int


@dataclass(frozen=True, slots=True)
class ProjectEnded(Event):
    """A project is over: `refund` goes back to its owner, `pool` was split among those who earned."""

    project_id: ProjectId
    status: ProjectStatus
    refund: int
    pool: int


@dataclass(frozen=True, slots=True)
class TrainerEnrolled(Event):
    """A trainer has a slot."""

    project_id: ProjectId
    trainer: Address
    slot: int


@dataclass(frozen=True, slots=True)
class TrainerLeaving(Event):
    """A trainer leaves when the attempt ends."""

    project_id: ProjectId
    trainer: Address


@dataclass(frozen=True, slots=True)
class TrainerLeft(Event):
    """A trainer is out."""

    project_id: ProjectId
    trainer: Address
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class RoundOpened(Event):
    """An attempt at a round collects submissions."""

    project_id: ProjectId
    round: int
    attempt: int
    aggregator: Address
    submit_deadline: int
    settle_deadline: int


@dataclass(frozen=True, slots=True)
class UpdateSubmitted(Event):
    """A trainer's submission, `index` in the order of submission."""

    project_id: ProjectId
    round: int
    trainer: Address
    attempt: int
    index: int
    cid: Cid
    commitment_hash: Digest


@dataclass(frozen=True, slots=True)
class RootSubmitted(Event):
    """The owner's root of an attempt, which the updates are held against."""

    project_id: ProjectId
    round: int
    owner: Address
    attempt: int
    cid: Cid
    commitment_hash: Digest


@dataclass(frozen=True, slots=True)
class RoundSettled(Event):
    """All that settled a round, so that logs alone suffice to check it."""

    project_id: ProjectId
    round: int
    aggregator: Address
    attempt: int
    attest_deadline: int
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class RoundWeighed(Event):
    """What the rule made of the rows: `trainers`, in the order of submission, share `budget`.

    In a rooted project the last of them is the owner, whose root has no weight and no share.
    """

    project_id: ProjectId
    round: int
    attempt: int
    trainers: tuple[Address, ...]
    f: int
    budget: int
    weights: tuple[int, ...]
    contributions: tuple[int, ...]
    shares: tuple[int, ...]
    opposed: int


@dataclass(frozen=True, slots=True)
class Attested(Event):
    """A paid trainer's vote on the published aggregate."""

    project_id: ProjectId
    round: int
    trainer: Address
    attempt: int
    opens: bool


@dataclass(frozen=True, slots=True)
class RoundClosed(Event):
    """An attempt has ended: trainers were credited `paid`, `to_pool` stayed in the pool."""

    project_id: ProjectId
    round: int
    attempt: int
    outcome: RoundOutcome
    paid: int
    to_pool: int


@dataclass(frozen=True, slots=True)
class ReputationUpdated(Event):
    """A reputation moved, in basis points."""

    trainer: Address
    project_id: ProjectId
    previous: int
    current: int


@dataclass(frozen=True, slots=True)
class StrikeRecorded(Event):
    """A trainer has `strikes` strikes."""

    project_id: ProjectId
    trainer: Address
    strikes: int


@dataclass(frozen=True, slots=True)
class AbsenceRecorded(Event):
    """A trainer has been absent `absences` times in a row."""

    project_id: ProjectId
    trainer: Address
    absences: int


@dataclass(frozen=True, slots=True)
class Credited(Event):
    """An account may claim `amount` more."""

    project_id: ProjectId
    account: Address
    token: Address
    amount: int
    kind: CreditKind


@dataclass(frozen=True, slots=True)
class Claimed(Event):
    """Credit was paid out."""

    account: Address
    token: Address
    amount: int
    recipient: Address


@dataclass(frozen=True, slots=True)
class Burned(Event):
    """What slashes had burnt went to the dead address."""

    token: Address
    amount: int


@dataclass(frozen=True, slots=True)
class KeysPublished(Event):
    """Content keys of a confidential project, wrapped for those named in the manifest."""

    project_id: ProjectId
    publisher: Address
    manifest: Cid


@dataclass(frozen=True, slots=True)
class AccessGranted(Event):
    """A reader is due the models from round `from_round` on."""

    project_id: ProjectId
    reader: Address
    from_round: int
    manifest: Cid


@dataclass(frozen=True, slots=True)
class AccessRevoked(Event):
    """Nothing that is published from now on is wrapped for the reader."""

    project_id: ProjectId
    reader: Address


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event and its place: `(block_number, log_index)` orders events, `block_hash` tells forks apart."""

    event: Event
    block_number: int
    log_index: int
    tx_hash: bytes
    block_hash: bytes


@cache
def event_abi() -> dict[str, AbiEntry]:
    """ABI entries of all events, by name."""
    return {entry["name"]: entry for entry in load_artifact("ISteelyard").abi if entry["type"] == "event"}


@cache
def event_classes() -> dict[bytes, type[Event]]:
    """Maps an event's first topic to its class."""
    classes = {cls.__name__: cls for cls in Event.__subclasses__()}
    return {signature_hash(entry): classes[name] for name, entry in event_abi().items()}


def build_topic_filters(
    kinds: Collection[type[Event]], project_id: ProjectId | None = None
) -> list[list[list[bytes] | bytes | None]]:
    """Topics to ask a node for: of `kinds`, or all if empty, and of one project if given.

    The project's id is not the same topic in each event, so there may have to be more than one filter.
    """
    names = [kind.__name__ for kind in kinds] or list(event_abi())
    by_place: dict[int, list[bytes]] = {}
    for name in names:
        indexed = [parameter["name"] for parameter in event_abi()[name]["inputs"] if parameter["indexed"]]
        if project_id is None:
            by_place.setdefault(0, []).append(signature_hash(event_abi()[name]))
        elif "projectId" in indexed:
            by_place.setdefault(indexed.index("projectId"), []).append(signature_hash(event_abi()[name]))
    suffix = [] if project_id is None else [bytes(project_id)]
    return [[topics, *[None] * place, *suffix] for place, topics in sorted(by_place.items())]


def decode_event(topics: Sequence[bytes], data: bytes) -> Event | None:
    """Decodes one log of the marketplace; None for an event that is not of ISteelyard.

    Raises:
      eth_abi.exceptions.DecodingError: the log is not what its topic says.
    """
    event = event_classes().get(bytes(topics[0])) if topics else None
    if event is None:
        return None
    inputs = event_abi()[event.__name__]["inputs"]
    indexed = iter(topics[1:])
    unindexed = iter(decode_parameters([parameter for parameter in inputs if not parameter["indexed"]], data))
    values = [
        decode_parameters([parameter], bytes(next(indexed)))[0] if parameter["indexed"] else next(unindexed)
        for parameter in inputs
    ]
    return from_abi(event, values)


def decode_log(log: Mapping[str, Any]) -> LoggedEvent | None:
    """Decodes a log as web3 returns it; None for an event that is not of ISteelyard."""
    event = decode_event(log["topics"], bytes(log["data"]))
    if event is None:
        return None
    return LoggedEvent(
        event=event,
        block_number=log["blockNumber"],
        log_index=log["logIndex"],
        tx_hash=bytes(log["transactionHash"]),
        block_hash=bytes(log["blockHash"]),
    )
