"""The flag aggregator: rows count by how well a subspace, found from the rows themselves, explains their direction."""

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.cosines import compute_likeness
from steelyard.rules.eigen import MATRIX_BITS, diagonalise
from steelyard.rules.fixed_point import Fixed, compute_roots
from steelyard.rules.matrix import Integers, Matrix, compute_lower_median
from steelyard.rules.selection import Graded

REWEIGHTINGS: Final = 1
EPSILON: Final = 107
"""`⌊2^30·10^-7⌋`, what keeps the importance of a row that is explained entirely finite."""

_UNIT: Final = 1 << 30
_LONGEST: Final = ONE << 4
_NO_EIGENVALUE: Final = 1 << 11
"""Eigenvalues up to 2^-20 of the trace are taken for zero: directions in which no row points."""


def weigh_by_flag(gram: Matrix, f: int) -> Graded:
    r"""Weighs rows by the flag median's subspace.

    With `x_i = u_i/‖u_i‖` and importances `a_i`, the subspace is that of the `r = ⌈(n + 1)/2⌉` largest eigenvectors of
    `Σ a_i²·x_i·x_iᵀ`; they come from those of the matrix `a_i·a_j·⟨x_i, x_j⟩`. A row that the subspace explains to the
    part `e_i = ‖Yᵀx_i‖²` then has the importance `(1 − e_i + 10^-7)^(-1/4)`, and the subspace is found once more. The
    outcome is the rows' mean direction within it, `Y·Yᵀ·Σ x_i`, written as `Σ c_i·x_i`.

    Args:
      gram: shape `(n, n)`.
      f: unused, `r` stands for it.

    References:
      docs/rules.md, "Flag aggregator". Almasi, Mishra, Vamanan, Ravi, `Flag Aggregator: Scalable Distributed Training
      under Failures and Augmented Losses using Convex Optimization <https://arxiv.org/abs/2302.05865>`_, ICLR
      2024, without pairwise terms. Deviations: the start is within the span of the rows, all importances alike, where
      the authors' program takes a random subspace, and so one reweighting, as theirs; coefficients below zero are cut
      to zero; the outcome is brought to the lower median of the rows' lengths by dividing by the sum
      of the coefficients, where theirs has lost the length; no row is lengthened more than sixteenfold.
    """
    del f
    cosines = _compute_cosines(gram)
    roots = np.full(len(gram), _UNIT, dtype=np.int64)
    for _ in range(REWEIGHTINGS):
        roots = _compute_fourth_roots(_find_subspace(cosines, roots).explained)
    subspace = _find_subspace(cosines, roots)
    parts = _compute_parts(subspace.compute_coefficients())
    lengths = _compute_lengthenings(gram)
    return Graded(
        weights=tuple(part * length >> 32 for part, length in zip(parts, lengths, strict=True)),
        normaliser=sum(parts) or ONE,
        measure="part that the subspace of the updates explains",
        grades=tuple(part << 2 for part in subspace.explained),
    )


@dataclass(frozen=True, slots=True)
class _Subspace:
    """The directions that matter.

    Attributes:
      importances: `a_i`, the largest of them one, in Q30.
      inverses: `1 / a_i`, at most 57, in Q22.
      vectors: eigenvectors in the subspace, in Q30, one in each row.
      explained: `e_i` in Q30.
    """

    importances: Fixed
    inverses: Fixed
    vectors: Fixed
    explained: Integers

    def compute_coefficients(self) -> Fixed:
        """`c_j = a_j·Σ_k V_kj·Σ_i V_ki / a_i` in Q30, and 0 instead of less."""
        # By Cauchy and Schwarz both sums are at most the length of the inverses, 2^9.4 for 128 rows.
        sums = self.vectors @ self.inverses >> 30
        within = self.vectors.T @ sums >> 30
        coefficients: Fixed = np.maximum(self.importances * within >> 22, 0)
        return coefficients


def _find_subspace(cosines: Fixed, roots: Fixed) -> _Subspace:
    """The subspace for importances in inverse proportion to `roots`, which are in Q30."""
    importances = (int(roots.min()) << 30) // roots
    weighted = (importances[:, None] * importances[None, :] >> 30) * cosines
    trace = max(int((weighted.diagonal() >> 30).sum()), 1)
    values, vectors = diagonalise((weighted << MATRIX_BITS - 30) // trace)
    largest = np.argsort(-values, kind="stable")[: len(roots) // 2 + 1]
    largest = largest[values[largest] > _NO_EIGENVALUE]
    energies = np.maximum(values, 0)[:, None] * (vectors * vectors >> 30)
    within, total = (sums.sum(axis=0).tolist() for sums in (energies[largest] >> 10, energies >> 10))
    explained = tuple((part << 30) // whole if whole else 0 for part, whole in zip(within, total, strict=True))
    return _Subspace(importances, (roots << 22) // int(roots.min()), vectors[largest], explained)


def _compute_cosines(gram: Matrix) -> Fixed:
    """`⟨x_i, x_j⟩` in Q30."""
    cosines = compute_likeness(gram)
    return np.where(np.asarray(gram < 0, dtype=bool), -cosines, cosines)


def _compute_fourth_roots(explained: Integers) -> Fixed:
    """`(1 − e_i + 10^-7)^(1/4)` in Q30."""
    rest = _UNIT - np.array(explained, dtype=np.int64) + EPSILON
    return compute_roots(compute_roots(rest << 30) << 30)


def _compute_parts(coefficients: Fixed) -> list[int]:
    """Each coefficient's part of the sum, in Q32; zeros if that is zero."""
    total = int(coefficients.sum()) or 1
    return [(coefficient << 32) // total for coefficient in coefficients.tolist()]


def _compute_lengthenings(gram: Matrix) -> list[int]:
    """What brings each row to the lower median of the lengths, sixteen at most, in Q32."""
    median = compute_lower_median(gram.diagonal())
    return [min(isqrt((median << 64) // norm), _LONGEST) if norm else 0 for norm in gram.diagonal().tolist()]
