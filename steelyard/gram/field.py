"""The scalar field of BLS12-381 and its polynomials. Source: docs/proof.md, sections 1 and 2."""

import secrets
from collections.abc import Callable, Iterable
from typing import Final, cast

from flint import fmpz, fmpz_mod, fmpz_mod_poly, fmpz_mod_poly_ctx

from steelyard.constants import BLS12_381_ORDER

SCALAR_BYTES: Final = 32

RandomScalar = Callable[[], int]
"""Draws a uniform scalar. Production code has only `random_scalar`; tests and vectors may have a repeatable one."""

Polynomial = fmpz_mod_poly

_POLYNOMIALS: Final = fmpz_mod_poly_ctx(BLS12_381_ORDER)


def random_scalar() -> int:
    """A uniform element of the field, from the operating system's generator."""
    return secrets.randbelow(BLS12_381_ORDER)


def make_polynomial(coefficients: list[int]) -> Polynomial:
    """The polynomial `Σ coefficients[k]·X^k`. Integers of any size and sign are reduced modulo `r`."""
    return _POLYNOMIALS(cast("list[int | fmpz | fmpz_mod]", coefficients))


def invert(x: int) -> int:
    """The inverse of `x` modulo `r`.

    Raises:
        ValueError: `x` is zero modulo `r`.
    """
    return pow(x, -1, BLS12_381_ORDER)


def compute_powers(base: int, count: int) -> list[int]:
    """`base^0 … base^(count−1)` modulo `r`."""
    powers = [1] * count
    for k in range(1, count):
        powers[k] = powers[k - 1] * base % BLS12_381_ORDER
    return powers


def encode_scalar(x: int) -> bytes:
    """32 bytes, big-endian.

    Raises:
        ValueError: `x` is not in `[0, r)`.
    """
    if not 0 <= x < BLS12_381_ORDER:
        raise ValueError("a scalar must be non-negative and below the group order")
    return x.to_bytes(SCALAR_BYTES, "big")


def decode_scalar(data: bytes) -> int:
    """The inverse of `encode_scalar`.

    Raises:
        ValueError: not 32 bytes, or not below the group order.
    """
    if len(data) != SCALAR_BYTES:
        raise ValueError(f"a scalar has {SCALAR_BYTES} bytes, not {len(data)}")
    x = int.from_bytes(data, "big")
    if x >= BLS12_381_ORDER:
        raise ValueError("a scalar must be below the group order")
    return x


def encode_scalars(scalars: Iterable[int]) -> bytes:
    """`encode_scalar` of each, joined."""
    return b"".join(map(encode_scalar, scalars))


def decode_scalars(data: bytes) -> tuple[int, ...]:
    """The inverse of `encode_scalars`.

    Raises:
        ValueError: not a multiple of 32 bytes, or a scalar that is not below the group order.
    """
    return tuple(decode_scalar(data[start : start + SCALAR_BYTES]) for start in range(0, len(data), SCALAR_BYTES))
