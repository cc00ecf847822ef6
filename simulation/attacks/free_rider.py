"""Free riders: updates made up without training, to be paid for nothing."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Updates, View


class FreeRider(CraftedAttack):
    """`random`: uniform noise, as long as an honest update. `delta-weight`: the last movement of the global model.

    `noise` adds Gaussian noise to the latter, of this part of its length, so that no two free riders send the same. In
    round 0 nothing has moved yet, and both are random.

    References:
      Lin, Du, Liu, `Free-riders in Federated Learning: Attacks and Defenses <https://arxiv.org/abs/1911.12560>`_, 2019:
      random weights, delta weights, and advanced delta weights.
    """

    name: Literal["free-rider"]
    reads_honest = False
    variant: Literal["random", "delta-weight"] = "random"
    noise: Annotated[float, Field(ge=0)] = 0.0

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        if self.variant == "random" or view.movement is None:
            # A uniform number of [−r, r] has the mean square r²/3.
            reach = np.sqrt(3.0 * np.mean(np.square(view.own)))
            return rng.uniform(-reach, reach, view.own.shape)
        return repeat_movement(view, view.movement, self.noise, rng)


def repeat_movement(view: View, movement: NDArray[np.float64], noise: float, rng: np.random.Generator) -> Updates:
    """A movement of the global model from every free rider, with Gaussian noise of so many times its length."""
    sigma = noise * np.sqrt(np.mean(np.square(movement)))
    return movement + rng.normal(0.0, sigma, view.own.shape)
