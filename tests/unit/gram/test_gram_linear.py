"""Exact linear algebra through floats: the ends of every range, against Python integers."""

from pathlib import Path

import numpy as np
import pytest

from steelyard.constants import UPDATE_MAX, UPDATE_MIN
from steelyard.gram import compute_gram
from steelyard.gram.linear import add_combination, make_limbs, to_integers
from tests.gram_proofs import make_updates


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 127])
@pytest.mark.parametrize("entry", [-(2**16), UPDATE_MIN, -1, 0, 1, UPDATE_MAX, 2**16 - 1, 2**16])
def test_a_combination_at_the_ends_of_its_range_is_exact(rows: int, entry: int) -> None:
    weights = [2**128 - 1] * rows
    total = make_limbs(128 + 16 + 8, 3)
    add_combination(total, weights, np.full((rows, 3), entry))
    assert to_integers(total) == [sum(weights) * entry] * 3


def test_a_combination_equals_that_of_python_integers() -> None:
    updates = make_updates(37, 50)
    weights = [pow(3, 90 + i) % 2**128 for i in range(37)]
    total = make_limbs(176, 50)
    add_combination(total, weights, updates)
    expected = [sum(w * int(x) for w, x in zip(weights, column, strict=True)) for column in updates.T]
    assert to_integers(total) == expected


def test_combinations_add_up_and_a_short_row_leaves_the_rest_alone() -> None:
    total = make_limbs(176, 4)
    for _ in range(3000):
        add_combination(total, [2**128 - 1], np.full((1, 2), UPDATE_MIN))
    assert to_integers(total) == [3000 * (2**128 - 1) * UPDATE_MIN] * 2 + [0, 0]


@pytest.mark.parametrize("entry", [UPDATE_MIN, UPDATE_MAX])
def test_a_gram_matrix_at_the_ends_of_the_range_is_exact(entry: int) -> None:
    d = 3 * 2**16 + 5
    gram = compute_gram(np.full((2, d), entry, dtype=np.int16))
    assert gram.tolist() == [[d * entry * entry] * 2] * 2
    assert type(gram[0, 0]) is int


def test_a_gram_matrix_beyond_the_exact_range_of_floats_is_exact() -> None:
    d = 2**23 + 2**21 + 1
    assert d * UPDATE_MAX**2 > 2**53
    assert compute_gram(np.full((1, d), UPDATE_MAX, dtype=np.int16))[0, 0] == d * UPDATE_MAX**2


def test_a_gram_matrix_equals_that_of_python_integers() -> None:
    updates = make_updates(5, 70_001)
    wide = updates.astype(object)
    assert np.array_equal(compute_gram(updates), wide @ wide.T)


def test_a_memory_mapped_matrix_will_do(tmp_path: Path) -> None:
    updates = make_updates(3, 1000)
    mapped = np.memmap(tmp_path / "updates", dtype=np.int16, mode="w+", shape=updates.shape)
    mapped[:] = updates
    assert np.array_equal(compute_gram(mapped), compute_gram(updates))


def test_a_matrix_of_long_sums_is_exact_block_by_block() -> None:
    """In some blocks a float64 holds all sums, in others those of a few columns, or of one."""
    rows = np.random.default_rng(0).integers(-(2**17), 2**17, (3, 9_000)).astype(np.int32)
    rows[:, 4_000:4_050] = 2**26
    rows[1, 4_010:4_030] *= -1
    rows[2, 8_999] = 2**24 - 1
    wide = rows.astype(object)
    assert np.array_equal(compute_gram(rows), wide @ wide.T)


@pytest.mark.parametrize("length", [2**11 - 1, 2**11])
def test_a_squared_norm_may_fill_an_int64_and_no_more(length: int) -> None:
    rows = np.full((2, length), 2**26, dtype=np.int32)
    rows[0] = 1
    if length < 2**11:
        assert compute_gram(rows)[1, 1] == 2**63 - 2**52
    else:
        with pytest.raises(ValueError, match="range of an int64 within 2,048 of 2,048"):
            compute_gram(rows)


def test_an_entry_whose_square_no_float_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="67,108,865, the most is"):
        compute_gram(np.array([[1, -(2**26) - 1]], dtype=np.int32))
