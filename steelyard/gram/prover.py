"""Makes a Gram proof. Source: docs/proof.md, section 5.

Works block by block: beside the int16 rows, memory holds one polynomial of `N` coefficients per block.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS
from steelyard.gram.field import (
    Polynomial,
    RandomScalar,
    compute_powers,
    invert,
    make_polynomial,
    random_scalar,
)
from steelyard.gram.linear import add_combination, make_limbs, to_integers
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

_ROW_WEIGHT_BITS = 128
_COMBINATION_BITS = _ROW_WEIGHT_BITS + 16 + 32  # a weight times an int16, summed over fewer than 2^32 rows


def prove_gram(
    srs: Srs, statement: GramStatement, updates: NDArray[np.int16], blinders: Sequence[Sequence[int]]
) -> GramProof:
    """Proves that `statement.gram` is the Gram matrix of the updates behind `statement.commitments`.

    Zero-knowledge: two proofs of one statement differ. Openings are not checked here (`find_false_openings` does): a
    proof over updates that do not open the commitments is made, and does not verify.

    Args:
        srs: The reference string.
        statement: What to prove.
        updates: int16, shape `(n, d)`, rows in the statement's order; may be memory-mapped.
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


def _prove(
    srs: Srs,
    statement: GramStatement,
    updates: NDArray[np.int16],
    blinders: Sequence[Sequence[int]],
    draw: RandomScalar,
) -> GramProof:
    """`prove_gram` with the source of randomness as an argument, for the vectors that must come out the same twice."""
    blocks = srs.count_blocks(statement.d)
    _check_shape(statement, updates, blinders, blocks)
    masks = [_Mask(tuple(draw() for _ in range(MASK_SLOTS)), draw()) for _ in range(blocks)]
    with ThreadPoolExecutor(WORKERS) as pool:
        M = tuple(pool.map(lambda mask: mask.commit(srs), masks))
    t0 = sum(x * x for mask in masks for x in mask.coefficients) % BLS12_381_ORDER

    h0 = compute_h0(statement, srs.powers, M, t0)
    row_weights = compute_row_weights(h0, statement.n)
    alphas = [_combine_block(srs, updates, row_weights, b, mask) for b, mask in enumerate(masks)]
    betas = [
        mask.blinder + sum(r_i * row[b] for r_i, row in zip(row_weights, blinders, strict=True))
        for b, mask in enumerate(masks)
    ]
    c = compute_constant_term(t0, row_weights, decode_gram(statement.gram, statement.n))
    S = _compute_quotient(srs.powers, alphas, c)
    sigma = draw()
    s_hat = commit_polynomial(srs, S, sigma)

    h1 = compute_h1(h0, s_hat)
    z = compute_point(h1)
    z_inverse = invert(z)
    a = tuple(int(alpha(z)) for alpha in alphas)
    a_prime = tuple(int(alpha(z_inverse)) for alpha in alphas)
    s, s_prime = int(S(z)), int(S(z_inverse))
    gammas = compute_powers(compute_gamma(h1, a, a_prime, s), blocks + 1)

    F = make_polynomial([])
    for g, polynomial in zip(gammas, [*alphas, S], strict=True):
        F += polynomial * g
    omega = sum(g * blinder for g, blinder in zip(gammas, [*betas, sigma], strict=True)) % BLS12_381_ORDER
    at_z = sum(g * y for g, y in zip(gammas, (*a, s), strict=True))
    at_inverse = sum(g * y for g, y in zip(gammas, (*a_prime, s_prime), strict=True))
    W = open_pair(srs, F, z, at_z, at_inverse)
    return GramProof(M=M, t0=t0, S=s_hat, a=a, a_prime=a_prime, s=s, W=W, omega=omega)


def _check_shape(
    statement: GramStatement, updates: NDArray[np.int16], blinders: Sequence[Sequence[int]], blocks: int
) -> None:
    if updates.dtype != np.int16 or updates.shape != (statement.n, statement.d) or not updates.size:
        raise ValueError(
            f"the statement has {statement.n} rows of {statement.d}, the updates are {updates.dtype} {updates.shape}"
        )
    if len(blinders) != statement.n or any(len(row) != blocks for row in blinders):
        raise ValueError(f"{blocks} blinders for each of {statement.n} rows are needed")


def _combine_block(srs: Srs, updates: NDArray[np.int16], row_weights: Sequence[int], b: int, mask: _Mask) -> Polynomial:
    """`α_b = m_b + Σ_i r_i u_i^b`."""
    total = make_limbs(_COMBINATION_BITS, srs.payload)
    add_combination(total, row_weights, updates[:, b * srs.payload : (b + 1) * srs.payload])
    return make_polynomial([*to_integers(total), *mask.coefficients])


def _compute_quotient(powers: int, alphas: Sequence[Polynomial], c: int) -> Polynomial:
    """`S` of `Σ_b α_b(X) α_b(1/X) = c + X·S(X) + X⁻¹·S(1/X)`: the upper half of the sum, shifted by `X^{N−1}`."""
    total = make_polynomial([])
    for alpha in alphas:
        total += alpha * alpha.reverse(powers - 1)
    if int(total[powers - 1]) != c:
        raise ValueError("the statement's matrix is not the Gram matrix of the updates")
    return total.right_shift(powers)
