import numpy as np
import pytest

from steelyard.errors import MalformedUpdateError, NonFiniteUpdateError, ZeroUpdateError
from steelyard.updates.quantise import clip_to_norm, dequantise, quantise

FAR = 1e12
"""A clip norm that clips nothing here."""


@pytest.mark.parametrize(
    ("delta", "count", "first"),
    [
        ([1.0, np.nan, 2.0], 1, 1),
        ([np.inf, 1.0, -np.inf], 2, 0),
        ([1.0, 2.0, -np.inf], 1, 2),
        ([np.nan] * 4, 4, 0),
    ],
)
def test_nan_and_infinity_are_refused_with_their_place(delta: list[float], count: int, first: int) -> None:
    with pytest.raises(NonFiniteUpdateError) as raised:
        quantise(np.array(delta, dtype=np.float32), 1_000, 1.0)
    assert (raised.value.count, raised.value.dimension, raised.value.first_index) == (count, len(delta), first)
    assert isinstance(raised.value, MalformedUpdateError)


@pytest.mark.parametrize("delta", [np.zeros(5), np.full(5, 0.0004), np.full(5, -0.0005)])
def test_an_update_that_rounds_to_zero_is_refused_with_advice(delta: np.ndarray) -> None:
    with pytest.raises(ZeroUpdateError) as raised:
        quantise(delta, 1_000, 1.0)
    assert (raised.value.dimension, raised.value.scale) == (5, 1_000)
    assert raised.value.largest == np.abs(delta).max()
    assert "learning rate" in raised.value.hint


def test_halves_are_rounded_to_even() -> None:
    delta = np.array([0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, 0.49999999, 0.50000001])
    assert quantise(delta, 1, FAR).tolist() == [0, 2, 2, 4, 0, -2, -2, 0, 1]


def test_entries_saturate_at_the_bounds_of_int16() -> None:
    delta = np.array([32_767.4, 32_767.6, 1e9, -32_768.4, -32_769.0, -1e9])
    update = quantise(delta, 1, FAR)
    assert update.dtype == np.int16
    assert update.tolist() == [32_767, 32_767, 32_767, -32_768, -32_768, -32_768]


def test_a_short_update_is_not_clipped() -> None:
    delta = np.array([3.0, 4.0], dtype=np.float32)
    np.testing.assert_array_equal(clip_to_norm(delta, 5.0), [3.0, 4.0])
    np.testing.assert_array_equal(clip_to_norm(np.zeros(3), 1.0), np.zeros(3))


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1.0, 1e20, 3e38, 1e300])
def test_a_long_update_keeps_its_direction_and_gets_the_norm(size: float) -> None:
    direction = np.random.default_rng(1).normal(size=1_000)
    direction /= np.abs(direction).max()
    clipped = clip_to_norm(direction * size, size / 10)
    np.testing.assert_allclose(np.linalg.norm(clipped / size), 0.1, rtol=1e-12)
    np.testing.assert_allclose(clipped / np.abs(clipped).max(), direction, rtol=1e-12)


def test_quantisation_clips_before_it_scales() -> None:
    assert quantise(np.array([30.0, 40.0]), 100, 5.0).tolist() == [300, 400]


def test_what_is_dequantised_is_within_half_a_step() -> None:
    delta = np.random.default_rng(2).normal(size=5_000)
    error = dequantise(quantise(delta, 4_096, FAR), 4_096) - delta
    assert np.abs(error).max() <= 0.5 / 4_096
