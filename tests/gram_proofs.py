"""Rounds with their proofs for tests, over small reference strings whose secret the tests know."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from steelyard.constants import BLS12_381_ORDER, UPDATE_MAX, UPDATE_MIN
from steelyard.gram import GramProof, GramStatement, Srs, commit, compute_gram, derive_blinders, prove_gram
from steelyard.types import Digest, Seed

TAU = 0x5EC2E7 * 2**200 + 12345
CONTEXT = Digest(bytes(range(32)))


@functools.cache
def make_srs(powers: int, tau: int = TAU) -> Srs:
    """An SRS with a known secret: quick, and good for nothing but tests."""
    scalars = [Scalar(pow(tau, k, BLS12_381_ORDER)) for k in range(powers)]
    g2 = (G2Point(), G2Point() * scalars[1], G2Point() * scalars[2])
    return Srs(tuple(G1Point() * scalar for scalar in scalars), g2)


@dataclass(frozen=True)
class Round:
    """What an aggregator has when it proves."""

    srs: Srs
    updates: NDArray[np.int16]
    seeds: tuple[Seed, ...]
    blinders: tuple[tuple[int, ...], ...]
    commitments: tuple[bytes, ...]
    statement: GramStatement

    def prove(self) -> GramProof:
        return prove_gram(self.srs, self.statement, self.updates, self.blinders)


def make_round(srs: Srs, updates: NDArray[np.int16], context: Digest = CONTEXT) -> Round:
    """Commits to every row and states its Gram matrix."""
    n, d = updates.shape
    seeds = tuple(Seed(bytes([i + 1]) * 32) for i in range(n))
    commitments = tuple(commit(srs, row, seed) for row, seed in zip(updates, seeds, strict=True))
    blinders = tuple(derive_blinders(seed, srs.count_blocks(d)) for seed in seeds)
    statement = GramStatement.make(context, d, commitments, compute_gram(updates))
    return Round(srs, updates, seeds, blinders, commitments, statement)


def make_updates(n: int, d: int, seed: int = 0) -> NDArray[np.int16]:
    """Uniform entries over the whole range, shape `(n, d)`."""
    return np.random.default_rng(seed).integers(UPDATE_MIN, UPDATE_MAX, (n, d), dtype=np.int16, endpoint=True)
