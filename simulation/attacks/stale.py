"""Stale: the last movement of the global model, sent as if it were new work."""

from typing import Literal

import numpy as np

from simulation.attacks.base import CraftedAttack, Updates, View


class Stale(CraftedAttack):
    """`w_t − w_{t−1}` from every attacker; zeros in round 0, where nothing has moved yet."""

    name: Literal["stale"]
    reads_honest = False

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return np.zeros_like(view.own) if view.movement is None else view.repeat(view.movement)
