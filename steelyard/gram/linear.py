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
_ENTRIES_AT_ONCE: Final = 2**18
"""Of a block of all rows, which then stays in the cache: 2 MiB."""

_HISTORIES: Final = 2**7

HISTORY_LIMIT: Final = 2**20
"""The largest entry of a history, in absolute value: 32 rounds of the largest updates, or more of smaller ones."""

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


def check_rows(rows: Rows) -> int:
    """The most that an entry can be in absolute value.

    Raises:
        ValueError: more than `2^7` histories, or an entry beyond `HISTORY_LIMIT`: sums would no longer be exact.
    """
    if rows.dtype == np.int16:
        return 2**15
    largest = max((max(int(row.max()), -int(row.min())) for row in rows), default=0)
    if largest > HISTORY_LIMIT or len(rows) > _HISTORIES:
        raise ValueError(f"{len(rows)} histories with entries up to {largest:,}: {_HISTORIES} up to 2^20 may be proved")
    return largest


def compute_gram(updates: Rows) -> Gram:
    """The Gram matrix `U Uᵀ`, exact: 2^16 products below 2^30 are summed at a time, or 2^13 below 2^40.

    Args:
        updates: int16, or histories in int32 within `HISTORY_LIMIT`; shape `(n, d)`; may be memory-mapped.

    Returns:
        Python integers, shape `(n, n)`.

    Raises:
        ValueError: histories so large or so long that an entry may leave an int64.
    """
    n, d = updates.shape
    largest = check_rows(updates)
    if d * largest**2 > 2**63 - 1:
        raise ValueError(f"inner products of {d:,} entries up to {largest:,} may leave the range of an int64")
    exact = _COLUMNS_AT_ONCE if updates.dtype == np.int16 else _COLUMNS_AT_ONCE >> 3
    columns = min(max(_ENTRIES_AT_ONCE // n, 1), exact, d)
    total = np.zeros((n, n), dtype=np.int64)
    block = np.empty((n, columns))
    for start in range(0, d, columns):
        piece = block[:, : d - start]
        piece[:] = updates[:, start : start + columns]
        total += (piece @ piece.T).astype(np.int64)
    return total.astype(np.object_)
