"""The built-in models as torch modules. Their parameters have the names and shapes that the specification gives."""

from collections.abc import Sequence
from itertools import pairwise
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from steelyard.errors import MalformedModelError
from steelyard.spec import CnnSpec, LogisticSpec, MlpSpec
from steelyard.types import Parameters


class Perceptron(nn.Module):
    """Linear layers with ReLU between them; without a hidden layer it is logistic regression."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(widths))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (batch, classes) from features of shape (batch, …)."""
        hidden = features.flatten(1)
        *inner, last = self.layers
        for layer in inner:
            hidden = functional.relu(layer(hidden))
        logits: Tensor = last(hidden)
        return logits


class ConvolutionalNetwork(nn.Module):
    """Stages of convolution, ReLU and pooling, then one linear layer."""

    def __init__(self, spec: CnnSpec) -> None:
        super().__init__()
        self.height, self.width = spec.height, spec.width
        self.convolutions = nn.ModuleList(
            nn.Conv2d(fan_in, fan_out, kernel_size=3, padding=1) for fan_in, fan_out in pairwise((1, *spec.channels))
        )
        classes, features = spec.shapes["classifier.weight"]
        self.classifier = nn.Linear(features, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (batch, classes) from images of shape (batch, height, width) or (batch, 1, height, width)."""
        hidden = features.reshape(-1, 1, self.height, self.width)
        for convolution in self.convolutions:
            hidden = functional.max_pool2d(functional.relu(convolution(hidden)), 2)
        logits: Tensor = self.classifier(hidden.flatten(1))
        return logits


def build_module(spec: LogisticSpec | MlpSpec | CnnSpec) -> nn.Module:
    """The module that `spec` describes, its parameters still to be set with `set_parameters`."""
    match spec:
        case LogisticSpec():
            return Perceptron((spec.inputs, spec.classes))
        case MlpSpec():
            return Perceptron(spec.layers)
        case CnnSpec():
            return ConvolutionalNetwork(spec)
        case _:
            assert_never(spec)


def get_parameters(module: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Copies of the module's parameters, by name."""
    return {name: parameter.detach().cpu().numpy().copy() for name, parameter in module.named_parameters()}


def set_parameters(module: nn.Module, parameters: Parameters) -> None:
    """Copies `parameters` into the module.

    Raises:
      MalformedModelError: a name is missing or unknown, or a shape differs.
    """
    own = dict(module.named_parameters())
    shapes = {name: tuple(parameter.shape) for name, parameter in own.items()}
    if shapes != {name: array.shape for name, array in parameters.items()}:
        raise MalformedModelError(f"the module has the parameters {shapes}, others were given")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(torch.from_numpy(parameters[name].copy()))
