"""Encodings of points and scalars, and sums of multiples."""

import pytest
from py_arkworks_bls12381 import G1Point, Scalar

from scripts.gram_cases import add_torsion
from steelyard.constants import BLS12_381_ORDER
from steelyard.gram import decode_scalars, encode_scalars
from steelyard.gram.field import decode_scalar, encode_scalar
from steelyard.gram.points import FIELD_MODULUS, decode_point, encode_point, multiply_sum

POINT = encode_point(G1Point() * Scalar(5))


def test_points_round_trip() -> None:
    for factor in (0, 1, 2, BLS12_381_ORDER - 1):
        point = G1Point() * Scalar(factor)
        assert decode_point(encode_point(point)) == point


def test_infinity_is_all_zeros() -> None:
    assert encode_point(G1Point.identity()) == bytes(128)


def test_a_point_is_padded_as_in_eip_2537() -> None:
    assert (len(POINT), POINT[:16], POINT[64:80]) == (128, bytes(16), bytes(16))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(POINT[:-1], id="short"),
        pytest.param(POINT + b"\x00", id="long"),
        pytest.param(POINT[:63] + bytes([POINT[63] ^ 1]) + POINT[64:], id="off the curve"),
        pytest.param((int.from_bytes(POINT[:64], "big") + FIELD_MODULUS).to_bytes(64, "big") + POINT[64:], id="x + p"),
        pytest.param(POINT[:64] + (int.from_bytes(POINT[64:], "big") + FIELD_MODULUS).to_bytes(64, "big"), id="y + p"),
        pytest.param(b"\x01" + POINT[1:], id="padding of x set"),
        pytest.param(POINT[:64] + b"\x01" + POINT[65:], id="padding of y set"),
        pytest.param(bytes(16) + b"\x40" + bytes(111), id="infinity flag"),
        pytest.param(bytes(16) + b"\xc0" + POINT[17:], id="compression flags"),
        pytest.param(add_torsion(POINT), id="outside the subgroup"),
        pytest.param(b"\xff" * 128, id="all ones"),
    ],
)
def test_a_malformed_point_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"point|coordinate"):
        decode_point(data)


def test_torsion_is_on_the_curve_so_that_only_the_subgroup_check_refuses_it() -> None:
    data = add_torsion(POINT)
    G1Point.from_xy_bytes_unchecked_be(data[16:64] + data[80:])


@pytest.mark.parametrize("scalar", [0, 1, BLS12_381_ORDER - 1])
def test_scalars_round_trip(scalar: int) -> None:
    assert decode_scalar(encode_scalar(scalar)) == scalar
    assert decode_scalars(encode_scalars([scalar, 7])) == (scalar, 7)


@pytest.mark.parametrize("scalar", [-1, BLS12_381_ORDER, 2**256])
def test_a_scalar_outside_the_field_is_not_encoded(scalar: int) -> None:
    with pytest.raises(ValueError, match="below the group order"):
        encode_scalar(scalar)


@pytest.mark.parametrize("data", [BLS12_381_ORDER.to_bytes(32, "big"), b"\xff" * 32, bytes(31), bytes(33)])
def test_a_non_canonical_scalar_is_not_decoded(data: bytes) -> None:
    with pytest.raises(ValueError, match="scalar"):
        decode_scalar(data)


@pytest.mark.parametrize("count", [0, 1, 3, 511, 512, 1025])
def test_a_sum_of_multiples_is_the_multiple_of_the_sum(count: int) -> None:
    points = [G1Point() * Scalar(k + 1) for k in range(count)]
    scalars = [(-1) ** k * (k + 2**100) for k in range(count)]
    expected = sum(scalar * (k + 1) for k, scalar in enumerate(scalars)) % BLS12_381_ORDER
    assert multiply_sum(points, scalars) == G1Point() * Scalar(expected)


def test_points_and_scalars_must_match_in_number() -> None:
    with pytest.raises(ValueError, match="1 points but 2 scalars"):
        multiply_sum([G1Point()], [1, 2])
