"""Transactions for somebody else's wallet to sign, and signed ones to pass on. No key is ever here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from backend.errors import InvalidTransactionError
from backend.node import Figures
from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import encode_call
from steelyard.types import Address

MAX_RAW_BYTES: Final = 16_384
"""Longest signed transaction that is passed on: creating a project takes about 1,200."""

CallName = Literal[
    "approve",
    "createProject",
    "createProjectWithPermit",
    "cancel",
    "start",
    "poke",
    "claim",
    "deposit",
    "depositWithPermit",
    "unbond",
    "withdraw",
    "enrol",
    "leave",
    "attest",
    "registerKey",
    "registerHybridKey",
    "registerAggregator",
    "unregisterAggregator",
    "grantAccess",
    "revokeAccess",
    "publishKeys",
]
"""What can be made here: `approve` is the token's, all else the marketplace's."""


@dataclass(frozen=True, slots=True)
class Call:
    """A contract, and the call's data."""

    to: Address
    data: bytes


def build_call(name: CallName, to: Address, *arguments: object) -> Call:
    """Encodes a call by the contract's ABI."""
    artifact = load_artifact("TestToken" if name == "approve" else "ISteelyard")
    entry = next(each for each in artifact.abi if each["type"] == "function" and each["name"] == name)
    return Call(to, encode_call(entry, arguments))


def build_unsigned(call: Call, sender: Address, chain_id: int, figures: Figures) -> dict[str, str]:
    """The transaction as `eth_sendTransaction` and `eth_signTransaction` take it (EIP-1559): numbers are 0x-hex."""
    return {
        "type": "0x2",
        "chainId": hex(chain_id),
        "from": sender,
        "to": call.to,
        "nonce": hex(figures.nonce),
        "gas": hex(figures.gas),
        "maxFeePerGas": hex(figures.fees.max_fee),
        "maxPriorityFeePerGas": hex(figures.fees.tip),
        "value": "0x0",
        "data": "0x" + call.data.hex(),
    }


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What a signed transaction says."""

    sender: Address
    to: Address
    raw: bytes


def read_signed(raw: bytes, chain_id: int, contracts: frozenset[Address]) -> SignedTransaction:
    """Reads a signed EIP-1559 transaction that is meant for one of our contracts. Others are none of our business.

    Raises:
      InvalidTransactionError: it is malformed, of another type or chain, sends ether, or goes elsewhere.
    """
    if not raw.startswith(b"\x02"):
        raise InvalidTransactionError("it is not of type 2 (EIP-1559)")
    fields, sender = _decode(raw)
    if fields["chainId"] != chain_id:
        raise InvalidTransactionError(f"it is for chain {fields['chainId']}, not {chain_id}")
    if fields["value"]:
        raise InvalidTransactionError(f"it sends {fields['value']} wei: no call of ours takes ether")
    if len(fields["to"]) != 20:
        raise InvalidTransactionError("it creates a contract")
    to = Address(to_checksum_address(fields["to"]))
    if to not in contracts:
        raise InvalidTransactionError(f"it is for {to}, which is neither the marketplace nor a token of its projects")
    return SignedTransaction(sender, to, raw)


def _decode(raw: bytes) -> tuple[Mapping[str, Any], Address]:
    try:
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        return fields, Address(Account.recover_transaction(raw))
    except Exception as error:
        raise InvalidTransactionError("its bytes are no signed transaction") from error
