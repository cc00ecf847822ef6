"""What writers ask of the chain's node: contract wallets' word, the figures of a transaction, and to broadcast one."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from hexbytes import HexBytes
from web3 import Web3

from backend.errors import NotFoundError
from steelyard.chain.client import Marketplace
from steelyard.chain.fees import Fees, compute_fees
from steelyard.chain.reverts import OutOfGasError
from steelyard.chain.rpc import translated
from steelyard.chain.token import PermitDomain, Token
from steelyard.chain.transactions import TRANSACTION_GAS_CAP, SendPolicy
from steelyard.errors import TransactionRevertedError, WrongChainError
from steelyard.types import Address

ERC1271_MAGIC = bytes.fromhex("1626ba7e")
"""`isValidSignature(bytes32,bytes)`: both its selector and what it answers for a good signature (ERC-1271)."""


_SYMBOL: Final = re.compile(r"[!-~]{1,16}", re.ASCII)
"""What is shown as a token's symbol: nothing that could pass for something else on a page."""

MAX_DECIMALS: Final = 77
"""More, and not even one whole token fits 256 bits."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a transaction of an account needs besides its call."""

    nonce: int
    gas: int
    fees: Fees


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token says of itself; None where it says nothing, or nothing that is one.

    Attributes:
      permit_domain: None where it takes no permits (ERC-2612 with EIP-5267), or says that it is another contract.
    """

    symbol: str | None
    decimals: int | None
    permit_domain: PermitDomain | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account has in a token, in its smallest unit.

    Attributes:
      allowance: what the spender may take.
      permit_nonce: of the next permit; None where the token takes none.
    """

    balance: int
    allowance: int
    permit_nonce: int | None


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
    def get_token(self, token: Address) -> TokenFacts:
        """What stands at an address, as a token.

        Raises:
          NotFoundError: nothing does.
        """

    @abstractmethod
    def get_holding(self, token: Address, account: Address, spender: Address) -> Holding:
        """What an account has in a token.

        Raises:
          NotFoundError: it is no token.
        """

    @abstractmethod
    def broadcast(self, raw: bytes) -> str:
        """Broadcasts a signed transaction and returns its hash."""

    @abstractmethod
    def get_unbonding_seconds(self, marketplace: Address) -> int:
        """How long stake takes to come back."""


T = TypeVar("T")


def _ask(read: Callable[[], T]) -> T | None:
    """What a contract answers; None where it reverts, or answers something else."""
    try:
        return read()
    except (TransactionRevertedError, WrongChainError, UnicodeDecodeError):
        return None


def _open_token(web3: Web3, token: Address) -> Token:
    try:
        return Token(web3, token)
    except WrongChainError:
        raise NotFoundError("token", token) from None


class Web3Node(Node):
    """A node by JSON-RPC."""

    def __init__(self, connect: Callable[[], Web3]) -> None:
        self._connect = connect
        self._policy = SendPolicy()
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

    def get_token(self, token: Address) -> TokenFacts:
        web3 = self._connect()
        contract = _open_token(web3, token)
        symbol = _ask(contract.get_symbol)
        decimals = _ask(contract.get_decimals)
        domain = _ask(contract.get_permit_domain)
        takes_permits = (
            domain is not None
            and domain.contract == token
            and domain.chain_id == web3.eth.chain_id
            and _ask(lambda: contract.get_permit_nonce(token)) is not None
        )
        return TokenFacts(
            symbol if symbol is not None and _SYMBOL.fullmatch(symbol) else None,
            decimals if decimals is not None and decimals <= MAX_DECIMALS else None,
            domain if takes_permits else None,
        )

    def get_holding(self, token: Address, account: Address, spender: Address) -> Holding:
        contract = _open_token(self._connect(), token)
        nonce = _ask(lambda: contract.get_permit_nonce(account))
        balance = _ask(lambda: contract.get_balance(account))
        allowance = _ask(lambda: contract.get_allowance(account, spender))
        if balance is None or allowance is None:
            raise NotFoundError("token", token)
        return Holding(balance, allowance, nonce)

    def broadcast(self, raw: bytes) -> str:
        web3 = self._connect()
        with translated():
            return web3.eth.send_raw_transaction(raw).to_0x_hex()

    def get_unbonding_seconds(self, marketplace: Address) -> int:
        if marketplace not in self._unbonding:
            self._unbonding[marketplace] = Marketplace(self._connect(), marketplace).get_unbonding_seconds()
        return self._unbonding[marketplace]
