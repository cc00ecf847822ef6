"""Gaussian noise instead of an update."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class GaussianNoise(CraftedAttack):
    """`N(0, σ²)` in each coordinate, `σ` in multiples of the root mean square of what the attackers know.

    With `sigma = 1` the noise is as long as an update.

    References:
      Blanchard et al., "Machine Learning with Adversaries", NeurIPS 2017. Deviation: `σ` is relative.
    """

    name: Literal["gaussian"]
    sigma: Annotated[float, Field(gt=0)] = 1.0

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        rms = np.sqrt(np.mean(np.square(view.known)))
        return rng.normal(0.0, self.sigma * rms, view.own.shape)
