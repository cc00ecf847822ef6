"""Disguised free riders: the global model sent back with noise that fades, as updates of a model that settles do."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class Disguised(CraftedAttack):
    """Gaussian noise of the standard deviation `σ·t^(−γ)` in round `t = 1, 2, …`, and nothing else.

    In the first round the noise is `length` times the project's clip long, on average. No training is needed for it.

    References:
      Fraboni, Vidal, Lorenzi, `Free-rider Attacks on Model Aggregation in Federated Learning
      <https://arxiv.org/abs/2006.11901>`_, AISTATS 2021, the time-varying noise. Deviation: `σ` comes from the clip,
      which is public, instead of from the global model's first movement.
    """

    name: Literal["disguised"]
    reads_honest = False
    length: Annotated[float, Field(gt=0)] = 0.25
    decay: Annotated[float, Field(ge=0)] = 0.5

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        first = self.length * view.clip / np.sqrt(view.own.shape[1])
        return rng.normal(0.0, first * (view.round_index + 1) ** -self.decay, view.own.shape)
