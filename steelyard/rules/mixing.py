"""Nearest-neighbour mixing: each row is replaced by the sum of itself and the rows closest to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.rules.matrix import IndexSet, Integers, Matrix, compute_neighbourhoods, compute_squared_distances, widen


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """Replaces row `i` by the sum of the rows in `sets[i]`.

    Attributes:
      sets: `N_i`, which has `i` itself and its `n − f − 1` nearest others.
    """

    sets: tuple[IndexSet, ...]

    @property
    def row_sum(self) -> int:
        """How many rows each sum has: `n − f`."""
        return len(self.sets[0])

    def mix(self, gram: Matrix) -> Matrix:
        """The Gram matrix of the sums: `H_ij = Σ_{a ∈ N_i} Σ_{b ∈ N_j} G_ab`."""
        members = self._make_members().astype(np.float64)
        gram = widen(gram, self.row_sum**2)
        # Sums of limbs of 32 bits stay below 2^53, so that BLAS may multiply, and nothing is rounded.
        low = (members @ (gram & 0xFFFFFFFF).astype(np.float64) @ members.T).astype(np.int64)
        high = (members @ (gram >> 32).astype(np.float64) @ members.T).astype(np.int64)
        mixed: Matrix = (high.astype(gram.dtype) << 32) + low
        return mixed

    def pull_back(self, weights: Integers) -> Integers:
        """Weights of sums as weights of the rows: row `a` gets the weights of all the sums that it is part of."""
        totals: list[int] = (np.array(weights, dtype=np.int64) @ self._make_members()).tolist()
        return tuple(totals)

    def _make_members(self) -> NDArray[np.int64]:
        """One where the column is a member of the row's set."""
        members = np.zeros((len(self.sets),) * 2, dtype=np.int64)
        np.put_along_axis(members, np.array(self.sets), 1, axis=1)
        return members


def mix_nearest_neighbours(gram: Matrix, f: int) -> Neighbourhoods:
    """Finds for each row itself and the `n − f − 1` others at the smallest `(distance, index)`.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest; `n ≥ 2f + 3`.

    References:
      docs/rules.md, step 2. Allouah et al., `Fixing by Mixing: A Recipe for Optimal Byzantine ML under Heterogeneity
      <https://arxiv.org/abs/2302.01772>`_, AISTATS 2023. Deviation: sums instead of means, the division
      by `n − f` waits for the end.
    """
    return Neighbourhoods(compute_neighbourhoods(compute_squared_distances(gram), len(gram) - f))
