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
_ENTRIES_AT_ONCE: Final = 2**18
"""Of a block of all rows, which then stays in the cache: 2 MiB."""

_HISTORIES: Final = 2**7

HISTORY_LIMIT: Final = 2**20
"""The largest entry of a history that may be proved, in absolute value: 32 rounds of the largest updates, or more of
smaller ones."""

_SURE: Final = 2.0**52
"""A sum of squares that a float64 gives as less is less than 2^53, however it was rounded."""

Rows = NDArray[np.int16] | NDArray[np.int32]
"""Updates, or histories: sums of updates over rounds. Shape `(n, d)`."""

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


def check_rows(rows: Rows) -> None:
    """Checks that the prover's sums over these rows are exact.

    Raises:
        ValueError: more than `2^7` histories, or an entry beyond `HISTORY_LIMIT`.
    """
    if rows.dtype == np.int16:
        return
    largest = max((max(int(row.max()), -int(row.min())) for row in rows), default=0)
    if largest > HISTORY_LIMIT or len(rows) > _HISTORIES:
        raise ValueError(f"{len(rows)} histories with entries up to {largest:,}: {_HISTORIES} up to 2^20 may be proved")


def compute_gram(updates: Rows) -> Gram:
    """The Gram matrix `U Uᵀ`, exact.

    Columns are taken a block at a time. Whatever part of an inner product BLAS has added up, it is within the largest
    squared norm of the block (Cauchy and Schwarz). Where that is below 2^53, no sum was rounded; else the block is cut.

    Args:
        updates: int16, or histories in int32 with entries up to 2^26; shape `(n, d)`; may be memory-mapped.

    Returns:
        Python integers, shape `(n, n)`.

    Raises:
        ValueError: histories so large or so long that a squared norm leaves an int64.
    """
    n, d = updates.shape
    rows = np.asarray(updates)  # a slice of a mapped array takes longer
    width = min(max(_ENTRIES_AT_ONCE // n, 1), d)
    block, product = np.empty((n, width)), np.empty((n, n))
    total = np.zeros((n, n), dtype=np.int64)
    start = 0
    while start < d:
        piece = block[:, : min(width, d - start)]
        piece[:] = rows[:, start : start + width]
        np.matmul(piece, piece.T, out=product)
        if product.diagonal().max() > _SURE:
            if width == 1:
                raise ValueError(f"a history has an entry of {np.abs(piece).max():,.0f}, the most is 2^26")
            width //= 2
            continue
        total += product.astype(np.int64)
        start += width
        if total.diagonal().min() < 0:
            raise ValueError(f"a squared norm leaves the range of an int64 within {min(start, d):,} of {d:,} entries")
    return total.astype(np.object_)
