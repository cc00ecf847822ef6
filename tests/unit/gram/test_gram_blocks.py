"""Sums over blocks in floating point are the exact ones."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS, UPDATE_MAX, UPDATE_MIN
from steelyard.gram.blocks import Blocks, combine_blocks, evaluate_blocks, sum_correlations
from steelyard.gram.correlation import DIGIT_BITS, DIGITS, Correlation, count_terms
from steelyard.gram.field import make_polynomial
from tests.gram_proofs import make_updates

SHAPES = [(1, 1, 9), (3, 50, 17), (7, 33, 40), (5, 40, 8), (32, 100, 20), (4, 17 * 37, 17)]


def make_scalars(count: int, seed: int = 0) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(BLS12_381_ORDER) for _ in range(count)]


def make_weights(count: int) -> list[int]:
    return [2**128 - 1, *(x % 2**128 for x in make_scalars(count - 1, seed=1))]


def make_masks(count: int) -> list[list[int]]:
    return [make_scalars(MASK_SLOTS, seed=b) for b in range(count)]


def combine_naively(updates: NDArray[np.int16], payload: int, weights: Sequence[int]) -> list[list[int]]:
    """`Σ_i weights[i]·u_i^b` for each block, integers."""
    total = np.array(weights, dtype=np.object_) @ updates.astype(np.object_)
    padded = [*total.tolist(), *([0] * (-len(total) % payload))]
    return [padded[start : start + payload] for start in range(0, len(padded), payload)]


def cases() -> list[tuple[NDArray[np.int16], int]]:
    random_rows = [(make_updates(n, d), payload) for n, d, payload in SHAPES]
    extreme = [(np.full((32, 100), bound, dtype=np.int16), 33) for bound in (UPDATE_MIN, UPDATE_MAX)]
    return [*random_rows, *extreme, (np.zeros((2, 5), dtype=np.int16), 9)]


@pytest.mark.parametrize(("updates", "payload"), cases())
def test_all_three_sums_agree_with_plain_integers(updates: NDArray[np.int16], payload: int) -> None:
    blocks, weights = Blocks(updates, payload), make_weights(len(updates))
    combined = combine_naively(updates, payload, weights)
    masks = make_masks(len(combined))
    alphas = [[*row, *mask] for row, mask in zip(combined, masks, strict=True)]
    expected = [
        sum(alpha[k] * alpha[k + t] for alpha in alphas for k in range(len(alpha) - t)) % BLS12_381_ORDER
        for t in range(payload + MASK_SLOTS)
    ]
    assert sum_correlations(blocks, weights, masks) == expected

    points = make_scalars(2)
    assert evaluate_blocks(blocks, weights, points) == [
        [sum(x * pow(point, k, BLS12_381_ORDER) for k, x in enumerate(row)) % BLS12_381_ORDER for row in combined]
        for point in points
    ]
    factors = make_scalars(len(combined), seed=2)
    assert combine_blocks(blocks, weights, factors) == [
        sum(factor * row[k] for factor, row in zip(factors, combined, strict=True)) % BLS12_381_ORDER
        for k in range(payload)
    ]


@pytest.mark.parametrize("extreme", [False, True])
def test_correlations_of_whole_blocks_agree_with_polynomial_products(extreme: bool) -> None:
    payload, n, count = 4088, 32, 21
    updates = np.full((n, payload * count), UPDATE_MIN, dtype=np.int16) if extreme else make_updates(n, payload * count)
    weights = [2**128 - 1] * n if extreme else make_weights(n)
    masks = make_masks(count)
    alphas = [[*row, *mask] for row, mask in zip(combine_naively(updates, payload, weights), masks, strict=True)]
    products = [make_polynomial(alpha) for alpha in alphas]
    total = sum(
        (p * make_polynomial(alpha[::-1]) for p, alpha in zip(products, alphas, strict=True)), make_polynomial([])
    )
    length = payload + MASK_SLOTS
    expected = [int(total[length - 1 + t]) for t in range(length)]
    assert sum_correlations(Blocks(updates, payload), weights, masks) == expected


@pytest.mark.parametrize("length", [4088, 8184, 32760])
def test_as_many_sequences_as_allowed_of_the_largest_digits_are_exact(length: int) -> None:
    smallest = -(2 ** (DIGIT_BITS - 1))
    limbs = np.full((6, length), smallest + (smallest << DIGIT_BITS), dtype=np.int64)
    correlation, terms = Correlation(length), count_terms(length)
    for _ in range(terms):
        correlation.add(limbs, 2 * DIGIT_BITS)
    found = correlation.compute()
    lags = np.arange(length, 0, -1)
    for s in range(2 * DIGITS - 1):
        pairs = len([k for k in range(DIGITS - 1) if 0 <= s - k < DIGITS - 1])  # the last digit is zero
        assert (found[s] == terms * pairs * smallest**2 * lags).all()


def test_more_sequences_are_allowed_where_they_are_short() -> None:
    counts = [count_terms(length) for length in (8, 4088, 8184, 16376, 32760, 65528)]
    assert counts == sorted(counts, reverse=True)
    assert (counts[1], counts[-1]) >= (16, 1)


def test_mapped_rows_give_what_rows_in_memory_give(tmp_path: Path) -> None:
    updates = make_updates(3, 100)
    mapped = np.memmap(tmp_path / "rows", dtype=np.int16, mode="w+", shape=updates.shape)
    mapped[:] = updates
    weights, masks = make_weights(3), make_masks(6)
    assert sum_correlations(Blocks(mapped, 17), weights, masks) == sum_correlations(Blocks(updates, 17), weights, masks)
