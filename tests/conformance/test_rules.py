"""Laws that every weighing rule keeps. A new rule is added to `RULES` and is then held to all of them."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.constants import ONE
from steelyard.errors import MalformedUpdateError, TooFewUpdatesError
from steelyard.rules import RULES, Rule, Verdict, Weighing, compute_shares
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram, gram_matrices

N, F, D = 11, 3, 400
UNTRUSTING = tuple(name for name in RULES if name != "mean")
"""Rules that promise to withstand `f` arbitrary rows; `mean` promises nothing."""
AVERAGING = ("clip-nnm-multi-krum", "multi-krum", "mean", "nna")
"""Rules that are the mean if nobody is dishonest. FLTrust follows its root even then."""


@pytest.fixture(params=tuple(RULES.values()), ids=tuple(RULES))
def rule(request: pytest.FixtureRequest) -> Rule:
    chosen: Rule = request.param
    return chosen


@pytest.fixture(params=UNTRUSTING)
def robust_rule(request: pytest.FixtureRequest) -> Rule:
    return RULES[request.param]


def weigh(rule: Rule, vectors: np.ndarray, f: int = F, *, seed: int) -> Weighing:
    """Weighs trainers' rows, with what else the rule asks for.

    A root is honest, of the same seed as the trainers' rows, and no function of them: whatever they do, it stays.
    """
    if rule.rooted:
        root = build_honest_vectors(len(vectors) + 1, vectors.shape[1], seed=seed)[-1]
        vectors = np.vstack([vectors, root])
    return rule.weigh(compute_gram(vectors), f, vectors.shape[1])


def compute_step(weighing: Weighing, vectors: np.ndarray) -> np.ndarray:
    """By how much the model moves, before the quantisation scale."""
    weights = np.array([weight / weighing.normaliser for weight in weighing.weights[: len(vectors)]])
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
    """A root update is no trainer's row and does not count."""
    vectors = build_honest_vectors(8)
    with pytest.raises(TooFewUpdatesError) as raised:
        weigh(rule, vectors, 3, seed=0)
    assert (raised.value.n, raised.value.f) == (8, 3)
    assert weigh(rule, vectors, 2, seed=0).num_trainers == 8


def test_a_root_update_has_no_weight_no_pay_and_no_strike() -> None:
    for rule in RULES.values():
        vectors = build_honest_vectors(N, seed=3)
        weighing = weigh(rule, vectors, seed=3)
        assert len(weighing.weights) == len(weighing.contributions) == N + rule.rooted
        assert weighing.weights[N:] == weighing.contributions[N:] == (0,) * rule.rooted
        assert [weighing.get_verdict(row) for row in range(N, N + rule.rooted)] == [Verdict.ROOT] * rule.rooted
        assert len(weighing.merits) == N + rule.rooted
        vectors[: N // 2] *= -1
        assert all(row < N for row in weigh(rule, vectors, seed=3).opposed)


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
        n = len(gram) - rule.rooted
        if n < 2 * f + 3:
            continue
        weighing = rule.weigh(gram, f, d)
        assert weighing == rule.weigh(gram, f, d), rule.name
        assert len(weighing.weights) == len(weighing.contributions) == len(gram)
        assert all(0 <= weight <= 2**37 for weight in weighing.weights)
        assert weighing.normaliser > 0
        assert rule.rooted or sum(weighing.weights) <= weighing.normaliser
        assert all(value >= 0 for value in weighing.contributions)
        assert all(weighing.weights[i] > 0 for i in range(len(gram)) if weighing.contributions[i])
        assert all(weighing.weights[i] == 0 for i in weighing.opposed)
        assert weighing.has_quorum or not weighing.opposed
        paid = sum(value > 0 for value in weighing.contributions)
        assert paid == 0 or 2 * paid >= n - f


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(N)), f=st.integers(0, 4))
def test_order_of_rows_does_not_matter_without_ties(order: list[int], f: int) -> None:
    vectors = build_honest_vectors(N, noise=2.0, seed=1)
    vectors[3] *= -3
    for rule in RULES.values():
        straight = weigh(rule, vectors, f, seed=1)
        permuted = weigh(rule, vectors[order], f, seed=1)
        assert permuted.weights[:N] == tuple(straight.weights[i] for i in order)
        assert permuted.contributions[:N] == tuple(straight.contributions[i] for i in order)
        assert {order[i] for i in permuted.opposed} == set(straight.opposed)


@pytest.mark.parametrize("factor", [2, 3, 1000, -1])
def test_unit_of_the_updates_does_not_matter(rule: Rule, factor: int) -> None:
    vectors = build_honest_vectors(N, noise=2.0, seed=2)
    vectors[4] *= -2
    gram = compute_gram(vectors)
    once, more = (rule.weigh(each, F, D) for each in (gram, factor**2 * gram))
    assert more.weights == once.weights
    assert more.opposed == once.opposed
    assert more.normaliser == once.normaliser
    assert [more.get_verdict(i) for i in range(N)] == [once.get_verdict(i) for i in range(N)]
    budget = 10**12
    shares = zip(*(compute_shares(budget, weighing.contributions).shares for weighing in (once, more)), strict=True)
    assert all(abs(a - b) <= 1 for a, b in shares)


@pytest.mark.parametrize("name", AVERAGING)
def test_without_dishonest_rows_everyone_counts_alike(name: str) -> None:
    """With f = 0 these rules are the mean of the rows; the default rule's are clipped first."""
    rule = RULES[name]
    vectors = build_honest_vectors(N, seed=3)
    weighing = rule.weigh(compute_gram(vectors), 0, D)
    factors = weighing.clipping.factors if weighing.clipping else (ONE,) * N
    assert weighing.weights == tuple(factor * weighing.normaliser // (ONE * N) for factor in factors)
    assert weighing.normaliser in {ONE * N, ONE * N * N}


def test_honest_rows_of_equal_quality_earn_alike(rule: Rule) -> None:
    weighing = weigh(rule, build_honest_vectors(N, seed=4), 0, seed=4)
    shares = compute_shares(N * 1000, weighing.contributions).shares[:N]
    assert all(700 < share < 1300 for share in shares)


def test_rows_all_alike_are_weighed_and_paid_alike_at_f_zero(rule: Rule) -> None:
    weighing = rule.weigh(np.full((N, N), 10**6, dtype=np.int64), 0, D)
    n = weighing.num_trainers
    assert len(set(weighing.weights[:n])) == len(set(weighing.contributions[:n])) == 1
    assert weighing.has_quorum


def test_clones_of_one_row_earn_less_together_than_as_one_row_each(rule: Rule) -> None:
    """Three copies take less than three honest trainers would, and copying lowers what each copy earns."""
    vectors = build_honest_vectors(N, seed=6)
    honest = weigh(rule, vectors, seed=6)
    vectors[-3:] = vectors[-1]
    cloned = weigh(rule, vectors, seed=6)
    before, after = (compute_shares(10**6, weighing.contributions).shares[:N] for weighing in (honest, cloned))
    assert sum(after[-3:]) < 0.75 * 3 / N * 10**6
    assert after[-1] < before[-1]


def test_zero_rows_earn_nothing_and_are_no_strike(rule: Rule) -> None:
    vectors = build_honest_vectors(N, seed=7)
    vectors[[0, 5]] = 0
    weighing = weigh(rule, vectors, seed=7)
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
        step = compute_step(weigh(robust_rule, attacked, seed=8), attacked)
        assert np.linalg.norm(step - honest.mean(axis=0)) <= spread, name


def test_dishonest_rows_earn_nothing(robust_rule: Rule) -> None:
    """At least `n − 2f` honest rows do: a rule keeps `n − f`, of which at worst `f` are not honest (zero rows, say)."""
    vectors = build_honest_vectors(N, seed=9)
    for name, attacked in build_attacks(vectors, F):
        weighing = weigh(robust_rule, attacked, seed=9)
        assert weighing.has_quorum, name
        assert sum(weighing.contributions[N - F : N]) == 0, name
        assert sum(value > 0 for value in weighing.contributions) >= N - 2 * F, name


def test_one_dishonest_row_moves_the_mean_at_will() -> None:
    """Why `mean` is for those who trust each other, and that the laws above can fail."""
    vectors = build_honest_vectors(N, seed=8)
    vectors[-1] = 10**7
    step = compute_step(RULES["mean"].weigh(compute_gram(vectors), F, D), vectors)
    assert np.linalg.norm(step) > 100 * np.linalg.norm(vectors[0])
