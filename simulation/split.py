"""How examples are dealt to trainers, and how their data differ beyond that.

Every split is exact and without replacement: an example goes to one trainer at most. Equal seeds deal equally.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steelyard.errors import DataError
from steelyard.spec.strict import StrictModel

Rows = NDArray[np.int64]
"""Row numbers of one trainer's examples, ascending."""


class Split(StrictModel, ABC):
    """A way to deal examples."""

    @abstractmethod
    def deal(self, labels: NDArray[np.int64], sizes: Sequence[int], rng: np.random.Generator) -> list[Rows]:
        """Rows for each trainer: `sizes[i]` of them for trainer `i`, disjoint.

        Raises:
          DataError: there are not enough examples.
        """


class IidSplit(Split):
    """Everybody draws from all examples alike."""

    name: Literal["iid"] = "iid"

    def deal(self, labels: NDArray[np.int64], sizes: Sequence[int], rng: np.random.Generator) -> list[Rows]:
        _check_total(labels, sizes)
        order = rng.permutation(len(labels))
        cuts = np.cumsum([0, *sizes])
        return [np.sort(order[start:end]) for start, end in pairwise(cuts)]


class DirichletSplit(Split):
    """Each trainer's mixture of classes is drawn from a Dirichlet distribution around the whole's.

    Trainers take turns and draw one example after another, each a class by its own mixture; a class that is used up
    drops out of everybody's mixture. Sizes are exact, which keeps pay comparable.

    References:
      Hsu, Qi, Brown, `Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification
      <https://arxiv.org/abs/1909.06335>`_, 2019: mixtures `q ~ Dir(α·p)` with `p` the classes' frequencies times their
      number, and equal sizes. Deviation: without replacement.
    """

    name: Literal["dirichlet"]
    alpha: Annotated[float, Field(gt=0, le=1e6)]

    def deal(self, labels: NDArray[np.int64], sizes: Sequence[int], rng: np.random.Generator) -> list[Rows]:
        _check_total(labels, sizes)
        classes = int(labels.max()) + 1
        frequencies = np.bincount(labels, minlength=classes) / len(labels)
        present = np.flatnonzero(frequencies)
        mixtures = np.zeros((len(sizes), classes))
        mixtures[:, present] = rng.dirichlet(self.alpha * frequencies[present] * len(present), len(sizes))
        return _deal_by_mixture(labels, mixtures, sizes, rng)


class ClassesSplit(Split):
    """Each trainer has examples of a few classes only, as many of each.

    Classes go round in a random order, so that each is held by about as many trainers.

    References:
      McMahan et al., `Communication-Efficient Learning of Deep Networks from Decentralized Data
      <https://arxiv.org/abs/1602.05629>`_, AISTATS 2017, the pathological split. Deviation: by whole classes where the
      paper deals shards of sorted examples.
    """

    name: Literal["classes"]
    per_trainer: Annotated[int, Field(ge=1)]

    def deal(self, labels: NDArray[np.int64], sizes: Sequence[int], rng: np.random.Generator) -> list[Rows]:
        _check_total(labels, sizes)
        classes = np.unique(labels)
        if self.per_trainer > len(classes):
            raise DataError(f"{self.per_trainer} classes a trainer are more than the data have, {len(classes)}")
        order = rng.permutation(classes)
        mixtures = np.zeros((len(sizes), int(classes.max()) + 1))
        for trainer in range(len(sizes)):
            start = trainer * self.per_trainer
            held = [order[(start + k) % len(order)] for k in range(self.per_trainer)]
            mixtures[trainer, held] = 1 / self.per_trainer
        return _deal_by_mixture(labels, mixtures, sizes, rng, fill=False)


AnySplit = Annotated[IidSplit | DirichletSplit | ClassesSplit, Field(discriminator="name")]


def compute_sizes(total: int, trainers: int, each: int | None, weights: Sequence[float]) -> list[int]:
    """How many examples each trainer gets: `each` on average, or everything, in proportion to `weights`, repeated."""
    relative = np.array([weights[trainer % len(weights)] for trainer in range(trainers)])
    whole = total if each is None else each * trainers
    return [max(1, int(size)) for size in np.floor(whole * relative / relative.sum())]


def _deal_by_mixture(
    labels: NDArray[np.int64],
    mixtures: NDArray[np.float64],
    sizes: Sequence[int],
    rng: np.random.Generator,
    *,
    fill: bool = True,
) -> list[Rows]:
    """Deals by class mixtures, in rounds: each trainer asks for what it lacks, and shares what is scarce.

    Args:
      mixtures: shape `(n, classes)`, rows sum to 1.
      fill: where all classes of a mixture are used up, go on with any class that is left.
    """
    pools = [rng.permutation(np.flatnonzero(labels == label)).tolist() for label in range(mixtures.shape[1])]
    dealt: list[list[int]] = [[] for _ in sizes]
    while lacking := [trainer for trainer, size in enumerate(sizes) if len(dealt[trainer]) < size]:
        left = np.array([bool(pool) for pool in pools])
        for trainer in rng.permutation(lacking):
            # A few at a time, so that nobody empties a class before the others have had their turn.
            lack = sizes[trainer] - len(dealt[trainer])
            portion = min(lack, max(1, sizes[trainer] // 16))
            wanted = rng.multinomial(portion, _renormalise(mixtures[trainer], left, fill=fill))
            for label in np.flatnonzero(wanted):
                pool = pools[label]
                taken = min(int(wanted[label]), len(pool))
                dealt[trainer] += [pool.pop() for _ in range(taken)]
                left[label] = bool(pool)
    return [np.sort(np.array(rows, dtype=np.int64)) for rows in dealt]


def _renormalise(mixture: NDArray[np.float64], left: NDArray[np.bool_], *, fill: bool) -> NDArray[np.float64]:
    available = np.where(left, mixture, 0.0)
    if not available.sum():
        if not fill:
            raise DataError("a trainer's classes have too few examples: ask for fewer examples or more classes")
        available = left.astype(np.float64)
    normalised: NDArray[np.float64] = available / available.sum()
    return normalised


def _check_total(labels: NDArray[np.int64], sizes: Sequence[int]) -> None:
    if sum(sizes) > len(labels):
        raise DataError(f"{sum(sizes):,} examples are asked for, there are {len(labels):,}")
