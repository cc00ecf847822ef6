"""Exact cosines between rows, in fixed point."""

from collections.abc import Callable
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import ONE
from steelyard.rules.fixed_point import Fixed, compute_roots
from steelyard.rules.matrix import Matrix

MAX_SQUARED_COSINE: Final = 1 << 40
"""No Gram matrix has a squared cosine above one. Of those that another matrix has, any beyond 2^8 is as good as 2^8."""

_NORM_SHIFT: Final = 64  # a length in Q32 is the root of a squared norm in Q64

_DOUBT: Final = 2.0**-12
"""An estimate in float64 is off by less than 2^-16: so near to an integer, and no nearer, its floor is in doubt."""


def compute_floors(estimates: NDArray[np.float64], compute: Callable[[int, int], int]) -> Fixed:
    """The floors of numbers that are estimated to within 2^-16; what an estimate leaves in doubt, integers decide.

    Args:
      estimates: at least 0, symmetric, shape `(n, n)`. Where one is 0, so is the number.
      compute: the exact floor for a row and a column.
    """
    is_doubtful = (np.abs(estimates - np.rint(estimates)) < _DOUBT) & (estimates > 0)
    floors: Fixed = estimates.astype(np.int64)
    for row, column in np.argwhere(np.triu(is_doubtful)).tolist():
        floors[row, column] = floors[column, row] = compute(row, column)
    return floors


def compute_squared_cosines(gram: Matrix) -> Fixed:
    """`q_ij = ⌊G_ij²·2^32 / (G_ii·G_jj)⌋`, 0 if either norm is 0, and cut at `MAX_SQUARED_COSINE`. Exact.

    Args:
      gram: shape `(n, n)`, entries in the range of an int64.
    """
    inner = gram.astype(np.float64)
    norms = inner.diagonal()
    products = np.outer(norms, norms)
    estimates = np.divide(inner * inner, products, out=np.zeros_like(inner), where=products > 0) * ONE

    def compute(row: int, column: int) -> int:
        squared, product = int(gram[row, column]) ** 2, int(gram[row, row]) * int(gram[column, column])
        return min((squared << 32) // product, MAX_SQUARED_COSINE)

    # Beyond two an estimate is less exact than it must be: an integer in its place, that an int64 holds, is in doubt.
    in_doubt = np.rint(np.minimum(estimates, MAX_SQUARED_COSINE))
    return compute_floors(np.where(estimates > 2 * ONE, in_doubt, estimates), compute)


def compute_likeness(gram: Matrix) -> Fixed:
    """The cosines' absolute values in Q30: roots of the squared cosines, rounded down twice. Shape `(n, n)`."""
    return compute_roots(np.minimum(compute_squared_cosines(gram), ONE) << 28)


def compute_cosines(gram: Matrix) -> Fixed:
    """Cosines in Q32, towards zero, at most one in absolute value; 0 with a row of no length. Shape `(n, n)`. Exact."""
    norms = [isqrt(int(norm) << _NORM_SHIFT) for norm in gram.diagonal()]
    lengths = np.array(norms, dtype=np.float64)
    products = np.outer(lengths, lengths)
    sizes = np.abs(gram.astype(np.float64))
    estimates = np.divide(sizes, products, out=np.zeros_like(sizes), where=products > 0) * 2.0**96

    def compute(row: int, column: int) -> int:
        return (abs(int(gram[row, column])) << 96) // (norms[row] * norms[column])

    floors = np.minimum(compute_floors(np.where(estimates > ONE + 1, ONE + 1.5, estimates), compute), ONE)
    return np.where(np.asarray(gram < 0, dtype=bool), -floors, floors)


def square_q32(values: Fixed) -> Fixed:
    """`⌊q² / 2^32⌋` for `0 ≤ q ≤ 2^40`."""
    high, low = values >> 16, values & 0xFFFF
    squares: Fixed = high * high + ((high * low << 17) + low * low >> 32)
    return squares
