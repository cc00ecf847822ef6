"""Joins the proof's reference string with the contracts: what a verifier is deployed with."""

from steelyard.chain.deploy import SrsPoints
from steelyard.gram import ETHEREUM_SRS_DIGEST, Srs, load_ethereum_srs
from steelyard.gram.points import encode_point
from steelyard.gram.srs import get_blinding_generator


def build_srs_points(srs: Srs, digest: str) -> SrsPoints:
    """The points of `srs` that a verifier contract stores; `digest` is what the string is pinned by."""
    g2_one, g2_tau, g2_tau2 = (_encode_g2(point.to_xy_bytes_be()) for point in srs.g2)
    return SrsPoints(
        powers=srs.powers,
        g1_one=encode_point(srs.g1[0]),
        g1_tau=encode_point(srs.g1[1]),
        blinding=encode_point(get_blinding_generator()),
        g2_one=g2_one,
        g2_tau=g2_tau,
        g2_tau2=g2_tau2,
        digest=digest,
    )


def load_ethereum_srs_points() -> SrsPoints:
    """Those of the Ethereum ceremony.

    Raises:
      SrsError: the ceremony that eth-account ships is not the pinned one.
    """
    return build_srs_points(load_ethereum_srs(), ETHEREUM_SRS_DIGEST)


def _encode_g2(coordinates: bytes) -> bytes:
    """EIP-2537: four coordinates of 48 bytes, each padded to 64."""
    return b"".join(bytes(16) + bytes(coordinates)[start : start + 48] for start in range(0, 192, 48))
