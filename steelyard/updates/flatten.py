"""Parameters by name, laid end to end, and back.

The canonical order is that of the names, which is also the order of a safetensors file: the flat vector is the body of
the model file, byte for byte.
"""

import math

import numpy as np

from steelyard.errors import MalformedModelError
from steelyard.types import Parameters, ParameterShapes, ParameterVector


def flatten_parameters(parameters: Parameters, shapes: ParameterShapes) -> ParameterVector:
    """The parameters as one vector, shape `(d,)`, float32, in the order of their names.

    Raises:
      MalformedModelError: the names, a shape or a type is not what `shapes` says.
    """
    if parameters.keys() != shapes.keys():
        missing, unknown = sorted(shapes.keys() - parameters.keys()), sorted(parameters.keys() - shapes.keys())
        raise MalformedModelError(f"the parameters' names differ: missing {missing}, unknown {unknown}")
    for name, shape in shapes.items():
        array = parameters[name]
        if array.shape != shape or array.dtype != np.float32:
            raise MalformedModelError(f"{name} is {array.dtype} of shape {array.shape}, not float32 of shape {shape}")
    return np.concatenate([parameters[name].ravel() for name in sorted(shapes)])


def unflatten_parameters(vector: ParameterVector, shapes: ParameterShapes) -> dict[str, ParameterVector]:
    """The inverse of `flatten_parameters`: views into `vector`, by name.

    Raises:
      MalformedModelError: the vector is not float32 of shape `(d,)`.
    """
    dimension = sum(math.prod(shape) for shape in shapes.values())
    if vector.shape != (dimension,) or vector.dtype != np.float32:
        raise MalformedModelError(f"{vector.dtype} of shape {vector.shape} is not float32 of shape ({dimension},)")
    parameters, start = {}, 0
    for name in sorted(shapes):
        end = start + math.prod(shapes[name])
        parameters[name] = vector[start:end].reshape(shapes[name])
        start = end
    return parameters
