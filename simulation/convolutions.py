"""Convolutional networks of many trainers, trained at once as the groups of one wide network.

Channels stand last in memory, and pooling comes before ReLU, which gives the same and leaves a quarter to do. On one
core, with small batches, that is more than twice as fast as one trainer after another.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from simulation.attacks.base import Updates
from simulation.cohort import ExamplePool, SeedOf, Steps, iterate_steps, single_thread
from steelyard.spec import CnnSpec, ProjectSpec, TrainingPhase
from steelyard.types import ParameterVector
from trainer_client.data import Dataset

_AT_ONCE: Final = 20
"""Trainers in one wide network: more of them need memory and are no faster."""


class ConvolutionCohort:
    """Trainers of a convolutional network."""

    def __init__(self, spec: ProjectSpec, model: CnnSpec, datasets: Sequence[Dataset], seed_of: SeedOf) -> None:
        self._model = model
        self._pool = ExamplePool(spec, datasets, seed_of)
        self._images = self._pool.features.reshape(-1, model.height, model.width)

    def train(self, round_index: int, parameters: ParameterVector, trainers: Sequence[int]) -> Updates:
        """As `Cohort.train`."""
        order, steps, phase = self._pool.plan(round_index, trainers)
        updates = np.empty((len(trainers), parameters.size))
        with single_thread():
            for start in range(0, len(order), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                updates[order[part]] = self._descend(parameters, steps[part], phase)
        return updates - parameters

    def _descend(
        self, parameters: ParameterVector, steps: Sequence[Steps], phase: TrainingPhase
    ) -> NDArray[np.float32]:
        """Parameters after training, shape `(len(steps), d)`."""
        names = sorted(self._model.shapes)
        weights = self._repeat(parameters, len(steps))
        velocities = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        for active, rows, shares in iterate_steps(steps):
            leaves = {name: weights[name][:active].detach().requires_grad_() for name in names}
            logits = self._compute_logits(leaves, self._images[rows.T])
            losses = functional.cross_entropy(logits.flatten(0, 1), self._pool.labels[rows].flatten(), reduction="none")
            gradients = torch.autograd.grad((losses * shares.flatten()).sum(), [leaves[name] for name in names])
            with torch.no_grad():
                for name, gradient in zip(names, gradients, strict=True):
                    weight, velocity = weights[name][:active], velocities[name][:active]
                    velocity.mul_(phase.momentum).add_(gradient.add(weight, alpha=phase.weight_decay))
                    weight.add_(velocity, alpha=-phase.learning_rate)
        return torch.cat([weights[name].flatten(1) for name in names], dim=1).numpy()

    def _repeat(self, parameters: ParameterVector, count: int) -> dict[str, Tensor]:
        """Everybody's copy of each parameter: shape `(count, …)`."""
        weights, start = {}, 0
        for name, shape in sorted(self._model.shapes.items()):
            part = torch.from_numpy(parameters[start : start + math.prod(shape)].reshape(shape))
            weights[name] = part.repeat(count, *[1] * len(shape))
            start += math.prod(shape)
        return weights

    def _compute_logits(self, weights: dict[str, Tensor], images: Tensor) -> Tensor:
        """As `steelyard.models.zoo.ConvolutionalNetwork`, for `a` trainers at once, to rounding.

        Args:
          weights: by name, each with `a` in front.
          images: shape `(batch, a, height, width)`.

        Returns:
          Logits of shape `(a, batch, classes)`.
        """
        batch, trainers = images.shape[:2]
        hidden = images.contiguous(memory_format=torch.channels_last)
        for layer in range(len(self._model.channels)):
            weight, bias = (weights[f"convolutions.{layer}.{part}"].flatten(0, 1) for part in ("weight", "bias"))
            outputs = functional.conv2d(hidden, weight, bias, padding=1, groups=trainers)
            hidden = functional.relu(functional.max_pool2d(outputs, 2))
        features = hidden.reshape(batch, trainers, -1).transpose(0, 1)
        bias, weight = weights["classifier.bias"].unsqueeze(1), weights["classifier.weight"]
        return torch.baddbmm(bias, features, weight.transpose(1, 2))
