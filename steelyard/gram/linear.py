"""Exact linear algebra on short integers through float64 BLAS.

A float64 holds every integer up to 2^53. Weights are cut into 32-bit limbs and rows taken 32 at a time, so that a sum
of products `limb · entry` with `|entry| ≤ 2^16` stays below `32 · 2^32 · 2^16 = 2^53` and no rounding can happen.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steelyard.types import Gram

_LIMB_BITS: Final = 32
_LIMB_MASK: Final = 2**_LIMB_BITS - 1
_ROWS_AT_ONCE: Final = 32
_COLUMNS_AT_ONCE: Final = 2**16

Limbs = NDArray[np.int64]
"""Integers in base 2^32, least limb first, shape `(limbs, width)`. Carried: all but the last are in `[0, 2^32)`."""


def make_limbs(bits: int, width: int) -> Limbs:
    """Zeros with room for sums below `2^bits` in absolute value, shape `(⌈(bits + 1) / 32⌉, width)`."""
    return np.zeros((bits // _LIMB_BITS + 1, width), dtype=np.int64)


def add_combination(total: Limbs, weights: Sequence[int], rows: NDArray[Any]) -> None:
    """Adds `Σ weights[i] · rows[i]` to `total`, in place and exactly.

    Args:
        total: Carried limbs with room for the sum; left carried. Shape `(limbs, width)`.
        weights: Non-negative integers.
        rows: Integers of at most 2^16 in absolute value, shape `(len(weights), w)` with `w ≤ width`.
    """
    width = rows.shape[1]
    count = max(1, -(-max((weight.bit_length() for weight in weights), default=0) // _LIMB_BITS))
    for start in range(0, len(weights), _ROWS_AT_ONCE):
        part = weights[start : start + _ROWS_AT_ONCE]
        limbs = [[float(weight >> (_LIMB_BITS * k) & _LIMB_MASK) for weight in part] for k in range(count)]
        products = np.array(limbs) @ rows[start : start + _ROWS_AT_ONCE].astype(np.float64)
        total[:count, :width] += products.astype(np.int64)
        _carry(total)


def to_integers(limbs: Limbs) -> list[int]:
    """The integers that carried limbs stand for, length `width`."""
    size = 4 * limbs.shape[0]
    data = np.ascontiguousarray(limbs.T.astype(np.uint32)).tobytes()
    return [int.from_bytes(data[k : k + size], "little", signed=True) for k in range(0, len(data), size)]


def _carry(limbs: Limbs) -> None:
    for k in range(limbs.shape[0] - 1):
        limbs[k + 1] += limbs[k] >> _LIMB_BITS
        limbs[k] &= _LIMB_MASK


def compute_gram(updates: NDArray[np.int16]) -> Gram:
    """The Gram matrix `U Uᵀ`, exact: products stay below 2^30, and 2^16 of them are summed at a time.

    Args:
        updates: int16, shape `(n, d)`; may be memory-mapped.

    Returns:
        Python integers, shape `(n, n)`.
    """
    n, d = updates.shape
    total = np.zeros((n, n), dtype=np.int64)
    for start in range(0, d, _COLUMNS_AT_ONCE):
        piece = updates[:, start : start + _COLUMNS_AT_ONCE].astype(np.float64)
        total += (piece @ piece.T).astype(np.int64)
    return total.astype(np.object_)
