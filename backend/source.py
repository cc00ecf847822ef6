"""What the indexer asks of a chain, and the adapter to a node.

A node may be behind, be restarted, or be several machines that disagree. So nothing it says about logs is used before
the block hashes around it agree.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.types import BlockData, BlockIdentifier

from backend.event_log import Facts
from steelyard.chain.client import Contract, Marketplace
from steelyard.chain.events import LoggedEvent, ProjectCreated, RoundSettled, decode_log
from steelyard.chain.logs import fetch_logs
from steelyard.chain.rpc import NodeError, translated
from steelyard.errors import ChainUnavailableError
from steelyard.types import Address


class InconsistentNodeError(ChainUnavailableError):
    """The node's answers do not fit together: it is behind, or the chain changed while it was asked. Ask again."""


@dataclass(frozen=True, slots=True)
class Header:
    """What identifies a block, and its time in Unix seconds."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int


class Source(ABC):
    """A chain's headers and the marketplace's events.

    Every method raises `ChainUnavailableError` where there is no answer, or none that can be trusted.
    """

    chain_id: int
    marketplace: Address

    @abstractmethod
    def get_head(self) -> Header:
        """The newest block."""

    @abstractmethod
    def get_header(self, number: int) -> Header:
        """The canonical block of this number."""

    @abstractmethod
    def get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
        """Events of a range of blocks, both ends included."""

    @abstractmethod
    def get_block_events(self, block_hash: bytes) -> Sequence[LoggedEvent]:
        """Events of one block. A node that does not know the block says so, instead of having no events."""

    @abstractmethod
    def get_facts(self, logged: LoggedEvent) -> Facts:
        """What an event leaves out."""


class NodeSource(Source):
    """A marketplace on a JSON-RPC node."""

    def __init__(self, marketplace: Marketplace) -> None:
        self._web3 = marketplace.web3
        self.marketplace = marketplace.address
        self.chain_id = marketplace.chain_id

    def get_head(self) -> Header:
        return self._get_header("latest")

    def get_header(self, number: int) -> Header:
        return self._get_header(number)

    def get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
        return _decode(fetch_logs(self._web3, self.marketplace, [], first, last))

    def get_block_events(self, block_hash: bytes) -> Sequence[LoggedEvent]:
        try:
            with translated():
                logs = self._web3.eth.get_logs(
                    {"address": cast("ChecksumAddress", self.marketplace), "blockHash": HexBytes(block_hash)}
                )
        except NodeError as error:
            raise InconsistentNodeError(f"block 0x{block_hash.hex()} is not known: {error.message}") from error
        return _decode(cast("Iterable[Mapping[str, Any]]", logs))

    def get_facts(self, logged: LoggedEvent) -> Facts:
        match logged.event:
            case RoundSettled():
                return Facts(gas_used=self._get_gas_used(logged.tx_hash))
            case ProjectCreated(params=params):
                rule = Contract(self._web3, params.rule, "IWeighingRule")
                verifier = Contract(self._web3, params.verifier, "IGramVerifier")
                return Facts(rule_name=rule.read(str, "name"), powers=verifier.read(int, "powers"))
            case _:
                return Facts()

    def _get_header(self, block: BlockIdentifier) -> Header:
        try:
            with translated():
                return _read_header(self._web3.eth.get_block(block))
        except NodeError as error:
            if isinstance(error.__cause__, BlockNotFound):
                raise InconsistentNodeError(f"block {block!r} is not known") from error
            raise

    def _get_gas_used(self, tx_hash: bytes) -> int:
        try:
            with translated():
                return self._web3.eth.get_transaction_receipt(HexBytes(tx_hash))["gasUsed"]
        except NodeError as error:
            if isinstance(error.__cause__, TransactionNotFound):
                raise InconsistentNodeError(f"no receipt of 0x{tx_hash.hex()}") from error
            raise


def _decode(logs: Iterable[Mapping[str, Any]]) -> list[LoggedEvent]:
    return [event for log in logs if not log.get("removed") and (event := decode_log(log)) is not None]


def _read_header(block: BlockData) -> Header:
    return Header(block["number"], bytes(block["hash"]), bytes(block["parentHash"]), block["timestamp"])
