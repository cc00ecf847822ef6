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

from scripts.deploy import load_ethereum_srs_points

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "srs" / "ethereum.json"


def build_points() -> dict[str, int | str]:
    """What the verifier's constructor takes: `powers`, and the fields of its `Srs` in their order."""
    points = load_ethereum_srs_points()
    return {
        "powers": points.powers,
        "g1One": "0x" + points.g1_one.hex(),
        "g1Tau": "0x" + points.g1_tau.hex(),
        "blinding": "0x" + points.blinding.hex(),
        "g2One": "0x" + points.g2_one.hex(),
        "g2Tau": "0x" + points.g2_tau.hex(),
        "g2Tau2": "0x" + points.g2_tau2.hex(),
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
