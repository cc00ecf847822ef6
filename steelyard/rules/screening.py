"""Screening: rows that pull against the others are left out, and each one found is one fewer to be afraid of."""

from dataclasses import dataclass

import numpy as np

from steelyard.rules.contribution import NOISE_FACTOR
from steelyard.rules.cosines import compute_cosines, square_q32
from steelyard.rules.fixed_point import Fixed
from steelyard.rules.matrix import IndexSet, Integers, Matrix


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


def screen(gram: Matrix, f: int, d: int) -> Screening:
    r"""Removes, up to `f` times, the row with the least support, as long as the rest is against it beyond chance.

    A row's score is its support by all rows that are left. It goes if the score is negative and
    `score² · d ≥ 16 · (m − 1)` with `m` rows left: sums of `m − 1` cosines of random vectors have the variance
    `(m − 1) / d`, and four standard deviations are asked for.

    Args:
      gram: shape `(n, n)`.
      f: how many rows may be dishonest; `n ≥ 2f + 3`.
      d: number of coordinates of a row.

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
        score = scores[least]
        if score >= 0 or score * score * d < NOISE_FACTOR * (len(kept) - 1) << 64:
            break
        kept.remove(least)
        removed.append(least)
        for row in kept:
            scores[row] -= int(support[row, least])
    return Screening(tuple(scores), tuple(kept), tuple(removed))
