"""Fixed-point arithmetic of the iterative rules: int64 arrays, the same to the bit on every machine.

An iterative rule first brings the matrix to a unit, its largest squared norm. What follows is then free of the updates'
unit, and bounded: entries are within one, squared distances of convex combinations within four.

>>> import numpy as np
>>> unit = UnitGram.make(np.array([[4, 0], [0, 9]], dtype=object))
>>> [int(q) * 9 >> 58 for q in unit.compute_squared_distances(np.array([2**31, 2**31]))]  # quarters of 13/4
[12, 12]
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.rules.matrix import Matrix

UNIT_BITS: Final = 60
"""Squared lengths are in Q60, lengths in Q30, weights in Q32."""

_LIMB_BITS: Final = UNIT_BITS // 2
_LIMB_MASK: Final = (1 << _LIMB_BITS) - 1

Fixed = NDArray[np.int64]
"""Fixed-point numbers."""


@dataclass(frozen=True, slots=True)
class UnitGram:
    """A Gram matrix in units of its largest squared norm, in Q60, as two limbs of 30 bits.

    Attributes:
      high: shape `(n, n)`, within `2^30`.
      low: shape `(n, n)`, from 0 to `2^30 − 1`.
    """

    high: Fixed
    low: Fixed

    @classmethod
    def make(cls, gram: Matrix) -> Self:
        """`⌊G_ij·2^60 / max_k G_kk⌋`; zeros if every row is zero.

        Entries beyond one, which no Gram matrix has, are cut to one.
        """
        largest = max(gram.diagonal().tolist())
        if largest == 0:
            zeros = np.zeros(gram.shape, dtype=np.int64)
            return cls(zeros, zeros)
        entries = _divide(np.clip(gram, -largest, largest), largest)
        return cls(entries >> _LIMB_BITS, entries & _LIMB_MASK)

    @property
    def entries(self) -> Fixed:
        """Shape `(n, n)`, in Q60."""
        return (self.high << _LIMB_BITS) + self.low

    def apply(self, weights: Fixed) -> Fixed:
        """`G·w` in Q60, for weights `w_i ≥ 0` in Q32 with a sum of at most one."""
        product: Fixed = (self.high @ weights + (self.low @ weights >> _LIMB_BITS)) >> 2
        return product

    def compute_squared_distances(self, weights: Fixed) -> Fixed:
        """`‖u_i − Σ_j w_j·u_j‖² = G_ii − 2(Gw)_i + wᵀGw` in Q60, at least 0."""
        inner = self.apply(weights)
        diagonal = (self.high.diagonal() << _LIMB_BITS) + self.low.diagonal()
        energy = (int(weights @ (inner >> _LIMB_BITS)) + (int(weights @ (inner & _LIMB_MASK)) >> _LIMB_BITS)) >> 2
        distances: Fixed = np.maximum(diagonal - 2 * inner + energy, 0)
        return distances


def _divide(parts: Matrix, whole: int) -> Fixed:
    """`⌊part·2^60 / whole⌋` for parts within the whole."""
    if whole > 1 << 52:
        return ((parts.astype(object) << UNIT_BITS) // whole).astype(np.int64)
    parts = parts.astype(np.int64)
    quotients: Fixed = (parts / whole * (1 << UNIT_BITS)).astype(np.int64)
    # The estimate is off by 2^7 at most and the remainder within 2^60: computed modulo 2^64 it is right all the same.
    return quotients + ((parts << UNIT_BITS) - quotients * whole) // whole


def compute_roots(values: Fixed) -> Fixed:
    """The floors of the square roots of numbers below `2^62`, exactly."""
    # A float64 root is off by one at most: below 2^31 it is exact to 2^-22.
    roots = np.sqrt(values.astype(np.float64)).astype(np.int64)
    roots -= roots * roots > values
    roots += (roots + 1) * (roots + 1) <= values
    return roots
