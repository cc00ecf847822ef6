"""Selectors: which rows a rule accepts at the end of its chain, and with what weight."""

from dataclasses import dataclass

from steelyard.constants import ONE
from steelyard.rules.matrix import (
    IndexSet,
    Integers,
    Matrix,
    compute_nearest_others,
    compute_squared_distances,
    sum_members,
)


@dataclass(frozen=True, slots=True)
class Everyone:
    """All `n` rows."""

    selected: IndexSet

    sets: tuple[IndexSet, ...] = ()

    @property
    def weights(self) -> Integers:
        """One for everybody."""
        return (ONE,) * len(self.selected)

    @property
    def normaliser(self) -> int:
        """The sum of the weights."""
        return ONE * len(self.selected)


@dataclass(frozen=True, slots=True)
class Graded:
    """Rows that are accepted by degrees.

    Attributes:
      weights: in Q32.
      normaliser: what they are divided by in the end.
      measure: what the grades are, as an explanation puts it.
      grades: how each row did by that measure, in Q32.
    """

    weights: Integers
    normaliser: int
    measure: str
    grades: Integers

    sets: tuple[IndexSet, ...] = ()

    @property
    def selected(self) -> IndexSet:
        """Rows that have any weight."""
        return tuple(row for row, weight in enumerate(self.weights) if weight)


@dataclass(frozen=True, slots=True)
class Krum:
    """The rows that lie closest to their neighbours.

    Attributes:
      selected: the `n − f` rows with the smallest `(score, index)`.
      scores: for each row the sum of its squared distances to `nearest[i]`.
      nearest: for each row the `n − f − 2` others at the smallest `(distance, index)`.
    """

    selected: IndexSet
    scores: Integers
    nearest: tuple[IndexSet, ...]

    @property
    def sets(self) -> tuple[IndexSet, ...]:
        """What a verifier is told: every row's nearest others, then the selected rows."""
        return (*self.nearest, self.selected)

    @property
    def weights(self) -> Integers:
        """One for the selected rows."""
        return compute_indicator(self.selected, len(self.scores))

    @property
    def normaliser(self) -> int:
        """The sum of the weights."""
        return ONE * len(self.selected)

    def get_rank(self, row: int) -> int:
        """The place of a row in the order of `(score, index)`, from 1; selected are the ranks up to `n − f`."""
        return 1 + sum((score, other) < (self.scores[row], row) for other, score in enumerate(self.scores))


def compute_indicator(members: IndexSet, n: int) -> Integers:
    """`ONE` for the members of a set of rows, 0 for the others."""
    return tuple(ONE if row in members else 0 for row in range(n))


def select_everyone(gram: Matrix, f: int) -> Everyone:
    """Accepts every row: for consortia whose members trust each other. One dishonest row moves the sum at will."""
    del f
    return Everyone(tuple(range(len(gram))))


def select_multi_krum(gram: Matrix, f: int) -> Krum:
    """Accepts the `n − f` rows with the smallest Krum score.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest; `n ≥ 2f + 3`.

    References:
      docs/rules.md, step 3. Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient
      Descent", NeurIPS 2017. The variant is the authors': a score sums the `n − f − 2` nearest rows, the
      row itself not counted, and the `n − f` best are kept.
    """
    n = len(gram)
    distances = compute_squared_distances(gram)
    nearest = compute_nearest_others(distances, n - f - 2)
    scores = sum_members(distances, nearest)
    selected = sorted(range(n), key=lambda row: (scores[row], row))[: n - f]
    return Krum(tuple(sorted(selected)), scores, nearest)
