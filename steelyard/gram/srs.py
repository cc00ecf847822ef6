"""The structured reference string: powers of a secret that nobody knows. Source: docs/proof.md, section 1.

The default is the Ethereum KZG ceremony (EIP-4844), 4,096 powers, in the file that `eth-account` ships.
"""

import functools
import hashlib
import importlib.util
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point

from steelyard.constants import MASK_SLOTS
from steelyard.errors import SrsError
from steelyard.gram.points import multiply_sum

ETHEREUM_SRS_DIGEST: Final = "8c8d5ae1d4a17018bd3a518a001a33048bf1668ce02b3e5cce33b112190f4111"
"""SHA-256 of the ceremony's 4,096 compressed monomial G1 points and its first three compressed G2 points."""

_G2_POINTS: Final = 3
_MAX_FILE_BYTES: Final = 64 * 2**20
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


@functools.cache
def load_ethereum_srs() -> Srs:
    """The Ethereum ceremony, pinned by its hash and checked. Loaded once per process.

    Raises:
        SrsError: `eth-account` is not installed, or its file is not the pinned ceremony.
    """
    spec = importlib.util.find_spec("eth_account")
    if spec is None or not spec.submodule_search_locations:
        raise SrsError("the package `eth-account`, which ships the Ethereum ceremony, is not installed")
    package = Path(spec.submodule_search_locations[0])
    return load_srs(package / "typed_transactions" / "blob_transactions" / "kzg_trusted_setup.txt", ETHEREUM_SRS_DIGEST)


def load_srs(path: Path, digest: str) -> Srs:
    """Reads a ceremony in the text format of c-kzg: the two counts, then G1 Lagrange, G2 and G1 monomial points in hex.

    Args:
        path: The file.
        digest: SHA-256, in hex, of the compressed monomial G1 points followed by the first three compressed G2 points.

    Raises:
        SrsError: unreadable, malformed, not the pinned one, or not the powers of one secret.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SrsError(f"{path} is larger than {_MAX_FILE_BYTES:,} bytes")
        words = path.read_text("ascii").split()
        count_g1, count_g2 = int(words[0]), int(words[1])
        points = [bytes.fromhex(word) for word in words[2:]]
    except (OSError, ValueError, IndexError) as error:
        raise SrsError(f"{path} cannot be read as a trusted setup: {error}") from error
    if count_g2 < _G2_POINTS or count_g1 < 1 or len(points) != 2 * count_g1 + count_g2:
        raise SrsError(f"{path} does not hold the number of points that its first lines announce")
    g2 = points[count_g1 : count_g1 + _G2_POINTS]
    g1 = points[count_g1 + count_g2 :]
    actual = hashlib.sha256(b"".join(g1 + g2)).hexdigest()
    if actual != digest:
        raise SrsError(f"{path} is not the pinned ceremony: its SHA-256 is {actual}, not {digest}")
    try:
        # The hash pins every byte: a subgroup check of 4,096 points would only cost time.
        srs = Srs(
            tuple(G1Point.from_compressed_bytes_unchecked(point) for point in g1),
            (
                G2Point.from_compressed_bytes(g2[0]),
                G2Point.from_compressed_bytes(g2[1]),
                G2Point.from_compressed_bytes(g2[2]),
            ),
        )
    except ValueError as error:
        raise SrsError(f"{path} holds a malformed point") from error
    check_srs(srs)
    return srs


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
    if not GT.pairing_check([srs.g1[1], -srs.g1[0]], [one, tau]):
        raise SrsError("the G1 and G2 parts of the reference string have different secrets")
    if not GT.pairing_check([srs.g1[1], -srs.g1[0]], [tau, tau_squared]):
        raise SrsError("the third G2 point of the reference string is not the square")
    weights = [secrets.randbits(128) for _ in range(srs.powers - 1)]
    lower, upper = multiply_sum(srs.g1[:-1], weights), multiply_sum(srs.g1[1:], weights)
    if not GT.pairing_check([upper, -lower], [one, tau]):
        raise SrsError("the powers of the reference string are not consecutive")
