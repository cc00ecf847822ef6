"""Opens a committed polynomial at `z` and `1/z` with one witness. Source: docs/proof.md, sections 5 and 6."""

from collections.abc import Sequence

from py_arkworks_bls12381 import GT, G1Point, Scalar

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram.field import Polynomial, invert, make_polynomial
from steelyard.gram.points import encode_point, multiply_sum
from steelyard.gram.srs import Srs, get_blinding_generator
from steelyard.gram.transcript import compute_line


def commit_polynomial(srs: Srs, polynomial: Polynomial, blinder: int) -> bytes:
    """`[polynomial(τ)]₁ + blinder·H`, encoded."""
    # A coefficient just below r multiplies the negated power: multiplying by what is small either way is quicker.
    terms = [(power, int(x)) for power, x in zip(srs.g1, polynomial.coeffs(), strict=False) if x != 0]
    points = [power if 2 * x < BLS12_381_ORDER else -power for power, x in terms]
    scalars = [min(x, BLS12_381_ORDER - x) for _, x in terms]
    return encode_point(multiply_sum([*points, get_blinding_generator()], [*scalars, blinder]))


def open_pair(srs: Srs, F: Polynomial, z: int, at_z: int, at_inverse: int) -> bytes:
    """`W = [((F − R) / ((X − z)(X − 1/z)))(τ)]₁`, where the line `R` has the values of `F` at `z` and `1/z`."""
    z_inverse = invert(z)
    line = make_polynomial(list(compute_line(z, z_inverse, at_z, at_inverse)))
    quotient, remainder = divmod(F - line, make_polynomial([1, -(z + z_inverse), 1]))
    if not remainder.is_zero():
        raise AssertionError("the opened values are not on the line")
    return commit_polynomial(srs, quotient, 0)


def verify_pair_opening(
    srs: Srs,
    points: Sequence[G1Point],
    scalars: Sequence[int],
    omega: int,
    z: int,
    at_z: int,
    at_inverse: int,
    witness: G1Point,
) -> None:
    """Checks that the polynomial behind `Σ scalars[k]·points[k] − ω·H` has these values at `z` and `1/z`.

    Raises:
        ProofRejectedError: it has others.
    """
    z_inverse = invert(z)
    constant, slope = compute_line(z, z_inverse, at_z, at_inverse)
    combined = multiply_sum(
        [*points, get_blinding_generator(), srs.g1[0], srs.g1[1], witness],
        [*scalars, -omega, -constant, -slope, -1],
    )
    shifted = witness * Scalar((z + z_inverse) % BLS12_381_ORDER)
    if not GT.pairing_check([combined, shifted, -witness], list(srs.g2)):
        raise ProofRejectedError("the pairing equation does not hold")
