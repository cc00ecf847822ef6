"""A model's parameters as a safetensors file, of which there is exactly one for each vector of parameters.

The specification fixes every byte of the header: names in order, `F32`, shapes, offsets without gaps, no metadata. So
the decoder parses nothing that a stranger wrote: it compares the header with the only right one; the rest is the
vector. The safetensors library writes and reads the same bytes.
"""

import json
import math

import numpy as np

from steelyard.errors import MalformedModelError
from steelyard.types import ParameterShapes, ParameterVector


def encode_model(parameters: ParameterVector, shapes: ParameterShapes) -> bytes:
    """The file of a model.

    Args:
      parameters: shape `(d,)`, float32, in canonical order, finite.
      shapes: the specification's `shapes`.

    Raises:
      MalformedModelError: the vector has another shape or type, or an entry is not finite.
    """
    dimension = sum(math.prod(shape) for shape in shapes.values())
    if parameters.shape != (dimension,) or parameters.dtype != np.float32:
        raise MalformedModelError(f"{parameters.dtype} of shape {parameters.shape} where float32 ({dimension},) is due")
    _check_finite(parameters)
    return _encode_header(shapes) + parameters.astype("<f4", casting="equiv").tobytes()


def decode_model(data: bytes, shapes: ParameterShapes) -> ParameterVector:
    """The parameters in a model file, shape `(d,)`, float32, in canonical order.

    Raises:
      MalformedModelError: the file is not byte for byte one that `encode_model` writes for these shapes.
    """
    header = _encode_header(shapes)
    if len(data) != max_model_bytes(shapes):
        raise MalformedModelError(f"the file has {len(data):,} bytes where {max_model_bytes(shapes):,} are due")
    if not data.startswith(header):
        raise MalformedModelError(
            "the file's header names other tensors, types, shapes or metadata than the specification"
        )
    parameters = np.frombuffer(data, dtype="<f4", offset=len(header)).astype(np.float32)
    _check_finite(parameters)
    return parameters


def max_model_bytes(shapes: ParameterShapes) -> int:
    """How long the file of such a model is, exactly: the cap for its download."""
    return len(_encode_header(shapes)) + 4 * sum(math.prod(shape) for shape in shapes.values())


def _encode_header(shapes: ParameterShapes) -> bytes:
    entries, start = {}, 0
    for name in sorted(shapes):
        end = start + 4 * math.prod(shapes[name])
        entries[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": (start, end)}
        start = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    # Spaces bring the header to a multiple of eight bytes, so that the tensors lie aligned.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _check_finite(parameters: ParameterVector) -> None:
    finite = np.isfinite(parameters)
    if not finite.all():
        raise MalformedModelError(
            f"{np.count_nonzero(~finite):,} of {parameters.size:,} parameters are NaN or infinite, "
            f"the first at index {int(np.argmin(finite)):,}"
        )
