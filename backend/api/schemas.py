"""What the API answers. Amounts and other integers that may outgrow a float are decimal strings, ids 0x-hex.

A schema reads its fields from a row of the same attribute names; what a row does not have is given beside it.
"""

from enum import IntEnum
from typing import Annotated, Any, Generic, TypeVar

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from steelyard.types import Address

T = TypeVar("T")

Amount = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    Field(pattern="^[0-9]{1,78}$", examples=["1000000000000000000"]),
]
"""An exact integer as a decimal string; amounts are in the token's smallest unit."""


def check_address(text: str) -> Address:
    """The address with its EIP-55 checksum, which must be right if it is there.

    Raises:
      ValueError: it is not.
    """
    if text != text.lower() and not is_checksum_address(text):
        raise ValueError("the EIP-55 checksum is wrong")
    return Address(to_checksum_address(text))


AddressText = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$"), AfterValidator(check_address)]
"""An address in a body, in lower case or with its checksum."""

SignatureText = Annotated[str, Field(pattern="^0x(?:[0-9a-fA-F]{2}){1,2048}$", examples=["0x" + "5e" * 65])]
"""An account's signature of a text (EIP-191), or what a contract wallet takes for one (ERC-1271)."""

PositiveAmount = Annotated[str, Field(pattern="^[1-9][0-9]{0,76}$", examples=["1000000000000000000"])]
"""An amount in a body."""


def _lower_name(value: object) -> object:
    return value.name.lower() if isinstance(value, IntEnum) else value


Name = Annotated[str, BeforeValidator(_lower_name)]
"""A member of one of the contract's enums, in lower case."""


class Schema(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Request(BaseModel):
    """Base of all bodies that are sent here: unknown fields and near-miss types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Schema, Generic[T]):
    """Some items of a longer list."""

    items: list[T]
    next: str | None = Field(description="Give it as `cursor` to get the next page; null on the last one.")


class ProjectSummary(Schema):
    """A project in a list."""

    id: str
    title: str | None = Field(description="Of the specification; null until storage has it, or if it is none.")
    state: Name = Field(validation_alias="status", description="enrolling, running, completed, cancelled or failed.")
    owner: str
    token: str
    budget: Amount
    rounds: int = Field(description="How many rounds it has.")
    round: int = Field(description="Index of the current round, from 0.")
    attempt: int = Field(description="Attempts so far; a round that fails is repeated.")
    trainers: int = Field(validation_alias="active", description="How many take part.")
    max_trainers: int
    min_stake: Amount
    dimension: int = Field(description="Number of parameters of the model.")
    rule_name: str
    rooted: bool = Field(description="Whether updates are held against a root of the owner's.")
    enrol_deadline: int = Field(description="Unix seconds.")
    spec_cid: str = Field(description="The project's specification, on IPFS.")


class Penalty(Schema):
    """What a trainer's next fault of a kind does beside losing the round's pay and some reputation."""

    number: int = Field(description="Of the fault, counted with those before; absences count in a row.")
    limit: int = Field(description="With so many, the trainer is out.")
    removes: bool
    slash: Amount = Field(description="What it costs of the stake: only what removes for strikes costs any.")


class Member(Schema):
    """A trainer's place in a project."""

    trainer: str
    slot: int
    leaving: bool
    left: Name = Field(description="Why it is out: left, absent, struck, ended; `none` while it takes part.")
    strikes: int
    absences: int = Field(description="In a row.")
    earned: Amount = Field(description="Shares of final rounds.")
    pool_split: Amount = Field(description="Its part of the pool, at the project's end.")
    next_strike: Penalty
    next_absence: Penalty


class Reader(Schema):
    """Somebody outside the project whom its owner lets read its models."""

    reader: str
    from_round: int
    manifest_cid: str = Field(description="Wraps the keys that existed when access was granted.")
    granted_block: int
    revoked: bool = Field(description="Whether what was published since is closed to it.")


class ProjectDetail(ProjectSummary):
    """A project with all its parameters."""

    min_trainers: int
    min_reputation_bps: int
    byzantine_bps: int
    aggregator_fee_bps: int
    slash_bps: int
    max_strikes: int
    max_absences: int
    aggregator_stake: Amount
    aggregator_slash_bps: int
    enrol_seconds: int
    submit_seconds: int
    settle_seconds: int
    attest_seconds: int
    rule: str
    verifier: str
    aggregator: str = Field(description="The aggregator that the project prefers; the zero address for none.")
    nonce: Amount
    created_block: int
    transaction_hash: str
    pool: Amount = Field(description="What earlier rounds did not pay, plus its half of slashes; 0 after the end.")
    pool_split: Amount = Field(description="What of the pool was split among those who earned.")
    paid: Amount = Field(description="What final rounds credited to trainers.")
    fees: Amount = Field(description="What final rounds credited to aggregators.")
    refund: Amount = Field(description="What went back to the owner.")
    members: list[Member]
    readers: list[Reader]


class RoundSummary(Schema):
    """One attempt at a round. Fields that a settlement fixes are null before it."""

    project_id: str
    round: int
    attempt: int
    state: Name = Field(description="collecting, weighing, attesting, or decided; by the clock of the newest block.")
    outcome: Name = Field(description="final, too_few, missed, abandoned or void; `none` while it is open.")
    aggregator: str = Field(description="The zero address where none was to be had.")
    members: int
    submissions: int = Field(description="Of trainers.")
    has_root: bool = Field(description="Whether the owner's root is there.")
    submit_deadline: int
    settle_deadline: int
    attest_deadline: int | None
    num_byzantine: int | None = Field(description="`f`, rows assumed dishonest.")
    budget: Amount | None = Field(description="What the rows share.")
    aggregate_cid: str | None
    attesters: int
    approvals: int
    objections: int
    paid: Amount
    to_pool: Amount
    opened_block: int
    opened_transaction: str
    settled_block: int | None
    settled_transaction: str | None
    settled_gas: int | None = Field(description="Gas used by the settlement's transaction.")
    closed_block: int | None
    closed_transaction: str | None


class Submission(Schema):
    """One submission, and what the settlement made of it."""

    position: int = Field(description="Place in the order of submission; 255 for the owner's root.")
    trainer: str
    cid: str
    commitment_hash: str
    transaction_hash: str
    excluded: Name = Field(description="Why it was unusable: unavailable, undecryptable, malformed, not_opening.")
    row: int | None = Field(description="Row in the Gram matrix.")
    weight: Amount | None
    contribution: Amount | None
    share: Amount | None
    opposed: bool = Field(description="Whether it earned a strike.")
    opens: bool | None = Field(description="The trainer's attestation; null for none.")


class RoundDetail(RoundSummary):
    """One attempt with all its submissions."""

    entries: list[Submission]
    attempts: list[int] = Field(
        description="All attempts at this round; the last one is shown unless another is asked for."
    )


class RowShare(Schema):
    """What a settlement made of one trainer's row."""

    trainer: str
    weight: Amount
    contribution: Amount
    share: Amount


class RoundShares(Schema):
    """A settled round in short. Excluded submissions and the owner's root have no row here."""

    round: int
    attempt: int
    outcome: Name = Field(description="final, missed, abandoned or void; `none` while it is attested.")
    rows: list[RowShare]


class Explanation(Schema):
    """Why a trainer was paid what it was paid."""

    project_id: str
    round: int
    attempt: int
    trainer: str
    transaction_hash: str
    facts: dict[str, Any] | None = Field(description="Every figure of the decision; null where it was not weighed.")
    text: list[str]


class ReputationChange(Schema):
    """A step of a trainer's reputation, in basis points."""

    project_id: str
    previous: int
    current: int
    block_number: int
    timestamp: int
    transaction_hash: str


class Balance(Schema):
    """An account's stake and credit in one token."""

    token: str
    free: Amount
    locked: Amount
    unbonding: Amount
    available_at: Amount
    slashed: Amount
    credited: Amount = Field(description="All that was ever earned or refunded.")
    claimed: Amount
    claimable: Amount


class Membership(Member):
    """A trainer's place in one of its projects."""

    project_id: str
    title: str | None = Field(description="Of the project.")
    state: Name = Field(validation_alias="status", description="Of the project.")
    token: str


class TrainerDetail(Schema):
    """An account across all projects."""

    address: str
    key: str | None = Field(description="X25519 public key.")
    hybrid_digest: str | None = Field(description="sha2-256 of the hybrid public key, which storage has by it.")
    reputation_bps: int
    balances: list[Balance]
    projects: list[Membership] = Field(description="The newest, at most a page.")
    reputation: list[ReputationChange] = Field(description="The newest changes first, at most a page.")


class Payment(Schema):
    """Money earned or taken out."""

    kind: str = Field(description="share, fee, pool_split, refund; `claim` for a withdrawal of credit.")
    account: str = Field(description="Whose it is.")
    project_id: str | None
    token: str
    amount: Amount
    recipient: str | None = Field(description="Where a claim went.")
    block_number: int
    timestamp: int
    transaction_hash: str


class AggregatorDetail(Schema):
    """An aggregator's offer in one token, and its record over all tokens."""

    account: str
    token: str
    registered: bool
    max_stake: Amount
    max_dimension: int
    min_settle_seconds: int
    min_fee_bps: int
    record: dict[str, int] = Field(description="Number of attempts by outcome.")


class AggregatorHistory(Schema):
    """An account as an aggregator, across all projects."""

    address: str
    record: dict[str, int] = Field(description="Number of attempts by outcome.")
    offers: list[AggregatorDetail]
    balances: list[Balance] = Field(description="Stakes, and what it earned in any role.")
    attempts: list[RoundSummary] = Field(description="The newest, at most a page.")


class ChainEvent(Schema):
    """One event of the marketplace."""

    name: str
    project_id: str | None
    block_number: int
    log_index: int
    block_hash: str
    timestamp: int
    transaction_hash: str
    arguments: dict[str, Any]


class Health(Schema):
    """How the backend is doing."""

    status: str = Field(description="ok, degraded or failed.")
    chain_id: int | None
    marketplace: str
    indexer: str
    head_block: int | None
    indexed_block: int | None
    lag_blocks: int | None
    reorgs: int
    error: str | None
    keeper: str = Field(description="off, ok, or what failed last.")
