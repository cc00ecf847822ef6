"""Scaling: an honest update, made longer to count for more."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class Scaling(CraftedAttack):
    """`factor` times the own update. The project's clip bounds what arrives."""

    name: Literal["scaling"]
    reads_honest = False
    factor: Annotated[float, Field(gt=0)] = 3.0

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return self.factor * view.own
