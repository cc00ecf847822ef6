"""Clipping to the lower median norm: no row pulls harder than the middle one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import ONE
from steelyard.rules.matrix import IndexSet, Integers, Matrix, compute_lower_median, widen


@dataclass(frozen=True, slots=True)
class Clipping:
    """Multiplies row `i` by `s_i ≤ 1`.

    Attributes:
      median: the lower median of the squared norms.
      factors: `s_i` in Q32.
    """

    median: int
    factors: Integers

    row_sum: int = 1
    sets: tuple[IndexSet, ...] = ()

    def mix(self, gram: Matrix) -> Matrix:
        """The Gram matrix of the clipped rows: `⌊s_i·s_j·G_ij / 2^64⌋`."""
        gram = widen(gram, 2**9)
        if gram.dtype == object:
            factors = np.array(self.factors, dtype=object)
            mixed: Matrix = (factors[:, None] * factors[None, :] * gram) >> 64
            return mixed
        return _scale(gram, np.array(self.factors, dtype=np.uint64))

    def pull_back(self, weights: Integers) -> Integers:
        """Weights of clipped rows, in Q32, as weights of the rows themselves."""
        return tuple(weight * factor >> 32 for weight, factor in zip(weights, self.factors, strict=True))


def _scale(gram: Matrix, factors: NDArray[np.uint64]) -> Matrix:
    """`⌊s_i·s_j·G_ij / 2^64⌋` in int64: `|G_ij| < 2^54`, in limbs of 27 bits, times a product in limbs of 32."""
    products = factors[:, None] * factors[None, :]
    high, low = (products >> 32).astype(np.int64), (products & 0xFFFFFFFF).astype(np.int64)
    is_one = factors == ONE
    high[np.outer(is_one, is_one)] = ONE  # a product of 2^64 has no room in 64 bits
    upper, lower = gram >> 27, gram & (1 << 27) - 1
    below = (low * upper + (low * lower >> 27)) >> 5
    scaled: Matrix = (high * upper + (high * lower + below >> 27)) >> 5
    return scaled


def clip_to_median(gram: Matrix, f: int) -> Clipping:
    r"""Finds `s_i = min(1, √(m / G_ii))` with `m` the lower median of the diagonal, rounded down in Q32.

    With `m = 0`, that is if at least half of the rows are zero, every row that is not zero gets the factor 0.

    Args:
      gram: shape `(n, n)`.
      f: unused, the median needs no count of the dishonest.

    References:
      docs/rules.md, step 1. Clipping by the update's own statistics: Allouah et al., "Adaptive Gradient Clipping for
      Robust Federated Learning", 2024. Deviation: the clip norm is the lower median, not a trimmed quantile.
    """
    del f
    squared_norms = gram.diagonal()
    median = compute_lower_median(squared_norms)
    return Clipping(median, compute_factors(squared_norms.tolist(), median))


def compute_factors(squared_norms: Sequence[int], limit: int) -> Integers:
    """What brings each row to the squared norm `limit` at most, in Q32, rounded down."""
    return tuple(ONE if norm <= limit else isqrt((limit << 64) // norm) for norm in squared_norms)
