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
UNTRUSTING = tuple(name for name in RULES if name not in {"mean", "foolsgold"})
"""Rules that promise to withstand `f` arbitrary rows. `mean` promises nothing, FoolsGold to withstand clones."""
AVERAGING = ("screen-clip-nnm-multi-krum", "clip-nnm-multi-krum", "multi-krum", "mean", "nna")
"""Rules that are the mean if nobody is dishonest. The others weigh by degrees even then."""
LENGTHENING = ("fltrust", "flag")
"""Rules that bring short rows to a common length, so that weights may add up to more than the normaliser."""
ROUNDED = ("flag",)
"""Rules whose last digits depend on the order of the rows: rotations of eigenvectors do not commute."""


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
    return weigh_gram(rule, compute_gram(vectors), f, vectors.shape[1])


def weigh_gram(rule: Rule, gram: Gram, f: int, d: int) -> Weighing:
    """Weighs a matrix by any rule. In a project's first round, history is that round."""
    return rule.weigh(gram, f, d, gram if rule.historic else None)


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
        weigh_gram(rule, compute_gram(build_honest_vectors(5)), f, d)


def test_a_negative_squared_norm_is_the_senders_fault(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(5))
    gram[2, 2] = -1
    with pytest.raises(MalformedUpdateError, match="row 2"):
        weigh_gram(rule, gram, 1, D)


def test_input_is_left_as_it_was(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(N))
    before = gram.copy()
    weigh_gram(rule, gram, F, D)
    assert (gram == before).all()


def test_native_and_python_integers_give_the_same(rule: Rule) -> None:
    gram = compute_gram(build_honest_vectors(N))
    assert (
        weigh_gram(rule, gram, F, D)
        == weigh_gram(rule, gram.astype(np.int64), F, D)
        == rule.weigh(gram.tolist(), F, D, gram.tolist() if rule.historic else None)
    )


@settings(max_examples=60, deadline=None)
@given(case=gram_matrices(max_rows=12))
def test_outcome_is_well_formed_and_repeats(case: tuple[Gram, int, int]) -> None:
    gram, f, d = case
    for rule in RULES.values():
        n = len(gram) - rule.rooted
        if n < 2 * f + 3:
            continue
        weighing = weigh_gram(rule, gram, f, d)
        assert weighing == weigh_gram(rule, gram, f, d), rule.name
        assert len(weighing.weights) == len(weighing.contributions) == len(gram)
        assert all(0 <= weight <= 2**37 for weight in weighing.weights)
        assert weighing.normaliser > 0
        assert rule.name in LENGTHENING or sum(weighing.weights) <= weighing.normaliser
        assert all(value >= 0 for value in weighing.contributions)
        assert all(weighing.weights[i] > 0 for i in range(len(gram)) if weighing.contributions[i])
        assert all(weighing.weights[i] == 0 for i in weighing.opposed)
        assert weighing.has_quorum or not weighing.opposed
        paid = sum(value > 0 for value in weighing.contributions)
        assert paid == 0 or 2 * paid >= n - f


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(N)), f=st.integers(0, 4))
def test_order_of_rows_does_not_matter_without_ties(order: list[int], f: int) -> None:
    vectors = build_honest_vectors(N, noise=2.0, seed=1)
    vectors[3] *= -3
    for rule in RULES.values():
        straight = weigh(rule, vectors, f, seed=1)
        permuted = weigh(rule, vectors[order], f, seed=1)
        tolerance = 2**-12 if rule.name in ROUNDED else 0
        for once, again in ((straight.weights, permuted.weights), (straight.contributions, permuted.contributions)):
            assert all(abs(again[k] - once[i]) <= tolerance * max(once) for k, i in enumerate(order)), rule.name
        assert {order[i] for i in permuted.opposed} == set(straight.opposed)


@pytest.mark.parametrize("factor", [2, 3, 1000, -1])
def test_unit_of_the_updates_does_not_matter(rule: Rule, factor: int) -> None:
    vectors = build_honest_vectors(N, noise=2.0, seed=2)
    vectors[4] *= -2
    gram = compute_gram(vectors)
    once, more = (weigh_gram(rule, each, F, D) for each in (gram, factor**2 * gram))
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
    spread = 400 if rule.name == "flag" else 300
    assert all(1000 - spread < share < 1000 + spread for share in shares)


def test_rows_all_alike_are_weighed_and_paid_alike_at_f_zero(rule: Rule) -> None:
    """But FoolsGold takes them for Sybils, and the flag aggregator for rows of one subspace, up to its rounding."""
    weighing = weigh_gram(rule, np.full((N, N), 10**6, dtype=np.int64), 0, D)
    n = weighing.num_trainers
    tolerance = 0.05 if rule.name in ROUNDED else 0
    assert max(weighing.weights[:n]) <= min(weighing.weights[:n]) * (1 + tolerance)
    assert max(weighing.contributions[:n]) <= min(weighing.contributions[:n]) * (1 + tolerance)
    assert weighing.has_quorum == (rule.name != "foolsgold")


def test_duplicates_count_alike_where_nobody_is_left_out(rule: Rule) -> None:
    """Ties are broken by the index where a rule leaves rows out. With f = 0 it does not, and equal rows are equal."""
    vectors = build_honest_vectors(N, noise=2.0, seed=12)
    vectors[[2, 7, 10]] = vectors[5]
    weighing = weigh(rule, vectors, 0, seed=12)
    for values in (weighing.weights, weighing.contributions):
        found = [values[row] for row in (2, 5, 7, 10)]
        assert max(found) - min(found) <= (2**-12 if rule.name in ROUNDED else 0) * max(values), rule.name


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
    weighing = weigh_gram(rule, np.zeros((N, N), dtype=np.int64), F, D)
    assert weighing.contributions == (0,) * N
    assert weighing.opposed == ()


def test_pure_noise_pays_nobody(rule: Rule) -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(-1000, 1000, (N, D))
        weighing = weigh_gram(rule, compute_gram(noise), F, D)
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
        if robust_rule.name != "flag":
            assert sum(value > 0 for value in weighing.contributions) >= N - 2 * F, name


def test_clones_of_one_history_have_no_weight_in_foolsgold() -> None:
    vectors = build_honest_vectors(N, noise=3.0, seed=11)
    vectors[-5:] = vectors[-1]
    weighing = weigh(RULES["foolsgold"], vectors, seed=11)
    assert weighing.weights == (ONE,) * (N - 5) + (0,) * 5
    assert sum(weighing.contributions[-5:]) == 0


def compute_limit(name: str, honest: np.ndarray, root: np.ndarray, f: int) -> float:
    """How far from the honest mean docs/rules.md lets `f` rows move the step, whatever they are."""
    n = len(honest) + f
    mean = honest.mean(axis=0)
    lengths = np.linalg.norm(honest, axis=1)
    diameter = max(np.linalg.norm(a - b) for a in honest for b in honest)
    radius = np.linalg.norm(honest - mean, axis=1).max()
    limits = {
        "multi-krum": np.sqrt(n - f - 2) * diameter + radius,
        "nna": 2 * np.sqrt(n - f - 1) * diameter + radius,
        "fltrust": np.linalg.norm(root) + np.linalg.norm(mean),
        "geometric-median": 1.01 * 2 * (n - f) / (n - 2 * f) * radius,
        "centred-clipping": 5 * lengths.max() + np.linalg.norm(mean),
    }
    return float(limits.get(name, lengths.max() + np.linalg.norm(mean))) + 1.0


HOSTILE = ("far", "shifted", "clones", "against", "mixed", "honest")


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    f=st.integers(1, 4),
    extra=st.integers(3, 5),
    spread=st.sampled_from((0.1, 1.0, 5.0)),
    hostile=st.sampled_from(HOSTILE),
    size=st.sampled_from((0.5, 1.0, 3.0, 30.0, 1e4)),
)
def test_no_f_rows_move_the_step_beyond_the_limit(
    seed: int, f: int, extra: int, spread: float, hostile: str, size: float
) -> None:
    """Breakdown: the limits hold for any `f` rows with `n ≥ 2f + 3`, and depend on the honest rows alone."""
    honest = build_honest_vectors(f + extra, 40, noise=spread, seed=seed % 1000)
    rng = np.random.default_rng(seed)
    aside = rng.normal(size=40) * 1000 * size
    rows = {
        "far": rng.normal(size=(f, 40)) * 1000 * size,
        "shifted": honest.mean(axis=0) + np.tile(aside, (f, 1)),
        "clones": np.tile(honest[0] * size, (f, 1)),
        "against": np.tile(-honest.mean(axis=0) * size, (f, 1)),
        "mixed": np.array([(-1) ** i * aside for i in range(f)]),
        "honest": honest[rng.integers(len(honest), size=f)] + rng.normal(size=(f, 40)) * size,
    }[hostile]
    vectors = np.vstack([honest, np.rint(rows).astype(np.int64)])
    root = build_honest_vectors(len(vectors) + 1, 40, seed=seed % 1000)[-1]
    for name in UNTRUSTING:
        step = compute_step(weigh(RULES[name], vectors, f, seed=seed % 1000), vectors)
        moved = np.linalg.norm(step - honest.mean(axis=0))
        assert moved <= compute_limit(name, honest, root, f), name


@pytest.mark.parametrize("name", sorted(set(RULES) - set(UNTRUSTING)))
def test_one_dishonest_row_moves_the_others_at_will(name: str) -> None:
    """Why `mean` is for those who trust each other, FoolsGold for clones, and that the laws above can fail."""
    vectors = build_honest_vectors(N, seed=8)
    length = np.linalg.norm(vectors[0])
    vectors[-1] = 10**7
    step = compute_step(weigh(RULES[name], vectors, seed=8), vectors)
    assert np.linalg.norm(step) > 100 * length
