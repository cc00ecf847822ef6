"""Centred clipping: an average in which no row is further from the centre than a radius."""

from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.fixed_point import Fixed, UnitGram, compute_roots
from steelyard.rules.matrix import Matrix, compute_lower_median
from steelyard.rules.selection import Graded

ITERATIONS: Final = 5


def weigh_by_centred_clipping(gram: Matrix, f: int) -> Graded:
    r"""Finds the weights of `v ← v + (1/n)·Σ (u_i − v)·min(1, τ / ‖u_i − v‖)`, five times, from `v = 0`.

    With `s_i = min(1, τ / ‖u_i − Σ_j w_j·u_j‖) / n` that is `w ← w·(1 − Σ s) + s`.

    Args:
      gram: shape `(n, n)`.
      f: unused, the radius needs no count of the dishonest.

    References:
      docs/rules.md, "Centred clipping". Karimireddy, He, Jaggi, `Learning from History for Byzantine Robust
      Optimization <https://arxiv.org/abs/2012.10333>`_, ICML 2021. Deviations: the centre starts at zero in every round
      instead of at the last aggregate, which is no row that anybody committed to; the radius `τ` is the lower median of
      the rows' lengths instead of a constant, so that the unit of the updates does not matter.
    """
    del f
    unit = UnitGram.make(gram)
    weights = np.zeros(len(gram), dtype=np.int64)
    distances = compute_roots(unit.compute_squared_distances(weights))
    radius = compute_lower_median(distances)
    for _ in range(ITERATIONS):
        parts = compute_parts(distances, radius)
        weights = move_centre(weights, parts)
        distances = compute_roots(unit.compute_squared_distances(weights))
    return Graded(
        weights=tuple(weights.tolist()),
        normaliser=ONE,
        measure="part within the clipping radius, in the last step,",
        grades=tuple(parts.tolist()),
    )


def compute_parts(distances: Fixed, radius: int) -> Fixed:
    """`min(1, τ / distance)` in Q32, one at distance 0."""
    parts: Fixed = (np.minimum(distances, radius) << 32) // np.maximum(distances, 1)
    parts[distances == 0] = ONE
    return parts


def move_centre(weights: Fixed, parts: Fixed) -> Fixed:
    """The centre's weights after a step: `w·(1 − Σ s) + s` with `s_i = parts_i / n`."""
    steps = parts // len(parts)
    # Both factors lose a bit, because their product may have 64.
    moved: Fixed = ((weights >> 1) * (ONE - int(steps.sum()) >> 1) >> 30) + steps
    return moved
