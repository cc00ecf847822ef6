"""Commitments to updates, and what follows from them for the aggregate. Source: docs/proof.md, sections 3 and 7."""

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from eth_utils.crypto import keccak
from numpy.typing import NDArray
from py_arkworks_bls12381 import G1Point, Scalar

from steelyard.constants import BLS12_381_ORDER, UPDATE_MIN
from steelyard.gram.points import WORKERS, decode_point, encode_point, multiply_sum, split_points
from steelyard.gram.srs import Srs, get_blinding_generator
from steelyard.types import Digest, Seed, UpdateVector

_BLIND_TAG: Final = keccak(b"steelyard/blind/v1")


def derive_blinders(seed: Seed, blocks: int) -> tuple[int, ...]:
    """The blinders `ρ^b = keccak(keccak("steelyard/blind/v1") ‖ seed ‖ u32(b)) mod r` of one round, length `B`."""
    if len(seed) != 32:
        raise ValueError(f"a blinder seed has 32 bytes, not {len(seed)}")
    return tuple(
        int.from_bytes(keccak(_BLIND_TAG + seed + b.to_bytes(4, "big")), "big") % BLS12_381_ORDER for b in range(blocks)
    )


def commit(srs: Srs, update: UpdateVector, seed: Seed) -> bytes:
    """Commits to an update: `C^b = [u^b(τ)]₁ + ρ^b·H`.

    Args:
        srs: The reference string.
        update: int16, shape `(d,)`, `d ≥ 1`.
        seed: 32 secret bytes, fresh for each round.

    Returns:
        `C^0 ‖ … ‖ C^{B−1}`, 128·B bytes.
    """
    if update.ndim != 1 or update.dtype != np.int16 or not update.size:
        raise ValueError(f"an update is a non-empty int16 vector, not {update.dtype} of shape {update.shape}")
    points, scalars = _commitment_tables(srs)
    generator = get_blinding_generator()

    def commit_block(b: int, blinder: int) -> bytes:
        # A negative coordinate multiplies the negated power by its absolute value: every scalar then has 16 bits at
        # most, for which the multi-scalar multiplication is several times quicker.
        block = update[b * srs.payload : (b + 1) * srs.payload].astype(np.int32)
        used = np.flatnonzero(block)
        signs = (block[used] < 0).astype(np.intp)
        payload = G1Point.multiexp_unchecked(points[signs, used].tolist(), scalars[np.abs(block[used])].tolist())
        return encode_point(payload + generator * Scalar(blinder))

    blocks = srs.count_blocks(update.size)
    blinders = derive_blinders(seed, blocks)
    if blocks == 1:
        return commit_block(0, blinders[0])
    with ThreadPoolExecutor(WORKERS) as pool:
        return b"".join(pool.map(commit_block, range(blocks), blinders))


@functools.lru_cache(maxsize=4)
def _commitment_tables(srs: Srs) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The powers and their negatives, shape `(2, L)`, and the curve library's form of `0 … 2^15`."""
    powers = srs.g1[: srs.payload]
    points = np.array([powers, [-point for point in powers]], dtype=np.object_)
    scalars = np.array([Scalar(x) for x in range(-UPDATE_MIN + 1)], dtype=np.object_)
    return points, scalars


def hash_commitment(commitment: bytes) -> Digest:
    """`commitmentHash = keccak(C^0 ‖ … ‖ C^{B−1})`, what a trainer posts on chain."""
    return Digest(keccak(commitment))


def add_commitments(commitments: Sequence[bytes]) -> bytes:
    """The commitment to the sum of several updates: `Σ_t C_t^b` for each block, opened by `Σ_t ρ_t^b mod r`.

    Raises:
        ValueError: a malformed point, or commitments of different lengths.
    """
    points = [[decode_point(data) for data in split_points(commitment)] for commitment in commitments]
    return b"".join(encode_point(point) for point in compute_aggregate_points(points, [1] * len(points)))


def compute_aggregate_points(points: Sequence[Sequence[G1Point]], weights: Sequence[int]) -> list[G1Point]:
    """`C_A^b = Σ w_i C_i^b` for each block. `points` has shape `(n, B)`, `weights` length `n`."""
    return [multiply_sum(column, weights) for column in zip(*points, strict=True)]


def compute_aggregate_blinders(blinders: Sequence[Sequence[int]], weights: Sequence[int]) -> tuple[int, ...]:
    """`ρ_A^b = Σ w_i ρ_i^b mod r` for each block. `blinders` has shape `(n, B)`, `weights` length `n`."""
    return tuple(
        sum(weight * blinder for weight, blinder in zip(weights, column, strict=True)) % BLS12_381_ORDER
        for column in zip(*blinders, strict=True)
    )
