"""The Gram proof once more, slowly and plainly, on py-ecc. It judges the fast code and shares none of it.

Read it beside docs/proof.md: the letters are the same. Sums are loops, polynomials are lists of integers, the lowest
coefficient first. Needs the development dependency py-ecc, so nothing else in this package imports it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from eth_utils.crypto import keccak
from py_ecc.bls.hash_to_curve import hash_to_G1
from py_ecc.bls.point_compression import decompress_G1, decompress_G2
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381 import optimized_curve as curve
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing

from steelyard.errors import ProofRejectedError

r: Final = curve.curve_order
p: Final = curve.field_modulus
K: Final = 8

Point = Any  # py-ecc's projective triples
Polynomial = list[int]

H: Final[Point] = hash_to_G1(
    b"steelyard/blinding-generator/v1",
    b"STEELYARD-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_",
    hashlib.sha256,  # type: ignore[arg-type]  # py-ecc names the type of a hash, not of its constructor
)


@dataclass(frozen=True)
class ReferenceSrs:
    """`N`, as many of the powers `[τ^k]₁` as a test needs, and `[1]₂, [τ]₂, [τ²]₂`."""

    N: int
    g1: list[Point]
    g2: list[Point]

    @classmethod
    def from_secret(cls, tau: int, N: int) -> Self:
        """An SRS whose secret is known: for tests only."""
        g1 = [curve.multiply(curve.G1, pow(tau, k, r)) for k in range(N)]
        g2 = [curve.multiply(curve.G2, pow(tau, k, r)) for k in range(3)]
        return cls(N, g1, g2)

    @classmethod
    def from_trusted_setup(cls, text: str, count: int) -> Self:
        """The first `count` powers of a ceremony in the text format of c-kzg."""
        N, size_g2, *hexes = text.split()
        g2 = hexes[int(N) :][:3]
        g1 = hexes[int(N) + int(size_g2) :][:count]
        return cls(
            int(N),
            [decompress_G1(int(x, 16)) for x in g1],  # type: ignore[arg-type]
            [decompress_G2((int(x[:96], 16), int(x[96:], 16))) for x in g2],  # type: ignore[arg-type]
        )


def u32(x: int) -> bytes:
    """4 bytes big-endian."""
    return x.to_bytes(4, "big")


def scalars(*xs: int) -> bytes:
    """Each 32 bytes big-endian."""
    return b"".join(x.to_bytes(32, "big") for x in xs)


def encode(point: Point) -> bytes:
    """EIP-2537 form."""
    if curve.is_inf(point):
        return bytes(128)
    x, y = curve.normalize(point)
    return int(x).to_bytes(64, "big") + int(y).to_bytes(64, "big")


def decode(data: bytes) -> Point:
    """The inverse of `encode`, with every check.

    Raises:
        ProofRejectedError: not a point of the subgroup in its one encoding.
    """
    if data == bytes(128):
        return curve.Z1
    x, y = int.from_bytes(data[:64], "big"), int.from_bytes(data[64:], "big")
    if x >= p or y >= p:
        raise ProofRejectedError("coordinate")
    point = (FQ(x), FQ(y), FQ(1))
    if not curve.is_on_curve(point, curve.b):
        raise ProofRejectedError("off the curve")
    if not curve.is_inf(curve.multiply(point, r)):
        raise ProofRejectedError("outside the subgroup")
    return point


def combine(points: Sequence[Point], factors: Sequence[int]) -> Point:
    """`Σ factors[k]·points[k]`."""
    total = curve.Z1
    for point, factor in zip(points, factors, strict=True):
        total = curve.add(total, curve.multiply(point, factor % r))
    return total


def evaluate(polynomial: Polynomial, x: int) -> int:
    """The polynomial at `x`."""
    return sum(coefficient * pow(x, k, r) for k, coefficient in enumerate(polynomial)) % r


def cut(srs: ReferenceSrs, update: Sequence[int]) -> list[Polynomial]:
    """The blocks of an update."""
    L = srs.N - K
    return [[int(x) for x in update[start : start + L]] for start in range(0, len(update), L)]


def blinder(seed: bytes, b: int) -> int:
    """`ρ^b`."""
    return int.from_bytes(keccak(keccak(b"steelyard/blind/v1") + seed + u32(b)), "big") % r


def commit(srs: ReferenceSrs, update: Sequence[int], seed: bytes) -> bytes:
    """`C^0 ‖ … ‖ C^{B−1}`."""
    return b"".join(
        encode(combine([*srs.g1[: len(block)], H], [*block, blinder(seed, b)]))
        for b, block in enumerate(cut(srs, update))
    )


def challenge_0(context: bytes, sizes: Sequence[int], CS: bytes, gram: bytes, M: bytes, t0: int) -> bytes:
    """`h0`, with `sizes = (n, d, N, B)`."""
    tag = keccak(b"steelyard/gram/v1")
    return keccak(tag + context + b"".join(map(u32, sizes)) + keccak(CS) + keccak(gram) + M + scalars(t0))


def row_challenges(h0: bytes, n: int) -> list[int]:
    """`r_0 … r_{n−1}`."""
    return [int.from_bytes(keccak(h0 + b"\x01" + u32(i)), "big") >> 128 for i in range(n)]


def constant_term(t0: int, rs: Sequence[int], gram: bytes) -> int:
    """`c`."""
    entries = [int.from_bytes(gram[k : k + 8], "big", signed=True) for k in range(0, len(gram), 8)]
    places = [(i, j) for i in range(len(rs)) for j in range(i, len(rs))]
    c = t0
    for (i, j), entry in zip(places, entries, strict=True):
        c += rs[i] * rs[j] * entry * (1 if i == j else 2)
    return c % r


def line(z: int, at_z: int, at_inverse: int) -> tuple[int, int]:
    """`(R0, R1)`: solve `R0 + R1·z = at_z`, `R0 + R1/z = at_inverse`."""
    R1 = (at_z - at_inverse) * pow(z - pow(z, -1, r), -1, r) % r
    return (at_z - R1 * z) % r, R1


def prove(
    srs: ReferenceSrs,
    context: bytes,
    updates: Sequence[Sequence[int]],
    seeds: Sequence[bytes],
    gram: bytes,
    draw: Callable[[], int],
) -> bytes:
    """The proof as it goes on chain, section 5 line by line."""
    n, d, L = len(updates), len(updates[0]), srs.N - K
    B = -(-d // L)
    rows = [cut(srs, update) for update in updates]
    CS = b"".join(commit(srs, update, seed) for update, seed in zip(updates, seeds, strict=True))

    drawn = [[draw() for _ in range(K + 1)] for _ in range(B)]
    m = [mask[:K] for mask in drawn]
    mu = [mask[K] for mask in drawn]
    M = b"".join(encode(combine([*srs.g1[L:], H], [*m[b], mu[b]])) for b in range(B))
    t0 = sum(x * x for mask in m for x in mask) % r
    h0 = challenge_0(context, (n, d, srs.N, B), CS, gram, M, t0)
    rs = row_challenges(h0, n)

    alpha = [[0] * L + m[b] for b in range(B)]
    beta = list(mu)
    for i in range(n):
        for b in range(B):
            beta[b] += rs[i] * blinder(seeds[i], b)
            for k, x in enumerate(rows[i][b]):
                alpha[b][k] += rs[i] * x

    S = [0] * (srs.N - 1)  # the coefficient of X^(j−k), j > k, belongs to S at j−k−1
    for b in range(B):
        for j in range(srs.N):
            for k in range(j):
                S[j - k - 1] += alpha[b][j] * alpha[b][k]
    sigma = draw()
    S_hat = encode(combine([*srs.g1[: len(S)], H], [*S, sigma]))

    h1 = keccak(h0 + b"\x02" + S_hat)
    z = int.from_bytes(h1, "big") % r
    z_inverse = pow(z, -1, r)
    a = [evaluate(alpha[b], z) for b in range(B)]
    a_prime = [evaluate(alpha[b], z_inverse) for b in range(B)]
    s = evaluate(S, z)
    gamma = int.from_bytes(keccak(h1 + b"\x03" + scalars(*a, *a_prime, s)), "big") % r

    F = [0] * srs.N
    for b, polynomial in enumerate([*alpha, S]):
        for k, coefficient in enumerate(polynomial):
            F[k] = (F[k] + pow(gamma, b, r) * coefficient) % r
    omega = sum(pow(gamma, b, r) * x for b, x in enumerate([*beta, sigma])) % r
    R0, R1 = line(z, evaluate(F, z), evaluate(F, z_inverse))
    F[0] -= R0
    F[1] -= R1
    W = encode(combine(srs.g1, divide(divide(F, z), z_inverse)))
    return M + scalars(t0) + S_hat + scalars(*a, *a_prime, s) + W + scalars(omega)


def divide(polynomial: Polynomial, root: int) -> Polynomial:
    """`polynomial / (X − root)` by Horner's scheme, padded to the same length. `root` must be a root."""
    quotient = [0] * len(polynomial)
    carry = 0
    for k in range(len(polynomial) - 1, -1, -1):
        quotient[k] = carry
        carry = (polynomial[k] + carry * root) % r
    if carry:
        raise ValueError("not a root")
    return quotient


def verify(srs: ReferenceSrs, context: bytes, n: int, d: int, CS: bytes, gram: bytes, proof: bytes) -> None:
    """Section 6.

    Raises:
        ProofRejectedError: the proof does not verify.
    """
    B = -(-d // (srs.N - K))
    if not (n >= 1 and d >= 1 and len(CS) == 128 * n * B):
        raise ProofRejectedError("sizes")
    if not (len(context) == 32 and len(gram) == 4 * n * (n + 1) and len(proof) == 192 * B + 352):
        raise ProofRejectedError("lengths")
    position = 0

    def take(length: int) -> bytes:
        nonlocal position
        position += length
        return proof[position - length : position]

    def take_scalar() -> int:
        x = int.from_bytes(take(32), "big")
        if x >= r:
            raise ProofRejectedError("non-canonical scalar")
        return x

    M = take(128 * B)
    t0 = take_scalar()
    S_hat = take(128)
    a = [take_scalar() for _ in range(B)]
    a_prime = [take_scalar() for _ in range(B)]
    s = take_scalar()
    W = take(128)
    omega = take_scalar()

    h0 = challenge_0(context, (n, d, srs.N, B), CS, gram, M, t0)
    rs = row_challenges(h0, n)
    c = constant_term(t0, rs, gram)
    h1 = keccak(h0 + b"\x02" + S_hat)
    z = int.from_bytes(h1, "big") % r
    if z in {0, 1, r - 1}:
        raise ProofRejectedError("challenge")
    gamma = int.from_bytes(keccak(h1 + b"\x03" + scalars(*a, *a_prime, s)), "big") % r
    s_prime = z * (sum(x * y for x, y in zip(a, a_prime, strict=True)) - c - z * s) % r
    at_z = evaluate([*a, s], gamma)
    at_inverse = evaluate([*a_prime, s_prime], gamma)
    R0, R1 = line(z, at_z, at_inverse)

    X = combine([decode(S_hat), H, srs.g1[0], srs.g1[1]], [pow(gamma, B, r), -omega, -R0, -R1])
    for b in range(B):
        X = curve.add(X, combine([decode(M[128 * b : 128 * (b + 1)])], [pow(gamma, b, r)]))
        for i in range(n):
            start = 128 * (i * B + b)
            X = curve.add(X, combine([decode(CS[start : start + 128])], [rs[i] * pow(gamma, b, r)]))
    witness = decode(W)
    X = curve.add(X, curve.neg(witness))
    shifted = curve.multiply(witness, (z + pow(z, -1, r)) % r)

    product = pairing(srs.g2[0], X, final_exponentiate=False)
    product *= pairing(srs.g2[1], shifted, final_exponentiate=False)
    product *= pairing(srs.g2[2], curve.neg(witness), final_exponentiate=False)
    if final_exponentiate(product) != product.one():
        raise ProofRejectedError("the pairing equation does not hold")
