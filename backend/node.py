"""What writers ask of the chain's node: contract wallets' word, the figures of a transaction, and to broadcast one."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from hexbytes import HexBytes
from web3 import Web3

from steelyard.chain.client import Marketplace
from steelyard.chain.fees import Fees, compute_fees
from steelyard.chain.reverts import OutOfGasError
from steelyard.chain.rpc import translated
from steelyard.chain.token import Token
from steelyard.chain.transactions import TRANSACTION_GAS_CAP, SendPolicy
from steelyard.errors import TransactionRevertedError, WrongChainError
from steelyard.types import Address

T = TypeVar("T")

MAX_SYMBOL: Final = 32

ERC1271_MAGIC = bytes.fromhex("1626ba7e")
"""`isValidSignature(bytes32,bytes)`: both its selector and what it answers for a good signature (ERC-1271)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a transaction of an account needs besides its call."""

    nonce: int
    gas: int
    fees: Fees


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token says of itself, which is its own word; None for what it does not say as ERC-20 has it."""

    symbol: str | None
    decimals: int | None


class Node(ABC):
    """A node. Every method raises `ChainError` where it does not answer."""

    @abstractmethod
    def is_valid_signature(self, contract: Address, digest: bytes, signature: bytes) -> bool:
        """Whether a contract wallet stands at an address and says that the signature is good."""

    @abstractmethod
    def get_figures(self, sender: Address, to: Address, data: bytes) -> Figures:
        """Simulates a call.

        Raises:
          TransactionRevertedError: it would revert.
        """

    @abstractmethod
    def broadcast(self, raw: bytes) -> str:
        """Broadcasts a signed transaction and returns its hash."""

    @abstractmethod
    def describe_token(self, token: Address) -> TokenFacts:
        """A token's symbol, of `MAX_SYMBOL` printable characters at most, and its decimals."""

    @abstractmethod
    def get_unbonding_seconds(self, marketplace: Address) -> int:
        """How long stake takes to come back."""


class Web3Node(Node):
    """A node by JSON-RPC."""

    def __init__(self, connect: Callable[[], Web3]) -> None:
        self._connect = connect
        self._policy = SendPolicy()
        self._tokens: dict[Address, TokenFacts] = {}
        self._unbonding: dict[Address, int] = {}

    def is_valid_signature(self, contract: Address, digest: bytes, signature: bytes) -> bool:
        web3 = self._connect()
        padded = signature + bytes(-len(signature) % 32)
        head = digest + (64).to_bytes(32, "big") + len(signature).to_bytes(32, "big")
        call = {"to": contract, "data": HexBytes(ERC1271_MAGIC + head + padded), "gas": 1_000_000}
        try:
            with translated():
                if not web3.eth.get_code(cast("Any", contract)):
                    return False
                answer = bytes(web3.eth.call(cast("Any", call)))
        except TransactionRevertedError:
            return False
        return answer == ERC1271_MAGIC.ljust(32, b"\0")

    def get_figures(self, sender: Address, to: Address, data: bytes) -> Figures:
        web3 = self._connect()
        call: Any = {"from": sender, "to": to, "data": HexBytes(data)}
        with translated():
            estimate = web3.eth.estimate_gas(call, "pending")
            nonce = web3.eth.get_transaction_count(cast("Any", sender), "pending")
            base_fee, tip = web3.eth.get_block("latest")["baseFeePerGas"], web3.eth.max_priority_fee
        if estimate > TRANSACTION_GAS_CAP:
            raise OutOfGasError(estimate)
        gas = min(estimate + estimate * self._policy.gas_margin_percent // 100, TRANSACTION_GAS_CAP)
        return Figures(nonce, gas, compute_fees(base_fee, tip, self._policy.max_fee_per_gas))

    def broadcast(self, raw: bytes) -> str:
        web3 = self._connect()
        with translated():
            return web3.eth.send_raw_transaction(raw).to_0x_hex()

    def describe_token(self, token: Address) -> TokenFacts:
        if token not in self._tokens:
            web3 = self._connect()
            symbol = _try(lambda: Token(web3, token).get_symbol())
            decimals = _try(lambda: Token(web3, token).get_decimals())
            clean = None if symbol is None else "".join(filter(str.isprintable, symbol))[:MAX_SYMBOL]
            self._tokens[token] = TokenFacts(clean or None, decimals)
        return self._tokens[token]

    def get_unbonding_seconds(self, marketplace: Address) -> int:
        if marketplace not in self._unbonding:
            self._unbonding[marketplace] = Marketplace(self._connect(), marketplace).get_unbonding_seconds()
        return self._unbonding[marketplace]


def _try(read: Callable[[], T]) -> T | None:
    """What a contract answers, or None where it has no such function or means something else by it."""
    try:
        return read()
    except (TransactionRevertedError, WrongChainError, UnicodeDecodeError):
        return None
