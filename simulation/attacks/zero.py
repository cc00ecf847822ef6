"""Zero: an update that changes nothing, for a trainer that does nothing."""

from typing import Literal

import numpy as np

from simulation.attacks.base import CraftedAttack, Updates, View


class Zero(CraftedAttack):
    """All zeros."""

    name: Literal["zero"]
    reads_honest = False

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return np.zeros_like(view.own)
