"""`Marketplace`: one typed method for each function of ISteelyard.sol, which documents them.

Reads take a block (a number, a hash, `latest`, `safe`, `finalized`). Calls that change state need a `Sender`, wait
until they have taken effect, and return a `Receipt` with their events. Both raise what `steelyard.chain.reverts` has.
"""

from collections.abc import Collection
from functools import cache
from typing import Any, TypeVar, cast

from eth_abi.exceptions import DecodingError
from web3 import Web3
from web3.types import BlockIdentifier

from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import AbiEntry, decode_parameters, encode_call, from_abi
from steelyard.chain.events import Event, LoggedEvent, build_topic_filters, decode_log
from steelyard.chain.logs import fetch_logs
from steelyard.chain.records import (
    AggregatorTerms,
    Member,
    Permit,
    Project,
    ProjectParams,
    ProjectStatus,
    Round,
    Settlement,
    Stake,
)
from steelyard.chain.rpc import translated
from steelyard.chain.transactions import Receipt, Sender
from steelyard.errors import ChainError, WrongChainError
from steelyard.types import Address, Cid, Digest, ProjectId

T = TypeVar("T")


class UnknownProjectError(ChainError):
    """No project has this id."""

    def __init__(self, project_id: ProjectId) -> None:
        super().__init__(f"there is no project 0x{project_id.hex()}")
        self.project_id = project_id


class Contract:
    """A contract at an address: encodes calls by its ABI, decodes results by type hints."""

    def __init__(self, web3: Web3, address: Address, artifact: str, sender: Sender | None = None) -> None:
        """Raises WrongChainError where no code stands at `address`."""
        self.web3 = web3
        self.address = address
        self.sender = sender
        self._functions = _functions(artifact)
        with translated():
            if not web3.eth.get_code(cast("Any", address)):
                raise WrongChainError(f"no contract stands at {address}")

    def read(self, hint: type[T], name: str, *arguments: object, block: BlockIdentifier = "latest") -> T:
        """Calls a view and decodes its result, or its results where `hint` is a tuple."""
        function = self._functions[name]
        with translated():
            data = self.web3.eth.call(
                {"to": cast("Any", self.address), "data": cast("Any", encode_call(function, arguments))}, block
            )
        outputs = function["outputs"]
        try:
            values = decode_parameters(outputs, bytes(data))
        except DecodingError as error:
            raise WrongChainError(f"the contract at {self.address} does not answer {name} as it should") from error
        return from_abi(hint, values[0] if len(outputs) == 1 else values)

    def write(self, name: str, *arguments: object) -> Receipt:
        """Sends a call as the sender's account."""
        if self.sender is None:
            raise RuntimeError(f"{name} needs a sender")
        return self.sender.send(self.address, encode_call(self._functions[name], arguments))


class Marketplace(Contract):
    """The Steelyard contract at an address of one chain."""

    def __init__(
        self, web3: Web3, address: Address, *, chain_id: int | None = None, sender: Sender | None = None
    ) -> None:
        """Connects.

        Raises:
          WrongChainError: the node serves another chain than `chain_id`, or no Steelyard stands at `address`.
          ChainUnavailableError: no answer.
        """
        with translated():
            served = web3.eth.chain_id
        if chain_id is not None and served != chain_id:
            raise WrongChainError(f"the node serves chain {served}, not {chain_id}")
        super().__init__(web3, address, "ISteelyard", sender)
        self.chain_id = served
        self.get_unbonding_seconds()  # a contract of another kind has no such function

    def as_sender(self, sender: Sender) -> "Marketplace":
        """The same marketplace for another account."""
        return Marketplace(self.web3, self.address, sender=sender)

    # Stakes and keys

    def register_key(self, key: bytes) -> Receipt:
        return self.write("registerKey", key)

    def register_hybrid_key(self, digest: bytes) -> Receipt:
        return self.write("registerHybridKey", digest)

    def deposit(self, token: Address, amount: int) -> Receipt:
        return self.write("deposit", token, amount)

    def deposit_with_permit(self, token: Address, amount: int, permit: Permit) -> Receipt:
        return self.write("depositWithPermit", token, amount, permit)

    def unbond(self, token: Address, amount: int) -> Receipt:
        return self.write("unbond", token, amount)

    def withdraw(self, token: Address, recipient: Address) -> Receipt:
        return self.write("withdraw", token, recipient)

    def register_aggregator(self, token: Address, terms: AggregatorTerms) -> Receipt:
        return self.write("registerAggregator", token, terms)

    def unregister_aggregator(self, token: Address) -> Receipt:
        return self.write("unregisterAggregator", token)

    # Projects

    def create_project(self, params: ProjectParams) -> Receipt:
        return self.write("createProject", params)

    def create_project_with_permit(self, params: ProjectParams, permit: Permit) -> Receipt:
        return self.write("createProjectWithPermit", params, permit)

    def cancel(self, project_id: ProjectId) -> Receipt:
        return self.write("cancel", project_id)

    def enrol(self, project_id: ProjectId) -> Receipt:
        return self.write("enrol", project_id)

    def leave(self, project_id: ProjectId) -> Receipt:
        return self.write("leave", project_id)

    def start(self, project_id: ProjectId) -> Receipt:
        return self.write("start", project_id)

    def poke(self, project_id: ProjectId) -> Receipt:
        return self.write("poke", project_id)

    # Rounds

    def submit(self, project_id: ProjectId, round_index: int, cid: Cid, commitment_hash: Digest) -> Receipt:
        return self.write("submit", project_id, round_index, cid, commitment_hash)

    def submit_root(self, project_id: ProjectId, round_index: int, cid: Cid, commitment_hash: Digest) -> Receipt:
        return self.write("submitRoot", project_id, round_index, cid, commitment_hash)

    def settle(self, project_id: ProjectId, round_index: int, settlement: Settlement) -> Receipt:
        return self.write("settle", project_id, round_index, settlement)

    def abandon(self, project_id: ProjectId, round_index: int) -> Receipt:
        return self.write("abandon", project_id, round_index)

    def attest(self, project_id: ProjectId, round_index: int, *, opens: bool) -> Receipt:
        return self.write("attest", project_id, round_index, opens)

    # Access

    def publish_keys(self, project_id: ProjectId, manifest: Cid) -> Receipt:
        return self.write("publishKeys", project_id, manifest)

    def grant_access(self, project_id: ProjectId, reader: Address, from_round: int, manifest: Cid) -> Receipt:
        return self.write("grantAccess", project_id, reader, from_round, manifest)

    def revoke_access(self, project_id: ProjectId, reader: Address) -> Receipt:
        return self.write("revokeAccess", project_id, reader)

    # Money out

    def claim(self, token: Address, recipient: Address) -> Receipt:
        return self.write("claim", token, recipient)

    def burn(self, token: Address) -> Receipt:
        return self.write("burn", token)

    # Views

    def get_unbonding_seconds(self, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "unbondingSeconds", block=block)

    def is_offered(self, component: Address, block: BlockIdentifier = "latest") -> bool:
        return self.read(bool, "isOffered", component, block=block)

    def get_key(self, account: Address, block: BlockIdentifier = "latest") -> bytes | None:
        """The account's X25519 public key; None if it has registered none."""
        key = self.read(bytes, "keyOf", account, block=block)
        return key if any(key) else None

    def get_hybrid_digest(self, account: Address, block: BlockIdentifier = "latest") -> bytes | None:
        """The sha2-256 of the account's hybrid public key; None if it has registered none."""
        digest = self.read(bytes, "hybridKeyOf", account, block=block)
        return digest if any(digest) else None

    def get_reputation(self, account: Address, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "reputationOf", account, block=block)

    def get_stake(self, account: Address, token: Address, block: BlockIdentifier = "latest") -> Stake:
        return self.read(Stake, "stakeOf", account, token, block=block)

    def get_credit(self, account: Address, token: Address, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "creditOf", account, token, block=block)

    def get_burnt(self, token: Address, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "burntOf", token, block=block)

    def get_nonce(self, owner: Address, block: BlockIdentifier = "latest") -> int:
        return self.read(int, "nonceOf", owner, block=block)

    def get_aggregator_terms(
        self, account: Address, token: Address, block: BlockIdentifier = "latest"
    ) -> AggregatorTerms | None:
        """The account's offer; None if it has made none."""
        registered, terms = self.read(tuple[bool, AggregatorTerms], "aggregatorTermsOf", account, token, block=block)
        return terms if registered else None

    def get_aggregators(self, token: Address, block: BlockIdentifier = "latest") -> tuple[Address, ...]:
        return self.read(tuple[Address, ...], "aggregatorsOf", token, block=block)

    def get_project(self, project_id: ProjectId, block: BlockIdentifier = "latest") -> Project:
        """Raises UnknownProjectError where there is none."""
        raw = self.read(tuple, "getProject", project_id, block=block)
        if ProjectStatus(raw[1]) is ProjectStatus.NONE:
            raise UnknownProjectError(project_id)
        return from_abi(Project, raw)

    def get_round(self, project_id: ProjectId, block: BlockIdentifier = "latest") -> Round:
        return self.read(Round, "getRound", project_id, block=block)

    def get_members(self, project_id: ProjectId, block: BlockIdentifier = "latest") -> tuple[Member, ...]:
        return self.read(tuple[Member, ...], "getMembers", project_id, block=block)

    def get_slot(self, project_id: ProjectId, account: Address, block: BlockIdentifier = "latest") -> int:
        """Raises NotEnrolledError where the account is no active member."""
        return self.read(int, "slotOf", project_id, account, block=block)

    # The chain itself

    def get_block_number(self) -> int:
        """Number of the latest block."""
        with translated():
            return self.web3.eth.block_number

    def get_timestamp(self, block: BlockIdentifier = "latest") -> int:
        """Time of a block, in Unix seconds."""
        with translated():
            return int(self.web3.eth.get_block(block)["timestamp"])

    def get_ether(self, account: Address) -> int:
        """What an account has to pay for gas with, in wei."""
        with translated():
            return int(self.web3.eth.get_balance(cast("Any", account)))

    # Events

    def get_events(
        self,
        from_block: int,
        to_block: int,
        *,
        kinds: Collection[type[Event]] = (),
        project_id: ProjectId | None = None,
    ) -> list[LoggedEvent]:
        """Events of the blocks from `from_block` to `to_block`, both included, in the order of the chain.

        Args:
          kinds: only events of these classes; all if empty.
          project_id: only events of this project.

        Raises:
          NodeError: the node refuses even a single block.
          ChainUnavailableError: no answer.
        """
        logs = [
            log
            for topics in build_topic_filters(kinds, project_id)
            for log in fetch_logs(self.web3, self.address, topics, from_block, to_block)
        ]
        events = [event for log in logs if (event := decode_log(log)) is not None]
        return sorted(events, key=lambda event: (event.block_number, event.log_index))

    def compute_project_id(self, params: ProjectParams, nonce: int) -> ProjectId:
        return self.read(ProjectId, "computeProjectId", params, nonce)


@cache
def _functions(artifact: str) -> dict[str, AbiEntry]:
    return {entry["name"]: entry for entry in load_artifact(artifact).abi if entry["type"] == "function"}
