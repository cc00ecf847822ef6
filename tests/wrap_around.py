"""The attack that the shortness proof is for: vectors with huge entries whose inner products wrap around modulo `r`."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import BLS12_381_ORDER
from steelyard.gram import Srs, derive_blinders
from steelyard.gram.field import make_polynomial
from steelyard.gram.points import encode_point, multiply_sum
from steelyard.gram.srs import get_blinding_generator
from steelyard.types import Seed

R = BLS12_381_ORDER
Vector = list[int]


def centre(x: int) -> int:
    """The representative of `x` modulo `r` that is least in absolute value."""
    return (x + R // 2) % R - R // 2


def dot(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(int(x) * int(y) for x, y in zip(left, right, strict=True))


def find_hidden_vector(orthogonal_to: Sequence[Sequence[int]], square: int, width: int, seed: int = 0) -> Vector:
    """`h` modulo `r` with `⟨h,u⟩ = 0` for the given vectors and `⟨h,h⟩ = square`, whatever that is: even negative.

    Two solutions of the linear equations span a plane; on a line in it the square is a quadratic in one unknown.
    """
    rng = random.Random(seed)
    rows, pivots = reduce_rows(orthogonal_to)

    def draw_solution() -> Vector:
        h = [0 if j in pivots else rng.randrange(R) for j in range(width)]
        for row, pivot in zip(rows, pivots, strict=True):
            h[pivot] = -sum(x * y for x, y in zip(row, h, strict=True)) % R
        return h

    while True:
        e, f = draw_solution(), draw_solution()
        for root, _ in make_polynomial([dot(e, e) - square, 2 * dot(e, f), dot(f, f)]).roots():
            return [(x + int(root) * y) % R for x, y in zip(e, f, strict=True)]


def reduce_rows(matrix: Sequence[Sequence[int]]) -> tuple[list[Vector], list[int]]:
    """The reduced row echelon form modulo `r` without its zero rows, and the columns of its pivots."""
    rest = [[int(x) % R for x in row] for row in matrix]
    reduced: list[Vector] = []
    pivots: list[int] = []
    for column in range(len(rest[0])):
        found = next((row for row in rest if row[column]), None)
        if found is None:
            continue
        rest.remove(found)
        inverse = pow(found[column], -1, R)
        pivot_row = [x * inverse % R for x in found]

        def clear(row: Vector, pivot_row: Vector = pivot_row, column: int = column) -> Vector:
            return [(x - row[column] * y) % R for x, y in zip(row, pivot_row, strict=True)]

        rest, reduced = [clear(row) for row in rest], [*map(clear, reduced), pivot_row]
        pivots.append(column)
    return reduced, pivots


def commit_field_vector(srs: Srs, vector: Sequence[int], seed: Seed) -> bytes:
    """The commitment of one block of up to `N` field elements: mask slots may be used, which no honest trainer does."""
    (blinder,) = derive_blinders(seed, 1)
    points = [*srs.g1[: len(vector)], get_blinding_generator()]
    return encode_point(multiply_sum(points, [*map(int, vector), blinder]))


@dataclass
class FieldRows:
    """Any vectors modulo `r`, one block each, as the prover of shortness takes them; `lie` changes the projections."""

    vectors: Sequence[Sequence[int]]
    bound: int = 2**40
    lie: Callable[[list[int]], list[int]] = list

    def project(self, multipliers: NDArray[np.int8]) -> list[int]:
        factors = multipliers.tolist()
        return self.lie([centre(dot(x, t[: len(x)])) for x in self.vectors for t in factors])

    def combine(self, weights: Sequence[int]) -> list[int]:
        columns = zip(*self.vectors, strict=True)
        return [dot(weights, column) for column in columns]
