"""Sybil clones: one trainer under many names."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class SybilClones(CraftedAttack):
    """Every attacker sends the first one's honest update `u`: exactly, with noise, or in parts.

    `noisy` adds Gaussian noise of the expected length `noise · ‖u‖`. `split` sends `c_i · u` with random `c_i ≥ 0` that
    sum to 1: the parts together are the whole.

    References:
      Douceur, "The Sybil Attack", IPTPS 2002. As a way to be paid more than once for the same work: Agarwal, Dahleh,
      Sarkar, `A Marketplace for Data <https://arxiv.org/abs/1805.08125>`_, EC 2019.
    """

    name: Literal["clones"]
    reads_honest = False
    variant: Literal["exact", "noisy", "split"] = "exact"
    noise: Annotated[float, Field(ge=0)] = 0.01

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        update = view.own[0]
        match self.variant:
            case "exact":
                return view.repeat(update)
            case "noisy":
                sigma = self.noise * float(np.linalg.norm(update)) / np.sqrt(update.size)
                return view.repeat(update) + rng.normal(0.0, sigma, view.own.shape)
            case _:
                return np.outer(rng.dirichlet(np.ones(view.k)), update)
