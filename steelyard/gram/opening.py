"""Checks that vectors open their commitments, many at once. Source: docs/proof.md, sections 3 and 7.

With random 128-bit weights `e`, one commitment to `Σ e·block` is compared with `Σ e·C`: a false opening among them
passes with probability 2^-128. Only when that fails are the rows, then the blocks, halved until the culprits are named.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from py_arkworks_bls12381 import G1Point

from steelyard.errors import CommitmentMismatchError
from steelyard.gram.commitment import compute_aggregate_points, derive_blinders
from steelyard.gram.linear import add_combination, make_limbs, to_integers
from steelyard.gram.points import POINT_BYTES, decode_point, multiply_sum, split_points
from steelyard.gram.srs import Srs, get_blinding_generator
from steelyard.types import Seed, UpdateVector

_WEIGHT_BITS = 128
_TOTAL_BITS = _WEIGHT_BITS + 64 + 32  # a weight times an int64, summed over fewer than 2^32 blocks


def find_false_openings(
    srs: Srs, updates: NDArray[np.int16], blinders: Sequence[Sequence[int]], commitments: Sequence[bytes]
) -> dict[int, tuple[int, ...]]:
    """Names the rows that do not open their commitments, and in which blocks.

    Args:
        srs: The reference string.
        updates: int16, shape `(n, d)`; may be memory-mapped.
        blinders: `ρ_i^b`, shape `(n, B)`.
        commitments: `C_i^0 ‖ … ‖ C_i^{B−1}` of each row. They may be anything: malformed points count as false.

    Returns:
        Row number → false blocks, for the false rows only. Empty when everything opens.

    Raises:
        ValueError: the arguments differ in their number of rows.
    """
    if not len(updates) == len(blinders) == len(commitments):
        raise ValueError(f"{len(updates)} updates, {len(blinders)} rows of blinders, {len(commitments)} commitments")
    blocks = srs.count_blocks(updates.shape[1])
    false: dict[int, tuple[int, ...]] = {}
    points: dict[int, list[G1Point]] = {}
    for i, commitment in enumerate(commitments):
        if len(commitment) != POINT_BYTES * blocks:
            false[i] = tuple(range(blocks))
            continue
        decoded = [_try_decode_point(data) for data in split_points(commitment)]
        malformed = tuple(b for b, point in enumerate(decoded) if point is None)
        if malformed:
            false[i] = malformed
        else:
            points[i] = [point for point in decoded if point is not None]
    claims = _Claims(srs, updates, blinders, points)
    return dict(sorted((false | claims.find_false_rows(list(points))).items()))


def verify_opening(srs: Srs, update: UpdateVector, seed: Seed, commitment: bytes, subject: str = "the update") -> None:
    """Checks that one update and its blinder seed open a commitment.

    Raises:
        CommitmentMismatchError: they do not. It names `subject` and the blocks.
    """
    blinders = derive_blinders(seed, srs.count_blocks(update.size))
    false = find_false_openings(srs, update[np.newaxis], [blinders], [commitment])
    if false:
        raise CommitmentMismatchError(subject, false[0])


def verify_aggregate_opening(
    srs: Srs,
    aggregate: NDArray[np.int64],
    blinders: Sequence[int],
    commitments: Sequence[bytes],
    weights: Sequence[int],
) -> None:
    """Checks that a downloaded aggregate opens: `[A^b(τ)]₁ + ρ_A^b·H = Σ_i w_i C_i^b` for every block.

    Args:
        srs: The reference string.
        aggregate: int64, shape `(d,)`.
        blinders: `ρ_A^b`, length `B`.
        commitments: The commitment of each row, `128·B` bytes each, in the order of `weights`.
        weights: `w_i` as the rule gave them, length `n`.

    Raises:
        CommitmentMismatchError: it is not the weighted sum of the committed vectors, or something is malformed.
    """
    blocks = srs.count_blocks(aggregate.size)
    if aggregate.ndim != 1 or aggregate.dtype != np.int64 or not aggregate.size or len(commitments) != len(weights):
        raise CommitmentMismatchError("an aggregate of the wrong shape")
    if len(blinders) != blocks or any(len(commitment) != POINT_BYTES * blocks for commitment in commitments):
        raise CommitmentMismatchError("an aggregate with the wrong number of blocks")
    try:
        points = [[decode_point(data) for data in split_points(commitment)] for commitment in commitments]
    except ValueError as error:
        raise CommitmentMismatchError("an aggregate of malformed commitments") from error
    claims = _Claims(srs, aggregate[np.newaxis], [blinders], {0: compute_aggregate_points(points, weights)})
    false = claims.find_false_rows([0])
    if false:
        raise CommitmentMismatchError("the aggregate", false[0])


@dataclass(frozen=True, slots=True)
class _Claims:
    srs: Srs
    rows: NDArray[Any]  # int16 or int64, shape (n, d)
    blinders: Sequence[Sequence[int]]
    points: dict[int, list[G1Point]]

    def find_false_rows(self, rows: list[int]) -> dict[int, tuple[int, ...]]:
        blocks = list(range(self.srs.count_blocks(self.rows.shape[1])))
        if not rows or self.all_open(rows, blocks):
            return {}
        if len(rows) == 1:
            return {rows[0]: tuple(self.find_false_blocks(rows[0], blocks))}
        half = len(rows) // 2
        return self.find_false_rows(rows[:half]) | self.find_false_rows(rows[half:])

    def find_false_blocks(self, row: int, blocks: list[int]) -> list[int]:
        if self.all_open([row], blocks):
            return []
        if len(blocks) == 1:
            return blocks
        half = len(blocks) // 2
        return self.find_false_blocks(row, blocks[:half]) + self.find_false_blocks(row, blocks[half:])

    def all_open(self, rows: list[int], blocks: list[int]) -> bool:
        payload = self.srs.payload
        total = make_limbs(_TOTAL_BITS, min(payload, self.rows.shape[1]))
        points: list[G1Point] = []
        weights: list[int] = []
        blinder = 0
        for b in blocks:
            fresh = [secrets.randbits(_WEIGHT_BITS) for _ in rows]
            for shift, piece in _split_words(self.rows[rows, b * payload : (b + 1) * payload]):
                add_combination(total, [weight << shift for weight in fresh], piece)
            blinder += sum(weight * self.blinders[i][b] for i, weight in zip(rows, fresh, strict=True))
            points += [self.points[i][b] for i in rows]
            weights += fresh
        opened = multiply_sum(
            [*self.srs.g1[: total.shape[1]], get_blinding_generator()], [*to_integers(total), blinder]
        )
        return opened == multiply_sum(points, weights)


def _split_words(rows: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Cuts integers into words of at most 16 bits with their shifts; the last word carries the sign."""
    last = 8 * rows.itemsize - 16
    for shift in range(0, last, 16):
        yield shift, rows >> shift & 0xFFFF
    yield last, rows >> last


def _try_decode_point(data: bytes) -> G1Point | None:
    try:
        return decode_point(data)
    except ValueError:
        return None
