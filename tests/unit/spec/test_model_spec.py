import json

import pytest
from pydantic import ValidationError

from steelyard.errors import SpecError
from steelyard.spec import MAX_DIMENSION, CnnSpec, LogisticSpec, MlpSpec, parse_model_spec

MLP = {"name": "mlp", "layers": [64, 32, 10]}
CNN = {"name": "cnn", "height": 28, "width": 28, "channels": [8, 16], "classes": 10}
LOGISTIC = {"name": "logistic", "inputs": 64, "classes": 10}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "name"),
        ({"name": "transformer"}, "'logistic', 'mlp', 'cnn'"),
        (MLP | {"activation": "tanh"}, "mlp.activation: Extra inputs"),
        (MLP | {"layers": [64, 10]}, "mlp.layers: .* at least 3"),
        (MLP | {"layers": [64, 0, 10]}, "mlp.layers.1: .*greater than or equal to 1"),
        (MLP | {"layers": [64, "32", 10]}, "mlp.layers.1: .* valid integer"),
        (MLP | {"layers": [64, 32.0, 10]}, "mlp.layers.1: .* valid integer"),
        (MLP | {"layers": [64, True, 10]}, "mlp.layers.1: .* valid integer"),
        (MLP | {"layers": [2] * 17}, "mlp.layers: .* at most 16"),
        (MLP | {"layers": [65_537, 2, 2]}, "mlp.layers.0"),
        (MLP | {"layers": [65_536, 65_536, 2]}, "4,295,163,906 parameters"),
        ({"name": "logistic", "inputs": 64}, "logistic.classes: Field required"),
        (LOGISTIC | {"classes": 1}, "logistic.classes"),
        (LOGISTIC | {"inputs": -1}, "logistic.inputs"),
        (CNN | {"channels": []}, "cnn.channels"),
        (CNN | {"channels": [8] * 5}, "28×28 pixels cannot be halved 5 times"),
        (CNN | {"height": 3}, "3×28 pixels cannot be halved 2 times"),
        (CNN | {"width": 257}, "cnn.width"),
        ([], "should be an object"),
        (None, "should be an object"),
    ],
)
def test_a_wrong_model_is_refused_by_the_path_of_the_field(document: object, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        parse_model_spec(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[" * 20_000, "\ud800", b"\xff\xfe"])
def test_a_text_that_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(SpecError, match="JSON"):
        parse_model_spec(text)


def test_only_the_innermost_fault_is_told() -> None:
    with pytest.raises(SpecError) as raised:
        parse_model_spec(json.dumps(MLP | {"layers": [64, 0, 10]}))
    assert ";" not in str(raised.value)


def test_a_text_beyond_the_cap_is_not_even_parsed() -> None:
    with pytest.raises(SpecError, match="65,537 bytes, the most is 65,536"):
        parse_model_spec(b"[" * 65_537)


def test_specifications_cannot_be_changed() -> None:
    spec = MlpSpec(name="mlp", layers=(4, 3, 2))
    with pytest.raises(ValidationError):
        spec.layers = (4, 4, 2)


def test_the_mlp_of_the_digits_demo_has_2410_parameters() -> None:
    spec = parse_model_spec(json.dumps(MLP))
    assert spec == MlpSpec(name="mlp", layers=(64, 32, 10))
    assert (spec.dimension, spec.classes) == (2_410, 10)
    assert spec.shapes == {
        "layers.0.weight": (32, 64),
        "layers.0.bias": (32,),
        "layers.1.weight": (10, 32),
        "layers.1.bias": (10,),
    }


def test_dimensions_are_counted_layer_by_layer() -> None:
    assert LogisticSpec(name="logistic", inputs=784, classes=10).dimension == 7_850
    cnn = CnnSpec(name="cnn", height=28, width=28, channels=(8, 16), classes=10)
    assert cnn.dimension == (8 * 9 + 8) + (16 * 8 * 9 + 16) + (10 * 16 * 7 * 7 + 10)


def test_the_largest_model_is_counted_without_being_made() -> None:
    largest = MlpSpec(name="mlp", layers=(4_094, 4_094, 2))
    assert 0 < MAX_DIMENSION - largest.dimension < 10_000


@pytest.mark.parametrize(
    ("document", "shape", "accepted"),
    [
        (MLP, (64,), True),
        (MLP, (8, 8), True),
        (MLP, (8, 9), False),
        (LOGISTIC, (4, 4, 4), True),
        (LOGISTIC, (65,), False),
        (CNN, (28, 28), True),
        (CNN, (1, 28, 28), True),
        (CNN, (28, 28, 1), False),
        (CNN, (784,), False),
    ],
)
def test_a_model_says_which_examples_it_takes(document: object, shape: tuple[int, ...], accepted: bool) -> None:
    assert parse_model_spec(json.dumps(document)).accepts(shape) is accepted
