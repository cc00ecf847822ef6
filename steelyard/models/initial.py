"""The global model that a project starts from, the same on every machine."""

import math

import numpy as np

from steelyard.spec import ZooModel
from steelyard.types import ParameterVector


def compute_initial_parameters(spec: ZooModel, seed: int) -> ParameterVector:
    """Parameters drawn uniformly from `±1/√fan_in`, layer by layer, as torch's own linear and convolution layers are.

    It takes the raw stream of PCG64, which numpy keeps the same from version to version (NEP 19), and arithmetic that
    IEEE 754 rounds correctly, so the vector depends on nothing but `spec` and `seed`.

    Args:
      spec: the model.
      seed: any integer that is not negative.

    Returns:
      Shape `(d,)`, float32, in canonical order.
    """
    bounds = [
        np.full(math.prod(shape), 1.0 / math.sqrt(_fan_in(spec, name))) for name, shape in sorted(spec.shapes.items())
    ]
    unit = (np.random.PCG64(seed).random_raw(spec.dimension) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    parameters: ParameterVector = ((2.0 * unit - 1.0) * np.concatenate(bounds)).astype(np.float32)
    return parameters


def _fan_in(spec: ZooModel, name: str) -> int:
    layer, _, _ = name.rpartition(".")
    return math.prod(spec.shapes[f"{layer}.weight"][1:])
