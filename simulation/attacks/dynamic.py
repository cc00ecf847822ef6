"""Dynamic free riders: honest until they are trusted, free riders from then on."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View
from simulation.attacks.free_rider import repeat_movement


class DynamicFreeRider(CraftedAttack):
    """The own update in the first `honest_rounds` rounds, the last movement of the global model in all others.

    `noise` disguises the movement, as for `free-rider`.

    References:
      Nakamura, `Dynamic Free-Rider Detection in Federated Learning via Simulated Attack Patterns
      <https://arxiv.org/abs/2604.04611>`_, 2026, the delta-weight attack of a free rider that was honest before.
    """

    name: Literal["dynamic-free-rider"]
    reads_honest = False
    honest_rounds: Annotated[int, Field(ge=1)] = 5
    noise: Annotated[float, Field(ge=0)] = 0.0

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        if view.round_index < self.honest_rounds or view.movement is None:
            return view.own
        return repeat_movement(view, view.movement, self.noise, rng)
