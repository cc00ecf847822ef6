"""Writes the points of the Ethereum SRS that `GramVerifier` is deployed with to `tests/vectors/srs/ethereum.json`.

The file says `powers` (`N`) and six points in EIP-2537 form, hex: `g1One` and `g1Tau` are `[1]₁` and `[τ]₁`,
`blinding` is `H`, `g2One`, `g2Tau` and `g2Tau2` are `[1]₂`, `[τ]₂` and `[τ²]₂` (docs/proof.md section 1).

    python -m scripts.generate_srs_points            writes the file
    python -m scripts.generate_srs_points --check    exits with 1 where the file is not what would be written
"""

import json
import sys
from pathlib import Path
from typing import Final

from py_arkworks_bls12381 import G2Point

from steelyard.gram.points import encode_point
from steelyard.gram.srs import Srs, get_blinding_generator, load_ethereum_srs

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "srs" / "ethereum.json"


def encode_g2_point(point: G2Point) -> bytes:
    """256 bytes: four coordinates of 48 bytes, each padded to 64 (EIP-2537)."""
    raw = bytes(point.to_xy_bytes_be())
    return b"".join(bytes(16) + raw[start : start + 48] for start in range(0, len(raw), 48))


def build_points(srs: Srs) -> dict[str, int | str]:
    """What the verifier's constructor takes: `powers`, and the fields of its `Srs` in their order."""
    one, tau, tau2 = (encode_g2_point(point) for point in srs.g2)
    points = {
        "g1One": encode_point(srs.g1[0]),
        "g1Tau": encode_point(srs.g1[1]),
        "blinding": encode_point(get_blinding_generator()),
        "g2One": one,
        "g2Tau": tau,
        "g2Tau2": tau2,
    }
    return {"powers": srs.powers, **{name: "0x" + point.hex() for name, point in points.items()}}


def main() -> None:
    """Writes the file, or compares it with `--check`."""
    text = json.dumps(build_points(load_ethereum_srs()), indent=2) + "\n"
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            raise SystemExit(f"{TARGET.name} is stale: run python -m scripts.generate_srs_points")
        return
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
