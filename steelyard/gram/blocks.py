"""Exact sums over the blocks of all rows, streamed, in float64. Source: docs/performance.md, "How it is computed".

The prover needs three sums over the blocks of all rows: correlations, values at points, and combinations. Each takes a
few blocks at a time from the rows, which may be memory-mapped, and keeps nothing of the length of an update.

Field elements are cut into 24-bit limbs. A float64 holds every integer up to 2^53, so that up to 2^14 products of a
limb and an entry, 15 bits and a sign, are added in the BLAS without rounding; 2^9 if rows are histories of 20 bits.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS
from steelyard.gram.correlation import DIGIT_BITS, DIGITS, Correlation, count_terms
from steelyard.gram.field import compute_powers
from steelyard.gram.points import WORKERS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LIMB_BYTES: Final = 3
_LIMB_BITS: Final = 8 * _LIMB_BYTES
_LIMBS: Final = 11  # for 256 bits
_WEIGHT_LIMBS: Final = 6  # for 128 bits
_BLOCKS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Blocks:
    """The rows of updates in blocks: int16, or histories in int32, of shape `(n, d)`; and `L`, what a block holds."""

    updates: NDArray[np.int16] | NDArray[np.int32]
    payload: int

    @property
    def products(self) -> int:
        """How many products of a limb and an entry may be added."""
        return 2**14 if self.updates.dtype == np.int16 else 2**9

    def split(self, at_once: int = _BLOCKS_AT_ONCE) -> list[range]:
        """The numbers of all blocks, at most `at_once` together."""
        count = -(-self.updates.shape[1] // self.payload)
        return [range(start, min(start + at_once, count)) for start in range(0, count, at_once)]

    def read(self, part: range) -> Floats:
        """Some blocks of all rows, the last one filled up with zeros. Shape `(len(part), n, L)`."""
        rows = np.zeros((len(part), len(self.updates), self.payload))
        for block, b in zip(rows, part, strict=True):
            piece = self.updates[:, b * self.payload : (b + 1) * self.payload]
            block[:, : piece.shape[1]] = piece
        return rows


def sum_correlations(blocks: Blocks, weights: Sequence[int], masks: Sequence[Sequence[int]]) -> list[int]:
    """`Σ_b Σ_k α_b[k]·α_b[k+t] mod r` for the lags `t = 0 … N−1`, where `α_b = Σ_i weights[i]·u_i^b + X^L·m_b`.

    Payloads are correlated with each other by Fourier transforms. `Σ_b α_b·m_b[j]`, a combination of rows for each mask
    slot `j`, correlates them with the masks.

    Args:
        blocks: The rows `u_i`.
        weights: Non-negative, below 2^128, length `n`.
        masks: `m_b`, shape `(B, K)`.
    """
    payload = blocks.payload
    limbs = _split_scalars(weights)[:, :_WEIGHT_LIMBS].T

    def correlate(part: range) -> tuple[Integers, Integers]:
        rows = blocks.read(part)
        correlation = Correlation(payload)
        for block in rows:
            correlation.add((limbs @ block).astype(np.int64), _LIMB_BITS)
        factors = [masks[b][j] * r_i % BLS12_381_ORDER for j in range(MASK_SLOTS) for b in part for r_i in weights]
        return correlation.compute(), _combine(factors, rows, blocks.products)

    parts = blocks.split(min(_BLOCKS_AT_ONCE, count_terms(payload)))
    digits, crossed = _sum_in_threads(correlate, parts)
    # Two digits make a limb.
    total = digits[0::2].copy()
    total[: DIGITS - 1] += digits[1::2] << DIGIT_BITS
    lags = [*_join(total), *([0] * MASK_SLOTS)]
    for j in range(MASK_SLOTS):
        for k, x in enumerate(_join(crossed[j])):
            lags[payload + j - k] += x
        for i in range(j + 1):
            lags[j - i] += sum(mask[i] * mask[j] for mask in masks)
    return [x % BLS12_381_ORDER for x in lags]


def evaluate_blocks(blocks: Blocks, weights: Sequence[int], points: Sequence[int]) -> list[list[int]]:
    """`Σ_i weights[i]·u_i^b(point) mod r`, shape `(len(points), B)`. Weights as for `sum_correlations`."""
    powers = np.concatenate([_split_scalars(compute_powers(point, blocks.payload)) for point in points], axis=1)
    scale = np.array(weights, dtype=np.object_)

    def evaluate(part: range) -> list[list[int]]:
        rows = blocks.read(part)
        flat = rows.reshape(-1, blocks.payload)
        values = np.zeros((len(flat), powers.shape[1]), dtype=np.int64)
        for start in range(0, blocks.payload, blocks.products):
            stop = start + blocks.products
            values += (flat[:, start:stop] @ powers[start:stop]).astype(np.int64)
        limbs = values.reshape(*rows.shape[:2], len(points), _LIMBS).astype(np.object_)
        joined = limbs @ np.array([1 << _LIMB_BITS * k for k in range(_LIMBS)], dtype=np.object_)
        return [[int(x) % BLS12_381_ORDER for x in scale @ block] for block in joined]

    with _open_pool() as pool:
        by_block = [values for found in pool.map(evaluate, blocks.split()) for values in found]
    return [list(values) for values in zip(*by_block, strict=True)]


def combine_blocks(blocks: Blocks, weights: Sequence[int], factors: Sequence[int]) -> list[int]:
    """`Σ_b factors[b] Σ_i weights[i]·u_i^b mod r`, length `L`."""

    def combine(part: range) -> tuple[Integers]:
        scalars = [factors[b] * r_i % BLS12_381_ORDER for b in part for r_i in weights]
        return (_combine(scalars, blocks.read(part), blocks.products),)

    (total,) = _sum_in_threads(combine, blocks.split())
    return [x % BLS12_381_ORDER for x in _join(total[0])]


def _combine(scalars: Sequence[int], rows: Floats, products: int) -> Integers:
    """`Σ scalars[j, b, i]·rows[b, i]` for each `j`, in limbs, not carried. Shape `(J, limbs, L)`."""
    flat = rows.reshape(-1, rows.shape[2])
    limbs = _split_scalars(scalars).reshape(-1, len(flat), _LIMBS).transpose(0, 2, 1).reshape(-1, len(flat))
    total = np.zeros((len(limbs), flat.shape[1]), dtype=np.int64)
    for start in range(0, len(flat), products):
        total += (limbs[:, start : start + products] @ flat[start : start + products]).astype(np.int64)
    return total.reshape(-1, _LIMBS, flat.shape[1])


def _split_scalars(scalars: Iterable[int]) -> Floats:
    """Limbs of integers in `[0, 2^256)`, least first. Shape `(len(scalars), limbs)`."""
    data = b"".join(x.to_bytes(_LIMBS * _LIMB_BYTES, "little") for x in scalars)
    limbs: Floats = np.frombuffer(data, np.uint8).reshape(-1, _LIMBS, _LIMB_BYTES) @ np.array([1.0, 2.0**8, 2.0**16])
    return limbs


def _join(limbs: Integers) -> list[int]:
    """The integers that limbs of any size and sign stand for. `limbs` has shape `(limbs, width)`."""
    limbs = limbs.copy()
    for k in range(len(limbs) - 1):
        limbs[k + 1] += limbs[k] >> _LIMB_BITS
    words = np.ascontiguousarray(limbs.T).astype("<i8").view(np.uint8).reshape(limbs.shape[1], len(limbs), 8)
    low = words[:, :-1, :_LIMB_BYTES].reshape(len(words), -1)
    data = np.concatenate([low, words[:, -1]], axis=1)
    return [int.from_bytes(row.tobytes(), "little", signed=True) for row in data]


@contextmanager
def _open_pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that compute at once, since numpy releases the interpreter's lock, with a BLAS that brings no others."""
    with _get_libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(WORKERS) as pool:
        yield pool


@functools.cache
def _get_libraries() -> ThreadpoolController:
    return ThreadpoolController()  # type: ignore[no-untyped-call]


def _sum_in_threads(compute: Callable[[range], tuple[Integers, ...]], parts: Sequence[range]) -> tuple[Integers, ...]:
    """The sums of what `compute` returns for each part."""
    with _open_pool() as pool:
        found = pool.map(compute, parts)
        total = next(found)
        for arrays in found:
            for into, array in zip(total, arrays, strict=True):
                np.add(into, array, out=into)
    return total
