"""Makes a Gram proof. Source: docs/proof.md, section 5.

Streams the rows three times, a few blocks at a time: memory does not grow with them.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS
from steelyard.gram.blocks import Blocks, combine_blocks, evaluate_blocks, sum_correlations
from steelyard.gram.field import (
    RandomScalar,
    compute_powers,
    invert,
    make_polynomial,
    random_scalar,
)
from steelyard.gram.linear import Rows, check_rows
from steelyard.gram.pair_opening import commit_polynomial, open_pair
from steelyard.gram.points import WORKERS, encode_point, multiply_sum
from steelyard.gram.proof import GramProof, GramStatement, decode_gram
from steelyard.gram.srs import Srs, get_blinding_generator
from steelyard.gram.transcript import (
    compute_constant_term,
    compute_gamma,
    compute_h0,
    compute_h1,
    compute_point,
    compute_row_weights,
)


def prove_gram(srs: Srs, statement: GramStatement, updates: Rows, blinders: Sequence[Sequence[int]]) -> GramProof:
    """Proves that `statement.gram` is the Gram matrix of the updates behind `statement.commitments`.

    Zero-knowledge: two proofs of one statement differ. Openings are not checked here (`find_false_openings` does): a
    proof over updates that do not open the commitments is made, and does not verify.

    Args:
        srs: The reference string.
        statement: What to prove.
        updates: int16, or histories in int32 within `HISTORY_LIMIT`; shape `(n, d)`, rows in the statement's order; may
            be memory-mapped.
        blinders: `ρ_i^b`, shape `(n, B)`.

    Raises:
        ValueError: shapes do not fit the statement, or its matrix is not the updates' own.
    """
    return _prove(srs, statement, updates, blinders, random_scalar)


@dataclass(frozen=True, slots=True)
class _Mask:
    """What hides one block: `m_b` in the mask slots, and the blinder `μ_b` of its commitment."""

    coefficients: tuple[int, ...]
    blinder: int

    def commit(self, srs: Srs) -> bytes:
        points = [*srs.g1[srs.payload :], get_blinding_generator()]
        return encode_point(multiply_sum(points, [*self.coefficients, self.blinder]))

    def evaluate(self, srs: Srs, point: int) -> int:
        """`point^L·m_b(point)`, not reduced."""
        powers = compute_powers(point, MASK_SLOTS)
        at_point = sum(x * power for x, power in zip(self.coefficients, powers, strict=True))
        return pow(point, srs.payload, BLS12_381_ORDER) * at_point


def _prove(
    srs: Srs,
    statement: GramStatement,
    updates: Rows,
    blinders: Sequence[Sequence[int]],
    draw: RandomScalar,
) -> GramProof:
    """`prove_gram` with the source of randomness as an argument, for the vectors that must come out the same twice."""
    _check_shape(statement, updates, blinders, srs.count_blocks(statement.d))
    blocks = Blocks(updates, srs.payload)
    masks = [_Mask(tuple(draw() for _ in range(MASK_SLOTS)), draw()) for _ in range(srs.count_blocks(statement.d))]
    M = _commit_masks(srs, masks)
    t0 = sum(x * x for mask in masks for x in mask.coefficients) % BLS12_381_ORDER

    h0 = compute_h0(statement, srs.powers, M, t0)
    row_weights = compute_row_weights(h0, statement.n)
    c = compute_constant_term(t0, row_weights, decode_gram(statement.gram, statement.n))
    lags = sum_correlations(blocks, row_weights, [mask.coefficients for mask in masks])
    if lags[0] != c:
        raise ValueError("the statement's matrix is not the Gram matrix of the updates")
    S = make_polynomial(lags[1:])
    sigma = draw()
    s_hat = commit_polynomial(srs, S, sigma)

    h1 = compute_h1(h0, s_hat)
    z = compute_point(h1)
    points = (z, invert(z))
    a, a_prime = (
        tuple((x + mask.evaluate(srs, point)) % BLS12_381_ORDER for x, mask in zip(values, masks, strict=True))
        for point, values in zip(points, evaluate_blocks(blocks, row_weights, points), strict=True)
    )
    s, s_prime = (int(S(point)) for point in points)
    product = sum(x * y for x, y in zip(a, a_prime, strict=True))
    if (product - c - points[0] * s - points[1] * s_prime) % BLS12_381_ORDER:
        raise AssertionError("the correlations are not those of the opened polynomials")

    gammas = compute_powers(compute_gamma(h1, a, a_prime, s), len(masks) + 1)
    F = make_polynomial(combine_blocks(blocks, row_weights, gammas) + _combine_masks(masks, gammas)) + S * gammas[-1]
    betas = [
        mask.blinder + sum(r_i * row[b] for r_i, row in zip(row_weights, blinders, strict=True))
        for b, mask in enumerate(masks)
    ]
    omega = sum(g * blinder for g, blinder in zip(gammas, [*betas, sigma], strict=True)) % BLS12_381_ORDER
    at_z = sum(g * y for g, y in zip(gammas, (*a, s), strict=True))
    at_inverse = sum(g * y for g, y in zip(gammas, (*a_prime, s_prime), strict=True))
    W = open_pair(srs, F, z, at_z, at_inverse)
    return GramProof(M=M, t0=t0, S=s_hat, a=a, a_prime=a_prime, s=s, W=W, omega=omega)


def _check_shape(statement: GramStatement, updates: Rows, blinders: Sequence[Sequence[int]], blocks: int) -> None:
    is_integer = updates.dtype in (np.int16, np.int32)
    if not is_integer or updates.shape != (statement.n, statement.d) or not updates.size:
        raise ValueError(
            f"the statement has {statement.n} rows of {statement.d}, the updates are {updates.dtype} {updates.shape}"
        )
    check_rows(updates)
    if len(blinders) != statement.n or any(len(row) != blocks for row in blinders):
        raise ValueError(f"{blocks} blinders for each of {statement.n} rows are needed")


def _commit_masks(srs: Srs, masks: Sequence[_Mask]) -> tuple[bytes, ...]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return tuple(pool.map(lambda mask: mask.commit(srs), masks))


def _combine_masks(masks: Sequence[_Mask], gammas: Sequence[int]) -> list[int]:
    """`Σ_b γ^b m_b`."""
    return [sum(g * mask.coefficients[j] for g, mask in zip(gammas, masks, strict=False)) for j in range(MASK_SLOTS)]
