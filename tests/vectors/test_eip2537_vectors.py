"""The BLS12-381 precompiles of the devnet against vectors, results and prices, and the generator against its files.

`tests/vectors/eip2537` is ours; its README says how to get the EIP's own. `STEELYARD_EIP2537_VECTORS` names a folder
that is read too.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scripts.generate_eip2537_vectors import FOLDER, MAKERS, build_text
from steelyard.chain.devnet import Devnet
from tests.evm_verifier import Answer, call_all

PRECOMPILES = {
    "add_G1": 0x0B,
    "msm_G1": 0x0C,
    "mul_G1": 0x0C,  # a sum of one term
    "add_G2": 0x0D,
    "msm_G2": 0x0E,
    "mul_G2": 0x0E,
    "pairing_check": 0x0F,
    "map_fp_to_G1": 0x10,
    "map_fp2_to_G2": 0x11,
}
OTHERS = os.environ.get("STEELYARD_EIP2537_VECTORS")
OTHER_FILES = sorted(Path(OTHERS).glob("*.json")) if OTHERS else []
FILES = sorted(FOLDER.glob("*.json")) + OTHER_FILES

CALLER = "0x" + "ca" * 20
FORWARD = "0x60403603806040" + "5f375f5f825f6020355f35fa5f523d5f60203e3d6020015ff3"
"""Calls the address in its second word with the gas in its first and the rest as input; returns success and answer."""

LIMIT = 2**40
ENOUGH = 10_000_000


def call_precompiles(url: str, precompile: int, vectors: list[dict[str, Any]], prices: list[int]) -> list[Answer]:
    """Each input with exactly this much gas for the precompile."""
    calls = [
        (CALLER, price.to_bytes(32, "big") + precompile.to_bytes(32, "big") + bytes.fromhex(vector["Input"]), LIMIT)
        for vector, price in zip(vectors, prices, strict=True)
    ]
    return list(call_all(url, calls, {CALLER: FORWARD}))


def find_precompile(path: Path) -> int:
    """By the name of the file, as the EIP names its own."""
    return next(number for name, number in PRECOMPILES.items() if path.stem.removeprefix("fail-").startswith(name))


def test_there_are_vectors_of_every_precompile_and_of_both_kinds() -> None:
    ours = {(find_precompile(path), path.stem.startswith("fail-")) for path in FOLDER.glob("*.json")}
    assert ours == {(number, fails) for number in range(0x0B, 0x12) for fails in (False, True)}
    assert not OTHERS or OTHER_FILES, f"no vectors in {OTHERS}"


@pytest.mark.chain
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_precompile_gives_the_expected_answer_at_the_expected_price(path: Path, devnet: Devnet) -> None:
    vectors: list[dict[str, Any]] = json.loads(path.read_text())
    number = find_precompile(path)
    assert vectors
    good = [vector for vector in vectors if "Expected" in vector]
    bad = [vector for vector in vectors if "ExpectedError" in vector]
    assert len(good) + len(bad) == len(vectors)
    success, failure = 1, 0

    prices = [vector["Gas"] for vector in good]
    answers = call_precompiles(devnet.url, number, good, prices)
    expected = [f"0x{success:064x}{vector['Expected']}" for vector in good]
    assert [v["Name"] for v, a, e in zip(good, answers, expected, strict=True) if a.data != e] == []

    starved = call_precompiles(devnet.url, number, good, [price - 1 for price in prices])
    refused = call_precompiles(devnet.url, number, bad, [ENOUGH] * len(bad))
    failed = f"0x{failure:064x}"
    assert [v["Name"] for v, a in zip(good, starved, strict=True) if a.data != failed] == [], "one gas less"
    assert [v["Name"] for v, a in zip(bad, refused, strict=True) if a.data != failed] == []


@pytest.mark.parametrize("name", MAKERS)
def test_the_files_are_what_the_generator_writes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == build_text(name)
