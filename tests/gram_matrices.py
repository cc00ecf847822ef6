"""Gram matrices for tests: of honest rows, and of everything that a dishonest or unlucky one might send."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from steelyard.types import Gram

KINDS = ("honest", "noise", "clone", "flipped", "scaled", "zero", "huge")


def compute_gram(vectors: ArrayLike) -> Gram:
    """The Gram matrix of integer vectors, shape `(n, k)`, as Python integers."""
    rows = np.asarray(vectors).astype(object)
    gram: Gram = rows @ rows.T
    return gram


def build_honest_vectors(n: int, d: int = 400, *, noise: float = 1.0, seed: int = 0) -> np.ndarray:
    """`n` updates that share one direction, each with noise of its own, entries around a thousand."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=d)
    return np.rint(1000 * (shared + noise * rng.normal(size=(n, d)))).astype(np.int64)


@st.composite
def gram_matrices(draw: st.DrawFn, max_rows: int = 32) -> tuple[Gram, int, int]:
    """`(G, f, d)` with `G` the Gram matrix of few coordinates, so that ties, clones and opposites are common.

    `d` is free: a rule knows it only as a number, and a small or large one moves the noise floor.
    """
    n = draw(st.integers(3, max_rows))
    f = draw(st.integers(0, (n - 3) // 2))
    d = draw(st.integers(0, 31).map(lambda bits: 1 << bits) | st.just(2**32 - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width = draw(st.sampled_from((1, 2, 3, 8, 16)))
    size = 1 << draw(st.sampled_from((1, 2, 5, 15, 22)))
    spread = draw(st.sampled_from((0.0, 0.1, 1.0)))

    shared = rng.uniform(-size, size, width)
    rows: list[np.ndarray] = []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=n, max_size=n)):
        earlier = rows[rng.integers(len(rows))] if rows else np.rint(shared)
        match kind:
            case "honest":
                row = np.rint(shared + spread * rng.uniform(-size, size, width))
            case "noise":
                row = rng.integers(-size, size, width, endpoint=True).astype(float)
            case "clone":
                row = earlier
            case "flipped":
                row = -earlier
            case "scaled":
                row = np.clip(earlier * rng.integers(-4, 5), -(2**24), 2**24)
            case "zero":
                row = np.zeros(width)
            case _:
                row = rng.integers(-(2**29), 2**29, width).astype(float)
        rows.append(row)
    return compute_gram(np.array(rows).astype(np.int64)), f, d


@st.composite
def symmetric_matrices(draw: st.DrawFn, max_rows: int = 32) -> tuple[Gram, int, int]:
    """`(G, f, d)` with `G` any symmetric matrix without negative squared norms: what a contract may be handed."""
    n = draw(st.integers(3, max_rows))
    f = draw(st.integers(0, (n - 3) // 2))
    d = draw(st.integers(1, 2**32 - 1))
    bits = draw(st.sampled_from((1, 4, 32, 63)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    entries = np.triu(rng.integers(-(2**bits), 2**bits - 1, (n, n), dtype=np.int64, endpoint=True)).astype(object)
    gram: Gram = entries + np.triu(entries, 1).T
    diagonal = range(n)
    gram[diagonal, diagonal] = [abs(entry) % 2**63 for entry in entries.diagonal()]
    return gram, f, d
