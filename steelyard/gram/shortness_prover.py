"""Makes a shortness proof. Source: docs/shortness.md, section 4."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS, UPDATE_MIN
from steelyard.gram.field import (
    Polynomial,
    compute_powers,
    encode_scalars,
    invert,
    make_polynomial,
    random_scalar,
)
from steelyard.gram.linear import add_combination, make_limbs, to_integers
from steelyard.gram.pair_opening import commit_polynomial, open_pair
from steelyard.gram.shortness import (
    PROJECTION_LIMIT,
    PROJECTIONS,
    ShortnessProof,
    advance_transcript,
    combine_multipliers,
    compute_multipliers,
    encode_projections,
    start_transcript,
)
from steelyard.gram.srs import Srs
from steelyard.gram.transcript import compute_point

_ATTEMPTS: Final = 64
_COMBINATION_BITS: Final = 255 + 16 + 32  # a challenge times an int16, summed over fewer than 2^32 blocks


def prove_shortness(
    srs: Srs, updates: NDArray[np.int16], blinders: Sequence[Sequence[int]], commitments: Sequence[bytes]
) -> ShortnessProof:
    """Proves that the updates behind the commitments are short.

    Zero-knowledge: two proofs about one set of updates differ. Openings are not checked here (`find_false_openings`
    does): a proof over updates that do not open the commitments is made, and does not verify.

    Args:
        srs: The reference string.
        updates: int16, shape `(n, d)`; may be memory-mapped.
        blinders: `ρ_i^b`, shape `(n, B)`.
        commitments: `C_i^0 ‖ … ‖ C_i^{B−1}` of each row.

    Raises:
        ValueError: the arguments do not fit together.
    """
    if updates.dtype != np.int16 or updates.ndim != 2 or not updates.size:
        raise ValueError(f"updates are rows of int16, not {updates.dtype} of shape {updates.shape}")
    n, d = updates.shape
    blocks = srs.count_blocks(d)
    if not len(blinders) == len(commitments) == n or any(len(row) != blocks for row in blinders):
        raise ValueError(f"commitments and {blocks} blinders for each of {n} rows are needed")
    return _prove(srs, d, _Updates(srs, updates), blinders, commitments)


class CommittedRows(Protocol):
    """The vectors behind the commitments, by block: block `b` of row `i` is at place `g = i·B + b`."""

    @property
    def bound(self) -> int:
        """No projection is larger in absolute value."""
        ...

    def project(self, multipliers: NDArray[np.int8]) -> list[int]:
        """`⟨x_g, t_k⟩` at place `g·K + k`. `multipliers` has shape `(K, N)`."""
        ...

    def combine(self, weights: Sequence[int]) -> list[int]:
        """The coefficients of `Σ_g weights[g]·x_g`, length `L`."""
        ...


@dataclass(frozen=True, slots=True)
class _Updates:
    srs: Srs
    updates: NDArray[np.int16]

    @property
    def bound(self) -> int:
        return self.srs.payload * -UPDATE_MIN * 2**7

    def project(self, multipliers: NDArray[np.int8]) -> list[int]:
        # Sums of up to 2^30 products below 2^22 are exact in float64.
        factors = multipliers.astype(np.float64)
        parts = [block.astype(np.float64) @ factors[:, : block.shape[1]].T for block in self._cut()]
        return [int(x) for x in np.stack(parts, axis=1).ravel()]

    def combine(self, weights: Sequence[int]) -> list[int]:
        total = make_limbs(_COMBINATION_BITS, self.srs.payload)
        blocks = self.srs.count_blocks(self.updates.shape[1])
        for b, block in enumerate(self._cut()):
            add_combination(total, weights[b::blocks], block)
        return to_integers(total)

    def _cut(self) -> Iterator[NDArray[np.int16]]:
        for start in range(0, self.updates.shape[1], self.srs.payload):
            yield self.updates[:, start : start + self.srs.payload]


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A committed polynomial with its blinder."""

    polynomial: Polynomial
    blinder: int
    commitment: bytes

    @classmethod
    def make(cls, srs: Srs, polynomial: Polynomial) -> "_Hidden":
        blinder = random_scalar()
        return cls(polynomial, blinder, commit_polynomial(srs, polynomial, blinder))


def _prove(
    srs: Srs, d: int, rows: CommittedRows, blinders: Sequence[Sequence[int]], commitments: Sequence[bytes]
) -> ShortnessProof:
    """`prove_shortness` over any vectors, for tests that cheat."""
    count = len(commitments) * srs.count_blocks(d)
    offsets, h0, multipliers, projections = _project(srs, d, rows, commitments, count)
    h1, theta = advance_transcript(h0, 2, encode_projections(projections))
    T = combine_multipliers(multipliers, theta)
    E = make_polynomial(compute_powers(theta, srs.payload))

    P, O = (_Hidden.make(srs, _draw_mask(srs)) for _ in range(2))
    c0 = int(_multiply_reversed(srs, P.polynomial, T)[srs.powers - 1])
    h2, epsilon = advance_transcript(h1, 3, P.commitment + O.commitment + encode_scalars([c0]))

    thetas = compute_powers(theta, PROJECTIONS * count)
    row_weights = thetas[::PROJECTIONS]
    offset_weights = thetas[:: srs.payload]
    V = P.polynomial + make_polynomial(rows.combine(row_weights)) * epsilon
    Y = O.polynomial
    for weight, part in zip(offset_weights, offsets, strict=True):
        Y += part.polynomial * (epsilon * weight % BLS12_381_ORDER)
    S = _Hidden.make(srs, sum(_compute_quotients(srs, V, T, Y, E), make_polynomial([])))

    h3, _ = advance_transcript(h2, 4, S.commitment)
    z = compute_point(h3)
    z_inverse = invert(z)
    v, v_prime, y, y_prime = int(V(z)), int(V(z_inverse)), int(Y(z)), int(Y(z_inverse))
    s, s_prime = int(S.polynomial(z)), int(S.polynomial(z_inverse))
    _, gamma = advance_transcript(h3, 5, encode_scalars([v, v_prime, y, y_prime, s]))

    flat = [rho for row in blinders for rho in row]
    blinder_v = P.blinder + epsilon * sum(w * rho for w, rho in zip(row_weights, flat, strict=True))
    blinder_y = O.blinder + epsilon * sum(w * part.blinder for w, part in zip(offset_weights, offsets, strict=True))
    omega = (blinder_v + gamma * (blinder_y + gamma * S.blinder)) % BLS12_381_ORDER
    F = V + (Y + S.polynomial * gamma) * gamma
    W = open_pair(srs, F, z, v + gamma * (y + gamma * s), v_prime + gamma * (y_prime + gamma * s_prime))
    return ShortnessProof(
        Y=tuple(part.commitment for part in offsets),
        projections=tuple(projections),
        P=P.commitment,
        O=O.commitment,
        c0=c0,
        S=S.commitment,
        v=v,
        v_prime=v_prime,
        y=y,
        y_prime=y_prime,
        s=s,
        W=W,
        omega=omega,
    )


def _project(
    srs: Srs, d: int, rows: CommittedRows, commitments: Sequence[bytes], count: int
) -> tuple[list[_Hidden], bytes, NDArray[np.int8], list[int]]:
    """Commits to offsets and projects, again from the start if a projection with its offset is out of range.

    An offset is uniform in a range that is wider than `[−β, β)` by the largest projection at either end. What is in
    range is then uniform there whatever was projected, and whether a new start is needed does not depend on it either.
    """
    span = PROJECTION_LIMIT + rows.bound
    for _ in range(_ATTEMPTS):
        drawn = [secrets.randbelow(2 * span) - span for _ in range(PROJECTIONS * count)]
        parts = (drawn[start : start + srs.payload] for start in range(0, len(drawn), srs.payload))
        offsets = [_Hidden.make(srs, make_polynomial(part)) for part in parts]
        h0 = start_transcript(srs, d, commitments, [part.commitment for part in offsets])
        multipliers = compute_multipliers(h0, srs.powers)
        projections = [x + y for x, y in zip(rows.project(multipliers), drawn, strict=True)]
        if all(-PROJECTION_LIMIT <= p < PROJECTION_LIMIT for p in projections):
            return offsets, h0, multipliers, projections
    raise ValueError("the vectors are not short: their projections are out of range")


def _draw_mask(srs: Srs) -> Polynomial:
    return make_polynomial([0] * srs.payload + [random_scalar() for _ in range(MASK_SLOTS)])


def _multiply_reversed(srs: Srs, left: Polynomial, right: Polynomial) -> Polynomial:
    """`X^{N−1}·left(X)·right(1/X)`: the constant term of the Laurent polynomial is at place `N − 1`."""
    return left * right.reverse(srs.powers - 1)


def _compute_quotients(srs: Srs, V: Polynomial, T: Polynomial, Y: Polynomial, E: Polynomial) -> Iterator[Polynomial]:
    """The upper parts of the four products of the identity, each shifted down to its first coefficient. They add up."""
    for left, right in ((V, T), (T, V), (Y, E), (E, Y)):
        yield _multiply_reversed(srs, left, right).right_shift(srs.powers)
