"""Every expected failure, sorted by whose fault it is, because the caller's next action depends on that.

```text
ProtocolError                   everything that is expected in normal operation
  x VerificationError           somebody sent something false                         exit code 3
    + ProofRejectedError        + CommitmentMismatchError   + MalformedUpdateError
    + PayloadError              + BlobMismatchError         + EvidenceError
    + MalformedModelError       + MalformedCidError         + MalformedBlobError
  x ChainError                  the chain said no, or could not be asked               exit code 4
    + TransactionRevertedError  one subclass per custom error, in `steelyard.chain.reverts`
    + ChainUnavailableError     + ChainTimeoutError         + WrongChainError
  x StorageError                the blob store                                         exit code 5
    + BlobNotFoundError         + BlobTooLargeError         + StorageUnavailableError
    + ReadOnlyStoreError
  x AggregationError            honest inputs that are not enough                      exit code 6
    + TooFewUpdatesError        + TooManyExclusionsError
  x ConfigError                 settings, files and data of the person at the keyboard exit code 7
    + DataError                 + KeystoreError             + SpecError             + SrsError
    + AccessError
```

A blob with the wrong hash is a `VerificationError`: the store answered, the content lied.
A mistake of our own is never one of these: it is a plain Python exception, and nobody catches it.
"""

from typing import ClassVar


class ProtocolError(Exception):
    """Base of everything expected. `exit_code` is the CLI's, `hint` is printed below the message."""

    exit_code: ClassVar[int] = 1
    hint: str = ""


class VerificationError(ProtocolError):
    """A counterparty sent something false."""

    exit_code = 3


class ProofRejectedError(VerificationError):
    """A Gram proof does not verify. `reason` names the check."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the Gram proof was rejected: {reason}")
        self.reason = reason


class CommitmentMismatchError(VerificationError):
    """A vector does not open the commitment that was posted for it."""

    def __init__(self, subject: str, blocks: tuple[int, ...] = ()) -> None:
        where = f" in block {', '.join(map(str, blocks))}" if blocks else ""
        super().__init__(f"{subject} does not open its commitment{where}")
        self.subject = subject
        self.blocks = blocks


class MalformedUpdateError(VerificationError):
    """An update has a wrong shape or type, NaN or infinity, entries out of range, or nothing but zeros."""


class NonFiniteUpdateError(MalformedUpdateError):
    """An update has entries that are NaN or infinite."""

    hint = "The training diverged: lower the learning rate, or look for NaN in the data."

    def __init__(self, count: int, dimension: int, first_index: int) -> None:
        super().__init__(f"{count:,} of {dimension:,} entries are NaN or infinite, the first at index {first_index:,}")
        self.count = count
        self.dimension = dimension
        self.first_index = first_index


class ZeroUpdateError(MalformedUpdateError):
    """Every entry of an update is zero once it is quantised: there is nothing to weigh."""

    hint = "Train for longer, raise the learning rate, or sit this round out: the model may have converged."

    def __init__(self, dimension: int, largest: float, scale: int) -> None:
        super().__init__(f"all {dimension:,} entries round to zero at scale {scale:,}: the largest is {largest:.3g}")
        self.dimension = dimension
        self.largest = largest
        self.scale = scale


class PayloadError(VerificationError):
    """A payload or an aggregate cannot be opened, or is not what its format asks. `reason` is for machines."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class MalformedModelError(VerificationError):
    """A model's parameters have other names, shapes or types than its specification says, or are not finite."""


class MalformedCidError(VerificationError):
    """A content identifier is not a CIDv1 of sha2-256, raw or dag-pb, in lower-case base32."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is not a content identifier that Steelyard accepts: {reason}")
        self.text = text
        self.reason = reason


class BlobMismatchError(VerificationError):
    """Bytes do not hash to the identifier that they were asked for by."""

    def __init__(self, cid: str, got: str) -> None:
        super().__init__(f"asked for {cid}, the store's bytes hash to {got}")
        self.cid = cid
        self.got = got


class MalformedBlobError(VerificationError):
    """Genuine blocks that are not a file as Steelyard lays files out. No store is to blame, whoever named it is."""

    def __init__(self, cid: str, reason: str) -> None:
        super().__init__(f"{cid} is not a file that Steelyard accepts: {reason}")
        self.cid = cid
        self.reason = reason


class EvidenceError(VerificationError):
    """An evidence bundle is malformed, or its weights or shares are not what its own matrix gives."""


class ChainError(ProtocolError):
    """The chain said no, or could not be asked."""

    exit_code = 4


class TransactionRevertedError(ChainError):
    """A call or transaction reverted. Custom errors have a subclass each in `steelyard.chain.reverts`."""

    def __init__(self, error_name: str, arguments: tuple[object, ...] = (), tx_hash: str | None = None) -> None:
        listed = ", ".join(str(argument) for argument in arguments)
        super().__init__(f"reverted with {error_name}({listed})" + (f" in {tx_hash}" if tx_hash else ""))
        self.error_name = error_name
        self.arguments = arguments
        self.tx_hash = tx_hash


class ChainUnavailableError(ChainError):
    """No answer from the node."""


class ChainTimeoutError(ChainError):
    """A transaction was not mined in time."""


class WrongChainError(ChainError):
    """The node serves another chain, or no Steelyard contract stands at the address given."""


class StorageError(ProtocolError):
    """The blob store failed."""

    exit_code = 5


class BlobNotFoundError(StorageError):
    """The store does not have this content."""

    def __init__(self, cid: str) -> None:
        super().__init__(f"{cid} was not found")
        self.cid = cid


class BlobTooLargeError(StorageError):
    """Content is larger than the reader agreed to read."""

    def __init__(self, cid: str, limit: int) -> None:
        super().__init__(f"{cid} is larger than {limit:,} bytes")
        self.cid = cid
        self.limit = limit


class StorageUnavailableError(StorageError):
    """No answer from the store."""


class ReadOnlyStoreError(StorageError):
    """Something should be kept by a store that only hands out."""

    hint = "Add a store that writes: `local:PATH`, `kubo:http://HOST:PORT`, or several joined by ` + `."


class AggregationError(ProtocolError):
    """The inputs are honest but not enough."""

    exit_code = 6


class TooFewUpdatesError(AggregationError):
    """A rule needs `n ≥ 2f + 3` rows."""

    def __init__(self, n: int, f: int) -> None:
        super().__init__(f"{n} updates cannot be weighed with f = {f}: at least {max(3, 2 * f + 3)} are needed")
        self.n = n
        self.f = f


class RootUnusableError(AggregationError):
    """The owner's root cannot be read, or does not open its commitments."""

    hint = "Without it the round cannot be weighed. It is given up, which costs nobody a stake, and repeated."

    def __init__(self, reason: str) -> None:
        super().__init__(f"the owner's root is {reason}")
        self.reason = reason


class TooManyExclusionsError(AggregationError):
    """More submissions are unusable than the round tolerates: it can only be abandoned."""

    def __init__(self, excluded: int, limit: int) -> None:
        super().__init__(f"{excluded} submissions are unusable, the round tolerates {limit}")
        self.excluded = excluded
        self.limit = limit


class ConfigError(ProtocolError):
    """Settings, files or data of the person at the keyboard."""

    exit_code = 7


class DataError(ConfigError):
    """A data set has a wrong shape, labels out of range, NaN, or cannot be read."""


class KeystoreError(ConfigError):
    """A keystore cannot be read, has unsafe permissions, or its passphrase is wrong."""


class AccessError(ConfigError):
    """Something is encrypted, and not for the keys at hand."""


class SpecError(ConfigError):
    """A project or model specification breaks its schema. `faults` are what is wrong, one by one."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class SrsError(ConfigError):
    """A structured reference string is not the one that was pinned, or is inconsistent."""
