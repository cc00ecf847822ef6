"""Contributions: what each row is paid for, with the replication discount, the noise floor and the quorum.

The order matters: agreement with the others (`ψ`), less the discount for copies, or nothing below the noise floor
(`φ`); and if too few rows keep anything, the round moved nobody in common and nobody contributed.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.cosines import MAX_SQUARED_COSINE, compute_squared_cosines, square_q32
from steelyard.rules.matrix import Integers, Matrix

NOISE_FACTOR: Final = 16
"""The square of how many standard deviations a row's cosine must stand above chance: `4²`."""

_WEIGHT_LIMB_BITS: Final = 20
_WEIGHT_LIMB_MASK: Final = (1 << _WEIGHT_LIMB_BITS) - 1

_PRECISION: Final = 256  # bits of the square roots, of which 64 are kept


def _compute_halvings() -> Integers:
    root = 1 << (_PRECISION - 1)
    halvings = []
    for _ in range(16):
        root = isqrt(root << _PRECISION)
        halvings.append(root >> (_PRECISION - 64))
    return tuple(halvings)


HALVINGS: Final = _compute_halvings()
"""`⌊2^64 · 2^(−2^−b)⌋` for `b = 1 … 16`, by repeated square roots of one half."""


@dataclass(frozen=True, slots=True)
class CopyDiscount:
    """How alike two rows must be to count as copies, and what a copy costs.

    Attributes:
      squarings: how often the squared cosine is squared.
      weight: how much a copy adds to `κ`.
      limit: the largest squared cosine in Q32 that counts; no Gram matrix has one above `ONE`.
    """

    squarings: int
    weight: int
    limit: int | None = None


GENTLE: Final = CopyDiscount(squarings=1, weight=1)
"""`κ` sums fourth powers of cosines. Of the rules of version 1."""
SHARP: Final = CopyDiscount(squarings=4, weight=2, limit=ONE)
"""`κ` sums thirty-second powers, twice: rows that agree well are no copies, and `k` copies earn less than one row."""


@dataclass(frozen=True, slots=True)
class Merit:
    """One row's way from its weight to its contribution.

    Attributes:
      agreement: `a_i = Σ_{j≠i} w_j·G_ij`, the inner product with what the others did.
      others: `b_i = Σ_{j≠i} Σ_{k≠i} w_j·w_k·G_jk`, the squared norm of what the others did.
      psi: `ψ_i = max(0, w_i·a_i)`, the row's Shapley value.
      kappa: `κ_i` in Q32, how many copies of the row the others amount to.
      discount: `2^−κ_i` in Q64.
      signal: `a_i²·d`, the left side of the noise floor.
      noise: `16·G_ii·b_i`, its right side.
    """

    agreement: int
    others: int
    psi: int
    kappa: int
    discount: int
    signal: int
    noise: int

    @property
    def above_noise(self) -> bool:
        """Whether the row agrees with the others more than a random vector would."""
        return self.agreement > 0 and self.signal >= self.noise

    @property
    def value(self) -> int:
        """What is left of `ψ_i` after the discount and the noise floor: the contribution, if the round has a quorum."""
        return self.psi * self.discount >> 64 if self.above_noise else 0


NO_MERIT: Final = Merit(agreement=0, others=0, psi=0, kappa=0, discount=0, signal=0, noise=0)
"""Of a root update, which is not judged."""


def compute_exp2neg(kappa: int) -> int:
    """`2^−κ` in Q64 for a `κ ≥ 0` in Q32, by the sixteen highest fractional bits of `κ`, most significant first.

    >>> compute_exp2neg(0) == 2**64, compute_exp2neg(3 << 32) == 2**61
    (True, True)
    """
    value = 1 << 64
    for bit, halving in enumerate(HALVINGS, start=1):
        if kappa >> (32 - bit) & 1:
            value = value * halving >> 64
    return value >> (kappa >> 32)


def compute_kappas(gram: Matrix, discount: CopyDiscount) -> Integers:
    """`κ_i`, the sum of a power of each row's positive cosines with the others, in Q32.

    References:
      docs/rules.md, "Copies". Agarwal, Dahleh, Sarkar, `A Marketplace for Data: An Algorithmic Solution
      <https://arxiv.org/abs/1805.08125>`_, EC 2019, "robustness to replication". Their measure of similarity is left
      open; here it is a power of the cosine, which spares rows that merely agree.
    """
    powers = compute_squared_cosines(gram)
    powers[np.asarray(gram <= 0, dtype=bool)] = 0
    np.fill_diagonal(powers, 0)
    powers = np.minimum(powers, discount.limit or MAX_SQUARED_COSINE)
    for _ in range(discount.squarings):
        powers = np.minimum(square_q32(powers), MAX_SQUARED_COSINE)
    kappas: list[int] = (discount.weight * powers.sum(axis=1)).tolist()
    return tuple(kappas)


def compute_pulls(gram: Matrix, weights: Integers) -> list[int]:
    """`Σ_j w_j·G_ij` for each row, exactly, for up to `2^11` rows."""
    count = max(weights).bit_length() // _WEIGHT_LIMB_BITS + 1
    limbs = np.array(
        [[weight >> _WEIGHT_LIMB_BITS * k & _WEIGHT_LIMB_MASK for k in range(count)] for weight in weights]
    )
    high, low = ((part.astype(np.int64) @ limbs).tolist() for part in (gram >> 32, gram & 0xFFFFFFFF))
    return [
        sum((h << 32) + l << _WEIGHT_LIMB_BITS * k for k, (h, l) in enumerate(zip(*row, strict=True)))
        for row in zip(high, low, strict=True)
    ]


def compute_merits(gram: Matrix, weights: Integers, d: int, discount: CopyDiscount) -> tuple[Merit, ...]:
    """Each row's merit in a weighted sum of the rows.

    Args:
      gram: shape `(n, n)`, of the trainers' rows as committed.
      weights: `w_i ≥ 0` in Q32.
      d: number of coordinates of a row.
      discount: what copies cost.

    References:
      docs/rules.md, "Contribution". `ψ` is the Shapley value of the game
      `v(S) = ‖Σ_{i∈S} w_i·u_i‖² − Σ_{i∈S} ‖w_i·u_i‖²`.
    """
    pulls = compute_pulls(gram, weights)
    energy = sum(weight * pull for weight, pull in zip(weights, pulls, strict=True))
    merits = []
    norms, kappas = gram.diagonal().tolist(), compute_kappas(gram, discount)
    for weight, pull, squared_norm, kappa in zip(weights, pulls, norms, kappas, strict=True):
        agreement = pull - weight * squared_norm
        others = energy - 2 * weight * pull + weight * weight * squared_norm
        merits.append(
            Merit(
                agreement=agreement,
                others=others,
                psi=max(0, weight * agreement),
                kappa=kappa,
                discount=compute_exp2neg(kappa),
                signal=agreement * agreement * d,
                noise=NOISE_FACTOR * squared_norm * others,
            )
        )
    return tuple(merits)


def has_quorum(merits: tuple[Merit, ...], f: int) -> bool:
    """Whether at least half of the `n − f` rows that a rule counts on contributed: otherwise nobody did."""
    return 2 * sum(merit.value > 0 for merit in merits) >= len(merits) - f
