"""The geometric median: the point whose distances to the rows have the smallest sum."""

from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.fixed_point import Fixed, UnitGram, compute_roots
from steelyard.rules.matrix import Matrix, compute_lower_median
from steelyard.rules.nearest import select_nearest_to_pivot
from steelyard.rules.selection import Graded

MAX_ITERATIONS: Final = 100
TOLERANCE: Final = ONE >> 20
"""The iteration ends when no weight moves by more, in Q32."""

_NEARNESS_BITS: Final = 30


def weigh_by_geometric_median(gram: Matrix, f: int) -> Graded:
    r"""Finds the weights `w` of the geometric median `Σ w_i·u_i` by smoothed Weiszfeld iterations on the weights.

    `w_i ∝ 1 / max(ν, ‖u_i − Σ_j w_j·u_j‖)`, again and again. The distances are functions of `G` and `w`.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest. Only the start depends on it: the mean of the `n − f` rows with the closest
        company (`nna`), because Weiszfeld's iteration takes forever to come back from a mean that an outlier drew away.

    References:
      docs/rules.md, "Geometric median". Pillutla, Kakade, Harchaoui, `Robust Aggregation for Federated Learning
      <https://arxiv.org/abs/1912.13445>`_, IEEE TSP 2022. Deviations: `ν` is a 1,024th of the lower median
      distance in each iteration instead of a constant, so that the unit of the updates does not matter; the start is
      robust; the iteration ends by tolerance, after 100 steps at most.
    """
    unit = UnitGram.make(gram)
    weights = _find_start(unit, f)
    for _ in range(MAX_ITERATIONS):
        distances = compute_roots(unit.compute_squared_distances(weights))
        following = weigh_by_nearness(distances, max(1, compute_lower_median(distances) >> 10))
        has_settled = np.abs(following - weights).max() <= TOLERANCE
        weights = following
        if has_settled:
            break
    distances = compute_roots(unit.compute_squared_distances(weights))
    median = max(1, compute_lower_median(distances))
    return Graded(
        weights=tuple(weights.tolist()),
        normaliser=int(weights.sum()),
        measure="distance from the geometric median, in those of the median row,",
        grades=tuple(((distances << 32) // median).tolist()),
    )


def _find_start(unit: UnitGram, f: int) -> Fixed:
    # Seven bits less let the sums of distances to up to 128 rows fit.
    selected = select_nearest_to_pivot(unit.entries >> 7, f).selected
    weights = np.zeros(len(unit.low), dtype=np.int64)
    weights[list(selected)] = ONE // len(selected)
    return weights


def weigh_by_nearness(distances: Fixed, smoothing: int) -> Fixed:
    """Weights in inverse proportion to the distances, or to `smoothing ≥ 1` where that is more; `Σ w ≤ 1`."""
    smoothed = np.maximum(distances, smoothing)
    nearness = (int(smoothed.min()) << _NEARNESS_BITS) // smoothed
    weights: Fixed = (nearness << 32) // int(nearness.sum())
    return weights
