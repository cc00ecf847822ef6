"""Laws that every weighing rule keeps. A new rule is added to `RULES` and is then held to all of them."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.constants import ONE
from steelyard.errors import MalformedUpdateError, TooFewUpdatesError
from steelyard.rules import RULES, Rule, Weighing, compute_shares
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram, gram_matrices

N, F, D = 11, 3, 400
UNTRUSTING = ("clip-nnm-multi-krum", "multi-krum")
"""Rules that promise to withstand `f` arbitrary rows; `mean` promises nothing."""


@pytest.fixture(params=tuple(RULES.values()), ids=tuple(RULES))
def rule(request: pytest.FixtureRequest) -> Rule:
    chosen: Rule = request.param
    return chosen


@pytest.fixture(params=UNTRUSTING)
def robust_rule(request: pytest.FixtureRequest) -> Rule:
    return RULES[request.param]


def compute_step(weighing: Weighing, vectors: np.ndarray) -> np.ndarray:
    """By how much the model moves, before the quantisation scale."""
    weights = np.array([weight / weighing.normaliser for weight in weighing.weights])
    step: np.ndarray = weights @ vectors
    return step


def build_attacks(vectors: np.ndarray, f: int) -> Iterator[tuple[str, np.ndarray]]:
    """The last `f` rows replaced by what a dishonest trainer might send."""
    rng = np.random.default_rng(5)
    mean = vectors[:-f].mean(axis=0)
    for name, rows in {
        "sign flip": -4 * vectors[-f:],
        "noise": rng.normal(0, 1500, vectors[-f:].shape),
        "huge": rng.normal(0, 1e7, vectors[-f:].shape),
        "inner product manipulation": np.tile(-0.5 * mean, (f, 1)),
        "zero": np.zeros(vectors[-f:].shape),
    }.items():
        attacked = vectors.copy()
        attacked[-f:] = np.rint(rows)
        yield name, attacked


def test_too_few_rows_are_refused_with_the_numbers(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(8))
    with pytest.raises(TooFewUpdatesError) as raised:
        rule.weigh(gram, 3, D)
    assert (raised.value.n, raised.value.f) == (8, 3)
    rule.weigh(gram, 2, D)


@pytest.mark.parametrize(("f", "d"), [(-1, D), (0, 0), (0, 2**32)])
def test_parameters_out_of_range_are_refused(rule: Rule, f: int, d: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        rule.weigh(compute_gram(build_honest_vectors(5)), f, d)


def test_a_negative_squared_norm_is_the_senders_fault(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(5))
    gram[2, 2] = -1
    with pytest.raises(MalformedUpdateError, match="row 2"):
        rule.weigh(gram, 1, D)


def test_input_is_left_as_it_was(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(N))
    before = gram.copy()
    rule.weigh(gram, F, D)
    assert (gram == before).all()


def test_native_and_python_integers_give_the_same(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(N))
    assert rule.weigh(gram, F, D) == rule.weigh(gram.astype(np.int64), F, D) == rule.weigh(gram.tolist(), F, D)


@settings(max_examples=60, deadline=None)
@given(case=gram_matrices(max_rows=12))
def test_outcome_is_well_formed_and_repeats(case: tuple[Gram, int, int]) -> None:
    gram, f, d = case
    for rule in RULES.values():
        weighing = rule.weigh(gram, f, d)
        assert weighing == rule.weigh(gram, f, d), rule.name
        assert len(weighing.weights) == len(weighing.contributions) == len(gram)
        assert all(0 <= weight <= weighing.normaliser for weight in weighing.weights)
        assert sum(weighing.weights) <= weighing.normaliser
        assert all(value >= 0 for value in weighing.contributions)
        assert all(weighing.weights[i] > 0 for i in range(len(gram)) if weighing.contributions[i])
        assert all(weighing.weights[i] == 0 for i in weighing.opposed)
        assert weighing.has_quorum or not weighing.opposed
        paid = sum(value > 0 for value in weighing.contributions)
        assert paid == 0 or 2 * paid >= len(gram) - f


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(N)), f=st.integers(0, 4))
def test_order_of_rows_does_not_matter_without_ties(order: list[int], f: int) -> None:
    vectors = build_honest_vectors(N, noise=2.0, seed=1)
    vectors[3] *= -3
    for rule in RULES.values():
        straight = rule.weigh(compute_gram(vectors), f, D)
        permuted = rule.weigh(compute_gram(vectors[order]), f, D)
        assert permuted.weights == tuple(straight.weights[i] for i in order)
        assert permuted.contributions == tuple(straight.contributions[i] for i in order)
        assert {order[i] for i in permuted.opposed} == set(straight.opposed)


@pytest.mark.parametrize("factor", [2, 3, 1000, -1])
def test_unit_of_the_updates_does_not_matter(rule: Rule, factor: int) -> None:
    vectors = build_honest_vectors(N, noise=2.0, seed=2)
    vectors[4] *= -2
    once, more = (rule.weigh(compute_gram(rows), F, D) for rows in (vectors, factor * vectors))
    assert more.weights == once.weights
    assert more.opposed == once.opposed
    assert [more.get_verdict(i) for i in range(N)] == [once.get_verdict(i) for i in range(N)]
    budget = 10**12
    shares = zip(*(compute_shares(budget, weighing.contributions).shares for weighing in (once, more)), strict=True)
    assert all(abs(a - b) <= 1 for a, b in shares)


def test_without_dishonest_rows_everyone_counts_alike(rule: Rule) -> None:
    """With f = 0 every rule is the mean of the rows; the default rule's are clipped first."""
    vectors = build_honest_vectors(N, seed=3)
    weighing = rule.weigh(compute_gram(vectors), 0, D)
    factors = weighing.clipping.factors if weighing.clipping else (ONE,) * N
    assert weighing.weights == tuple(factor * weighing.normaliser // (ONE * N) for factor in factors)
    assert weighing.normaliser in {ONE * N, ONE * N * N}


def test_honest_rows_of_equal_quality_earn_alike(rule: Rule) -> None:
    weighing = rule.weigh(compute_gram(build_honest_vectors(N, seed=4)), 0, D)
    shares = compute_shares(N * 1000, weighing.contributions).shares
    assert all(700 < share < 1300 for share in shares)


def test_rows_all_alike_are_weighed_and_paid_alike_at_f_zero(rule: Rule) -> None:
    weighing = rule.weigh(np.full((N, N), 10**6, dtype=np.int64), 0, D)
    assert len(set(weighing.weights)) == len(set(weighing.contributions)) == 1
    assert weighing.has_quorum


def test_clones_of_one_row_earn_less_together_than_as_one_row_each(rule: Rule) -> None:
    """Three copies take less than three honest trainers would, and copying lowers what each copy earns."""
    vectors = build_honest_vectors(N, seed=6)
    honest = rule.weigh(compute_gram(vectors), F, D)
    vectors[-3:] = vectors[-1]
    cloned = rule.weigh(compute_gram(vectors), F, D)
    before, after = (compute_shares(10**6, weighing.contributions).shares for weighing in (honest, cloned))
    assert sum(after[-3:]) < 0.75 * 3 / N * 10**6
    assert after[-1] < before[-1]


def test_zero_rows_earn_nothing_and_are_no_strike(rule: Rule) -> None:
    vectors = build_honest_vectors(N, seed=7)
    vectors[[0, 5]] = 0
    weighing = rule.weigh(compute_gram(vectors), F, D)
    assert weighing.contributions[0] == weighing.contributions[5] == 0
    assert weighing.has_quorum
    assert weighing.opposed == ()


def test_nothing_but_zero_rows_pays_nobody(rule: Rule) -> None:
    weighing = rule.weigh(np.zeros((N, N), dtype=np.int64), F, D)
    assert weighing.contributions == (0,) * N
    assert weighing.opposed == ()


def test_pure_noise_pays_nobody(rule: Rule) -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(-1000, 1000, (N, D))
        weighing = rule.weigh(compute_gram(noise), F, D)
        assert weighing.contributions == (0,) * N, seed
        assert weighing.opposed == (), seed


def test_dishonest_rows_move_the_aggregate_no_further_than_honest_ones_spread(robust_rule: Rule) -> None:
    """(f, κ)-robustness: the distance to the honest mean stays within the honest rows' own spread."""
    vectors = build_honest_vectors(N, seed=8)
    honest = vectors[:-F]
    spread = np.sqrt(((honest - honest.mean(axis=0)) ** 2).sum(axis=1).mean())
    for name, attacked in build_attacks(vectors, F):
        step = compute_step(robust_rule.weigh(compute_gram(attacked), F, D), attacked)
        assert np.linalg.norm(step - honest.mean(axis=0)) <= spread, name


def test_dishonest_rows_earn_nothing(robust_rule: Rule) -> None:
    """At least `n − 2f` honest rows do: a rule keeps `n − f`, of which at worst `f` are not honest (zero rows, say)."""
    vectors = build_honest_vectors(N, seed=9)
    for name, attacked in build_attacks(vectors, F):
        weighing = robust_rule.weigh(compute_gram(attacked), F, D)
        assert weighing.has_quorum, name
        assert sum(weighing.contributions[-F:]) == 0, name
        assert sum(value > 0 for value in weighing.contributions) >= N - 2 * F, name


def test_one_dishonest_row_moves_the_mean_at_will() -> None:
    """Why `mean` is for those who trust each other, and that the laws above can fail."""
    vectors = build_honest_vectors(N, seed=8)
    vectors[-1] = 10**7
    step = compute_step(RULES["mean"].weigh(compute_gram(vectors), F, D), vectors)
    assert np.linalg.norm(step) > 100 * np.linalg.norm(vectors[0])
