import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import safetensors.numpy

from steelyard.errors import MalformedModelError
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.safetensors_io import decode_model, encode_model, max_model_bytes
from steelyard.spec import CnnSpec, LogisticSpec, MlpSpec
from steelyard.updates.flatten import unflatten_parameters

SPEC = MlpSpec(name="mlp", layers=(6, 5, 3))
PARAMETERS = compute_initial_parameters(SPEC, 4)
FILE = encode_model(PARAMETERS, SPEC.shapes)
HEADER_BYTES = 8 + int.from_bytes(FILE[:8], "little")
ARRAYS = unflatten_parameters(PARAMETERS, SPEC.shapes)


def with_header(change: Callable[[dict[str, object]], object]) -> bytes:
    header = json.loads(FILE[8:HEADER_BYTES])
    change(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + FILE[HEADER_BYTES:]


def with_entry(index: int, value: float) -> bytes:
    changed = PARAMETERS.copy()
    changed[index] = value
    return FILE[:HEADER_BYTES] + changed.astype("<f4").tobytes()


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        LogisticSpec(name="logistic", inputs=7, classes=2),
        MlpSpec(name="mlp", layers=(4, *range(2, 15))),  # layers.10 sorts before layers.2
        CnnSpec(name="cnn", height=9, width=13, channels=(3, 2), classes=3),
    ],
)
def test_the_safetensors_library_writes_and_reads_the_same_bytes(spec: LogisticSpec | MlpSpec | CnnSpec) -> None:
    vector = compute_initial_parameters(spec, 1)
    arrays = unflatten_parameters(vector, spec.shapes)
    file = encode_model(vector, spec.shapes)
    assert file == safetensors.numpy.save(arrays)
    for name, array in safetensors.numpy.load(file).items():
        np.testing.assert_array_equal(array, arrays[name], err_msg=name)


BAD_FILES: dict[str, bytes] = {
    "empty": b"",
    "cut": FILE[:-1],
    "one byte more": FILE + b"\0",
    "header only": FILE[:HEADER_BYTES],
    "header length of 2^63": (2**63).to_bytes(8, "little") + FILE[8:],
    "header length of 100 MB": (10**8).to_bytes(8, "little") + FILE[8:],
    "metadata": safetensors.numpy.save(ARRAYS, metadata={"format": "pt"}),
    "a tensor more": safetensors.numpy.save(ARRAYS | {"extra": np.zeros(1, np.float32)}),
    "a tensor less": safetensors.numpy.save({name: ARRAYS[name] for name in list(ARRAYS)[1:]}),
    "another name": safetensors.numpy.save({name.replace("layers", "strata"): a for name, a in ARRAYS.items()}),
    "another shape": safetensors.numpy.save(ARRAYS | {"layers.0.weight": ARRAYS["layers.0.weight"].T.copy()}),
    "float64": safetensors.numpy.save({name: array.astype(np.float64) for name, array in ARRAYS.items()}),
    "another type of the same size": with_header(lambda h: [e.update(dtype="I32") for e in h.values()]),  # type: ignore[attr-defined]
    "overlapping tensors": with_header(lambda h: h["layers.1.bias"].update(data_offsets=[0, 12])),  # type: ignore[attr-defined]
    "another order": with_header(lambda h: h.update({"layers.0.bias": h.pop("layers.0.bias")})),
    "NaN": with_entry(3, math.nan),
    "infinity": with_entry(0, math.inf),
    "minus infinity": with_entry(-1, -math.inf),
    "a pickle": b"\x80\x04\x95" + FILE[3:],
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_any_other_file_is_refused(case: str) -> None:
    assert BAD_FILES[case] != FILE
    with pytest.raises(MalformedModelError):
        decode_model(BAD_FILES[case], SPEC.shapes)


def test_a_change_of_any_byte_of_the_header_is_refused() -> None:
    for position in range(HEADER_BYTES):
        mangled = bytearray(FILE)
        mangled[position] ^= 1
        with pytest.raises(MalformedModelError):
            decode_model(bytes(mangled), SPEC.shapes)


def test_the_place_of_a_number_that_is_not_finite_is_said() -> None:
    with pytest.raises(MalformedModelError, match=r"1 of 53 .* index 3"):
        decode_model(with_entry(3, math.nan), SPEC.shapes)
    with pytest.raises(MalformedModelError, match="index 3"):
        encode_model(np.where(np.arange(53) == 3, np.nan, PARAMETERS).astype(np.float32), SPEC.shapes)


@pytest.mark.parametrize("vector", [PARAMETERS[:-1], PARAMETERS.astype(np.float64), PARAMETERS.reshape(1, -1)])
def test_other_vectors_are_not_written(vector: np.ndarray) -> None:
    with pytest.raises(MalformedModelError, match="is due"):
        encode_model(vector, SPEC.shapes)


def test_a_file_is_decoded_to_what_was_encoded() -> None:
    assert len(FILE) == max_model_bytes(SPEC.shapes)
    decoded = decode_model(FILE, SPEC.shapes)
    assert decoded.dtype == np.float32
    assert decoded.tobytes() == PARAMETERS.tobytes()
    assert encode_model(decoded, SPEC.shapes) == FILE
