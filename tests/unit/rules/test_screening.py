"""Screening: who is left out, who is not, and that a few who agree among themselves do not outweigh the others."""

import numpy as np
import pytest

from steelyard.constants import ONE
from steelyard.rules import RULES, Verdict
from steelyard.rules.cosines import compute_cosines
from steelyard.rules.screening import compute_support, screen
from tests.gram_matrices import build_honest_vectors, compute_gram

N, F, D = 20, 6, 400
SCREENED = RULES["screen-clip-nnm-multi-krum"]


def build_skewed_vectors(seed: int = 0) -> np.ndarray:
    """Rows that agree as little as those of trainers with a class or two each: cosines around 0.1."""
    return build_honest_vectors(N, D, noise=3.0, seed=seed)


def test_cosines_are_those_of_the_vectors() -> None:
    vectors = build_honest_vectors(5)
    norms = np.linalg.norm(vectors, axis=1)
    cosines = compute_cosines(compute_gram(vectors)).astype(float) / ONE
    assert cosines == pytest.approx(vectors @ vectors.T / np.outer(norms, norms), abs=2**-30)


def test_cosines_round_towards_zero_and_end_at_one() -> None:
    assert compute_cosines(compute_gram([[3], [-3], [0]])).tolist() == [[ONE, -ONE, 0], [-ONE, ONE, 0], [0, 0, 0]]
    above = np.array([[1, 5, -5], [5, 1, 0], [-5, 0, 0]], dtype=object)
    assert compute_cosines(above).tolist() == [[ONE, ONE, 0], [ONE, ONE, 0], [0, 0, 0]]


def test_copies_say_nothing_for_each_other_and_nobody_more_than_a_quarter() -> None:
    cosines = np.array([[ONE, ONE], [ONE, ONE]], dtype=object)
    assert compute_support(cosines).tolist() == [[0, 0], [0, 0]]
    for cosine in range(0, ONE + 1, ONE // 64):
        support = compute_support(np.array([[ONE, cosine], [cosine, ONE]]))[0, 1]
        assert 0 <= support <= ONE // 4 + 1
    assert compute_support(np.array([[ONE, -7], [-7, ONE]]))[0, 1] == -7


@pytest.mark.parametrize("strength", [0.1, 0.5, 1, 2, 5, 100])
@pytest.mark.parametrize("seed", range(3))
def test_inner_product_manipulation_is_found_whatever_its_strength(strength: float, seed: int) -> None:
    """Six of twenty send the others' mean, reversed; honest rows hardly agree with each other."""
    vectors = build_skewed_vectors(seed)
    vectors[:F] = np.rint(-strength * vectors[F:].mean(axis=0))
    screening = screen(compute_gram(vectors), F)
    assert sorted(screening.removed) == list(range(F))
    assert screening.kept == tuple(range(F, N))


def test_the_rule_without_screening_is_led_astray_by_it() -> None:
    """That the test above can fail: copies of a short vector are everybody's nearest neighbours."""
    vectors = build_skewed_vectors()
    vectors[:F] = np.rint(-1.0 * vectors[F:].mean(axis=0))
    gram = compute_gram(vectors)
    weighings = [RULES[name].weigh(gram, F, D) for name in ("clip-nnm-multi-krum", SCREENED.name)]
    attackers = [sum(weighing.weights[:F]) / sum(weighing.weights) for weighing in weighings]
    assert attackers[0] > 0.3
    assert attackers[1] == 0


def test_honest_rows_stay_and_so_does_the_count_of_the_feared() -> None:
    for seed in range(20):
        screening = screen(compute_gram(build_skewed_vectors(seed)), F)
        assert screening.removed == ()


def test_noise_is_not_enough_to_be_left_out() -> None:
    """Sums of chance cosines are negative half of the time."""
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(-1000, 1000, (N, D))
        assert screen(compute_gram(noise), F).removed == ()


def test_a_mean_support_of_a_negative_eighth_is_enough_and_nothing_above_it() -> None:
    """Nine rows that say nothing for each other, as they are across each other, and one with the same cosine to all."""
    for numerator, removed in ((124, ()), (126, (9,))):
        gram = np.diag(np.full(10, 10**6)).astype(object)
        gram[9, :9] = gram[:9, 9] = -(10**3) * numerator
        assert screen(gram, 3).removed == removed


def test_no_more_than_f_are_removed() -> None:
    vectors = build_honest_vectors(N, D)
    vectors[:9] *= -1
    assert len(screen(compute_gram(vectors), 4).removed) == 4
    assert screen(compute_gram(vectors), 0).removed == ()


def test_ties_go_to_the_smaller_index() -> None:
    vectors = np.ones((7, 100), dtype=np.int64)
    vectors[[2, 4]] = -1
    assert screen(compute_gram(vectors), 1).removed == (2,)
    assert screen(compute_gram(vectors), 2).removed == (2, 4)


def test_a_removed_row_is_weighed_at_nothing_and_struck_if_it_opposes() -> None:
    vectors = build_honest_vectors(N, D)
    vectors[3] *= -1
    weighing = SCREENED.weigh(compute_gram(vectors), F, D)
    assert weighing.kept == (0, 1, 2, *range(4, N))
    assert weighing.weights[3] == weighing.contributions[3] == 0
    assert weighing.opposed == (3,)
    assert weighing.get_verdict(3) is Verdict.OPPOSED


def test_what_is_screened_counts_against_f() -> None:
    """With all the feared found, the rest is averaged as if nobody were dishonest."""
    vectors = build_honest_vectors(N, D)
    vectors[:F] *= -1
    weighing = SCREENED.weigh(compute_gram(vectors), F, D)
    assert weighing.neighbourhoods is not None
    assert all(len(members) == N - F for members in weighing.neighbourhoods.sets)
    assert weighing.normaliser == ONE * (N - F) ** 2
    assert all(weight > 0 for weight in weighing.weights[F:])


def test_screened_without_being_opposed_has_a_verdict_of_its_own() -> None:
    """Five rows one way, four across it, and one that agrees with the five and disagrees with the four."""
    angles = np.radians([0] * 5 + [85] * 4 + [-45])
    vectors = np.rint(10_000 * np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.int64)
    weighing = SCREENED.weigh(compute_gram(vectors), 1, D)
    assert weighing.kept == tuple(range(9))
    assert weighing.opposed == ()
    assert weighing.get_verdict(9) is Verdict.SCREENED
