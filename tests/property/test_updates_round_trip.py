"""What is encoded is decoded: parameters, updates, payloads, aggregates and specifications."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from steelyard.constants import BLS12_381_ORDER, ONE
from steelyard.errors import PayloadError, ZeroUpdateError
from steelyard.models.safetensors_io import decode_model, encode_model
from steelyard.types import Cid, Codec, ParameterShapes, Seed, UpdateVector
from steelyard.updates.aggregate import (
    AGGREGATE_LIMIT,
    Aggregate,
    compute_aggregate,
    decode_aggregate,
    encode_aggregate,
    max_aggregate_bytes,
)
from steelyard.updates.flatten import flatten_parameters, unflatten_parameters
from steelyard.updates.payload import UpdatePayload, decode_payload, encode_payload, open_payload, seal_payload
from steelyard.updates.quantise import clip_to_norm, dequantise, quantise
from tests.unit.updates.test_encryption import AGGREGATOR, CONTEXT

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=8)
SHAPES = st.dictionaries(NAMES, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), min_size=1, max_size=5)
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
UPDATES = hnp.arrays(np.int16, st.integers(1, 300))
SEEDS = st.binary(min_size=32, max_size=32).map(Seed)


@given(SHAPES, st.data())
def test_parameters_round_trip_and_the_file_is_the_vector(shapes: ParameterShapes, data: st.DataObject) -> None:
    dimension = sum(math.prod(shape) for shape in shapes.values())
    vector = data.draw(hnp.arrays(np.float32, dimension, elements=FINITE))
    parameters = unflatten_parameters(vector, shapes)
    assert {name: array.shape for name, array in parameters.items()} == shapes
    assert flatten_parameters(parameters, shapes).tobytes() == vector.tobytes()
    file = encode_model(vector, shapes)
    assert file.endswith(vector.astype("<f4").tobytes())
    assert decode_model(file, shapes).tobytes() == vector.tobytes()


@settings(deadline=None)
@given(UPDATES, SEEDS)
def test_payloads_round_trip(update: UpdateVector, seed: Seed) -> None:
    opened = open_payload(
        seal_payload(UpdatePayload(update, seed), AGGREGATOR.public_key, CONTEXT), update.size, AGGREGATOR, CONTEXT
    )
    assert (opened.seed, opened.update.tolist()) == (seed, update.tolist())


@given(UPDATES, SEEDS, st.data())
def test_a_changed_plaintext_is_refused_or_read_as_it_stands(
    update: UpdateVector, seed: Seed, data: st.DataObject
) -> None:
    plaintext = bytearray(encode_payload(UpdatePayload(update, seed)))
    plaintext[data.draw(st.integers(0, len(plaintext) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        payload = decode_payload(bytes(plaintext), update.size)
    except PayloadError:
        return
    assert payload.update.shape == update.shape
    assert payload.update.dtype == np.int16


@given(st.binary(max_size=200), st.integers(1, 50))
def test_noise_is_never_a_payload_nor_an_aggregate(noise: bytes, dimension: int) -> None:
    for prefix in (
        b"",
        b"SYU1" + dimension.to_bytes(4, "big"),
        b"SYU2" + dimension.to_bytes(4, "big"),
        b"SYA2" + dimension.to_bytes(4, "big"),
    ):
        for decode in (
            lambda blob: decode_payload(blob, dimension),
            lambda blob: decode_aggregate(blob, dimension, 1, 0),
        ):
            try:
                decode(prefix + noise)
            except PayloadError:
                continue
            raise AssertionError((prefix + noise).hex())


@given(
    hnp.arrays(np.int64, st.integers(1, 100), elements=st.integers(-AGGREGATE_LIMIT, AGGREGATE_LIMIT)),
    st.lists(st.integers(0, BLS12_381_ORDER - 1), max_size=5),
    st.builds(Cid, st.sampled_from(Codec), st.binary(min_size=32, max_size=32)),
    st.binary(max_size=50),
)
def test_aggregates_round_trip(vector: np.ndarray, blinders: list[int], cid: Cid, shortness: bytes) -> None:
    blob = encode_aggregate(Aggregate(vector, tuple(blinders), cid, shortness))
    sizes = (vector.size, len(blinders), len(shortness))
    assert len(blob) <= max_aggregate_bytes(*sizes)
    decoded = decode_aggregate(blob, *sizes)
    assert (decoded.vector.tolist(), decoded.blinders, decoded.next_model) == (vector.tolist(), tuple(blinders), cid)
    assert decoded.shortness == shortness
    assert encode_aggregate(decoded) == blob


@given(hnp.arrays(np.float32, st.integers(1, 100), elements=FINITE), st.integers(1, 2**20), st.floats(1e-3, 1e6))
def test_a_quantised_update_is_within_the_clip_and_half_a_step(delta: np.ndarray, scale: int, clip: float) -> None:
    if np.abs(clip_to_norm(delta, clip)).max() * scale <= 0.5:
        with pytest.raises(ZeroUpdateError):
            quantise(delta, scale, clip)
        return
    update = quantise(delta, scale, clip)
    slack = 0.5 * math.sqrt(delta.size) / scale
    assert np.linalg.norm(dequantise(update, scale)) <= clip * (1 + 1e-9) + slack
    assert (np.sign(update) * np.sign(delta) >= 0).all(), "no entry changes its sign"
    np.testing.assert_array_equal(quantise(-delta.astype(np.float64), scale, clip).clip(-32_767), -update.clip(-32_767))


@given(st.integers(1, 6), st.integers(1, 20), st.data())
def test_aggregates_are_exact(n: int, dimension: int, data: st.DataObject) -> None:
    updates = [data.draw(hnp.arrays(np.int16, dimension)) for _ in range(n)]
    weights = data.draw(st.lists(st.integers(0, ONE * n), min_size=n, max_size=n))
    expected = [sum(w * int(u[k]) for w, u in zip(weights, updates, strict=True)) for k in range(dimension)]
    assert compute_aggregate(updates, weights).tolist() == expected
