"""Sign flip: the attackers turn their updates round."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class SignFlip(CraftedAttack):
    """`−factor` times the own update; an omniscient attacker sends `−factor · μ` of the honest ones.

    References:
      Both variants are in use: FLPoison's flips the own update, byzfl's the mean of the honest.
    """

    name: Literal["sign-flip"]
    factor: Annotated[float, Field(gt=0)] = 1.0

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        flipped = view.repeat(view.mean) if view.reads_others else view.own
        return -self.factor * flipped
