"""The structured reference string: powers of a secret that nobody knows. Source: docs/proof.md, section 1.

Files are read in `srs_files`, strings are found by their digest in `srs_library`.
"""

import functools
import secrets
from dataclasses import dataclass
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point

from steelyard.constants import MASK_SLOTS
from steelyard.errors import SrsError
from steelyard.gram.points import multiply_sum

_BLINDING_MESSAGE: Final = b"steelyard/blinding-generator/v1"
_BLINDING_DST: Final = b"STEELYARD-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"


@functools.cache
def get_blinding_generator() -> G1Point:
    """`H`, whose discrete logarithm nobody knows (RFC 9380, suite `BLS12381G1_XMD:SHA-256_SSWU_RO_`)."""
    return G1Point.hash_to_curve(_BLINDING_MESSAGE, _BLINDING_DST)


@dataclass(frozen=True, slots=True, eq=False)
class Srs:
    """Powers of `τ`: `g1[k] = [τ^k]₁` for `k < N`, and `g2 = ([1]₂, [τ]₂, [τ²]₂)`.

    Raises:
        SrsError: fewer powers than one block needs.
    """

    g1: tuple[G1Point, ...]
    g2: tuple[G2Point, G2Point, G2Point]

    def __post_init__(self) -> None:
        if len(self.g1) <= MASK_SLOTS:
            raise SrsError(f"{len(self.g1)} powers leave no room for {MASK_SLOTS} mask slots and a payload")

    @property
    def powers(self) -> int:
        """`N`, the number of G1 powers."""
        return len(self.g1)

    @property
    def payload(self) -> int:
        """`L = N − K`, the coordinates of an update that one block holds."""
        return len(self.g1) - MASK_SLOTS

    def count_blocks(self, d: int) -> int:
        """`B = ⌈d / L⌉`."""
        return -(-d // self.payload)


def check_srs(srs: Srs) -> None:
    """Checks that an SRS holds the consecutive powers of one secret, starting from the standard generators.

    A random combination with 128-bit weights of all consecutive pairs replaces one pairing check per pair.

    Raises:
        SrsError: it does not.
    """
    one, tau, tau_squared = srs.g2
    if srs.g1[0] != G1Point() or one != G2Point():
        raise SrsError("the reference string does not start from the standard generators")
    if srs.g1[1] == G1Point.identity():
        raise SrsError("the reference string has secret zero")
    if srs.g1[1] in (srs.g1[0], -srs.g1[0]):
        raise SrsError("the reference string has secret one or minus one")
    if not GT.pairing_check([srs.g1[1], -srs.g1[0]], [one, tau]):
        raise SrsError("the G1 and G2 parts of the reference string have different secrets")
    if not GT.pairing_check([srs.g1[1], -srs.g1[0]], [tau, tau_squared]):
        raise SrsError("the third G2 point of the reference string is not the square")
    weights = [secrets.randbits(128) for _ in range(srs.powers - 1)]
    lower, upper = multiply_sum(srs.g1[:-1], weights), multiply_sum(srs.g1[1:], weights)
    if not GT.pairing_check([upper, -lower], [one, tau]):
        raise SrsError("the powers of the reference string are not consecutive")
