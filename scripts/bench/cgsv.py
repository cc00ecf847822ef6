"""CGSV: a trainer's reputation is its running cosine with what all did together. A function of Gram matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CgsvSettings:
    """The paper's parameters.

    Attributes:
      memory: `α`, how much of the reputation outlasts a round.
      floor: reputations below it are raised to it before they are normalised.
    """

    memory: float = 0.95
    floor: float = 1e-3


def compute_cosine_values(gram: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """`cos(u_i, Σ_j r_j·u_j/‖u_j‖)`, shape `(n,)`: the approximate cosine-gradient Shapley values of a round.

    Args:
      gram: shape `(n, n)`, of the updates as sent. A zero row has the cosine 0.
      weights: `r`, shape `(n,)`.
    """
    norms = np.sqrt(gram.diagonal())
    inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    cosines = inverse[:, None] * gram * inverse[None, :]
    pulls = cosines @ weights
    energy = float(weights @ pulls)
    return pulls / np.sqrt(energy) if energy > 0 else np.zeros_like(pulls)


def compute_cgsv(grams: Sequence[NDArray[np.float64]], settings: CgsvSettings | None = None) -> NDArray[np.float64]:
    """The reputations after these rounds, shape `(n,)`, at least 0 and with the sum 1. No model is evaluated.

    References:
      X. Xu et al., "Gradient Driven Rewards to Guarantee Fairness in Collaborative Machine Learning", NeurIPS 2021:
      `r ← α·r + (1 − α)·φ`. The first round weighs all alike, since nobody can check the size of anybody's data; the
      aggregate with masked entries that trainers would get back is no score and left out.
    """
    settings = settings or CgsvSettings()
    n = len(grams[0])
    weights = np.full(n, 1 / n)
    reputations = np.zeros(n)
    for gram in grams:
        values = compute_cosine_values(gram, weights)
        reputations = np.maximum(settings.memory * reputations + (1 - settings.memory) * values, settings.floor)
        reputations /= reputations.sum()
        weights = reputations
    return reputations
