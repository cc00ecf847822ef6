import numpy as np
import pytest

from steelyard.errors import MalformedModelError
from steelyard.types import ParameterShapes
from steelyard.updates.flatten import flatten_parameters, unflatten_parameters

SHAPES: ParameterShapes = {"b.weight": (2, 3), "a.bias": (2,), "b.bias": ()}
PARAMETERS = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.array([10, 11], dtype=np.float32),
    "b.bias": np.float32(20) * np.ones((), dtype=np.float32),
}


def test_parameters_lie_in_the_order_of_their_names() -> None:
    flat = flatten_parameters(PARAMETERS, SHAPES)
    assert flat.dtype == np.float32
    assert flat.tolist() == [10, 11, 20, 0, 1, 2, 3, 4, 5]
    reordered = {name: SHAPES[name] for name in sorted(SHAPES)}
    np.testing.assert_array_equal(flatten_parameters(PARAMETERS, reordered), flat)


def test_arrays_in_another_memory_order_are_read_row_by_row() -> None:
    turned = PARAMETERS | {"b.weight": np.asfortranarray(PARAMETERS["b.weight"])}
    np.testing.assert_array_equal(flatten_parameters(turned, SHAPES), flatten_parameters(PARAMETERS, SHAPES))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"c": np.zeros(1, dtype=np.float32)}, r"unknown \['c'\]"),
        ({"a.bias": np.zeros(3, dtype=np.float32)}, r"a\.bias is float32 of shape \(3,\)"),
        ({"b.weight": np.zeros((3, 2), dtype=np.float32)}, r"b\.weight"),
        ({"a.bias": np.zeros(2)}, "float64"),
    ],
)
def test_other_parameters_are_refused(change: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(MalformedModelError, match=said):
        flatten_parameters(PARAMETERS | change, SHAPES)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(MalformedModelError, match=r"missing \['a\.bias'\]"):
        flatten_parameters({name: array for name, array in PARAMETERS.items() if name != "a.bias"}, SHAPES)


@pytest.mark.parametrize(
    "vector", [np.zeros(8, np.float32), np.zeros(10, np.float32), np.zeros((9, 1), np.float32), np.zeros(9)]
)
def test_a_vector_of_another_shape_or_type_is_refused(vector: np.ndarray) -> None:
    with pytest.raises(MalformedModelError, match=r"\(9,\)"):
        unflatten_parameters(vector, SHAPES)
