"""The payload that a trainer stores for the aggregator of a round.

The plaintext is `SYU1 ‖ u32 d ‖ 32-byte blinder seed ‖ zstd of u as little-endian int16` (docs/protocol.md); it travels
encrypted (`steelyard.updates.encryption`). A trainer calls `seal_payload`, the aggregator `open_payload`.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from steelyard.errors import PayloadError
from steelyard.types import Seed, UpdateVector
from steelyard.updates.compression import compress, compute_compress_bound, decompress
from steelyard.updates.encryption import OVERHEAD_BYTES, EncryptionKeyPair, PayloadContext, decrypt, encrypt
from steelyard.updates.faults import PayloadFault

_MAGIC: Final = b"SYU1"
_FIXED_BYTES: Final = len(_MAGIC) + 4 + 32


@dataclass(frozen=True, slots=True, eq=False)
class UpdatePayload:
    """An update and the secret that its commitments are blinded with: all that opens them."""

    update: UpdateVector
    """`u`, shape `(d,)`, int16."""
    seed: Seed = field(repr=False)


def seal_payload(payload: UpdatePayload, aggregator_public_key: bytes, context: PayloadContext) -> bytes:
    """The encrypted payload, ready for a blob store.

    Raises:
      PayloadError: the aggregator registered an unusable key.
    """
    return encrypt(encode_payload(payload), aggregator_public_key, context)


def open_payload(
    message: bytes, dimension: int, aggregator_key_pair: EncryptionKeyPair, context: PayloadContext
) -> UpdatePayload:
    """The payload in `message`, if it was sealed to this key for this context and is well formed.

    Raises:
      PayloadError: it is not; `reason` is a `PayloadFault`.
    """
    if len(message) > max_payload_bytes(dimension):
        raise PayloadError(PayloadFault.TOO_LARGE, f"{len(message):,} bytes for {dimension:,} entries")
    return decode_payload(decrypt(message, aggregator_key_pair, context), dimension)


def encode_payload(payload: UpdatePayload) -> bytes:
    """The plaintext."""
    if len(payload.seed) != 32:
        raise ValueError(f"a seed has 32 bytes, this one {len(payload.seed)}")
    vector = compress(payload.update.astype("<i2", casting="equiv").tobytes())
    return _MAGIC + payload.update.size.to_bytes(4, "big") + payload.seed + vector


def decode_payload(plaintext: bytes, dimension: int) -> UpdatePayload:
    """The inverse of `encode_payload`, for an update of `dimension` entries.

    Raises:
      PayloadError: anything is not exactly as the format says; `reason` is a `PayloadFault`.
    """
    if plaintext[:4] != _MAGIC[: len(plaintext)]:
        raise PayloadError(PayloadFault.WRONG_MAGIC, f"it begins with {plaintext[:4]!r}, not {_MAGIC!r}")
    if len(plaintext) < _FIXED_BYTES:
        raise PayloadError(PayloadFault.TRUNCATED, f"{len(plaintext)} bytes, its fixed part alone has {_FIXED_BYTES}")
    announced = int.from_bytes(plaintext[4:8], "big")
    if announced != dimension:
        raise PayloadError(PayloadFault.WRONG_DIMENSION, f"{announced:,} entries where {dimension:,} are due")
    content = decompress(plaintext[_FIXED_BYTES:], 2 * dimension)
    return UpdatePayload(np.frombuffer(content, dtype="<i2").astype(np.int16), Seed(plaintext[8:40]))


def max_payload_bytes(dimension: int) -> int:
    """How long an honest payload of `dimension` entries can be: the cap for its download."""
    return OVERHEAD_BYTES + _FIXED_BYTES + compute_compress_bound(2 * dimension)
