"""Screening: rows that pull against the others are left out, and each one found is one fewer to be afraid of."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.cosines import compute_cosines, square_q32
from steelyard.rules.fixed_point import Fixed
from steelyard.rules.matrix import IndexSet, Integers, Matrix

TOLERANCE: Final = 8
"""A row is left out where the mean support of the others is `−1/8` or less."""


@dataclass(frozen=True, slots=True)
class Screening:
    """Leaves out rows. What follows in the chain counts the rows that are kept, in their order.

    Attributes:
      scores: for each row its support among the rows that were left when it was last looked at, in Q32.
      kept: rows that go on.
      removed: rows that are left out, in the order in which they were found.
    """

    scores: Integers
    kept: IndexSet
    removed: IndexSet

    def keep(self, gram: Matrix) -> Matrix:
        """The Gram matrix of the kept rows."""
        rest: Matrix = gram[np.ix_(self.kept, self.kept)]
        return rest

    def pull_back(self, weights: Integers) -> Integers:
        """Weights of the kept rows as weights of all: 0 for the others."""
        own = dict(zip(self.kept, weights, strict=True))
        return tuple(own.get(row, 0) for row in range(len(self.scores)))


def compute_support(cosines: Fixed) -> Fixed:
    """What each row says for each other: a negative cosine counts in full, a positive one as `c − c²`.

    Copies thus say nothing for each other, and nobody more than a quarter, so that a few who agree among themselves do
    not outweigh many who disagree with them.
    """
    support: Fixed = np.where(cosines > 0, cosines - square_q32(np.maximum(cosines, 0)), cosines)
    np.fill_diagonal(support, 0)
    return support


def screen(gram: Matrix, f: int) -> Screening:
    """Removes, up to `f` times, the row with the least support, as long as the rest is clearly against it.

    A row's score is its support by all rows that are left. It goes if `8·score ≤ −(m − 1)` with `m` rows left. Honest
    rows of a model that has nearly converged, or of data that differ much, have scores around 0; those of whoever
    pushes the model back are below `−(m − 1) / 5`.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest; `n ≥ 2f + 3`.

    References:
      docs/rules.md, "Screening". Ours; the idea that a row's direction and not its distance betrays inner-product
      manipulation (Xie et al., UAI 2019) is that of FLTrust without a root of trust.
    """
    support = compute_support(compute_cosines(gram))
    scores: list[int] = support.sum(axis=1).tolist()
    kept = list(range(len(scores)))
    removed: list[int] = []
    while len(removed) < f:
        least = min(kept, key=lambda row: (scores[row], row))
        if TOLERANCE * scores[least] > -(len(kept) - 1) * ONE:
            break
        kept.remove(least)
        removed.append(least)
        for row in kept:
            scores[row] -= int(support[row, least])
    return Screening(tuple(scores), tuple(kept), tuple(removed))
