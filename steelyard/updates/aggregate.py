"""The aggregate of a round: computed exactly, published as one blob, applied the same way by everybody.

The blob is `SYA2 ‖ u32 d ‖ u32 B ‖ u32 P ‖ codec ‖ digest ‖ B blinders of 32 bytes ‖ P bytes of shortness proof ‖ zstd
of A as little-endian int64`, where (codec, digest) identify the next global model (safetensors). Whoever downloads it
checks that `A` opens the weighted commitments (docs/proof.md, section 7), that the committed vectors are short where
the project asks for that (docs/shortness.md), and that `compute_next_parameters` gives the model of that identifier.
"""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import BLS12_381_ORDER, UPDATE_MIN
from steelyard.errors import MalformedCidError, MalformedModelError, PayloadError
from steelyard.types import Cid, ParameterVector, UpdateVector
from steelyard.updates.compression import compress, compute_compress_bound, decompress
from steelyard.updates.faults import PayloadFault

AGGREGATE_LIMIT: Final = 2**57
"""No entry of an aggregate is larger (docs/rules.md): `Σ w_i ≤ 2^32 · (n−f)²`, `n ≤ 32`, entries within `2^15`."""

_MAGIC: Final = b"SYA2"
_FIXED_BYTES: Final = len(_MAGIC) + 4 + 4 + 4 + 1 + 32
_ENTRIES: Final = 1 << 19  # of a block of all rows, with one limb; keeps the working set of a sum in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """What an aggregator publishes for a settled round."""

    vector: NDArray[np.int64]
    """`A = Σ w_i u_i`, shape `(d,)`."""
    blinders: tuple[int, ...]
    """`ρ_A^b = Σ w_i ρ_i^b mod r`, one per block."""
    next_model: Cid
    """The global model that `A` leads to."""
    shortness: bytes = b""
    """The encoded proof that the committed vectors are short; empty where the project asks for none."""


def compute_aggregate(
    updates: Sequence[UpdateVector], weights: Sequence[int], limit: int = AGGREGATE_LIMIT
) -> NDArray[np.int64]:
    """`A = Σ_i w_i u_i`, exactly, through BLAS.

    A float64 holds every integer up to 2^53, a float32 up to 2^24. Weights whose sums of products with 15-bit entries
    may be larger are cut into limbs that keep within it. Factors of two cost no precision, so what all weights have in
    common at the lower end does not count: those of a rule that only selects have one bit.

    Args:
      updates: one vector of shape `(d,)` and type int16 per trainer; they may be memory-mapped.
      weights: one integer per trainer, not negative.
      limit: bounds the entries of `A`, below 2^63; simulations of more than 32 trainers need a higher one.

    Returns:
      `A`, shape `(d,)`, int64. No product or sum on the way leaves int64: `Σ w_i · 2^15 ≤ limit` is checked.
    """
    if sum(weights) * -UPDATE_MIN > limit or min(weights) < 0:
        raise ValueError(f"weights {list(weights)} are not those of a rule")
    # A slice of a mapped array takes numpy ten times as long as one of a plain array.
    used = [(np.asarray(update), weight) for update, weight in zip(updates, weights, strict=True) if weight]
    if not used:
        return np.zeros(updates[0].shape, dtype=np.int64)
    rows = [row for row, _ in used]
    limbs = _cut([weight for _, weight in used])
    aggregate = np.empty(rows[0].shape, dtype=np.int64)
    width = max(_ENTRIES // limbs.size, 1)
    block = np.empty((len(rows), width), limbs.dtype)
    for start in range(0, aggregate.size, width):
        piece = block[:, : aggregate.size - start]
        for into, row in zip(piece, rows, strict=True):
            into[:] = row[start : start + width]
        part = aggregate[start : start + width]
        first, *others = limbs @ piece
        part[:] = first
        for other in others:
            part += other.astype(np.int64)
    return aggregate


def _cut(weights: Sequence[int]) -> NDArray[np.floating[Any]]:
    """Limbs that add up to positive weights, shape `(limbs, n)`, each with exact sums of products in its type."""
    common = functools.reduce(operator.or_, weights)
    shift = (common & -common).bit_length() - 1
    largest = (sum(weights) >> shift) * -UPDATE_MIN
    if largest <= 2**53:
        return np.array([weights], np.float32 if largest <= 2**24 else np.float64)
    bits = 53 - (-UPDATE_MIN * len(weights)).bit_length()
    places = range(shift, common.bit_length(), bits)
    return np.array([[weight & ((1 << bits) - 1 << place) for weight in weights] for place in places], np.float64)


def compute_next_parameters(
    parameters: ParameterVector, aggregate: NDArray[np.int64], weight_total: int, scale: int
) -> ParameterVector:
    """The next global model, `θ + A / (Z · scale)`, the same to the bit on every machine.

    One conversion, one division, one addition and one rounding to float32 per entry, each correctly rounded by IEEE 754
    in float64 and none of them a reduction: so every trainer recomputes the model and compares bytes.

    Args:
      parameters: `θ`, shape `(d,)`, float32, finite.
      aggregate: `A`, shape `(d,)`, int64.
      weight_total: the rule's `Z`, by which its weights are divided: `2^32 · (n−f)²` for `clip-nnm-multi-krum`.
      scale: the project's quantisation scale.

    Returns:
      Shape `(d,)`, float32, finite: a step is at most `2^57`, too short to carry a float32 to infinity.

    Raises:
      MalformedModelError: the shapes differ, or a type is another.
    """
    if parameters.shape != aggregate.shape or parameters.dtype != np.float32 or aggregate.dtype != np.int64:
        raise MalformedModelError(
            f"{aggregate.dtype} of shape {aggregate.shape} cannot move {parameters.dtype} of shape {parameters.shape}"
        )
    step = aggregate.astype(np.float64) / float(weight_total * scale)
    return (parameters.astype(np.float64) + step).astype(np.float32)


def encode_aggregate(aggregate: Aggregate) -> bytes:
    """The blob that an aggregator publishes."""
    fields = (
        _MAGIC,
        aggregate.vector.size.to_bytes(4, "big"),
        len(aggregate.blinders).to_bytes(4, "big"),
        len(aggregate.shortness).to_bytes(4, "big"),
        bytes((aggregate.next_model.codec,)),
        aggregate.next_model.digest,
        *(blinder.to_bytes(32, "big") for blinder in aggregate.blinders),
        aggregate.shortness,
        compress(aggregate.vector.astype("<i8").tobytes()),
    )
    return b"".join(fields)


def decode_aggregate(blob: bytes, dimension: int, block_count: int, shortness_bytes: int) -> Aggregate:
    """The aggregate in `blob`: of `dimension` entries, `block_count` blinders and so long a proof. Proves nothing yet.

    Raises:
      PayloadError: anything is not exactly as the format says; `reason` is a `PayloadFault`.
    """
    if len(blob) > max_aggregate_bytes(dimension, block_count, shortness_bytes):
        raise PayloadError(PayloadFault.TOO_LARGE, f"{len(blob):,} bytes for {dimension:,} entries")
    if blob[:4] != _MAGIC[: len(blob)]:
        raise PayloadError(PayloadFault.WRONG_MAGIC, f"it begins with {blob[:4]!r}, not {_MAGIC!r}")
    proof = _FIXED_BYTES + 32 * block_count
    body = proof + shortness_bytes
    if len(blob) < body:
        raise PayloadError(PayloadFault.TRUNCATED, f"{len(blob):,} bytes, its fixed part alone has {body:,}")
    announced = tuple(int.from_bytes(blob[at : at + 4], "big") for at in (4, 8, 12))
    due = (dimension, block_count, shortness_bytes)
    if announced != due:
        raise PayloadError(
            PayloadFault.WRONG_DIMENSION,
            f"{announced} entries, blocks and bytes of shortness proof where {due} are due",
        )
    try:
        next_model = Cid.from_pair(blob[17:49], blob[16])
    except MalformedCidError as exc:
        raise PayloadError(PayloadFault.OUT_OF_RANGE, str(exc)) from exc
    blinders = tuple(int.from_bytes(blob[at : at + 32], "big") for at in range(_FIXED_BYTES, proof, 32))
    if any(blinder >= BLS12_381_ORDER for blinder in blinders):
        raise PayloadError(PayloadFault.OUT_OF_RANGE, "a blinder is not below the group order")
    vector = np.frombuffer(decompress(blob[body:], 8 * dimension), dtype="<i8").astype(np.int64)
    if ((vector > AGGREGATE_LIMIT) | (vector < -AGGREGATE_LIMIT)).any():
        raise PayloadError(PayloadFault.OUT_OF_RANGE, "an entry is beyond 2^57")
    return Aggregate(vector, blinders, next_model, blob[proof:body])


def read_next_model(blob: bytes) -> Cid:
    """The model that an aggregate names, for who wants nothing else of it.

    Raises:
      PayloadError: the blob is no aggregate in the clear.
    """
    if blob[:4] != _MAGIC:
        raise PayloadError(PayloadFault.WRONG_MAGIC, f"it begins with {blob[:4]!r}, not {_MAGIC!r}")
    if len(blob) < _FIXED_BYTES:
        raise PayloadError(PayloadFault.TRUNCATED, f"{len(blob):,} bytes, its fixed part alone has {_FIXED_BYTES:,}")
    try:
        return Cid.from_pair(blob[17:49], blob[16])
    except MalformedCidError as exc:
        raise PayloadError(PayloadFault.OUT_OF_RANGE, str(exc)) from exc


def max_aggregate_bytes(dimension: int, block_count: int, shortness_bytes: int) -> int:
    """How long an honest aggregate's blob can be: the cap for its download."""
    return _FIXED_BYTES + 32 * block_count + shortness_bytes + compute_compress_bound(8 * dimension)
