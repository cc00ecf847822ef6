"""Our steps under the names and with the conventions of ByzFL's classes, so that its own tests can judge them.

Rows may be a list or an array, of numpy or of torch. They are quantised to int16 by a power of two, weighed by their
exact Gram matrix, and added up as an aggregator adds them up. Where ByzFL's convention is another than ours, the class
says so.
"""

from collections.abc import Sequence
from math import frexp, isqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steelyard.constants import ONE
from steelyard.gram import compute_gram
from steelyard.rules import RULES
from steelyard.rules.centred_clipping import compute_parts, move_centre
from steelyard.rules.clip import compute_factors
from steelyard.rules.fixed_point import UnitGram, compute_roots
from steelyard.rules.geometric_median import weigh_by_nearness
from steelyard.rules.matrix import (
    Matrix,
    check_gram,
    compute_nearest_others,
    compute_squared_distances,
    sum_members,
)
from steelyard.rules.mixing import mix_nearest_neighbours
from steelyard.updates.aggregate import compute_aggregate


class Rows:
    """Quantised rows, and the way back."""

    def __init__(self, vectors: Any) -> None:
        self._is_torch = torch.is_tensor(vectors) or torch.is_tensor(vectors[0])
        rows = np.stack([np.asarray(row, dtype=np.float64) for row in vectors])
        exponent = 14 - frexp(float(np.abs(rows).max()))[1]
        self.scale = 2.0**exponent
        self.updates: NDArray[np.int16] = np.rint(rows * self.scale).astype(np.int16)
        self.gram: Matrix = check_gram(compute_gram(self.updates))

    def combine(self, weights: Sequence[int], normaliser: int) -> Any:
        """`Σ w_i·u_i / Z`, in the kind that the rows came in."""
        aggregate = compute_aggregate(list(self.updates), weights)
        return self.give_back(aggregate.astype(np.float64) / (normaliser * self.scale))

    def give_back(self, values: NDArray[np.float64]) -> Any:
        """Values in the kind that the rows came in."""
        return torch.tensor(values, dtype=torch.float32) if self._is_torch else values


class Average:
    """`mean`."""

    def __call__(self, vectors: Any) -> Any:
        """The step."""
        rows = Rows(vectors)
        weighing = RULES["mean"].weigh(rows.gram, 0, rows.updates.shape[1])
        return rows.combine(weighing.weights, weighing.normaliser)


class MultiKrum:
    """Multi-Krum by the `n − f − 1` nearest others, where ours and the paper's has `n − f − 2`."""

    _keeps_one = False

    def __init__(self, f: int = 0) -> None:
        self._f = f

    def _rank(self, gram: Matrix) -> list[int]:
        distances = compute_squared_distances(gram)
        scores = sum_members(distances, compute_nearest_others(distances, len(gram) - self._f - 1))
        return sorted(range(len(gram)), key=lambda row: (scores[row], row))

    def __call__(self, vectors: Any) -> Any:
        """The step."""
        rows = Rows(vectors)
        n = len(rows.gram)
        selected = self._rank(rows.gram)[: 1 if self._keeps_one else n - self._f]
        return rows.combine([ONE if row in selected else 0 for row in range(n)], ONE * len(selected))


class Krum(MultiKrum):
    """Multi-Krum that keeps one row."""

    _keeps_one = True


class MoNNA:
    """The rows nearest to a pivot that is given, where our `nna` looks for one. Of the mixing step, that is one set."""

    def __init__(self, f: int = 0, idx: int = 0) -> None:
        self._f, self._pivot = f, idx

    def __call__(self, vectors: Any) -> Any:
        """The step."""
        rows = Rows(vectors)
        selected = mix_nearest_neighbours(rows.gram, self._f).sets[self._pivot]
        return rows.combine([ONE if row in selected else 0 for row in range(len(rows.gram))], ONE * len(selected))


class NNM:
    """The mixing step: a mean for each row."""

    def __init__(self, f: int = 0) -> None:
        self._f = f

    def __call__(self, vectors: Any) -> Any:
        """The mixed rows."""
        rows = Rows(vectors)
        mixing = mix_nearest_neighbours(rows.gram, self._f)
        indicators = [[int(row in members) for row in range(len(rows.gram))] for members in mixing.sets]
        sums = np.stack([compute_aggregate(list(rows.updates), indicator) for indicator in indicators])
        return rows.give_back(sums / (mixing.row_sum * rows.scale))


class Clipping:
    """The clipping step to a given length, where ours takes the median's."""

    def __init__(self, c: float = 2.0) -> None:
        self._length = c

    def __call__(self, vectors: Any) -> Any:
        """The clipped rows."""
        rows = Rows(vectors)
        factors = compute_factors(rows.gram.diagonal().tolist(), round((self._length * rows.scale) ** 2))
        return rows.give_back(rows.updates * np.array(factors)[:, None] / (ONE * rows.scale))


class GeometricMedian:
    """Three Weiszfeld steps from zero, smoothed by a length that is given, where ours ends by tolerance."""

    def __init__(self, nu: float = 0.1, T: int = 3) -> None:
        self._smoothing, self._steps = nu, T

    def __call__(self, vectors: Any) -> Any:
        """The step."""
        rows = Rows(vectors)
        unit = UnitGram.make(rows.gram)
        smoothing = _to_lengths(self._smoothing, rows)
        weights = np.zeros(len(rows.gram), dtype=np.int64)
        for _ in range(self._steps):
            weights = weigh_by_nearness(compute_roots(unit.compute_squared_distances(weights)), max(1, smoothing))
        return rows.combine(weights.tolist(), int(weights.sum()))


class CenteredClipping:
    """Steps from zero, with a radius that is given, where ours takes the median's length."""

    def __init__(self, L: int = 1, tau: float = 100.0) -> None:
        self._steps, self._radius = L, tau

    def __call__(self, vectors: Any) -> Any:
        """The step."""
        rows = Rows(vectors)
        unit = UnitGram.make(rows.gram)
        radius = min(_to_lengths(self._radius, rows), 1 << 31)
        weights = np.zeros(len(rows.gram), dtype=np.int64)
        for _ in range(self._steps):
            distances = compute_roots(unit.compute_squared_distances(weights))
            weights = move_centre(weights, compute_parts(distances, radius))
        return rows.combine(weights.tolist(), ONE)


def _to_lengths(length: float, rows: Rows) -> int:
    """A length in those of the longest row, in Q30."""
    return isqrt(round(length * rows.scale * 2**30) ** 2 // max(rows.gram.diagonal().tolist()))
