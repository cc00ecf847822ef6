"""Exact correlations of long integers' sequences by floating-point Fourier transforms.

Integers are cut into balanced 12-bit digits. The spectra of the digits are multiplied and added up, and only the sums
are transformed back and rounded. The errors of the transforms and of the additions together stay below 1/4, so that
rounding gives the exact integers: `count_terms` says up to how many sequences that holds.

A product of two digit sequences of length `L` has entries of at most `‖x‖·‖y‖ ≤ L·2^22`. A transform of length `F`
makes an error below `16·log2(F)·2^-53` of that (Percival, Math. Comp. 72 (2003), theorem 5.1, with every constant
rounded up), and `T` additions of `T` such products one below `T²·2^-53` of it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

DIGIT_BITS: Final = 12
DIGITS: Final = 13
"""156 bits: a 128-bit weight times an int16, summed over fewer than 2^11 rows, or times 20 bits, over up to 2^7."""

_MASK: Final = 2**DIGIT_BITS - 1
_HALF: Final = 2 ** (DIGIT_BITS - 1)
_ERROR: Final = 0.25


def count_terms(length: int) -> int:
    """How many sequences of a length one `Correlation` may add up and still be exact."""
    per_product = length * 2.0 ** (2 * DIGIT_BITS - 2) * 2.0**-53
    transform = 16 * _get_size(length).bit_length()
    terms = 1
    while per_product * (products := (terms + 1) * DIGITS) * (products + transform) < _ERROR:
        terms += 1
    return terms


class Correlation:
    """Adds up `Σ_k x[k]·x[k+t]` over sequences `x`, for the lags `t = 0 … length − 1`."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._size = _get_size(length)
        # Real and imaginary parts alternate. They are multiplied separately, and added at the end.
        self._products = np.zeros((2 * DIGITS - 1, self._size + 2))
        self._buffer = np.empty((DIGITS, self._size + 2))

    def add(self, limbs: NDArray[np.int64], limb_bits: int) -> None:
        """Adds a sequence.

        Args:
            limbs: Its integers in base `2^limb_bits`, not carried, the least limb first; shape `(6, length)`.
            limb_bits: 24, two digits.
        """
        spectra = np.fft.rfft(_make_digits(limbs, limb_bits), self._size).view(np.float64)
        factors = 2 * spectra  # digits k and l, and l and k
        for k in range(DIGITS):
            factors[k] = spectra[k]
            products = np.multiply(spectra[k], factors[k:], out=self._buffer[k:])
            self._products[2 * k : k + DIGITS] += products

    def compute(self) -> NDArray[np.int64]:
        """The sums by the weights of digits, least first: shape `(2·DIGITS − 1, length)`."""
        powers = self._products[:, 0::2] + self._products[:, 1::2]
        return np.rint(np.fft.irfft(powers, self._size)[:, : self._length]).astype(np.int64)


def _make_digits(limbs: NDArray[np.int64], limb_bits: int) -> NDArray[np.float64]:
    """Balanced digits, shape `(DIGITS, length)`: half a digit is added everywhere, and taken away after carrying."""
    limbs = limbs + (_HALF + (_HALF << DIGIT_BITS))
    digits = np.empty((DIGITS, limbs.shape[1]))
    carry = np.zeros(limbs.shape[1], dtype=np.int64)
    for k, limb in enumerate(limbs):
        value = limb + carry
        digits[2 * k] = (value & _MASK) - _HALF
        digits[2 * k + 1] = (value >> DIGIT_BITS & _MASK) - _HALF
        carry = value >> limb_bits
    digits[-1] = carry
    return digits


def _get_size(length: int) -> int:
    """A power of two with room for all lags."""
    return 1 << (2 * length - 2).bit_length()
