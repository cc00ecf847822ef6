"""The payload that a trainer stores for the aggregator of a round.

The plaintext is `SYU1 ‖ u32 d ‖ 32-byte blinder seed ‖ zstd of u as little-endian int16` (docs/protocol.md); it travels
encrypted (`steelyard.updates.encryption`). In a confidential project it is `SYU2`, and the 32-byte content key of the
model that was trained on stands after the seed. A trainer calls `seal_payload`, the aggregator `open_payload`.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from steelyard.errors import PayloadError
from steelyard.types import Sealing, Seed, UpdateVector
from steelyard.updates.compression import compress, compute_compress_bound, decompress
from steelyard.updates.encryption import OVERHEAD_BYTES, EncryptionKeyPair, PayloadContext, decrypt, encrypt
from steelyard.updates.faults import PayloadFault

_MAGIC: Final = b"SYU1"
_MAGIC_WITH_KEY: Final = b"SYU2"
_FIXED_BYTES: Final = {_MAGIC: 4 + 4 + 32, _MAGIC_WITH_KEY: 4 + 4 + 32 + 32}


@dataclass(frozen=True, slots=True, eq=False)
class UpdatePayload:
    """An update and the secret that its commitments are blinded with: all that opens them."""

    update: UpdateVector
    """`u`, shape `(d,)`, int16."""
    seed: Seed = field(repr=False)
    content_key: bytes = field(default=b"", repr=False)
    """Of a confidential project's present model, 32 bytes; empty in others."""


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
    if len(message) > max_payload_bytes(dimension, aggregator_key_pair.sealing):
        raise PayloadError(PayloadFault.TOO_LARGE, f"{len(message):,} bytes for {dimension:,} entries")
    return decode_payload(decrypt(message, aggregator_key_pair, context), dimension)


def encode_payload(payload: UpdatePayload) -> bytes:
    """The plaintext."""
    if len(payload.seed) != 32:
        raise ValueError(f"a seed has 32 bytes, this one {len(payload.seed)}")
    if len(payload.content_key) not in (0, 32):
        raise ValueError(f"a content key has 32 bytes, this one {len(payload.content_key)}")
    magic = _MAGIC_WITH_KEY if payload.content_key else _MAGIC
    vector = compress(payload.update.astype("<i2", casting="equiv").tobytes())
    return magic + payload.update.size.to_bytes(4, "big") + payload.seed + payload.content_key + vector


def decode_payload(plaintext: bytes, dimension: int) -> UpdatePayload:
    """The inverse of `encode_payload`, for an update of `dimension` entries.

    Raises:
      PayloadError: anything is not exactly as the format says; `reason` is a `PayloadFault`.
    """
    magic = next((known for known in _FIXED_BYTES if plaintext[:4] == known[: len(plaintext)]), None)
    if magic is None:
        raise PayloadError(PayloadFault.WRONG_MAGIC, f"it begins with {plaintext[:4]!r}, not {_MAGIC!r}")
    fixed = _FIXED_BYTES[magic]
    if len(plaintext) < fixed:
        raise PayloadError(PayloadFault.TRUNCATED, f"{len(plaintext)} bytes, its fixed part alone has {fixed}")
    announced = int.from_bytes(plaintext[4:8], "big")
    if announced != dimension:
        raise PayloadError(PayloadFault.WRONG_DIMENSION, f"{announced:,} entries where {dimension:,} are due")
    content = decompress(plaintext[fixed:], 2 * dimension)
    update = np.frombuffer(content, dtype="<i2").astype(np.int16)
    return UpdatePayload(update, Seed(plaintext[8:40]), plaintext[40:fixed])


def max_payload_bytes(dimension: int, sealing: Sealing = Sealing.X25519) -> int:
    """How long an honest payload of `dimension` entries can be: the cap for its download."""
    return OVERHEAD_BYTES[sealing] + max(_FIXED_BYTES.values()) + compute_compress_bound(2 * dimension)
