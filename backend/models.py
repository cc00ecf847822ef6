"""The read model's tables: the log of record, and what the projection makes of it.

Ids and byte strings are 0x-hex, addresses EIP-55, amounts exact integers in the token's smallest unit, times Unix
seconds. Everything but `Cursor` follows from the canonical chain's events alone; what does not is of `KeptBase`.
"""

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.database import Amount, Enumerated
from steelyard.chain.records import CreditKind, ExclusionReason, LeaveReason, ProjectStatus, RoundOutcome

HASH = String(66)
ADDRESS = String(42)


class Base(DeclarativeBase):
    """Metadata of the read model."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {int: BigInteger, dict[str, Any]: JSON}


class KeptBase(DeclarativeBase):
    """Metadata of what is kept beside the read model: rebuilding it leaves these tables alone."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {int: BigInteger}


class Cursor(Base):
    """How far the chain has been read; one row, changed in the transaction that applies what was read.

    Attributes:
      final_number: the newest block that is past undoing. A reorg that reaches it stops the indexer.
    """

    __tablename__ = "cursor"

    id: Mapped[int] = mapped_column(primary_key=True)
    chain_id: Mapped[int]
    marketplace: Mapped[str] = mapped_column(ADDRESS)
    block_number: Mapped[int]
    block_hash: Mapped[str] = mapped_column(HASH)
    final_number: Mapped[int]


class Block(Base):
    """A block that has events of ours, or that a reorg may still take back."""

    __tablename__ = "blocks"

    number: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(HASH)
    timestamp: Mapped[int]


class Event(Base):
    """One log of the marketplace, as the canonical chain has it.

    Attributes:
      arguments: the ABI encoding of all the event's arguments in their order, indexed or not.
      project_id, attempt, account: the arguments of that meaning, to find the event by.
      gas_used: by the whole transaction; known for settlements.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("events_by_project", "project_id", "block_number", "log_index"),
        Index("events_by_account", "account", "name", "block_number", "log_index"),
    )

    block_number: Mapped[int] = mapped_column(primary_key=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    transaction_hash: Mapped[str] = mapped_column(HASH)
    name: Mapped[str] = mapped_column(String(32))
    arguments: Mapped[bytes]
    project_id: Mapped[str | None] = mapped_column(HASH)
    attempt: Mapped[int | None]
    account: Mapped[str | None] = mapped_column(ADDRESS)
    gas_used: Mapped[int | None]


class BeforeImage(Base):
    """A row as it was before an event of a recent block changed it; `row` is null where there was none."""

    __tablename__ = "before_images"
    __table_args__ = (Index("before_images_by_block", "block_number"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    block_number: Mapped[int]
    table: Mapped[str] = mapped_column(String(32))
    key: Mapped[dict[str, Any]]
    row: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Project(Base):
    """A project: its parameters, as created, and where it stands.

    Attributes:
      rule_name: of `rule`; `powers`: how many the reference string of `verifier` has.
      rooted: whether each attempt needs a root of the owner's.
      active: how many trainers take part.
      round, attempt: the current ones; attempt 0 is none.
      pool: what earlier rounds did not pay, plus the pool's half of slashes; 0 once the project has ended.
      pool_split: what of the pool was split among those who had earned, at the end.
      paid, fees: what final rounds credited to trainers and aggregators.
      refund: what went back to the owner at the end.
    """

    __tablename__ = "projects"
    __table_args__ = (
        Index("projects_by_age", "created_block", "created_log"),
        Index("projects_by_status", "status"),
        Index("projects_by_owner", "owner"),
        Index("projects_by_token", "token"),
    )

    id: Mapped[str] = mapped_column(HASH, primary_key=True)
    owner: Mapped[str] = mapped_column(ADDRESS)
    token: Mapped[str] = mapped_column(ADDRESS)
    budget: Mapped[int] = mapped_column(Amount)
    rounds: Mapped[int]
    min_trainers: Mapped[int]
    max_trainers: Mapped[int]
    min_reputation_bps: Mapped[int]
    byzantine_bps: Mapped[int]
    min_stake: Mapped[int] = mapped_column(Amount)
    aggregator_fee_bps: Mapped[int]
    slash_bps: Mapped[int]
    max_strikes: Mapped[int]
    max_absences: Mapped[int]
    aggregator_stake: Mapped[int] = mapped_column(Amount)
    aggregator_slash_bps: Mapped[int]
    enrol_seconds: Mapped[int]
    submit_seconds: Mapped[int]
    settle_seconds: Mapped[int]
    attest_seconds: Mapped[int]
    dimension: Mapped[int]
    rule: Mapped[str] = mapped_column(ADDRESS)
    verifier: Mapped[str] = mapped_column(ADDRESS)
    aggregator: Mapped[str] = mapped_column(ADDRESS)
    spec_cid: Mapped[str] = mapped_column(String(64))

    rule_name: Mapped[str] = mapped_column(String(64))
    rooted: Mapped[bool]
    powers: Mapped[int]
    nonce: Mapped[int] = mapped_column(Amount)
    enrol_deadline: Mapped[int]
    created_block: Mapped[int]
    created_log: Mapped[int]
    transaction_hash: Mapped[str] = mapped_column(HASH)

    status: Mapped[ProjectStatus] = mapped_column(Enumerated(ProjectStatus))
    active: Mapped[int]
    round: Mapped[int]
    attempt: Mapped[int]
    pool: Mapped[int] = mapped_column(Amount)
    pool_split: Mapped[int] = mapped_column(Amount)
    paid: Mapped[int] = mapped_column(Amount)
    fees: Mapped[int] = mapped_column(Amount)
    refund: Mapped[int] = mapped_column(Amount)


class Member(Base):
    """A trainer's place in one project. One that left and enrolled again keeps what it earned.

    Attributes:
      left: why it is out; NONE while it takes part.
      earned: shares of final rounds; `pool_split` comes on top at the project's end.
    """

    __tablename__ = "members"
    __table_args__ = (Index("members_by_trainer", "trainer"),)

    project_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    trainer: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    slot: Mapped[int]
    leaving: Mapped[bool]
    left: Mapped[LeaveReason] = mapped_column(Enumerated(LeaveReason))
    strikes: Mapped[int]
    absences: Mapped[int]
    earned: Mapped[int] = mapped_column(Amount)
    pool_split: Mapped[int] = mapped_column(Amount)


class Attempt(Base):
    """One attempt at one round. What only a settlement fixes is null before it.

    Attributes:
      members: how many trainers took part when it opened.
      submissions: of trainers; `has_root`: whether the owner's root is there too, if one is needed.
      budget: what the rows share, the aggregator's fee taken off.
      outcome: NONE until the chain has recorded how it ended.
      paid, to_pool: credited to trainers, and left in the pool.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        Index("attempts_by_round", "project_id", "round", "attempt"),
        Index("attempts_by_aggregator", "aggregator"),
    )

    project_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    round: Mapped[int]
    aggregator: Mapped[str] = mapped_column(ADDRESS)
    members: Mapped[int]
    submissions: Mapped[int]
    has_root: Mapped[bool]
    submit_deadline: Mapped[int]
    settle_deadline: Mapped[int]
    opened_block: Mapped[int]
    opened_transaction: Mapped[str] = mapped_column(HASH)

    attest_deadline: Mapped[int | None]
    aggregate_cid: Mapped[str | None] = mapped_column(String(64))
    settled_block: Mapped[int | None]
    settled_transaction: Mapped[str | None] = mapped_column(HASH)
    settled_gas: Mapped[int | None]
    num_byzantine: Mapped[int | None]
    budget: Mapped[int | None] = mapped_column(Amount)
    attesters: Mapped[int]
    approvals: Mapped[int]
    objections: Mapped[int]

    outcome: Mapped[RoundOutcome] = mapped_column(Enumerated(RoundOutcome))
    paid: Mapped[int] = mapped_column(Amount)
    to_pool: Mapped[int] = mapped_column(Amount)
    closed_block: Mapped[int | None]
    closed_transaction: Mapped[str | None] = mapped_column(HASH)


class Submission(Base):
    """A trainer's submission to one attempt, or the owner's root, and what the settlement made of it.

    Attributes:
      position: its place in the order of submission; `ROOT_INDEX` for a root.
      row: its row in the Gram matrix; null before the settlement and where it was excluded.
      opens: the trainer's vote on the aggregate; null where there is none.
    """

    __tablename__ = "submissions"
    __table_args__ = (Index("submissions_by_trainer", "trainer"),)

    project_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    trainer: Mapped[str] = mapped_column(ADDRESS)
    cid: Mapped[str] = mapped_column(String(64))
    commitment_hash: Mapped[str] = mapped_column(HASH)
    block_number: Mapped[int]
    transaction_hash: Mapped[str] = mapped_column(HASH)

    excluded: Mapped[ExclusionReason] = mapped_column(Enumerated(ExclusionReason))
    row: Mapped[int | None]
    weight: Mapped[int | None] = mapped_column(Amount)
    contribution: Mapped[int | None] = mapped_column(Amount)
    share: Mapped[int | None] = mapped_column(Amount)
    opposed: Mapped[bool]
    opens: Mapped[bool | None]


class Account(Base):
    """What follows an account through all projects. A key is null until it is registered."""

    __tablename__ = "accounts"

    address: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    key: Mapped[str | None] = mapped_column(HASH)
    hybrid_digest: Mapped[str | None] = mapped_column(HASH)
    reputation_bps: Mapped[int]


class Reader(Base):
    """The last grant to somebody outside a project to read its models from a round on, and whether it is over."""

    __tablename__ = "readers"

    project_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    reader: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    from_round: Mapped[int]
    manifest_cid: Mapped[str] = mapped_column(String(64))
    granted_block: Mapped[int]
    revoked: Mapped[bool]


class Balance(Base):
    """An account's stake and credit in one token. `credited` and `claimed` only ever grow."""

    __tablename__ = "balances"

    account: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    token: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    free: Mapped[int] = mapped_column(Amount)
    locked: Mapped[int] = mapped_column(Amount)
    unbonding: Mapped[int] = mapped_column(Amount)
    available_at: Mapped[int] = mapped_column(Amount)
    slashed: Mapped[int] = mapped_column(Amount)
    credited: Mapped[int] = mapped_column(Amount)
    claimed: Mapped[int] = mapped_column(Amount)


class Payment(Base):
    """Credit that an account was given, or took out. Never changed, and cut off with its block.

    Attributes:
      kind: what it was credited for; null for a claim.
      project_id: what it was earned in; null for a claim, which may be of several projects' money.
      recipient: where a claim went.
    """

    __tablename__ = "payments"
    __table_args__ = (
        Index("payments_by_account", "account", "block_number", "log_index"),
        Index("payments_by_project", "project_id", "block_number", "log_index"),
    )

    block_number: Mapped[int] = mapped_column(primary_key=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    transaction_hash: Mapped[str] = mapped_column(HASH)
    account: Mapped[str] = mapped_column(ADDRESS)
    kind: Mapped[CreditKind | None] = mapped_column(Enumerated(CreditKind))
    project_id: Mapped[str | None] = mapped_column(HASH)
    token: Mapped[str] = mapped_column(ADDRESS)
    amount: Mapped[int] = mapped_column(Amount)
    recipient: Mapped[str | None] = mapped_column(ADDRESS)


class ReputationChange(Base):
    """A step of a trainer's reputation, in basis points. Never changed, and cut off with its block."""

    __tablename__ = "reputation_changes"
    __table_args__ = (Index("reputation_changes_by_trainer", "trainer", "block_number", "log_index"),)

    block_number: Mapped[int] = mapped_column(primary_key=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    transaction_hash: Mapped[str] = mapped_column(HASH)
    trainer: Mapped[str] = mapped_column(ADDRESS)
    project_id: Mapped[str] = mapped_column(HASH)
    previous: Mapped[int]
    current: Mapped[int]


class Aggregator(Base):
    """An account's last offer to be drawn for projects in one token, and where in the chain it was made."""

    __tablename__ = "aggregators"
    __table_args__ = (Index("aggregators_by_age", "offered_block", "offered_log"),)

    account: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    token: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    registered: Mapped[bool]
    offered_block: Mapped[int]
    offered_log: Mapped[int]
    max_stake: Mapped[int] = mapped_column(Amount)
    max_dimension: Mapped[int]
    min_settle_seconds: Mapped[int]
    min_fee_bps: Mapped[int]
