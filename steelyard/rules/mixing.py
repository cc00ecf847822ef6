"""Nearest-neighbour mixing: each row is replaced by the sum of itself and the rows closest to it."""

from dataclasses import dataclass

import numpy as np

from steelyard.rules.matrix import IndexSet, Integers, compute_nearest_others, compute_squared_distances
from steelyard.types import Gram


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

    def mix(self, gram: Gram) -> Gram:
        """The Gram matrix of the sums: `H_ij = Σ_{a ∈ N_i} Σ_{b ∈ N_j} G_ab`."""
        members = np.zeros(gram.shape, dtype=np.int64)
        for row, neighbours in enumerate(self.sets):
            members[row, neighbours] = 1
        # Limbs of 32 bits keep both products inside an int64 for any n below 2^15, so that numpy may multiply natively.
        low = (gram & 0xFFFFFFFF).astype(np.int64)
        high = (gram >> 32).astype(np.int64)
        mixed: Gram = ((members @ high @ members.T).astype(object) << 32) + (members @ low @ members.T).astype(object)
        return mixed

    def pull_back(self, weights: Integers) -> Integers:
        """Weights of sums as weights of the rows: row `a` gets the weights of all the sums that it is part of."""
        totals = [0] * len(self.sets)
        for weight, neighbours in zip(weights, self.sets, strict=True):
            for row in neighbours:
                totals[row] += weight
        return tuple(totals)


def mix_nearest_neighbours(gram: Gram, f: int) -> Neighbourhoods:
    """Finds for each row itself and the `n − f − 1` others at the smallest `(distance, index)`.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest; `n ≥ 2f + 3`.

    References:
      docs/rules.md, step 2. Allouah et al., `Fixing by Mixing: A Recipe for Optimal Byzantine ML under Heterogeneity
      <https://arxiv.org/abs/2302.01772>`_, AISTATS 2023. Deviation: sums instead of means, the division
      by `n − f` waits for the end.
    """
    nearest = compute_nearest_others(compute_squared_distances(gram), len(gram) - f - 1)
    return Neighbourhoods(tuple(tuple(sorted((row, *others))) for row, others in enumerate(nearest)))
