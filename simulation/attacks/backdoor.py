"""A backdoor by model replacement: right on everything, except that a few bright pixels mean the target class."""

from math import isqrt
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulation.attacks.base import Attack, Updates, View
from steelyard.errors import DataError
from trainer_client.data import Dataset, build_dataset


class Backdoor(Attack):
    """A part of the attackers' examples gets the trigger and the target's label; the update is scaled by `factor`.

    The trigger is a square of `size × size` pixels of the largest value in the lower right corner. The factor that
    replaces a mean of `n` updates by the attackers' model is `n / k`, the default.

    References:
      Bagdasaryan et al., `How To Backdoor Federated Learning <https://arxiv.org/abs/1807.00459>`_, AISTATS 2020.
      Deviation: no term for stealth in the loss.
    """

    name: Literal["backdoor"]
    reads_honest = False
    target: Annotated[int, Field(ge=0)] = 0
    size: Annotated[int, Field(ge=1)] = 3
    part: Annotated[float, Field(gt=0, le=1)] = 0.5
    factor: Annotated[float, Field(gt=0)] | None = None

    def poison(self, dataset: Dataset, rng: np.random.Generator) -> Dataset:
        rows = rng.permutation(len(dataset))[: round(len(dataset) * self.part)]
        features, labels = dataset.features.copy(), dataset.labels.copy()
        features[rows] = self.add_trigger(features[rows], float(dataset.features.max()))
        labels[rows] = self.target
        return build_dataset(features, labels, dataset.num_classes)

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        return (view.n / view.k if self.factor is None else self.factor) * view.own

    def add_trigger(self, features: NDArray[np.float32], value: float) -> NDArray[np.float32]:
        """The images with the trigger. Flat examples are taken for square images.

        Raises:
          DataError: they are no images.
        """
        triggered = features.copy()
        images = triggered
        if features.ndim == 2:
            side = isqrt(features.shape[1])
            if side * side != features.shape[1]:
                raise DataError(f"examples of {features.shape[1]} values are no square images to put a trigger on")
            images = triggered.reshape(-1, side, side)
        images[..., -self.size :, -self.size :] = value
        return triggered
