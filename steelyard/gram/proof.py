"""The statement and the proof as values, with their canonical bytes. Source: docs/proof.md, sections 2, 4 and 5."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from steelyard.errors import ProofRejectedError
from steelyard.gram.field import SCALAR_BYTES, decode_scalars, encode_scalars
from steelyard.gram.points import POINT_BYTES, split_points
from steelyard.types import Digest, Gram

ENTRY_BYTES: Final = 8
U32_MAX: Final = 2**32 - 1


def encode_gram(gram: Gram) -> bytes:
    """The upper triangle, row by row, each entry as a big-endian int64.

    Raises:
        ValueError: not square, not symmetric, or an entry outside int64.
    """
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or not np.array_equal(gram, gram.T):
        raise ValueError("a Gram matrix must be square and symmetric")
    try:
        return b"".join(int(x).to_bytes(ENTRY_BYTES, "big", signed=True) for x in gram[np.triu_indices(len(gram))])
    except OverflowError as error:
        raise ValueError("an entry of the Gram matrix is outside int64") from error


def decode_gram(data: bytes, n: int) -> Gram:
    """The inverse of `encode_gram`: Python integers, shape `(n, n)`.

    Raises:
        ProofRejectedError: the length does not fit `n ≥ 1`.
    """
    if n < 1 or len(data) != gram_length(n):
        raise ProofRejectedError(f"the Gram matrix of {n} rows cannot have {len(data)} bytes")
    gram = np.zeros((n, n), dtype=np.object_)
    start = 0
    for i in range(n):
        for j in range(i, n):
            gram[i, j] = gram[j, i] = int.from_bytes(data[start : start + ENTRY_BYTES], "big", signed=True)
            start += ENTRY_BYTES
    return gram


def gram_length(n: int) -> int:
    """Bytes of an encoded Gram matrix of `n` rows."""
    return ENTRY_BYTES * n * (n + 1) // 2


def proof_length(blocks: int) -> int:
    """Bytes of an encoded proof over `B` blocks: `192·B + 352`."""
    return (POINT_BYTES + 2 * SCALAR_BYTES) * blocks + 2 * POINT_BYTES + 3 * SCALAR_BYTES


@dataclass(frozen=True, slots=True)
class GramStatement:
    """What a proof is about: the vectors behind `commitments` have the Gram matrix `gram`, in the round of `context`.

    The bytes are kept as they are sent, so that a statement can be built from anything; `verify_gram` judges them.
    """

    context: bytes
    """`ctx`, 32 bytes."""
    n: int
    """Rows."""
    d: int
    """Coordinates of a row."""
    commitments: bytes
    """`CS = C_1^0 ‖ … ‖ C_n^{B−1}`, `128·n·B` bytes."""
    gram: bytes
    """Upper triangle, `4·n·(n+1)` bytes."""

    @classmethod
    def make(cls, context: Digest, d: int, commitments: Sequence[bytes], gram: Gram) -> Self:
        """The statement about rows with these commitments and this exact matrix."""
        return cls(context, len(commitments), d, b"".join(commitments), encode_gram(gram))


@dataclass(frozen=True, slots=True)
class GramProof:
    """The proof, field by field as in the specification. Points are 128 bytes, scalars integers below `r`."""

    M: tuple[bytes, ...]
    """Commitments to the masks, one per block."""
    t0: int
    S: bytes
    """`Ŝ`, the commitment to the quotient `S`."""
    a: tuple[int, ...]
    """`α_b(z)`, one per block."""
    a_prime: tuple[int, ...]
    """`α_b(1/z)`, one per block."""
    s: int
    W: bytes
    omega: int

    def encode(self) -> bytes:
        """`M ‖ t0 ‖ S ‖ a ‖ a' ‖ s ‖ W ‖ ω`, the layout of the verifier contract.

        Raises:
            ValueError: a scalar is not in `[0, r)`.
        """
        return b"".join(
            (
                *self.M,
                encode_scalars([self.t0]),
                self.S,
                encode_scalars([*self.a, *self.a_prime, self.s]),
                self.W,
                encode_scalars([self.omega]),
            )
        )

    @classmethod
    def decode(cls, data: bytes, blocks: int) -> Self:
        """The inverse of `encode`. Points are cut out here and checked by `verify_gram`.

        Raises:
            ProofRejectedError: the length does not fit `blocks ≥ 1`, or a scalar is not below the group order.
        """
        if blocks < 1 or len(data) != proof_length(blocks):
            raise ProofRejectedError(f"a proof over {blocks} blocks cannot have {len(data)} bytes")
        end_m = POINT_BYTES * blocks
        end_t0 = end_m + SCALAR_BYTES
        end_s_hat = end_t0 + POINT_BYTES
        end_scalars = end_s_hat + SCALAR_BYTES * (2 * blocks + 1)
        end_w = end_scalars + POINT_BYTES
        (t0,) = read_scalars("t0", data[end_m:end_t0])
        *evaluations, s = read_scalars("a, a' or s", data[end_s_hat:end_scalars])
        (omega,) = read_scalars("ω", data[end_w:])
        return cls(
            M=tuple(split_points(data[:end_m])),
            t0=t0,
            S=data[end_t0:end_s_hat],
            a=tuple(evaluations[:blocks]),
            a_prime=tuple(evaluations[blocks:]),
            s=s,
            W=data[end_scalars:end_w],
            omega=omega,
        )


def read_scalars(name: str, data: bytes) -> tuple[int, ...]:
    """The scalars of a proof.

    Raises:
        ProofRejectedError: one is not below the group order; `name` says which.
    """
    try:
        return decode_scalars(data)
    except ValueError as error:
        raise ProofRejectedError(f"non-canonical scalar in {name}") from error
