"""Each step of a rule, on matrices small enough to work out by hand."""

from math import isqrt, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.constants import ONE
from steelyard.rules.clip import clip_to_median
from steelyard.rules.cosines import MAX_SQUARED_COSINE, compute_cosines, compute_squared_cosines, square_q32
from steelyard.rules.eigen import diagonalise
from steelyard.rules.fixed_point import UnitGram, compute_roots
from steelyard.rules.foolsgold import compute_log2
from steelyard.rules.matrix import (
    check_gram,
    compute_cosine,
    compute_nearest_others,
    compute_squared_distances,
)
from steelyard.rules.mixing import Neighbourhoods, mix_nearest_neighbours
from steelyard.rules.nearest import select_nearest_to_pivot
from steelyard.rules.selection import select_everyone, select_multi_krum
from steelyard.rules.trust import MAX_WEIGHT, weigh_by_trust
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram, symmetric_matrices

LINE = compute_gram([[0], [1], [2], [10], [11]])
"""Five points on a line: ties abound."""


@pytest.mark.parametrize(
    ("matrix", "error"),
    [
        (np.eye(3), TypeError),
        ([[True, False], [False, True]], TypeError),
        (np.array([[1, 0.0], [0, 1]], dtype=object), TypeError),
        (np.array([[1, True], [True, 1]], dtype=object), TypeError),
        ([1, 2, 3], ValueError),
        ([[1, 2, 3], [2, 1, 3]], ValueError),
        ([[1, 2], [3, 1]], ValueError),
        (np.array([[2**63, 0], [0, 1]], dtype=object), ValueError),
        (np.array([[1, -(2**63) - 1], [-(2**63) - 1, 1]], dtype=object), ValueError),
    ],
)
def test_what_is_no_gram_matrix_is_refused(matrix: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"Gram matrix|int64"):
        check_gram(matrix)  # type: ignore[arg-type]


def test_extreme_entries_are_kept_exactly() -> None:
    extremes = np.array([[2**63 - 1, -(2**63)], [-(2**63), 2**63 - 1]], dtype=np.int64)
    assert check_gram(extremes).tolist() == extremes.tolist()
    assert compute_squared_distances(check_gram(extremes))[0, 1] == 2 * (2**63 - 1) + 2**64


def test_nearest_others_break_ties_by_the_smaller_index() -> None:
    distances = compute_squared_distances(compute_gram([[0], [1], [-1], [1], [-1]]))
    assert compute_nearest_others(distances, 2)[0] == (1, 2)
    assert compute_nearest_others(distances, 1) == ((1,), (3,), (4,), (1,), (2,))


def test_nearest_others_break_ties_however_many_there_are() -> None:
    clones = compute_squared_distances(compute_gram([[7]] * 100))
    assert compute_nearest_others(clones, 60) == tuple(
        tuple(other for other in range(100) if other != row)[:60] for row in range(100)
    )


def test_nearest_others_leave_the_row_itself_out_even_among_clones() -> None:
    clones = compute_squared_distances(compute_gram([[7], [7], [7], [7]]))
    assert compute_nearest_others(clones, 2) == ((1, 2), (0, 2), (0, 1), (0, 1))


def test_cosine_of_a_zero_row_is_zero() -> None:
    assert compute_cosine(0, 0, 5) == compute_cosine(0, 5, 0) == 0.0
    assert compute_cosine(-(2**62), 2**62, 2**62) == -1.0


@pytest.mark.parametrize(("norms", "median"), [([4, 1, 9], 4), ([9, 1, 4, 16], 4), ([5, 5, 5, 1, 1], 5)])
def test_clip_takes_the_lower_median(norms: list[int], median: int) -> None:
    assert clip_to_median(np.diag(np.array(norms, dtype=object)), 0).median == median


def test_clip_leaves_norms_up_to_the_median_and_shortens_longer_ones() -> None:
    clipping = clip_to_median(np.diag(np.array([4, 1, 16, 4, 8], dtype=object)), 0)
    assert clipping.factors == (ONE, ONE, ONE // 2, ONE, 3037000499)  # ⌊2^32 / √2⌋
    assert clipping.mix(np.diag(np.array([4, 1, 16, 4, 8], dtype=object))).diagonal().tolist() == [4, 1, 4, 4, 3]


def test_clipped_products_are_rounded_down_below_zero_too() -> None:
    gram = np.array([[4, 0, -1], [0, 4, 0], [-1, 0, 16]], dtype=object)
    assert clip_to_median(gram, 0).mix(gram)[0, 2] == -1  # ⌊−1/2⌋


def test_clip_to_a_zero_median_leaves_nothing() -> None:
    clipping = clip_to_median(np.diag(np.array([0, 0, 0, 7, 9], dtype=object)), 1)
    assert clipping.factors == (ONE, ONE, ONE, 0, 0)


def test_clipped_weights_are_multiples_of_the_factors() -> None:
    clipping = clip_to_median(np.diag(np.array([4, 1, 9, 4, 8], dtype=object)), 0)
    assert clipping.pull_back((0, ONE, 3 * ONE, 5 * ONE, 2 * ONE)) == tuple(
        count * factor for count, factor in zip((0, 1, 3, 5, 2), clipping.factors, strict=True)
    )


def test_neighbourhoods_have_the_row_itself_and_its_nearest() -> None:
    # n = 5, f = 1: three others each; the row at 2 is as far from 10 as is nothing else, ties go to the smaller index.
    assert mix_nearest_neighbours(LINE, 1).sets == (
        (0, 1, 2, 3),
        (0, 1, 2, 3),
        (0, 1, 2, 3),
        (1, 2, 3, 4),
        (1, 2, 3, 4),
    )


def test_a_row_is_its_own_neighbour_when_clones_have_smaller_indices() -> None:
    clones = compute_gram([[5]] * 5)
    assert mix_nearest_neighbours(clones, 1).sets[4] == (0, 1, 2, 4)


def test_mixing_is_the_gram_matrix_of_the_sums() -> None:
    vectors = build_honest_vectors(7, d=9)
    mixing = mix_nearest_neighbours(compute_gram(vectors), 2)
    sums = np.array([vectors[list(members)].sum(axis=0) for members in mixing.sets])
    assert (mixing.mix(compute_gram(vectors)) == compute_gram(sums)).all()
    assert mixing.row_sum == 5


def test_mixing_of_extreme_entries_is_exact() -> None:
    n = 100
    gram = np.full((n, n), 2**63 - 1, dtype=object)
    gram[0, 1] = gram[1, 0] = -(2**63)
    everything = Neighbourhoods((tuple(range(n)),) * n)
    assert (everything.mix(gram) == gram.sum()).all()


def test_mixed_weights_count_the_sums_that_a_row_is_part_of() -> None:
    mixing = Neighbourhoods(((0, 1), (1, 2), (0, 2)))
    assert mixing.pull_back((ONE, ONE, 0)) == (ONE, 2 * ONE, ONE)


def test_krum_sums_the_nearest_rows_without_the_row_itself() -> None:
    # n = 5, f = 1: n − f − 2 = 2 nearest others.
    krum = select_multi_krum(LINE, 1)
    assert krum.nearest == ((1, 2), (0, 2), (0, 1), (2, 4), (2, 3))
    assert krum.scores == (1 + 4, 1 + 1, 1 + 4, 64 + 1, 1 + 81)
    assert krum.selected == (0, 1, 2, 3)
    assert [krum.get_rank(row) for row in range(5)] == [2, 1, 3, 4, 5]


def test_krum_breaks_ties_of_the_score_by_the_smaller_index() -> None:
    krum = select_multi_krum(compute_gram([[3]] * 7), 2)
    assert krum.selected == (0, 1, 2, 3, 4)
    assert [krum.get_rank(row) for row in range(7)] == list(range(1, 8))


def test_everyone_is_everyone() -> None:
    assert select_everyone(LINE, 1).selected == (0, 1, 2, 3, 4)
    assert select_everyone(LINE, 1).sets == ()


def test_nearest_neighbour_averaging_takes_the_closest_company() -> None:
    # n = 5, f = 1: each row and its 3 nearest others; the row at 1 has the smallest sum of squares, 1 + 1 + 81.
    company = select_nearest_to_pivot(LINE, 1)
    assert company.sets == ((0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4))
    assert company.scores == (1 + 4 + 100, 1 + 1 + 81, 4 + 1 + 64, 81 + 64 + 1, 100 + 81 + 1)
    assert (company.pivot, company.selected) == (2, (0, 1, 2, 3))
    assert company.distances == (4, 1, 0, 64, 81)
    assert company.weights == (ONE, ONE, ONE, ONE, 0)


def test_the_first_of_equal_pivots_is_taken() -> None:
    assert select_nearest_to_pivot(compute_gram([[0], [9], [0], [9], [0], [9]]), 1).pivot == 0


def test_trust_is_the_cosine_and_brings_rows_to_the_roots_length() -> None:
    # Against the root (0, 10): along it and half as long, at 60 degrees, across, against, zero.
    rows = [[0, 5], [866, 500], [7, 0], [0, -3], [0, 0], [0, 10]]
    graded = weigh_by_trust(compute_gram(rows), 1)
    assert graded.weights[0] == 2 * ONE
    assert graded.grades[0] == ONE
    assert graded.weights[1] == (5000 << 32) // (866**2 + 500**2)
    assert graded.grades[1] == pytest.approx(ONE / 2, rel=1e-4)
    assert graded.weights[2:] == (0, 0, 0, 0)
    assert graded.grades[2:] == (0, 0, 0, ONE)
    assert graded.normaliser == graded.grades[0] + graded.grades[1]
    assert graded.selected == (0, 1)


def test_rows_of_nearly_no_length_grow_sixteenfold_at_most() -> None:
    graded = weigh_by_trust(compute_gram([[1], [62], [63], [1000]]), 0)
    assert graded.weights == (MAX_WEIGHT, MAX_WEIGHT, (1000 << 32) // 63, 0)


@pytest.mark.parametrize("root", [[0, 0], [-1, -1]])
def test_without_any_trust_the_model_stays(root: list[int]) -> None:
    graded = weigh_by_trust(compute_gram([[1, 0], [0, 1], [2, 2], root]), 0)
    assert graded.weights == (0, 0, 0, 0)
    assert graded.normaliser == ONE


def test_the_step_of_the_trusted_is_no_longer_than_the_root() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        vectors = rng.integers(-100, 100, (6, 3))
        graded = weigh_by_trust(compute_gram(vectors), 0)
        step = sum(weight * row for weight, row in zip(graded.weights, vectors.astype(object), strict=True))
        assert (step @ step) <= graded.normaliser**2 * int(vectors[-1] @ vectors[-1])


@pytest.mark.parametrize("bits", [1, 20, 51, 52, 53, 62, 80])
def test_unit_matrices_are_exact_quotients(bits: int) -> None:
    rng = np.random.default_rng(bits)
    largest = (1 << bits) - 1
    entries = [largest, -largest, 0, 1, -1, *(int(x * largest) for x in rng.uniform(-1, 1, 59))]
    gram = np.array(entries, dtype=object).reshape(8, 8)
    gram[0, 0] = largest
    gram[range(1, 8), range(1, 8)] = [abs(x) for x in gram.diagonal()[1:]]
    unit = UnitGram.make(gram)
    assert unit.entries.tolist() == [[(int(x) << 60) // largest for x in row] for row in gram]


def test_roots_are_floors_up_to_two_to_the_62() -> None:
    roots = [0, 1, 2, 2**26, 2**26 + 1, 94906265, 2**31 - 1]
    values = sorted({max(0, root * root + by) for root in roots for by in (-1, 0, 1)} | {2**62 - 1})
    assert compute_roots(np.array(values)).tolist() == [isqrt(value) for value in values]


@given(symmetric_matrices(max_rows=8))
def test_squared_cosines_are_exact_quotients(case: tuple[Gram, int, int]) -> None:
    gram = case[0]
    cosines = compute_squared_cosines(gram)
    for i, row in enumerate(gram):
        for j, inner in enumerate(row):
            product = gram[i, i] * gram[j, j]
            exact = (inner * inner << 32) // product if product else 0
            assert cosines[i, j] == min(exact, MAX_SQUARED_COSINE)


def test_squared_cosines_that_no_int64_holds_are_cut() -> None:
    """Of a matrix that is no Gram matrix; the contract is handed such ones too."""
    largest = 2**63 - 1
    gram = np.array([[1, largest, -largest - 1], [largest, 1, 3], [-largest - 1, 3, largest]], dtype=object)
    cut = MAX_SQUARED_COSINE
    assert compute_squared_cosines(check_gram(gram)).tolist() == [
        [2**32, cut, cut],
        [cut, 2**32, 0],
        [cut, 0, 2**32],
    ]


@given(symmetric_matrices(max_rows=8))
def test_cosines_are_exact_quotients(case: tuple[Gram, int, int]) -> None:
    gram = case[0]
    cosines = compute_cosines(gram)
    lengths = [isqrt(norm << 64) for norm in gram.diagonal()]
    for i, row in enumerate(gram):
        for j, inner in enumerate(row):
            product = lengths[i] * lengths[j]
            exact = min((abs(inner) << 96) // product, ONE) if product else 0
            assert cosines[i, j] == (exact if inner >= 0 else -exact)


@given(st.integers(0, 2**40))
def test_squares_in_q32_are_floors(value: int) -> None:
    assert square_q32(np.array([value])).tolist() == [value * value >> 32]


@given(st.integers(2**31, 2**33 - 1))
def test_logarithms_are_within_a_few_units_of_the_last_place(value: int) -> None:
    assert compute_log2(value) / 2**32 == pytest.approx(log2(value) - 32, abs=2**-28)


@pytest.mark.parametrize("n", [1, 2, 5, 12, 33])
def test_eigenvectors_are_orthonormal_and_give_the_matrix_back(n: int) -> None:
    factor = np.random.default_rng(n).normal(size=(n, n + 2))
    matrix = factor @ factor.T / np.trace(factor @ factor.T) * 0.999
    values, vectors = diagonalise(np.rint(matrix * 2**31).astype(np.int64))
    basis = vectors / 2**30
    assert basis @ basis.T == pytest.approx(np.eye(n), abs=2**-21)
    assert basis.T @ np.diag(values / 2**31) @ basis == pytest.approx(matrix, abs=2**-22)


def test_eigenvectors_of_a_diagonal_matrix_are_exact() -> None:
    diagonal = np.diag([5, 0, 2**30, 5]).astype(np.int64)
    values, vectors = diagonalise(diagonal)
    assert values.tolist() == [5, 0, 2**30, 5]
    assert (vectors == np.eye(4) * 2**30).all()
