"""Writes the settlement that contracts/test/steelyard/Integration.t.sol settles a round with.

A proof is bound to the project's id, which the forge test pins and prints where it has changed. The vector then has to
be made anew; its proof is fresh each time, so the file is not the same twice.

    python -m scripts.generate_settlement 0x<project id>
"""

import json
import sys
from pathlib import Path
from typing import Final

import numpy as np
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from steelyard.gram import commit, hash_commitment, load_ethereum_srs
from steelyard.rounds.settlement import RoundContext, WeighedRound, weigh_round
from steelyard.rounds.submission import OpenedSubmission
from steelyard.rules import compute_shares, get_rule
from steelyard.types import Address, ProjectId, Seed

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "market" / "settlement.json"

# What the forge test pins.
CHAIN_ID: Final = 31_337
MARKETPLACE: Final = Address(to_checksum_address(f"{0x51EE17A4D:040x}"))
DIMENSION: Final = 2_410
BYZANTINE_BPS: Final = 3_000
SHAREABLE: Final = 333_333_335 - 333_333_335 * 500 // 10_000
TRAINERS: Final = 7


def make_rows() -> list[OpenedSubmission]:
    """Five honest rows, one sent with its sign flipped and four times as long, and one of noise."""
    rng = np.random.default_rng(7)
    common = rng.normal(0, 400, DIMENSION)
    updates = common + rng.normal(0, 300, (TRAINERS, DIMENSION))
    updates[5] = -4 * updates[5]
    updates[6] = rng.normal(0, 500, DIMENSION)
    srs = load_ethereum_srs()
    rows = []
    for i, update in enumerate(np.rint(updates).astype(np.int16)):
        seed = Seed(keccak(f"settlement/{i}".encode()))
        commitments = commit(srs, update, seed)
        trainer = Address(to_checksum_address(keccak(f"settlement trainer {i}".encode())[-20:]))
        rows.append(OpenedSubmission(i, trainer, commitments, hash_commitment(commitments), update, seed))
    return rows


def to_json(project_id: ProjectId, rows: list[OpenedSubmission], weighed: WeighedRound) -> dict[str, object]:
    """The vector as in the file. Numbers that may exceed 64 bits are hexadecimal, as forge reads them."""
    weighing = weighed.weighing
    return {
        "projectId": "0x" + project_id.hex(),
        "trainers": [row.trainer for row in rows],
        "commitmentHashes": ["0x" + row.commitment_hash.hex() for row in rows],
        "commitments": "0x" + weighed.commitments.hex(),
        "gram": "0x" + weighed.gram.hex(),
        "proof": "0x" + weighed.proof.hex(),
        "hints": "0x" + weighed.hints.hex(),
        "blinders": "0x" + b"".join(blinder.to_bytes(32, "big") for blinder in weighed.blinders).hex(),
        "shares": list(compute_shares(SHAREABLE, weighing.contributions).shares),
        "opposed": sum(1 << row for row in weighing.opposed),
    }


def main() -> None:
    """Writes the vector for the project whose id is the only argument."""
    project_id = ProjectId(bytes.fromhex(sys.argv[1].removeprefix("0x")))
    rows = make_rows()
    context = RoundContext(CHAIN_ID, MARKETPLACE, project_id, 0, DIMENSION, BYZANTINE_BPS)
    weighed = weigh_round(load_ethereum_srs(), get_rule("clip-nnm-multi-krum"), context, rows)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(to_json(project_id, rows, weighed), indent=1) + "\n")


if __name__ == "__main__":
    main()
