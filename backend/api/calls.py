"""The calls that a wallet makes, each as a body that says what, and how it is encoded for the contract."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from backend.api.schemas import AddressText, PositiveAmount, Request
from backend.transactions import Call, build_call
from steelyard.chain.deploy import Deployment
from steelyard.chain.records import AggregatorTerms, Permit
from steelyard.rounds.project_file import ChainTerms
from steelyard.spec import ProjectSpec
from steelyard.storage import compute_cid
from steelyard.types import Address, Cid

Word = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", examples=["0x" + "5e" * 32])]
"""32 bytes: a project's id, a key, a half of a signature."""

CidField = Annotated[str, Field(max_length=64, examples=[str(compute_cid(b""))])]

RoundIndex = Annotated[int, Field(ge=0, le=65_535, description="From 0.", examples=[0])]

StakeAmount = Annotated[str, Field(pattern="^[1-9][0-9]{0,37}$", examples=["1000000000000000000"])]
"""An amount in a body that the contract keeps in 128 bits."""


@dataclass(frozen=True, slots=True)
class Market:
    """Where calls go, and from whom.

    Attributes:
      fetch_spec: reads a specification from storage.
    """

    deployment: Deployment
    sender: Address
    fetch_spec: Callable[[Cid], ProjectSpec]

    @property
    def address(self) -> Address:
        """The marketplace's."""
        return self.deployment.marketplace


class CallRequest(Request, ABC):
    """Base of all calls."""

    @abstractmethod
    def encode(self, market: Market) -> Call:
        """The contract, and the call's data.

        Raises:
          MalformedCidError, SpecError, StorageError, ConfigError: what it names is not to be had, or not offered.
        """


class PermitFields(Request):
    """An ERC-2612 signature for exactly what the call takes, so that no `approve` is needed (`/v1/permits`)."""

    deadline: int = Field(ge=0, le=2**63 - 1, examples=[2_000_000_000])
    v: int = Field(ge=0, le=255, examples=[27])
    r: Word
    s: Word

    def to_record(self) -> Permit:
        """As the contract takes it."""
        return Permit(self.deadline, self.v, to_bytes(self.r), to_bytes(self.s))


class Approve(CallRequest):
    """Lets the marketplace take tokens: a budget, or a stake."""

    name: Literal["approve"]
    token: AddressText
    amount: PositiveAmount

    def encode(self, market: Market) -> Call:
        return build_call("approve", Address(self.token), market.address, int(self.amount))


class CreateProject(CallRequest):
    """Escrows the budget and opens enrolment. The specification must be in storage."""

    name: Literal["createProject"]
    token: AddressText
    spec_cid: CidField
    chain: ChainTerms
    permit: PermitFields | None = None

    def encode(self, market: Market) -> Call:
        spec = market.fetch_spec(Cid.parse(self.spec_cid))
        params = self.chain.build_params(market.sender, Address(self.token), market.deployment, spec)
        if self.permit is None:
            return build_call("createProject", market.address, params)
        return build_call("createProjectWithPermit", market.address, params, self.permit.to_record())


class ProjectCall(CallRequest):
    """A call about one project. To enrol takes free stake: see `deposit`."""

    name: Literal["start", "cancel", "poke", "enrol", "leave"]
    project_id: Word

    def encode(self, market: Market) -> Call:
        return build_call(self.name, market.address, to_bytes(self.project_id))


class Deposit(CallRequest):
    """Adds free stake. To enrol takes a project's `min_stake` of it."""

    name: Literal["deposit"]
    token: AddressText
    amount: StakeAmount
    permit: PermitFields | None = None

    def encode(self, market: Market) -> Call:
        place = (market.address, Address(self.token), int(self.amount))
        if self.permit is None:
            return build_call("deposit", *place)
        return build_call("depositWithPermit", *place, self.permit.to_record())


class Unbond(CallRequest):
    """Starts to take free stake back: `withdraw` does, once the delay is over."""

    name: Literal["unbond"]
    token: AddressText
    amount: StakeAmount

    def encode(self, market: Market) -> Call:
        return build_call("unbond", market.address, Address(self.token), int(self.amount))


class PayOut(CallRequest):
    """Takes out credit (`claim`) or unbonded stake (`withdraw`)."""

    name: Literal["claim", "withdraw"]
    token: AddressText
    recipient: AddressText

    def encode(self, market: Market) -> Call:
        return build_call(self.name, market.address, Address(self.token), Address(self.recipient))


class RegisterKey(CallRequest):
    """Registers an X25519 key (`registerKey`), or a hybrid one by its sha2-256 digest (`registerHybridKey`)."""

    name: Literal["registerKey", "registerHybridKey"]
    key: Word

    def encode(self, market: Market) -> Call:
        return build_call(self.name, market.address, to_bytes(self.key))


class Attest(CallRequest):
    """A trainer's vote on an aggregate: whether its own commitment opens to what is in it."""

    name: Literal["attest"]
    project_id: Word
    round: RoundIndex
    opens: bool

    def encode(self, market: Market) -> Call:
        return build_call("attest", market.address, to_bytes(self.project_id), self.round, self.opens)


class PublishKeys(CallRequest):
    """Makes wrapped keys of a confidential project known."""

    name: Literal["publishKeys"]
    project_id: Word
    manifest_cid: CidField

    def encode(self, market: Market) -> Call:
        return build_call("publishKeys", market.address, to_bytes(self.project_id), Cid.parse(self.manifest_cid))


class GrantAccess(CallRequest):
    """Lets somebody outside a project read its models from a round on."""

    name: Literal["grantAccess"]
    project_id: Word
    reader: AddressText
    from_round: RoundIndex
    manifest_cid: CidField

    def encode(self, market: Market) -> Call:
        manifest = Cid.parse(self.manifest_cid)
        grant = (to_bytes(self.project_id), Address(self.reader), self.from_round, manifest)
        return build_call("grantAccess", market.address, *grant)


class RevokeAccess(CallRequest):
    """Closes to a reader what is published from now on."""

    name: Literal["revokeAccess"]
    project_id: Word
    reader: AddressText

    def encode(self, market: Market) -> Call:
        return build_call("revokeAccess", market.address, to_bytes(self.project_id), Address(self.reader))


class RegisterAggregator(CallRequest):
    """Offers to aggregate projects in a token, within these terms. Each takes its stake of the free stake."""

    name: Literal["registerAggregator"]
    token: AddressText
    max_stake: StakeAmount
    max_dimension: int = Field(ge=1, le=2**32 - 1, examples=[1_000_000])
    min_settle_seconds: int = Field(ge=0, le=2**32 - 1, examples=[600])
    min_fee_bps: int = Field(ge=0, le=10_000, examples=[500])

    def encode(self, market: Market) -> Call:
        terms = AggregatorTerms(int(self.max_stake), self.max_dimension, self.min_settle_seconds, self.min_fee_bps)
        return build_call("registerAggregator", market.address, Address(self.token), terms)


class UnregisterAggregator(CallRequest):
    """Takes an offer back."""

    name: Literal["unregisterAggregator"]
    token: AddressText

    def encode(self, market: Market) -> Call:
        return build_call("unregisterAggregator", market.address, Address(self.token))


AnyCall = Annotated[
    Approve
    | CreateProject
    | ProjectCall
    | Deposit
    | Unbond
    | PayOut
    | RegisterKey
    | Attest
    | PublishKeys
    | GrantAccess
    | RevokeAccess
    | RegisterAggregator
    | UnregisterAggregator,
    Field(discriminator="name"),
]


def to_bytes(word: str) -> bytes:
    """The bytes that 0x-hex spells."""
    return bytes.fromhex(word[2:])
