"""Copied: somebody else's update as one's own."""

from typing import Literal

import numpy as np

from simulation.attacks.base import CraftedAttack, Updates, View


class Copied(CraftedAttack):
    """Each attacker copies the next one; an omniscient one copies an honest trainer, each another while they last."""

    name: Literal["copied"]

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        if view.reads_others:
            return view.honest[np.arange(view.k) % len(view.honest)]
        return np.roll(view.own, -1, axis=0)
