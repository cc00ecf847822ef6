"""Verifies a Gram proof. Source: docs/proof.md, section 6."""

from collections.abc import Sequence

from eth_utils.crypto import keccak
from py_arkworks_bls12381 import GT, G1Point, Scalar

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram.field import compute_powers, invert
from steelyard.gram.points import POINT_BYTES, decode_point, multiply_sum, split_points
from steelyard.gram.proof import U32_MAX, GramProof, GramStatement, decode_gram
from steelyard.gram.srs import Srs, get_blinding_generator
from steelyard.gram.transcript import (
    compute_constant_term,
    compute_gamma,
    compute_h0,
    compute_h1,
    compute_line,
    compute_point,
    compute_row_weights,
)
from steelyard.types import Digest


def verify_commitment_hashes(statement: GramStatement, commitment_hashes: Sequence[Digest]) -> None:
    """Checks that the commitments of row `i` hash to what its trainer posted on chain.

    Raises:
        ProofRejectedError: they do not, or rows and hashes do not match in number or length.
    """
    n = len(commitment_hashes)
    if n != statement.n or n < 1 or len(statement.commitments) % n:
        raise ProofRejectedError(f"{n} commitment hashes for {statement.n} rows")
    size = len(statement.commitments) // n
    for i, expected in enumerate(commitment_hashes):
        if keccak(statement.commitments[i * size : (i + 1) * size]) != expected:
            raise ProofRejectedError(f"the commitments of row {i} do not hash to what was submitted")


def verify_gram(srs: Srs, statement: GramStatement, proof: GramProof) -> None:
    """Checks that `statement.gram` is the Gram matrix of the vectors behind `statement.commitments`.

    The context must have been computed by the caller from facts that it trusts (`compute_context`), and the commitments
    compared with the hashes on chain (`verify_commitment_hashes`).

    Raises:
        ProofRejectedError: anything is wrong; `reason` names the check.
    """
    blocks = _check_shape(srs, statement, proof)
    gram = decode_gram(statement.gram, statement.n)
    commitments = _decode_points("commitment", split_points(statement.commitments))
    masks = _decode_points("M", proof.M)
    (s_hat,) = _decode_points("S", [proof.S])
    (witness,) = _decode_points("W", [proof.W])

    h0 = compute_h0(statement, srs.powers, proof.M, proof.t0)
    row_weights = compute_row_weights(h0, statement.n)
    c = compute_constant_term(proof.t0, row_weights, gram)
    h1 = compute_h1(h0, proof.S)
    z = compute_point(h1)
    z_inverse = invert(z)
    gamma = compute_gamma(h1, proof.a, proof.a_prime, proof.s)

    gammas = compute_powers(gamma, blocks + 1)
    products = sum(a * a_prime for a, a_prime in zip(proof.a, proof.a_prime, strict=True))
    s_prime = z * (products - c - z * proof.s)
    at_z = sum(g * y for g, y in zip(gammas, (*proof.a, proof.s), strict=True))
    at_inverse = sum(g * y for g, y in zip(gammas, (*proof.a_prime, s_prime), strict=True))
    constant, slope = compute_line(z, z_inverse, at_z, at_inverse)

    combined = multiply_sum(
        [*commitments, *masks, s_hat, get_blinding_generator(), srs.g1[0], srs.g1[1], witness],
        [*(r_i * g for r_i in row_weights for g in gammas[:blocks]), *gammas, -proof.omega, -constant, -slope, -1],
    )
    shifted = witness * Scalar((z + z_inverse) % BLS12_381_ORDER)
    if not GT.pairing_check([combined, shifted, -witness], list(srs.g2)):
        raise ProofRejectedError("the pairing equation does not hold")


def _check_shape(srs: Srs, statement: GramStatement, proof: GramProof) -> int:
    """Checks every length and every scalar, and returns `B`."""
    n, d = statement.n, statement.d
    if not (1 <= n <= U32_MAX and 1 <= d <= U32_MAX):
        raise ProofRejectedError(f"{n} rows of {d} coordinates")
    if len(statement.context) != 32:
        raise ProofRejectedError(f"a context of {len(statement.context)} bytes")
    blocks = srs.count_blocks(d)
    if len(statement.commitments) != POINT_BYTES * n * blocks:
        raise ProofRejectedError(
            f"{n} rows of {blocks} blocks cannot have {len(statement.commitments)} bytes of commitments"
        )
    if not len(proof.M) == len(proof.a) == len(proof.a_prime) == blocks:
        raise ProofRejectedError(f"the proof is not over {blocks} blocks")
    for name, scalars in (("t0", (proof.t0,)), ("a", proof.a), ("a'", proof.a_prime), ("s", (proof.s,))):
        _check_scalars(name, scalars)
    _check_scalars("ω", (proof.omega,))
    return blocks


def _check_scalars(name: str, scalars: Sequence[int]) -> None:
    if not all(0 <= x < BLS12_381_ORDER for x in scalars):
        raise ProofRejectedError(f"non-canonical scalar in {name}")


def _decode_points(name: str, encodings: Sequence[bytes]) -> list[G1Point]:
    try:
        return [decode_point(encoding) for encoding in encodings]
    except ValueError as error:
        raise ProofRejectedError(f"invalid point in {name}: {error}") from error
