"""Nearest-neighbour averaging: the rows around the row that has the closest company."""

from dataclasses import dataclass

from steelyard.constants import ONE
from steelyard.rules.matrix import (
    IndexSet,
    Integers,
    Matrix,
    compute_neighbourhoods,
    compute_squared_distances,
    sum_members,
)
from steelyard.rules.selection import compute_indicator


@dataclass(frozen=True, slots=True)
class Company:
    """A row and those nearest to it.

    Attributes:
      pivot: the row with the smallest `(score, index)`.
      scores: for each row the sum of its squared distances to the rows of `sets[i]`.
      distances: each row's squared distance to the pivot.
      sets: for each row itself and its `n − f − 1` nearest others. Those of the pivot are selected.
    """

    pivot: int
    scores: Integers
    distances: Integers
    sets: tuple[IndexSet, ...]

    @property
    def selected(self) -> IndexSet:
        """The pivot and its `n − f − 1` nearest others."""
        return self.sets[self.pivot]

    @property
    def weights(self) -> Integers:
        """One for the selected rows."""
        return compute_indicator(self.selected, len(self.scores))

    @property
    def normaliser(self) -> int:
        """The sum of the weights."""
        return ONE * len(self.selected)


def select_nearest_to_pivot(gram: Matrix, f: int) -> Company:
    """Accepts the `n − f` rows nearest to a pivot, the pivot among them.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest; `n ≥ 2f + 3`.

    References:
      docs/rules.md, "Nearest-neighbour averaging". Farhadkhani et al., `Robust Collaborative Learning with Linear
      Gradient Overhead <https://arxiv.org/abs/2209.10931>`_, ICML 2023. There each trainer takes its own row as the
      pivot, because it trusts itself. A server trusts no row. Deviation: the pivot is the row whose company of `n − f`
      rows is closest, by the sum of squared distances. MoNNA is this rule on trainers that send their momentum.
    """
    n = len(gram)
    distances = compute_squared_distances(gram)
    sets = compute_neighbourhoods(distances, n - f)
    scores = sum_members(distances, sets)
    pivot = min(range(n), key=lambda row: (scores[row], row))
    return Company(pivot, scores, tuple(distances[pivot].tolist()), sets)
