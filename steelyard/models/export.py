"""A global model as a file for use elsewhere: TorchScript for torch without our code, ONNX for everything else.

Both take features of shape `(batch, *feature_shape)`, float32, any batch, and give logits of shape `(batch, classes)`.
"""

import importlib
import io
import warnings
from typing import Any, Final, assert_never

import numpy as np
import torch

from steelyard.errors import ConfigError
from steelyard.models.zoo import build_module, set_parameters
from steelyard.spec import CnnSpec, LogisticSpec, MlpSpec
from steelyard.types import Parameters, ParameterShapes

ONNX_OPSET: Final = 17
ONNX_IR: Final = 8
"""Versions that every runtime of the last years reads; the operators used have not changed since."""


def encode_torchscript(
    spec: LogisticSpec | MlpSpec | CnnSpec, parameters: Parameters, feature_shape: tuple[int, ...]
) -> bytes:
    """What `torch.jit.load` reads; it needs none of our classes.

    Raises:
      MalformedModelError: the parameters are not those of `spec`.
    """
    with torch.random.fork_rng(devices=[]):
        module = build_module(spec).eval()
    set_parameters(module, parameters)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # torch recommends torch.export, whose files need Python. TorchScript is what C++ loads.
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(module, torch.zeros(2, *feature_shape))  # type: ignore[no-untyped-call]
        torch.jit.save(traced, buffer)
    return buffer.getvalue()


def encode_onnx(
    spec: LogisticSpec | MlpSpec | CnnSpec, parameters: Parameters, feature_shape: tuple[int, ...]
) -> bytes:
    """The model as an ONNX graph, written operator by operator: torch's exporter asks for a compiler of its own.

    Args:
      spec: the model.
      parameters: by name, as the specification has them.
      feature_shape: of one example, as the project declares it.

    Raises:
      ConfigError: the package `onnx` is not installed.
    """
    try:
        onnx = importlib.import_module("onnx")
    except ImportError:
        error = ConfigError("the package `onnx` is not installed")
        error.hint = "Install `steelyard[export]`."
        raise error from None
    graph = _Graph(onnx)
    match spec:
        case LogisticSpec() | MlpSpec():
            _write_perceptron(graph, spec.shapes)
        case CnnSpec():
            _write_convolutions(graph, spec)
        case _:
            assert_never(spec)
    return graph.encode(parameters, feature_shape, spec.classes)


class _Graph:
    """A chain of operators, each fed by the one before."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._last = "features"

    def add(self, operator: str, *parameters: str, **attributes: Any) -> None:
        """Feeds what there is, and these parameters, to an operator."""
        result = f"value{len(self._nodes)}"
        make_node = self._onnx.helper.make_node
        self._nodes.append(make_node(operator, [self._last, *parameters], [result], **attributes))
        self._last = result

    def add_reshape(self, *shape: int) -> None:
        """Features in rows of this shape; the batch stays."""
        name = f"shape{len(self._nodes)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.array(shape, np.int64), name))
        self.add("Reshape", name)

    def encode(self, parameters: Parameters, feature_shape: tuple[int, ...], classes: int) -> bytes:
        """The file."""
        helper, number = self._onnx.helper, self._onnx.TensorProto.FLOAT
        self._nodes[-1].output[0] = "logits"
        weights = [self._onnx.numpy_helper.from_array(array, name) for name, array in sorted(parameters.items())]
        graph = helper.make_graph(
            self._nodes,
            "steelyard",
            [helper.make_tensor_value_info("features", number, ["batch", *feature_shape])],
            [helper.make_tensor_value_info("logits", number, ["batch", classes])],
            initializer=[*weights, *self._constants],
        )
        opset = [helper.make_opsetid("", ONNX_OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=ONNX_IR, producer_name="steelyard")
        self._onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def _write_perceptron(graph: _Graph, shapes: ParameterShapes) -> None:
    graph.add("Flatten", axis=1)
    count = len(shapes) // 2
    for layer in range(count):
        graph.add("Gemm", f"layers.{layer}.weight", f"layers.{layer}.bias", transB=1)
        if layer < count - 1:
            graph.add("Relu")


def _write_convolutions(graph: _Graph, spec: CnnSpec) -> None:
    graph.add_reshape(-1, 1, spec.height, spec.width)
    for stage in range(len(spec.channels)):
        name = f"convolutions.{stage}"
        graph.add("Conv", f"{name}.weight", f"{name}.bias", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        graph.add("Relu")
        graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Flatten", axis=1)
    graph.add("Gemm", "classifier.weight", "classifier.bias", transB=1)
