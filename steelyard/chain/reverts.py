"""Every way in which a call can revert, as an exception.

A custom error of Solidity has a class of its name with `Error` appended. The annotations of the class are the error's
arguments, in order and in snake case. `decode_revert` is the only place that makes them.
"""

import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from steelyard.chain.artifacts import abi_errors
from steelyard.chain.codec import AbiEntry, decode_parameters, from_abi, signature_hash
from steelyard.chain.records import ProjectStatus, RoundStatus
from steelyard.errors import TransactionRevertedError
from steelyard.types import Address, Digest, ProjectId

_STRING_SELECTOR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC_SELECTOR = bytes.fromhex("4e487b71")  # Panic(uint256)

_PANICS = {
    0x00: "a generic compiler panic",
    0x01: "a failed assertion",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "an invalid enum value",
    0x22: "a corrupt storage array",
    0x31: "pop from an empty array",
    0x32: "an index out of bounds",
    0x41: "too much memory",
    0x51: "a call of an unset function",
}


def decode_revert(data: bytes, tx_hash: str | None = None) -> TransactionRevertedError:
    """The exception for revert data. Never raises: what nothing here knows becomes an `UnknownRevertError`."""
    selector, body = data[:4], data[4:]
    if not data:
        return EmptyRevertError(tx_hash)
    try:
        if selector == _STRING_SELECTOR:
            return RevertStringError(decode(["string"], body)[0], tx_hash)
        if selector == _PANIC_SELECTOR:
            return PanicError(decode(["uint256"], body)[0], tx_hash)
        if selector in custom_errors():
            error, entry = custom_errors()[selector]
            values = zip(error.fields().values(), decode_parameters(entry["inputs"], body), strict=True)
            return error(*(from_abi(hint, value) for hint, value in values), tx_hash=tx_hash)
    except (DecodingError, ValueError):
        pass  # a foreign contract's data that share a selector with ours, or are cut short
    return UnknownRevertError(data, tx_hash)


@cache
def custom_errors() -> Mapping[bytes, tuple[type["CustomError"], AbiEntry]]:
    """Maps selectors to exception classes and ABI entries."""
    classes = {cls.solidity_name(): cls for cls in CustomError.__subclasses__()}
    return {
        signature_hash(entry)[:4]: (classes[name], entry) for name, entry in abi_errors().items() if name in classes
    }


class EmptyRevertError(TransactionRevertedError):
    """A revert without data: a plain `revert()`, a call of what is not there, or gas that ran out in an inner call."""

    def __init__(self, tx_hash: str | None = None) -> None:
        super().__init__("no reason", (), tx_hash)


class OutOfGasError(TransactionRevertedError):
    """A transaction used all the gas it was given, or would need more than it may have."""

    def __init__(self, gas: int | None = None, tx_hash: str | None = None) -> None:
        super().__init__("OutOfGas", () if gas is None else (gas,), tx_hash)
        self.gas = gas


class RevertStringError(TransactionRevertedError):
    """`require(…, "reason")`, which only foreign contracts use."""

    def __init__(self, reason: str, tx_hash: str | None = None) -> None:
        super().__init__("Error", (reason,), tx_hash)
        self.reason = reason


class PanicError(TransactionRevertedError):
    """A check that the compiler put in failed: a bug in a contract."""

    def __init__(self, code: int, tx_hash: str | None = None) -> None:
        super().__init__("Panic", (f"0x{code:02x}", _PANICS.get(code, "an unknown code")), tx_hash)
        self.code = code


class UnknownRevertError(TransactionRevertedError):
    """A custom error of a contract that is not Steelyard's."""

    def __init__(self, data: bytes, tx_hash: str | None = None) -> None:
        super().__init__(f"0x{data[:4].hex()}", (f"0x{data[4:].hex()}",) if data[4:] else (), tx_hash)
        self.data = data


class CustomError(TransactionRevertedError):
    """Base of the classes below, one for each custom error. Arguments are attributes."""

    def __init__(self, *arguments: object, tx_hash: str | None = None) -> None:
        named = dict(zip(self.fields(), arguments, strict=True))
        shown = tuple(f"{name} = {_show(value)}" for name, value in named.items())
        super().__init__(self.solidity_name(), shown, tx_hash)
        self.arguments = arguments
        for name, value in named.items():
            setattr(self, name, value)

    @classmethod
    def solidity_name(cls) -> str:
        """The error's name in Solidity."""
        return cls.__name__.removesuffix("Error")

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Names and types of the arguments, in order."""
        hints = typing.get_type_hints(cls)
        return {name: hints[name] for name in cls.__annotations__}


def _show(value: object) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return getattr(value, "name", None) or str(value)


class PrecompilesUnavailableError(CustomError):
    """The chain lacks the BLS12-381 precompiles of EIP-2537."""


class InvalidSrsError(CustomError):
    """The SRS that a verifier is deployed with is malformed."""


class InvalidLengthError(CustomError):
    """A byte string of a proof does not have the length that `n`, `d` and the SRS give."""

    actual: int
    expected: int


class InvalidSizeError(CustomError):
    """No rows, no dimensions, or more commitments than the verifier handles."""

    n: int
    d: int


class NonCanonicalScalarError(CustomError):
    """A scalar is not below the group order."""

    scalar: int


class DegenerateChallengeError(CustomError):
    """The evaluation challenge is 0, 1 or -1."""

    z: int


class InvalidPointError(CustomError):
    """A point is off the curve or outside the subgroup."""

    precompile: Address


class InsufficientGasError(CustomError):
    """The gas left does not cover a precompile call. Says nothing about the proof."""

    required: int
    available: int


class ProofRejectedError(CustomError):
    """The pairing equation does not hold."""


class InvalidGramLengthError(CustomError):
    """A Gram matrix does not have the length that `n` gives."""

    actual: int
    expected: int


class TooFewRowsError(CustomError):
    """`n < 2f + 3`."""

    n: int
    f: int


class TooManyRowsError(CustomError):
    """More rows than a set in the hints has bits."""

    n: int
    limit: int


class NegativeNormError(CustomError):
    """A squared norm on the diagonal is negative: the row is no vector of integers."""

    row: int


class InvalidHintLengthError(CustomError):
    """A hint does not have the length that the rule needs."""

    actual: int
    expected: int


class WrongHintError(CustomError):
    """A hinted set is not the one that the rule's order gives."""

    step: int
    row: int


class InvalidParameterError(CustomError):
    """A project parameter is out of bounds; `name` is its ASCII name, zero-padded."""

    name: bytes
    value: int


class NotOfferedError(CustomError):
    """A rule or verifier is not among those fixed at deployment."""

    component: Address


class InvalidCidError(CustomError):
    """A content identifier has another codec than raw or dag-pb, or no digest."""

    digest: bytes
    codec: int


class ZeroValueError(CustomError):
    """An address or amount is zero where that makes no sense."""


class UnexpectedTransferAmountError(CustomError):
    """A token delivered another amount than was sent."""

    token: Address
    received: int
    expected: int


class NotAuthorizedError(CustomError):
    """The caller may not do this for the project."""

    caller: Address
    expected: Address


class ProjectNotInStatusError(CustomError):
    """A project is not in the status that the call needs."""

    project_id: ProjectId
    current: ProjectStatus
    expected: ProjectStatus


class RoundNotInStatusError(CustomError):
    """The current attempt is not in the status that the call needs."""

    project_id: ProjectId
    current: RoundStatus
    expected: RoundStatus


class WrongRoundError(CustomError):
    """The call names another round than the current one."""

    project_id: ProjectId
    given: int
    current: int


class NothingToDoError(CustomError):
    """Nothing waits for `poke`."""

    project_id: ProjectId


class EnrolmentClosedError(CustomError):
    """Enrolment has ended."""

    project_id: ProjectId
    deadline: int


class TooFewTrainersError(CustomError):
    """Not enough trainers to start yet."""

    project_id: ProjectId
    enrolled: int
    required: int


class ProjectFullError(CustomError):
    """Every place is taken."""

    project_id: ProjectId
    max_trainers: int


class AlreadyEnrolledError(CustomError):
    """Somebody enrols twice."""

    project_id: ProjectId
    trainer: Address


class NotEnrolledError(CustomError):
    """The account is not an active member."""

    project_id: ProjectId
    account: Address


class ReputationTooLowError(CustomError):
    """A trainer's reputation is below the project's minimum."""

    trainer: Address
    reputation: int
    required: int


class KeyMissingError(CustomError):
    """An account has not registered an encryption key."""

    account: Address


class InsufficientStakeError(CustomError):
    """A stake or unbonding amount does not cover the call."""

    account: Address
    token: Address
    available: int
    required: int


class StillUnbondingError(CustomError):
    """Unbonding has not ended."""

    account: Address
    token: Address
    available_at: int


class NoAggregatorError(CustomError):
    """Nobody registered can be drawn for the project."""

    project_id: ProjectId


class AggregatorRegistrationError(CustomError):
    """An aggregator registers twice, or unregisters without having registered."""

    account: Address
    token: Address
    registered: bool


class OwnerMayNotTrainError(CustomError):
    """The owner of a rooted project enrols in it."""

    project_id: ProjectId
    owner: Address


class NotRootedError(CustomError):
    """A root is submitted to a project whose rule has no use for one."""

    project_id: ProjectId


class AlreadySubmittedError(CustomError):
    """A trainer, or an owner with a root, submits twice in one attempt."""

    project_id: ProjectId
    trainer: Address


class DuplicateCommitmentError(CustomError):
    """A commitment hash was already submitted in this attempt."""

    project_id: ProjectId
    commitment_hash: Digest


class UnknownSubmissionError(CustomError):
    """Commitments of a settlement's row hash to nothing that was submitted, or are out of order."""

    project_id: ProjectId
    row: int
    commitment_hash: Digest


class SubmissionMismatchError(CustomError):
    """A settlement's rows and exclusions are not all submissions in their order."""

    project_id: ProjectId
    row: int
    index: int
    expected: int


class TooManyExclusionsError(CustomError):
    """A settlement excludes more than the round tolerates; it can only be abandoned."""

    project_id: ProjectId
    excluded: int
    limit: int


class InvalidExclusionError(CustomError):
    """An exclusion has no reason, or exclusions are not ascending."""

    position: int


class InvalidSettlementLengthError(CustomError):
    """A byte string in a settlement has the wrong length."""

    actual: int
    expected: int


class NotAttesterError(CustomError):
    """The caller has no vote in this attempt."""

    project_id: ProjectId
    account: Address


class AlreadyAttestedError(CustomError):
    """An attester votes twice."""

    project_id: ProjectId
    account: Address


class NothingToClaimError(CustomError):
    """There is nothing to claim or burn."""

    account: Address
    token: Address


class ERC20InsufficientBalanceError(CustomError):
    """The sender has too few tokens."""

    sender: Address
    balance: int
    needed: int


class ERC20InsufficientAllowanceError(CustomError):
    """The spender was approved for too little."""

    spender: Address
    allowance: int
    needed: int


class ERC20InvalidSenderError(CustomError):
    """The token refuses the sender."""

    sender: Address


class ERC20InvalidReceiverError(CustomError):
    """The token refuses the receiver."""

    receiver: Address


class ERC20InvalidApproverError(CustomError):
    """The token refuses the approver."""

    approver: Address


class ERC20InvalidSpenderError(CustomError):
    """The token refuses the spender."""

    spender: Address


class ERC2612ExpiredSignatureError(CustomError):
    """A permit is past its deadline."""

    deadline: int


class ERC2612InvalidSignerError(CustomError):
    """A permit was signed by somebody else."""

    signer: Address
    owner: Address


class InvalidAccountNonceError(CustomError):
    """A permit has been used."""

    account: Address
    current_nonce: int


class ECDSAInvalidSignatureError(CustomError):
    """A signature recovers to nobody."""


class ECDSAInvalidSignatureLengthError(CustomError):
    """A signature is not 65 bytes long."""

    length: int


class ECDSAInvalidSignatureSError(CustomError):
    """A signature is in the upper half of the group order."""

    s: bytes


class InvalidShortStringError(CustomError):
    """A short string is malformed."""


class StringTooLongError(CustomError):
    """A string does not fit its slot."""

    str: str


class SafeERC20FailedOperationError(CustomError):
    """A token call failed without saying why."""

    token: Address


class ReentrancyGuardReentrantCallError(CustomError):
    """The contract was entered while it was being called."""


class SafeCastOverflowedUintDowncastError(CustomError):
    """A value does not fit a smaller integer."""

    bits: int
    value: int


class AddressEmptyCodeError(CustomError):
    """A call went to an address without code."""

    target: Address


class FailedCallError(CustomError):
    """A low-level call failed without saying why."""
