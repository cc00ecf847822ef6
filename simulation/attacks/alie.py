"""A little is enough: off the mean by so little that nothing stands out, in every coordinate at once."""

from typing import Literal

import numpy as np

from simulation.attacks.base import CraftedAttack, Updates, View


class ALittleIsEnough(CraftedAttack):
    """`μ − z · σ` from every attacker. A negative `z` goes the other way.

    With one attacker that knows only itself `σ = 0`, and this is no attack.

    References:
      Baruch, Baruch, Goldberg, `A Little Is Enough: Circumventing Defenses For Distributed Learning
      <https://arxiv.org/abs/1902.06156>`_, NeurIPS 2019. Deviation: `z` is given, where the paper derives the largest
      one from `n` and `f`; its formula gives 0 for 2 of 10.
    """

    name: Literal["alie"]
    z: float = 1.5

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return view.repeat(view.mean - self.z * view.std)
