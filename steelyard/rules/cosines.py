"""Exact squared cosines between rows, in fixed point."""

from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.fixed_point import Fixed
from steelyard.rules.matrix import Matrix

MAX_SQUARED_COSINE: Final = 1 << 40
"""No Gram matrix has a squared cosine above one. Of those that another matrix has, any beyond 2^8 is as good as 2^8."""

_DOUBT: Final = 2.0**-12
"""An estimate in float64 is off by less than 2^-16: so near to an integer, and no nearer, its floor is in doubt."""


def compute_squared_cosines(gram: Matrix) -> Fixed:
    """`q_ij = ⌊G_ij²·2^32 / (G_ii·G_jj)⌋`, 0 if either norm is 0, and cut at `MAX_SQUARED_COSINE`.

    Floats estimate the quotients; wherever a floor is not beyond doubt, integers decide. The result is exact.

    Args:
      gram: shape `(n, n)`, entries in the range of an int64.
    """
    inner = gram.astype(np.float64)
    norms = inner.diagonal()
    products = np.outer(norms, norms)
    estimates = np.divide(inner * inner, products, out=np.zeros_like(inner), where=products > 0) * ONE
    is_doubtful = (np.abs(estimates - np.rint(estimates)) < _DOUBT) | (estimates > 2 * ONE)
    is_doubtful &= estimates > 0
    cosines: Fixed = np.minimum(estimates, MAX_SQUARED_COSINE).astype(np.int64)
    for row, column in np.argwhere(np.triu(is_doubtful)).tolist():
        squared, product = int(gram[row, column]) ** 2, int(gram[row, row]) * int(gram[column, column])
        cosines[row, column] = cosines[column, row] = min((squared << 32) // product, MAX_SQUARED_COSINE)
    return cosines


def square_q32(values: Fixed) -> Fixed:
    """`⌊q² / 2^32⌋` for `0 ≤ q ≤ 2^40`."""
    high, low = values >> 16, values & 0xFFFF
    squares: Fixed = high * high + ((high * low << 17) + low * low >> 32)
    return squares
