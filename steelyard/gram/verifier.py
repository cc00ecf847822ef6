"""Verifies a Gram proof. Source: docs/proof.md, section 6."""

from collections.abc import Sequence

from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram.field import compute_powers
from steelyard.gram.pair_opening import verify_pair_opening
from steelyard.gram.points import POINT_BYTES, decode_point, split_points
from steelyard.gram.proof import U32_MAX, GramProof, GramStatement, decode_gram
from steelyard.gram.srs import Srs
from steelyard.gram.transcript import (
    compute_constant_term,
    compute_gamma,
    compute_h0,
    compute_h1,
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
    commitments = decode_points("commitment", split_points(statement.commitments))
    masks = decode_points("M", proof.M)
    (s_hat,) = decode_points("S", [proof.S])
    (witness,) = decode_points("W", [proof.W])

    h0 = compute_h0(statement, srs.powers, proof.M, proof.t0)
    row_weights = compute_row_weights(h0, statement.n)
    c = compute_constant_term(proof.t0, row_weights, gram)
    h1 = compute_h1(h0, proof.S)
    z = compute_point(h1)
    gamma = compute_gamma(h1, proof.a, proof.a_prime, proof.s)

    gammas = compute_powers(gamma, blocks + 1)
    products = sum(a * a_prime for a, a_prime in zip(proof.a, proof.a_prime, strict=True))
    s_prime = z * (products - c - z * proof.s)
    at_z = sum(g * y for g, y in zip(gammas, (*proof.a, proof.s), strict=True))
    at_inverse = sum(g * y for g, y in zip(gammas, (*proof.a_prime, s_prime), strict=True))
    verify_pair_opening(
        srs,
        [*commitments, *masks, s_hat],
        [*(r_i * g for r_i in row_weights for g in gammas[:blocks]), *gammas],
        proof.omega,
        z,
        at_z,
        at_inverse,
        witness,
    )


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
        check_scalars(name, scalars)
    check_scalars("ω", (proof.omega,))
    return blocks


def check_scalars(name: str, scalars: Sequence[int]) -> None:
    """Checks that scalars are below the group order.

    Raises:
        ProofRejectedError: one is not; `name` says where.
    """
    if not all(0 <= x < BLS12_381_ORDER for x in scalars):
        raise ProofRejectedError(f"non-canonical scalar in {name}")


def decode_points(name: str, encodings: Sequence[bytes]) -> list[G1Point]:
    """The points of a proof or a statement.

    Raises:
        ProofRejectedError: one is malformed, off the curve or outside the subgroup; `name` says which.
    """
    try:
        return [decode_point(encoding) for encoding in encodings]
    except ValueError as error:
        raise ProofRejectedError(f"invalid point in {name}: {error}") from error
