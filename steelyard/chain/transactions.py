"""Sending transactions so that each takes effect once, whatever the node does.

1. Simulate: a revert is known before gas is spent.
2. Take the lowest free nonce, sign and broadcast under a lock: no two threads share a nonce, no nonce is skipped.
3. Wait for the receipt without the lock. Until there is one, broadcast the *same nonce* again: the same bytes, or the
   same call with higher fees where the market has moved. A nonce is mined once, so the call takes effect once.
4. Only a block that shows another transaction at our nonce makes the call move to a new nonce.

A node that is down is waited for, up to the deadline. After a `ChainTimeoutError` the transaction may still be mined:
read the chain before trying again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any, TypeVar, cast

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionIndexingInProgress, TransactionNotFound
from web3.types import TxParams, TxReceipt

from steelyard.chain.events import Event, LoggedEvent, decode_log
from steelyard.chain.fees import Fees, compute_bump, compute_fees
from steelyard.chain.reverts import EmptyRevertError, OutOfGasError
from steelyard.chain.rpc import NodeError, translated
from steelyard.errors import ChainTimeoutError, ChainUnavailableError, TransactionRevertedError
from steelyard.types import Address

logger = logging.getLogger(__name__)

TRANSACTION_GAS_CAP = 16_777_216
"""EIP-7825: the most gas that one transaction may have."""

GWEI = 10**9

T = TypeVar("T")
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """How eagerly and at what price to send. Fees are in wei a gas."""

    max_fee_per_gas: int = 200 * GWEI  # never exceeded; the call waits for cheaper gas instead
    gas_margin_percent: int = 20  # on top of the estimate
    fee_bump_percent: int = 13  # nodes ask for at least 10 to replace a transaction
    resubmit_seconds: float = 24.0
    timeout_seconds: float = 300.0
    poll_seconds: float = 1.0
    confirmations: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that took effect. `gas_used` is the whole transaction's, `effective_gas_price` in wei."""

    tx_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    effective_gas_price: int
    contract_address: Address | None
    events: tuple[LoggedEvent, ...]

    def find(self, event: type[E]) -> E:
        """The first event of a class.

        Raises:
          LookupError: there is none.
        """
        for logged in self.events:
            if isinstance(logged.event, event):
                return logged.event
        raise LookupError(f"{self.tx_hash} emitted no {event.__name__}")


class _Answer(Enum):
    """What a node says to a broadcast."""

    ACCEPTED = auto()
    NONCE_TAKEN = auto()
    UNDERPRICED = auto()


@dataclass(slots=True)
class _Pending:
    """A call at its nonce. All `hashes` are the same call at different fees."""

    call: TxParams
    gas: int
    nonce: int
    next_block: int  # the first block not yet searched for this nonce
    fees: Fees
    raw: bytes = b""
    hashes: list[HexBytes] = field(default_factory=list)
    broadcast_at: float = 0.0


class Sender:
    """Sends transactions of one account. Threads may share it.

    Two programs with one key get by, but should not: calls that are alike to the byte, sent by both at one moment, are
    one transaction and take effect once.
    """

    def __init__(self, web3: Web3, account: LocalAccount, policy: SendPolicy | None = None) -> None:
        self.web3 = web3
        self.policy = policy or SendPolicy()
        self.address = Address(account.address)
        self._account = account
        self._chain_id: int | None = None
        self._lock = threading.Lock()
        self._in_flight: set[int] = set()

    def send(self, to: Address | None, data: bytes, *, value: int = 0, gas: int | None = None) -> Receipt:
        """Sends a call, or deploys `data` where `to` is None, and waits until it has taken effect.

        Args:
          gas: the limit; by default the estimate plus the policy's margin, within the cap of EIP-7825.

        Raises:
          TransactionRevertedError: in simulation, or (with `tx_hash`) on chain.
          ChainTimeoutError: not mined before the policy's deadline. It may be later.
          ChainUnavailableError: the node did not come back before the deadline.
          InsufficientFundsError: the account cannot pay for gas.
        """
        deadline = time.monotonic() + self.policy.timeout_seconds
        call: TxParams = {"from": cast("Any", self.address), "data": HexBytes(data), "value": cast("Any", value)}
        if to is not None:
            call["to"] = to
        while True:
            limit = gas or self._persist(partial(self._estimate_gas, call), deadline)
            pending = self._launch(call, limit, deadline)
            try:
                receipt = self._wait(pending, deadline)
            finally:
                with self._lock:
                    self._in_flight.discard(pending.nonce)
            if receipt is not None:
                return self._finish(pending, receipt)
            logger.warning("nonce %d of %s was used elsewhere, sending again", pending.nonce, self.address)

    # Simulation and fees

    def _estimate_gas(self, call: TxParams) -> int:
        with translated():
            estimate = self.web3.eth.estimate_gas(call, "pending")
        if estimate > TRANSACTION_GAS_CAP:
            raise OutOfGasError(estimate)
        return min(estimate + estimate * self.policy.gas_margin_percent // 100, TRANSACTION_GAS_CAP)

    def _market(self) -> tuple[int, int]:
        """The base fee and the tip that the node suggests."""
        with translated():
            return self.web3.eth.get_block("latest")["baseFeePerGas"], self.web3.eth.max_priority_fee

    # Nonces, signing, broadcasting

    def _launch(self, call: TxParams, gas: int, deadline: float) -> _Pending:
        with self._locked(deadline):
            skipped: set[int] = set()
            while True:
                pending = self._persist(partial(self._prepare, call, gas, skipped), deadline)
                if self._persist(partial(self._is_first, pending), deadline):
                    self._in_flight.add(pending.nonce)
                    return pending
                skipped.add(pending.nonce)

    def _is_first(self, pending: _Pending) -> bool:
        """Broadcasts. False where another program's transaction has the nonce: replacing it would undo its effect."""
        answer = self._broadcast(pending)
        return answer is _Answer.ACCEPTED or (answer is _Answer.NONCE_TAKEN and not self._is_replaced(pending))

    def _prepare(self, call: TxParams, gas: int, skipped: set[int]) -> _Pending:
        with translated():
            nonce = self.web3.eth.get_transaction_count(cast("Any", self.address), "pending")
            block = self.web3.eth.block_number
        while nonce in self._in_flight or nonce in skipped:
            nonce = type(nonce)(nonce + 1)
        fees = compute_fees(*self._market(), self.policy.max_fee_per_gas)
        pending = _Pending(call, gas, nonce, block, fees)
        self._sign(pending)
        return pending

    def _sign(self, pending: _Pending) -> None:
        if self._chain_id is None:
            with translated():
                self._chain_id = self.web3.eth.chain_id
        signed = self._account.sign_transaction(
            {
                **cast("Any", {key: value for key, value in pending.call.items() if key != "from"}),
                "chainId": self._chain_id,
                "gas": pending.gas,
                "maxFeePerGas": pending.fees.max_fee,
                "maxPriorityFeePerGas": pending.fees.tip,
                "nonce": pending.nonce,
                "type": 2,
            }
        )
        pending.raw = bytes(signed.raw_transaction)
        pending.hashes.append(HexBytes(signed.hash))

    def _broadcast(self, pending: _Pending) -> _Answer:
        try:
            with translated():
                self.web3.eth.send_raw_transaction(pending.raw)
        except NodeError as error:
            answer = _classify(error)
            if answer is None:
                raise
        else:
            answer = _Answer.ACCEPTED
        pending.broadcast_at = time.monotonic()
        return answer

    # Waiting

    def _wait(self, pending: _Pending, deadline: float) -> TxReceipt | None:
        """The receipt, or None where another transaction has used the nonce."""
        pause = min(0.02, self.policy.poll_seconds)
        while True:
            receipt, replaced = self._persist(partial(self._look, pending), deadline, pending)
            if receipt is not None or replaced:
                return receipt
            if time.monotonic() > deadline:
                hashes = ", ".join(tx_hash.to_0x_hex() for tx_hash in pending.hashes)
                raise ChainTimeoutError(f"{hashes} was not mined within {self.policy.timeout_seconds:g} s")
            time.sleep(pause)
            pause = min(2 * pause, self.policy.poll_seconds)

    def _look(self, pending: _Pending) -> tuple[TxReceipt | None, bool]:
        receipt = self._receipt(pending)
        if receipt is not None:
            with translated():
                depth = self.web3.eth.block_number - receipt["blockNumber"] + 1
            return (receipt, False) if depth >= self.policy.confirmations else (None, False)
        if time.monotonic() - pending.broadcast_at < self.policy.resubmit_seconds:
            return None, False
        return None, self._resubmit(pending)

    def _resubmit(self, pending: _Pending) -> bool:
        """Broadcasts again. True where another transaction was mined at the nonce."""
        cap = self.policy.max_fee_per_gas
        fees = compute_bump(pending.fees, *self._market(), self.policy.fee_bump_percent, cap)
        if fees is not None:
            pending.fees = fees
            self._sign(pending)
        try:
            answer = self._broadcast(pending)
        except NodeError as error:  # an earlier broadcast may be mined all the same
            logger.warning("broadcasting nonce %d of %s again: %s", pending.nonce, self.address, error)
            pending.broadcast_at = time.monotonic()
            return False
        return answer is _Answer.NONCE_TAKEN and self._is_replaced(pending)

    def _receipt(self, pending: _Pending) -> TxReceipt | None:
        for tx_hash in reversed(pending.hashes):
            try:
                with translated():
                    return self.web3.eth.get_transaction_receipt(tx_hash)
            except NodeError as error:
                if not isinstance(error.__cause__, TransactionNotFound | TransactionIndexingInProgress):
                    raise
        return None

    def _is_replaced(self, pending: _Pending) -> bool:
        """Searches the blocks since the first broadcast for a transaction of ours that is not this one."""
        with translated():
            latest = self.web3.eth.block_number
            for number in range(pending.next_block, latest + 1):
                block = self.web3.eth.get_block(number, full_transactions=True)
                for transaction in cast("list[Any]", block["transactions"]):
                    if transaction["from"] == self.address and transaction["nonce"] == pending.nonce:
                        return transaction["hash"] not in pending.hashes
                pending.next_block = number
        return False

    # After the receipt

    def _finish(self, pending: _Pending, receipt: TxReceipt) -> Receipt:
        tx_hash = receipt["transactionHash"].to_0x_hex()
        if receipt["status"] != 1:
            raise self._revert_of(pending, receipt, tx_hash)
        contract = receipt["contractAddress"]
        return Receipt(
            tx_hash=tx_hash,
            block_number=receipt["blockNumber"],
            block_hash=receipt["blockHash"].to_0x_hex(),
            gas_used=receipt["gasUsed"],
            effective_gas_price=receipt["effectiveGasPrice"],
            contract_address=Address(contract) if contract else None,
            events=tuple(event for log in receipt["logs"] if (event := decode_log(log)) is not None),
        )

    def _revert_of(self, pending: _Pending, receipt: TxReceipt, tx_hash: str) -> TransactionRevertedError:
        """Why a mined transaction reverted: the same call on the state before its block, if that still tells."""
        if receipt["gasUsed"] >= pending.gas:
            return OutOfGasError(pending.gas, tx_hash)
        try:
            with translated():
                self.web3.eth.call({**pending.call, "gas": pending.gas}, receipt["blockNumber"] - 1)
        except TransactionRevertedError as error:
            error.tx_hash = tx_hash
            error.add_note(f"in transaction {tx_hash}")
            return error
        except (NodeError, ChainUnavailableError):
            logger.info("the node does not know the state before %s any more", tx_hash)
        return EmptyRevertError(tx_hash)

    # Time

    def _persist(self, action: Callable[[], T], deadline: float, pending: _Pending | None = None) -> T:
        """Repeats an action while the node is unavailable. A node that comes back may have lost what was pending.

        What is pending is never given up for an error of the node's, such as a limit on requests: only at the deadline.
        """
        pause = 0.1
        while True:
            try:
                return action()
            except (ChainUnavailableError, NodeError) as error:
                refused = isinstance(error, NodeError)
                if time.monotonic() + pause > deadline or (refused and pending is None):
                    raise
                if pending is not None and not refused:
                    pending.broadcast_at = float("-inf")
            time.sleep(pause)
            pause = min(2 * pause, 5.0)

    @contextmanager
    def _locked(self, deadline: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise ChainTimeoutError(f"other transactions of {self.address} were not sent in time")
        try:
            yield
        finally:
            self._lock.release()


def _classify(error: NodeError) -> _Answer | None:
    """What the words of geth, Nethermind, Erigon, Besu and anvil mean; None for a refusal that will not change."""
    message = error.message.lower()
    for phrase, answer in (
        ("already known", _Answer.ACCEPTED),
        ("already imported", _Answer.ACCEPTED),
        ("alreadyknown", _Answer.ACCEPTED),
        ("known transaction", _Answer.ACCEPTED),
        ("nonce too low", _Answer.NONCE_TAKEN),
        ("oldnonce", _Answer.NONCE_TAKEN),
        ("replacement transaction underpriced", _Answer.UNDERPRICED),
        ("replacementnotallowed", _Answer.UNDERPRICED),
    ):
        if phrase in message:
            return answer
    return None
