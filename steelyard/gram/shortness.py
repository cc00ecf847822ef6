"""The shortness proof: no inner product of the committed vectors wraps around modulo `r`. Source: docs/shortness.md.

It publishes, hidden by large offsets, small random projections of every committed block, and proves that they are
right. Whoever checks it then knows that all committed vectors are short rational vectors with one small denominator, so
that a proved Gram matrix is a true one. It is a statement about the commitments alone, whatever round they belong to.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram.field import SCALAR_BYTES, Polynomial, compute_powers, encode_scalars, invert, make_polynomial
from steelyard.gram.linear import add_combination, make_limbs, to_integers
from steelyard.gram.pair_opening import verify_pair_opening
from steelyard.gram.points import POINT_BYTES, split_points
from steelyard.gram.proof import U32_MAX, read_scalars
from steelyard.gram.srs import Srs
from steelyard.gram.transcript import compute_point
from steelyard.gram.verifier import check_scalars, decode_points

PROJECTIONS: Final = 20
"""`K`, projections of every block. Each lets a vector that is not short pass with probability `2^-7` at most."""

PROJECTION_BYTES: Final = 8
PROJECTION_LIMIT: Final = 2 ** (8 * PROJECTION_BYTES - 1)
"""`β`: published projections are in `[−β, β)`. Their encoding has room for no others."""

_TAG: Final = keccak(b"steelyard/shortness/v1")
_MIDDLE_POINTS: Final = 4  # P, O, S, W
_SCALARS: Final = 7  # c0, v, v', y, y', s, ω
_SUM_BITS: Final = 255 + 8 + 32  # a challenge times a byte, summed over fewer than 2^32


@dataclass(frozen=True, slots=True)
class ShortnessProof:
    """The proof, field by field as in the specification. Points are 128 bytes, scalars integers below `r`."""

    Y: tuple[bytes, ...]
    """Commitments to the offsets, `L` of them each."""
    projections: tuple[int, ...]
    """`p_{g,k}` of block `g = i·B + b` and projection `k`, at place `g·K + k`."""
    P: bytes
    """Commitment to the mask of `V`."""
    O: bytes
    """Commitment to the mask of `Y`."""
    c0: int
    S: bytes
    """`Ŝ`, the commitment to the quotient `S`."""
    v: int
    v_prime: int
    y: int
    y_prime: int
    s: int
    W: bytes
    omega: int

    def encode(self) -> bytes:
        """`Y ‖ p ‖ P ‖ O ‖ c0 ‖ S ‖ v ‖ v' ‖ y ‖ y' ‖ s ‖ W ‖ ω`.

        Raises:
            ValueError: a scalar is not in `[0, r)`.
            OverflowError: a projection is not in `[−β, β)`.
        """
        return b"".join(
            (
                *self.Y,
                encode_projections(self.projections),
                self.P,
                self.O,
                encode_scalars([self.c0]),
                self.S,
                encode_scalars([self.v, self.v_prime, self.y, self.y_prime, self.s]),
                self.W,
                encode_scalars([self.omega]),
            )
        )

    @classmethod
    def decode(cls, data: bytes, payload: int, rows: int) -> Self:
        """The inverse of `encode`. Points are cut out here and checked by `verify_shortness`.

        Args:
            data: The bytes.
            payload: `L` of the reference string.
            rows: `n·B`, the number of committed blocks.

        Raises:
            ProofRejectedError: the length does not fit, or a scalar is not below the group order.
        """
        if rows < 1 or len(data) != shortness_length(payload, rows):
            raise ProofRejectedError(f"a shortness proof of {rows} blocks cannot have {len(data)} bytes")
        position = 0

        def take(length: int) -> bytes:
            nonlocal position
            position += length
            return data[position - length : position]

        Y = tuple(split_points(take(POINT_BYTES * count_offset_blocks(payload, rows))))
        projections = np.frombuffer(take(PROJECTION_BYTES * PROJECTIONS * rows), dtype=">i8").tolist()
        P, O = take(POINT_BYTES), take(POINT_BYTES)
        (c0,) = read_scalars("c0", take(SCALAR_BYTES))
        s_hat = take(POINT_BYTES)
        v, v_prime, y, y_prime, s = read_scalars("v, v', y, y' or s", take(5 * SCALAR_BYTES))
        W = take(POINT_BYTES)
        (omega,) = read_scalars("ω", take(SCALAR_BYTES))
        return cls(Y, tuple(projections), P, O, c0, s_hat, v, v_prime, y, y_prime, s, W, omega)


def count_offset_blocks(payload: int, rows: int) -> int:
    """`Q = ⌈K·n·B / L⌉`, the commitments that the offsets of `rows = n·B` blocks take."""
    return -(-PROJECTIONS * rows // payload)


def shortness_length(payload: int, rows: int) -> int:
    """Bytes of an encoded proof about `rows = n·B` blocks: `128·Q + 160·n·B + 736`."""
    points = count_offset_blocks(payload, rows) + _MIDDLE_POINTS
    return POINT_BYTES * points + PROJECTION_BYTES * PROJECTIONS * rows + SCALAR_BYTES * _SCALARS


def encode_projections(projections: Sequence[int]) -> bytes:
    """Each as 8 bytes, big-endian two's complement.

    Raises:
        OverflowError: one is not in `[−β, β)`.
    """
    return b"".join(p.to_bytes(PROJECTION_BYTES, "big", signed=True) for p in projections)


def start_transcript(srs: Srs, d: int, commitments: Sequence[bytes], Y: Sequence[bytes]) -> bytes:
    """`h0`: hashes the whole statement and the commitments to the offsets."""
    sizes = (len(commitments), d, srs.powers, srs.count_blocks(d), PROJECTIONS)
    return keccak(
        b"".join((_TAG, *(size.to_bytes(4, "big") for size in sizes), keccak(b"".join(commitments)), *Y)),
    )


def advance_transcript(state: bytes, step: int, message: bytes) -> tuple[bytes, int]:
    """The next state `keccak(state ‖ u8(step) ‖ message)`, and the challenge that it is modulo `r`."""
    following = keccak(state + bytes([step]) + message)
    return following, int.from_bytes(following, "big") % BLS12_381_ORDER


def compute_multipliers(h0: bytes, powers: int) -> NDArray[np.int8]:
    """`t_k`: the first `K·N` bytes of SHAKE-256 of `h0 ‖ 0x01` as two's complement, shape `(K, N)`, row by row."""
    stream = hashlib.shake_256(h0 + b"\x01").digest(PROJECTIONS * powers)
    return np.frombuffer(stream, dtype=np.int8).reshape(PROJECTIONS, powers)


def combine_multipliers(multipliers: NDArray[np.int8], theta: int) -> Polynomial:
    """`T = Σ_k θ^k t_k`."""
    total = make_limbs(_SUM_BITS, multipliers.shape[1])
    add_combination(total, compute_powers(theta, PROJECTIONS), multipliers)
    return make_polynomial(to_integers(total))


def verify_shortness(srs: Srs, d: int, commitments: Sequence[bytes], proof: ShortnessProof) -> None:
    """Checks that the vectors behind the commitments are short rational vectors with one small denominator.

    Args:
        srs: The reference string.
        d: Coordinates of a vector.
        commitments: `C_i^0 ‖ … ‖ C_i^{B−1}` of each row.
        proof: What the aggregator published.

    Raises:
        ProofRejectedError: anything is wrong; `reason` names the check.
    """
    rows = _check_shape(srs, d, commitments, proof)
    C = decode_points("commitment", split_points(b"".join(commitments)))
    Y = decode_points("Y", proof.Y)
    masks = decode_points("P or O", [proof.P, proof.O])
    (s_hat,) = decode_points("S", [proof.S])
    (witness,) = decode_points("W", [proof.W])

    h0 = start_transcript(srs, d, commitments, proof.Y)
    h1, theta = advance_transcript(h0, 2, encode_projections(proof.projections))
    T = combine_multipliers(compute_multipliers(h0, srs.powers), theta)
    E = make_polynomial(compute_powers(theta, srs.payload))
    h2, epsilon = advance_transcript(h1, 3, proof.P + proof.O + encode_scalars([proof.c0]))
    h3, _ = advance_transcript(h2, 4, proof.S)
    z = compute_point(h3)
    z_inverse = invert(z)
    _, gamma = advance_transcript(h3, 5, encode_scalars([proof.v, proof.v_prime, proof.y, proof.y_prime, proof.s]))

    thetas = compute_powers(theta, PROJECTIONS * rows)
    claimed = proof.c0 + epsilon * sum(power * p for power, p in zip(thetas, proof.projections, strict=True))
    products = proof.v * int(T(z_inverse)) + proof.v_prime * int(T(z))
    products += proof.y * int(E(z_inverse)) + proof.y_prime * int(E(z))
    s_prime = z * (products - 2 * claimed - z * proof.s)

    verify_pair_opening(
        srs,
        [*C, masks[0], *Y, masks[1], s_hat],
        [
            *(epsilon * power for power in thetas[::PROJECTIONS]),
            1,
            *(gamma * epsilon * power for power in thetas[:: srs.payload]),
            gamma,
            gamma * gamma,
        ],
        proof.omega,
        z,
        proof.v + gamma * (proof.y + gamma * proof.s),
        proof.v_prime + gamma * (proof.y_prime + gamma * s_prime),
        witness,
    )


def _check_shape(srs: Srs, d: int, commitments: Sequence[bytes], proof: ShortnessProof) -> int:
    """Checks every length, scalar and projection, and returns `n·B`."""
    if not (1 <= len(commitments) <= U32_MAX and 1 <= d <= U32_MAX):
        raise ProofRejectedError(f"{len(commitments)} rows of {d} coordinates")
    blocks = srs.count_blocks(d)
    if any(len(commitment) != POINT_BYTES * blocks for commitment in commitments):
        raise ProofRejectedError(f"a commitment is not of {blocks} blocks")
    rows = len(commitments) * blocks
    if len(proof.projections) != PROJECTIONS * rows or len(proof.Y) != count_offset_blocks(srs.payload, rows):
        raise ProofRejectedError(f"the shortness proof is not about {rows} blocks")
    if not all(-PROJECTION_LIMIT <= p < PROJECTION_LIMIT for p in proof.projections):
        raise ProofRejectedError("a projection is out of range")
    check_scalars("c0", [proof.c0])
    check_scalars("v, v', y, y' or s", [proof.v, proof.v_prime, proof.y, proof.y_prime, proof.s])
    check_scalars("ω", [proof.omega])
    return rows
