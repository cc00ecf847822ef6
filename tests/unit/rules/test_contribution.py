"""Contribution clause by clause: the Shapley value, the discount for copies, the noise floor, the quorum, strikes."""

from itertools import permutations
from math import cos, factorial, pi, sin

import numpy as np
import pytest

from steelyard.constants import ONE
from steelyard.rules import RULES, Verdict
from steelyard.rules.contribution import (
    GENTLE,
    HALVINGS,
    SHARP,
    Merit,
    compute_exp2neg,
    compute_kappas,
    compute_merits,
    has_quorum,
)
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram

MEAN = RULES["mean"]
MULTI_KRUM = RULES["multi-krum"]


def compute_game_value(members: tuple[int, ...], gram: Gram, weights: tuple[int, ...]) -> int:
    pulled = sum(weights[i] * weights[j] * gram[i, j] for i in members for j in members)
    return int(pulled - sum(weights[i] ** 2 * gram[i, i] for i in members))


def test_psi_is_the_shapley_value_of_the_game() -> None:
    gram = compute_gram(build_honest_vectors(5, d=6, noise=0.3))
    weights = (3, 0, 7, 2, 5)
    for player in range(5):
        marginal = 0
        for order in permutations(range(5)):
            before = order[: order.index(player)]
            marginal += compute_game_value((*before, player), gram, weights)
            marginal -= compute_game_value(before, gram, weights)
        assert compute_merits(gram, weights, 6, GENTLE)[player].psi * factorial(5) == marginal


def test_the_diagonal_earns_nothing() -> None:
    """A row orthogonal to the others has no agreement, however long it is."""
    gram = np.diag(np.array([1, 10, 10**9], dtype=object))
    assert [merit.psi for merit in compute_merits(gram, (ONE,) * 3, 10, GENTLE)] == [0, 0, 0]


def test_negative_agreement_counts_as_nothing() -> None:
    merit = compute_merits(compute_gram([[5], [5], [-5]]), (ONE,) * 3, 10, GENTLE)[2]
    assert merit.agreement == -50 * ONE
    assert merit.psi == merit.value == 0


def test_agreement_and_the_others_leave_the_row_itself_out() -> None:
    vectors = np.array([[1, 2], [3, -1], [4, 4]])
    weights = (2, 3, 5)
    for i, merit in enumerate(compute_merits(compute_gram(vectors), weights, 2, GENTLE)):
        others = sum(weights[j] * vectors[j] for j in range(3) if j != i)
        assert merit.agreement == vectors[i] @ others
        assert merit.others == others @ others


@pytest.mark.parametrize("b", range(1, 17))
def test_constants_are_the_exact_floors(b: int) -> None:
    """`c = ⌊2^(64 − 2^−b)⌋` if and only if `c^(2^b) ≤ 2^(64·2^b − 1) < (c + 1)^(2^b)`, checked by repeated squaring
    of brackets that lose at most their last bits."""
    bound = 64 * 2**b - 1
    for candidate, is_below in ((HALVINGS[b - 1], True), (HALVINGS[b - 1] + 1, False)):
        low = high = candidate
        dropped = 0
        for _ in range(b):
            low, high, dropped = low * low, high * high, 2 * dropped
            cut = max(0, high.bit_length() - 1024)
            low, high, dropped = low >> cut, -(-high >> cut), dropped + cut
        assert (high << dropped <= 1 << bound) if is_below else (low << dropped > 1 << bound)


@pytest.mark.parametrize(("kappa", "expected"), [(0, 2**64), (ONE, 2**63), (64 * ONE, 1), (65 * ONE, 0), (99 * ONE, 0)])
def test_exp2neg_of_whole_numbers_is_exact(kappa: int, expected: int) -> None:
    assert compute_exp2neg(kappa) == expected


def test_exp2neg_is_two_to_the_minus_kappa() -> None:
    for kappa in range(0, 3 * ONE, ONE // 97):
        assert compute_exp2neg(kappa) / 2**64 == pytest.approx(2 ** -(kappa / ONE), rel=2**-15)


def test_exp2neg_ignores_bits_beyond_the_sixteenth() -> None:
    assert compute_exp2neg(0xFFFF) == 2**64
    assert compute_exp2neg(0x1FFFF) == compute_exp2neg(0x10000) == HALVINGS[15]


def test_exp2neg_multiplies_from_the_most_significant_bit() -> None:
    assert compute_exp2neg(0b101 << 29) == HALVINGS[0] * HALVINGS[2] >> 64


def test_kappa_is_the_sum_of_fourth_powers_of_positive_cosines() -> None:
    angles = (0, pi / 6, pi / 3, 3 * pi / 4)
    gram = compute_gram(np.rint([[1e9 * cos(angle), 1e9 * sin(angle)] for angle in angles]).astype(np.int64))
    assert compute_kappas(gram, GENTLE)[0] / ONE == pytest.approx(cos(pi / 6) ** 4 + cos(pi / 3) ** 4, abs=1e-6)


@pytest.mark.parametrize("copies", [0, 1, 2, 5])
def test_kappa_counts_copies_whatever_their_length(copies: int) -> None:
    vectors = [[100, 0], [0, 7], *([[k, 0] for k in range(1, copies + 1)])]
    assert compute_kappas(compute_gram(vectors), GENTLE)[0] == copies * ONE


def test_kappa_leaves_out_opposite_and_zero_rows() -> None:
    assert compute_kappas(compute_gram([[3, 1], [-3, -1], [0, 0]]), GENTLE)[0] == 0
    assert compute_kappas(compute_gram([[0, 0], [3, 1]]), GENTLE)[0] == 0


def test_a_zero_norm_with_a_positive_product_divides_nothing() -> None:
    """No real matrix is so, but a contract is asked about any."""
    assert compute_kappas(np.array([[4, 3], [3, 0]], dtype=object), GENTLE)[0] == 0


def test_a_sharp_kappa_counts_copies_twice_and_hardly_anything_else() -> None:
    rows = [[1000, 0], [7, 0], [900, 436]]  # a copy, and a cosine of 0.9
    kappa = compute_kappas(compute_gram(rows), SHARP)[0]
    assert kappa / ONE == pytest.approx(2 + 2 * 0.9**32, abs=1e-3)
    assert compute_kappas(compute_gram(rows), GENTLE)[0] / ONE == pytest.approx(1 + 0.9**4, abs=1e-3)


def test_a_sharp_kappa_takes_no_cosine_above_one() -> None:
    """No real matrix has one, but a contract is asked about any."""
    assert compute_kappas(np.array([[1, 9], [9, 1]], dtype=object), SHARP)[0] == 2 * ONE


@pytest.mark.parametrize("copies", [2, 3, 5, 9])
def test_copies_earn_less_together_than_one_row_under_a_sharp_discount(copies: int) -> None:
    assert copies * compute_exp2neg(2 * (copies - 1) * ONE) <= 2**64 // 2


def test_each_copy_halves_what_each_earns() -> None:
    rows = [[1000, 0], [1000, 1]]
    alone = compute_merits(compute_gram(rows), (ONE, ONE), 2**31, GENTLE)[0]
    assert alone.discount == pytest.approx(2**63, rel=1e-4)
    assert alone.value == alone.psi * alone.discount >> 64


@pytest.mark.parametrize(("d", "above"), [(15, False), (16, True), (17, True)])
def test_noise_floor_is_four_deviations_and_includes_its_bound(d: int, above: bool) -> None:
    """Identical rows have cosine 1, chance gives `1/√d`: at `d = 16` a cosine of one is exactly four deviations."""
    merit = compute_merits(compute_gram([[3], [3], [3]]), (ONE,) * 3, d, GENTLE)[0]
    assert merit.above_noise is above
    assert (merit.value > 0) is above
    assert (merit.signal == merit.noise) is (d == 16)


def test_noise_floor_needs_agreement_and_not_just_its_square() -> None:
    merit = compute_merits(compute_gram([[9], [9], [-9]]), (ONE,) * 3, 2**31, GENTLE)[2]
    assert merit.signal >= merit.noise
    assert not merit.above_noise


def test_noise_floor_is_closed_to_a_row_that_meets_nobody() -> None:
    """Both sides of the inequality are 0 where nobody else moved: `a > 0` is asked for on its own."""
    merit = compute_merits(compute_gram([[9], [9], [9]]), (ONE, 0, 0), 2**31, GENTLE)[0]
    assert merit.signal == merit.noise == 0
    assert not merit.above_noise


def build_merits(*values: int) -> tuple[Merit, ...]:
    return tuple(Merit(1, 1, value, 0, 2**64, 1, 1) for value in values)


@pytest.mark.parametrize(
    ("values", "f", "expected"),
    [
        ((1, 1, 0, 0, 0, 0, 0), 2, False),  # 2·2 < 5
        ((1, 1, 1, 0, 0, 0, 0), 2, True),  # 2·3 ≥ 5
        ((1, 1, 0, 0), 0, True),  # 2·2 = 4
        ((1, 0, 0), 0, False),
        ((0, 0, 0), 0, False),
    ],
)
def test_quorum_is_half_of_the_rows_counted_on(values: tuple[int, ...], f: int, expected: bool) -> None:
    assert has_quorum(build_merits(*values), f) is expected


def build_round_without_quorum() -> np.ndarray:
    """Two of seven agree, four are orthogonal to everyone, one opposes the two."""
    vectors = np.zeros((7, 10), dtype=np.int64)
    vectors[0, :2] = 1000, 100
    vectors[1, :2] = 1000, -100
    vectors[range(2, 6), range(2, 6)] = 1000
    vectors[6, 0] = -10_000
    return vectors


def test_without_quorum_nobody_contributes_and_nobody_is_struck() -> None:
    weighing = MULTI_KRUM.weigh(compute_gram(build_round_without_quorum()), 2, 10_000)
    earned = [i for i, merit in enumerate(weighing.merits) if merit.value > 0]
    assert 0 < 2 * len(earned) < 5
    assert any(weighing.weights[i] == 0 and weighing.merits[i].agreement < 0 for i in range(7))
    assert not weighing.has_quorum
    assert weighing.contributions == (0,) * 7
    assert weighing.opposed == ()
    assert all(weighing.get_verdict(i) is Verdict.NO_QUORUM for i in earned)


def test_with_quorum_a_row_without_weight_is_struck_only_if_it_disagrees() -> None:
    vectors = build_honest_vectors(7)
    vectors[5] *= -4
    vectors[6] = 20 * vectors[0]
    weighing = MULTI_KRUM.weigh(compute_gram(vectors), 2, 400)
    assert weighing.weights[5] == weighing.weights[6] == 0
    assert weighing.merits[6].agreement > 0
    assert weighing.opposed == (5,)


def test_a_row_with_weight_is_never_struck() -> None:
    vectors = build_honest_vectors(7)
    vectors[6] *= -1
    weighing = MEAN.weigh(compute_gram(vectors), 2, 400)
    assert weighing.merits[6].agreement < 0 < weighing.weights[6]
    assert weighing.opposed == ()
    assert weighing.get_verdict(6) is Verdict.NO_AGREEMENT
