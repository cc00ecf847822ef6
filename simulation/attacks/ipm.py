"""Inner product manipulation: against the mean, but not so far as to stand out."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class InnerProductManipulation(CraftedAttack):
    """`−ε · μ` from every attacker.

    References:
      Xie, Koyejo, Gupta, `Fall of Empires: Breaking Byzantine-tolerant SGD by Inner Product Manipulation
      <https://arxiv.org/abs/1903.03936>`_, UAI 2019. Their `ε` runs from 0.1 (to be selected) to 100 (to dominate).
    """

    name: Literal["ipm"]
    epsilon: Annotated[float, Field(gt=0)] = 0.5

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return view.repeat(-self.epsilon * view.mean)
