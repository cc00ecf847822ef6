"""Perceptrons of many trainers, trained at once by batched matrix products, with gradients by hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulation.attacks.base import Updates
from simulation.cohort import ExamplePool, SeedOf, Steps, iterate_steps, single_thread
from steelyard.spec import LogisticSpec, MlpSpec, ProjectSpec, TrainingPhase
from steelyard.types import ParameterVector
from trainer_client.data import Dataset


class PerceptronCohort:
    """All trainers of a perceptron (or of logistic regression, which has no hidden layer) at once."""

    def __init__(
        self, spec: ProjectSpec, model: MlpSpec | LogisticSpec, datasets: Sequence[Dataset], seed_of: SeedOf
    ) -> None:
        self._layers = _locate_layers(model)
        self._pool = ExamplePool(spec, datasets, seed_of)
        self._features = self._pool.features.flatten(1)

    def train(self, round_index: int, parameters: ParameterVector, trainers: Sequence[int]) -> Updates:
        """As `Cohort.train`."""
        order, steps, phase = self._pool.plan(round_index, trainers)
        updates = np.empty((len(trainers), parameters.size))
        with single_thread():
            updates[order] = self._descend(parameters, steps, phase)
        return updates - parameters

    def _descend(
        self, parameters: ParameterVector, steps: Sequence[Steps], phase: TrainingPhase
    ) -> NDArray[np.float32]:
        """Parameters after training, shape `(len(steps), d)`."""
        weights = torch.from_numpy(parameters.copy()).repeat(len(steps), 1)
        velocities, gradients = torch.zeros_like(weights), torch.zeros_like(weights)
        for active, rows, shares in iterate_steps(steps):
            w, v, g = weights[:active], velocities[:active], gradients[:active]
            _compute_gradients(self._layers, w, g, self._features[rows], self._pool.labels[rows], shares)
            if phase.weight_decay:
                g.add_(w, alpha=phase.weight_decay)
            v.mul_(phase.momentum).add_(g)
            w.add_(v, alpha=-phase.learning_rate)
        return weights.numpy()


@dataclass(frozen=True, slots=True)
class _Layer:
    """Where a linear layer lies in the parameter vector: `bias` of `(fan_out,)`, `weight` of `(fan_out, fan_in)`."""

    bias: slice
    weight: slice
    fan_out: int
    fan_in: int

    def read(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Views of bias and weight, one a row of `vectors`: shapes `(n, 1, fan_out)`, `(n, fan_out, fan_in)`."""
        weight = vectors[:, self.weight].view(-1, self.fan_out, self.fan_in)
        return vectors[:, self.bias].unsqueeze(1), weight


def _locate_layers(model: MlpSpec | LogisticSpec) -> list[_Layer]:
    """The layers from input to output. The canonical order of parameters is that of their names, as text."""
    places, start = {}, 0
    for name, shape in sorted(model.shapes.items()):
        places[name] = slice(start, start + math.prod(shape))
        start += math.prod(shape)
    layers = []
    for index in range(len(model.shapes) // 2):
        fan_out, fan_in = model.shapes[f"layers.{index}.weight"]
        layers.append(_Layer(places[f"layers.{index}.bias"], places[f"layers.{index}.weight"], fan_out, fan_in))
    return layers


@torch.no_grad()
def _compute_gradients(
    layers: Sequence[_Layer], weights: Tensor, gradients: Tensor, features: Tensor, labels: Tensor, shares: Tensor
) -> None:
    """The gradients of everybody's cross-entropy, by hand: autograd costs as much again as the arithmetic.

    Args:
      layers: from input to output.
      weights: shape `(n, d)`.
      gradients: is written to, shape `(n, d)`.
      features: shape `(n, batch, inputs)`.
      labels: shape `(n, batch)`.
      shares: of each example in the loss, shape `(n, batch)`.
    """
    inputs = [features]
    for layer in layers:
        bias, weight = layer.read(weights)
        outputs = torch.baddbmm(bias, inputs[-1], weight.transpose(1, 2))
        inputs.append(outputs if layer is layers[-1] else outputs.relu_())
    errors = torch.softmax(inputs.pop(), dim=2)
    errors.scatter_add_(2, labels.unsqueeze(2), errors.new_full((*labels.shape, 1), -1.0))
    errors.mul_(shares.unsqueeze(2))
    for layer, fed in zip(reversed(layers), reversed(inputs), strict=True):
        bias_gradient, weight_gradient = layer.read(gradients)
        torch.sum(errors, 1, keepdim=True, out=bias_gradient)
        torch.bmm(errors.transpose(1, 2), fed, out=weight_gradient)
        if layer is not layers[0]:
            # A unit that ReLU switched off passes no error on.
            errors = torch.bmm(errors, layer.read(weights)[1]).mul_(fed > 0)
