"""The compiled contracts that ship are those of the sources, and fit the chain's limits."""

import pytest

from scripts.compile_contracts import (
    ARTIFACTS,
    build_input,
    compile_contract,
    compute_source_hash,
    contract_sources,
    stale_artifacts,
)
from steelyard.chain.artifacts import abi_errors, artifact_names, load_artifact
from steelyard.chain.codec import signature_hash

MAX_CODE_BYTES = 24_576  # EIP-170
MAX_INITCODE_BYTES = 49_152  # EIP-3860


def test_no_artifact_is_stale() -> None:
    assert stale_artifacts() == [], "run `python -m scripts.compile_contracts`"


@pytest.mark.parametrize("change", ["source", "import", "setting"])
def test_source_hash_depends_on_all_that_the_compiler_reads(change: str) -> None:
    compiler_input = build_input("contracts/src/mocks/TestToken.sol")
    before = compute_source_hash(compiler_input)
    if change == "setting":
        compiler_input["settings"]["optimizer"]["runs"] += 1
    else:
        path = "contracts/src/mocks/TestToken.sol" if change == "source" else sorted(compiler_input["sources"])[-1]
        assert (path.startswith("node_modules")) == (change == "import")
        compiler_input["sources"][path]["content"] += " "
    assert compute_source_hash(compiler_input) != before


@pytest.mark.deep
@pytest.mark.parametrize("name", sorted(contract_sources()))
def test_compiling_again_gives_the_same_artifact(name: str) -> None:
    assert compile_contract(name, contract_sources()[name]) == (ARTIFACTS / f"{name}.json").read_text()


@pytest.mark.parametrize("name", artifact_names())
def test_contract_fits_the_limits_of_the_chain(name: str) -> None:
    artifact = load_artifact(name)
    assert artifact.deployed_size <= MAX_CODE_BYTES
    assert len(artifact.bytecode) <= MAX_INITCODE_BYTES - 2_048, "leave room for constructor arguments"


def test_errors_of_one_name_have_one_signature() -> None:
    entries = [entry for name in artifact_names() for entry in load_artifact(name).abi if entry["type"] == "error"]
    for entry in entries:
        assert signature_hash(entry) == signature_hash(abi_errors()[entry["name"]]), entry["name"]


def test_marketplace_offers_the_whole_interface() -> None:
    def signatures(name: str) -> set[bytes]:
        return {signature_hash(entry) for entry in load_artifact(name).abi if entry["type"] in ("function", "event")}

    assert signatures("ISteelyard") <= signatures("Steelyard")
