"""Splits: exact sizes, no example twice, and as uneven as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.split import ClassesSplit, DirichletSplit, IidSplit, Split, compute_sizes
from steelyard.errors import DataError

LABELS = np.repeat(np.arange(10), 200)[np.random.default_rng(0).permutation(2000)]

SPLITS: list[Split] = [
    IidSplit(),
    DirichletSplit(name="dirichlet", alpha=0.1),
    DirichletSplit(name="dirichlet", alpha=10.0),
    ClassesSplit(name="classes", per_trainer=2),
]


def measure_skew(split: Split, trainers: int = 10, size: int = 40) -> float:
    """Mean part of the most frequent class of each trainer."""
    dealt = split.deal(LABELS, [size] * trainers, np.random.default_rng(1))
    return float(np.mean([np.bincount(LABELS[rows]).max() / len(rows) for rows in dealt]))


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_sizes_are_exact_and_no_example_is_used_twice(split: Split) -> None:
    sizes = [150, 20, 100, 1, 90, 100, 100, 40, 30, 100]
    dealt = split.deal(LABELS, sizes, np.random.default_rng(1))
    assert [len(rows) for rows in dealt] == sizes
    everything = np.concatenate(dealt)
    assert len(np.unique(everything)) == len(everything)
    assert all((np.diff(rows) > 0).all() for rows in dealt)


@pytest.mark.parametrize("split", SPLITS[:3], ids=str)
def test_everything_can_be_dealt(split: Split) -> None:
    dealt = split.deal(LABELS, [200] * 10, np.random.default_rng(1))
    assert sorted(np.concatenate(dealt)) == list(range(2000))


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_equal_seeds_deal_equally(split: Split) -> None:
    once, again, other = (split.deal(LABELS, [100] * 10, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert any((a != b).any() for a, b in zip(once, other, strict=True))


def test_skew_rises_as_alpha_falls() -> None:
    skews = [measure_skew(DirichletSplit(name="dirichlet", alpha=alpha)) for alpha in (1000.0, 1.0, 0.3, 0.02)]
    assert skews == sorted(skews)
    assert skews[0] < 0.25
    assert skews[-1] > 0.8
    assert measure_skew(IidSplit()) < 0.25


def test_dirichlet_mixtures_have_the_variance_that_alpha_says() -> None:
    labels = np.repeat(np.arange(5), 40_000)
    dealt = DirichletSplit(name="dirichlet", alpha=2.0).deal(labels, [100] * 300, np.random.default_rng(3))
    parts = np.array([np.bincount(labels[rows], minlength=5) / 100 for rows in dealt])
    # Dir(2, …, 2) over five classes has the variance 0.2·0.8/11; drawing 100 examples adds nearly 0.16/100.
    assert parts.mean(axis=0) == pytest.approx([0.2] * 5, abs=0.03)
    assert parts.var(axis=0) == pytest.approx([0.16 / 11 + 0.16 / 100] * 5, rel=0.3)


@given(st.integers(1, 10), st.integers(3, 30))
@settings(max_examples=30, deadline=None)
def test_pathological_trainers_have_so_many_classes_and_share_them_evenly(per_trainer: int, trainers: int) -> None:
    dealt = ClassesSplit(name="classes", per_trainer=per_trainer).deal(
        LABELS, [40] * trainers, np.random.default_rng(4)
    )
    held = [set(LABELS[rows]) for rows in dealt]
    assert all(len(classes) <= per_trainer for classes in held)
    holders = [trainers * per_trainer // 10, -(-trainers * per_trainer // 10)]
    counts = [sum(label in classes for classes in held) for label in range(10)]
    assert all(count <= holders[1] for count in counts)


def test_impossible_splits_are_refused() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(DataError, match="3,000 examples are asked for, there are 2,000"):
        IidSplit().deal(LABELS, [1000] * 3, rng)
    with pytest.raises(DataError, match="11 classes a trainer"):
        ClassesSplit(name="classes", per_trainer=11).deal(LABELS, [10], rng)
    with pytest.raises(DataError, match="too few examples"):
        ClassesSplit(name="classes", per_trainer=1).deal(LABELS, [300], rng)


def test_sizes_follow_weights_and_never_exceed_what_there_is() -> None:
    assert compute_sizes(1000, 4, None, (1.0,)) == [250] * 4
    assert compute_sizes(1000, 4, 10, (1.0,)) == [10] * 4
    assert compute_sizes(1000, 3, 100, (1.0, 2.0)) == [75, 150, 75]
    assert sum(compute_sizes(1000, 7, None, (1.0, 0.3, 5.0))) <= 1000
