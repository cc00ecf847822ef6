"""Points of G1: their EIP-2537 encoding and multi-scalar multiplication. Source: docs/proof.md, section 2."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from py_arkworks_bls12381 import G1Point, Scalar

from steelyard.constants import BLS12_381_ORDER

POINT_BYTES: Final = 128
FIELD_MODULUS: Final = (
    0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
)
"""The prime `p` of the curve's coordinates."""

WORKERS: Final = min(8, os.cpu_count() or 1)
"""Threads of the heavy steps. The curve library releases the interpreter's lock while it multiplies."""

_PADDING: Final = bytes(16)
_SPLIT_FROM: Final = 512  # below this a second thread costs more than it saves


def encode_point(point: G1Point) -> bytes:
    """128 bytes: `x` then `y`, each 64 bytes big-endian. Infinity is all zeros."""
    xy = point.to_xy_bytes_be()
    return _PADDING + xy[:48] + _PADDING + xy[48:]


def decode_point(data: bytes) -> G1Point:
    """The inverse of `encode_point`. Every point that a stranger sent passes through here.

    Raises:
        ValueError: wrong length, a coordinate not below `p`, off the curve, or outside the subgroup of order `r`.
    """
    if len(data) != POINT_BYTES:
        raise ValueError(f"a point has {POINT_BYTES} bytes, not {len(data)}")
    x, y = data[:64], data[64:]
    if int.from_bytes(x, "big") >= FIELD_MODULUS or int.from_bytes(y, "big") >= FIELD_MODULUS:
        raise ValueError("a coordinate is not below the field modulus")
    try:
        return G1Point.from_xy_bytes_be(x[16:] + y[16:])
    except ValueError as error:
        raise ValueError("the point is off the curve or outside the subgroup") from error


def split_points(data: bytes) -> list[bytes]:
    """Cuts `C^0 ‖ C^1 ‖ …` into its 128-byte points. The length must be a multiple of 128."""
    return [data[start : start + POINT_BYTES] for start in range(0, len(data), POINT_BYTES)]


def multiply_sum(points: Sequence[G1Point], scalars: Sequence[int]) -> G1Point:
    """`Σ scalars[k]·points[k]`, a multi-scalar multiplication. Scalars of any size and sign are reduced modulo `r`."""
    if len(points) != len(scalars):
        raise ValueError(f"{len(points)} points but {len(scalars)} scalars")
    terms = [Scalar(x % BLS12_381_ORDER) for x in scalars]
    if len(terms) < _SPLIT_FROM or WORKERS == 1:
        return G1Point.multiexp_unchecked(list(points), terms)
    step = -(-len(terms) // WORKERS)
    starts = range(0, len(terms), step)
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = list(
            pool.map(
                lambda start: G1Point.multiexp_unchecked(
                    list(points[start : start + step]), terms[start : start + step]
                ),
                starts,
            )
        )
    return sum(parts[1:], parts[0])
