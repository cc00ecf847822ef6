"""Writes the points of the Ethereum SRS that `GramVerifier` is deployed with to `tests/vectors/srs/ethereum.json`.

The file says `powers` (`N`) and six points in EIP-2537 form, hex: `g1One` and `g1Tau` are `[1]₁` and `[τ]₁`,
`blinding` is `H`, `g2One`, `g2Tau` and `g2Tau2` are `[1]₂`, `[τ]₂` and `[τ²]₂` (docs/proof.md section 1).

    python -m scripts.generate_srs_points            writes the file
    python -m scripts.generate_srs_points --check    exits with 1 where the file is not what would be written
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Final

from eth_account.typed_transactions import blob_transactions
from py_arkworks_bls12381 import G1Point, G2Point

POWERS: Final = 4096
G2_POINTS: Final = 65
SRS_SHA256: Final = "8c8d5ae1d4a17018bd3a518a001a33048bf1668ce02b3e5cce33b112190f4111"
BLINDING_MESSAGE: Final = b"steelyard/blinding-generator/v1"
BLINDING_DST: Final = b"STEELYARD-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "srs" / "ethereum.json"


def encode_point(point: G1Point | G2Point) -> str:
    """EIP-2537 form: every coordinate of 48 bytes is left-padded to 64."""
    raw = bytes(point.to_xy_bytes_be())
    return "0x" + "".join(bytes(16).hex() + raw[start : start + 48].hex() for start in range(0, len(raw), 48))


def build_points() -> dict[str, object]:
    """Reads the ceremony's file out of `eth-account`, checks it against the pinned digest and picks the points."""
    lines = (Path(blob_transactions.__file__).parent / "kzg_trusted_setup.txt").read_text().split()
    compressed = [bytes.fromhex(line.removeprefix("0x")) for line in lines[2:]]
    g2 = compressed[POWERS : POWERS + 3]
    g1 = compressed[POWERS + G2_POINTS :]
    if hashlib.sha256(b"".join(g1 + g2)).hexdigest() != SRS_SHA256:
        raise SystemExit("the trusted setup that eth-account ships is not the pinned one")
    return {
        "powers": POWERS,
        "g1One": encode_point(G1Point.from_compressed_bytes(g1[0])),
        "g1Tau": encode_point(G1Point.from_compressed_bytes(g1[1])),
        "blinding": encode_point(G1Point.hash_to_curve(BLINDING_MESSAGE, BLINDING_DST)),
        "g2One": encode_point(G2Point.from_compressed_bytes(g2[0])),
        "g2Tau": encode_point(G2Point.from_compressed_bytes(g2[1])),
        "g2Tau2": encode_point(G2Point.from_compressed_bytes(g2[2])),
    }


def main() -> None:
    """Writes the file, or compares it with `--check`."""
    text = json.dumps(build_points(), indent=2) + "\n"
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            raise SystemExit(f"{TARGET.name} is stale: run python -m scripts.generate_srs_points")
        return
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
