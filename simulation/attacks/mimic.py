"""Mimic: all attackers copy one honest trainer, so that its data count too much. It hurts where data differ."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class Mimic(CraftedAttack):
    """The update of one honest trainer, or of one attacker that plays honest, from every attacker.

    References:
      Karimireddy, He, Jaggi, `Byzantine-Robust Learning on Heterogeneous Datasets via Bucketing
      <https://arxiv.org/abs/2006.09365>`_, ICLR 2022. Deviation: a fixed trainer, where the paper picks the one that
      lies farthest out.
    """

    name: Literal["mimic"]
    target: Annotated[int, Field(ge=0)] = 0

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return view.repeat(view.known[self.target % len(view.known)])
