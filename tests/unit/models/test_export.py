"""Exported models give the logits of the module that they were made of, to those who know nothing of it."""

import io
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from steelyard.errors import MalformedModelError
from steelyard.models.export import encode_onnx, encode_torchscript
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.zoo import build_module, set_parameters
from steelyard.spec import CnnSpec, LogisticSpec, MlpSpec
from steelyard.updates.flatten import unflatten_parameters

MODELS: list[tuple[LogisticSpec | MlpSpec | CnnSpec, tuple[int, ...]]] = [
    (LogisticSpec(name="logistic", inputs=12, classes=3), (3, 4)),
    (MlpSpec(name="mlp", layers=(64, 32, 16, 10)), (64,)),
    (CnnSpec(name="cnn", height=9, width=8, channels=(4, 8), classes=5), (9, 8)),
]


@pytest.mark.parametrize(("spec", "shape"), MODELS, ids=lambda value: getattr(value, "name", ""))
def test_every_format_computes_the_same(spec: LogisticSpec | MlpSpec | CnnSpec, shape: tuple[int, ...]) -> None:
    parameters = unflatten_parameters(compute_initial_parameters(spec, 7), spec.shapes)
    features = np.random.default_rng(1).normal(size=(6, *shape)).astype(np.float32)
    module = build_module(spec).eval()
    set_parameters(module, parameters)
    with torch.inference_mode():
        logits = module(torch.from_numpy(features)).numpy()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.load(io.BytesIO(encode_torchscript(spec, parameters, shape)))  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        assert np.array_equal(scripted(torch.from_numpy(features)).numpy(), logits)

    graph = onnx.load_from_string(encode_onnx(spec, parameters, shape))
    (computed,) = ReferenceEvaluator(graph).run(None, {"features": features})
    np.testing.assert_allclose(np.asarray(computed), logits, rtol=1e-5, atol=1e-5)


def test_the_file_of_a_model_is_always_the_same() -> None:
    spec, shape = MODELS[1]
    parameters = unflatten_parameters(compute_initial_parameters(spec, 7), spec.shapes)
    assert encode_onnx(spec, parameters, shape) == encode_onnx(spec, parameters, shape)


def test_parameters_of_another_model_are_refused() -> None:
    small = MODELS[0][0]
    parameters = unflatten_parameters(compute_initial_parameters(small, 7), small.shapes)
    with pytest.raises(MalformedModelError):
        encode_torchscript(MODELS[1][0], parameters, MODELS[1][1])
