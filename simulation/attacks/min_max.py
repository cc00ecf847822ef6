"""Min-Max and Min-Sum: as far against the mean as one can go without being farther out than an honest update is."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulation.attacks.base import CraftedAttack, Updates, View

Perturbation = Literal["std", "sign", "unit"]


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where `m(λ) = μ − λ·p` lies among the known updates: `‖m(λ) − g_i‖² = a·λ² − 2·b_i·λ + c_i`.

    Attributes:
      a: `‖p‖²`.
      b: `⟨p, μ − g_i⟩`, shape `(h,)`.
      c: `‖μ − g_i‖²`, shape `(h,)`.
      squared_distances: `‖g_i − g_j‖²`, shape `(h, h)`.
    """

    a: float
    b: NDArray[np.float64]
    c: NDArray[np.float64]
    squared_distances: NDArray[np.float64]

    @classmethod
    def measure(cls, known: Updates, perturbation: NDArray[np.float64]) -> "Geometry":
        """The geometry of updates, shape `(h, d)`, and a direction, shape `(d,)`."""
        centred = known.mean(axis=0) - known
        gram = centred @ centred.T
        norms = gram.diagonal()
        distances = np.maximum(norms[:, None] + norms[None, :] - 2 * gram, 0.0)
        return cls(float(perturbation @ perturbation), centred @ perturbation, norms, distances)


class BoundedDeviation(CraftedAttack):
    """`μ − λ·p` from every attacker, with the largest `λ` that a bound on distances allows.

    `p` is the standard deviation (`std`), the sign of the mean (`sign`), or the mean's direction (`unit`).

    References:
      Shejwalkar, Houmansadr, "Manipulating the Byzantine: Optimizing Model Poisoning Attacks and Defenses for Federated
      Learning", NDSS 2021, section IV. Deviation: `λ` is the root of a quadratic; the paper halves its way towards it.
    """

    perturbation: Perturbation = "std"

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        direction = self.get_direction(view)
        geometry = Geometry.measure(view.known, direction)
        strength = self.solve(geometry) if geometry.a > 0 else 0.0
        return view.repeat(view.mean - strength * direction)

    def get_direction(self, view: View) -> NDArray[np.float64]:
        """`p`, shape `(d,)`."""
        match self.perturbation:
            case "std":
                return view.std
            case "sign":
                return view.sign
            case _:
                norm = float(np.linalg.norm(view.mean))
                return view.mean / norm if norm else view.mean

    @abstractmethod
    def solve(self, geometry: Geometry) -> float:
        """The largest `λ ≥ 0` within the bound."""


class MinMax(BoundedDeviation):
    """No honest update is farther away than two honest ones are: `max_i ‖m − g_i‖ ≤ max_{i,j} ‖g_i − g_j‖`."""

    name: Literal["min-max"]

    def solve(self, geometry: Geometry) -> float:
        slack = np.maximum(geometry.squared_distances.max() - geometry.c, 0.0)
        roots = (geometry.b + np.sqrt(geometry.b**2 + geometry.a * slack)) / geometry.a
        return float(roots.min())


class MinSum(BoundedDeviation):
    """In sum no farther from the honest than one of them is: `Σ_i ‖m − g_i‖² ≤ max_i Σ_j ‖g_i − g_j‖²`.

    `bound = "min"` takes the smallest sum instead, as the authors' published notebooks do.
    """

    name: Literal["min-sum"]
    bound: Literal["max", "min"] = "max"

    def solve(self, geometry: Geometry) -> float:
        sums = geometry.squared_distances.sum(axis=1)
        limit = sums.max() if self.bound == "max" else sums.min()
        slack = max(float(limit - geometry.c.sum()), 0.0)
        # The b_i sum to zero: deviations from the mean do.
        return float(np.sqrt(slack / (len(geometry.c) * geometry.a)))
