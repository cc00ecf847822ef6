"""Known answers: bundles that came with the specification, and the cases that the contract is tested with."""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from py_arkworks_bls12381 import G1Point

from scripts import generate_vectors
from steelyard.errors import EvidenceError, ProofRejectedError
from steelyard.gram import (
    EvidenceBundle,
    GramProof,
    GramStatement,
    dump_bundle,
    load_ethereum_srs,
    parse_bundle,
    verify_bundle_proof,
    verify_gram,
)
from steelyard.gram import verifier as verifier_module

FOLDER = Path(__file__).parent / "gram"
BUNDLES = sorted(path.stem for path in FOLDER.glob("ev_*.json"))
PROOF_FIELDS = ("M", "t0", "S", "a", "aPrime", "s", "W", "omega")
PUBLIC_FIELDS = ("chainId", "marketplace", "projectId", "round", "commitments", "gram", "d")

SRS = load_ethereum_srs()


@functools.cache
def read_text(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text()


def change(value: Any) -> Any:
    """The value with its last byte, digit or element changed, still well-formed."""
    if isinstance(value, list):
        return [*value[:-1], change(value[-1])]
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("1" if value[-1] != "1" else "2")


def load_cases() -> list[dict[str, Any]]:
    document = json.loads(read_text("evm"))
    assert document["count"] == len(document["cases"])
    assert document["powers"] == SRS.powers
    cases: list[dict[str, Any]] = document["cases"]
    return cases


CASES = load_cases()


def verify_case(case: dict[str, Any]) -> None:
    statement = GramStatement(
        unhex(case["context"]), case["n"], case["d"], unhex(case["commitments"]), unhex(case["gram"])
    )
    verify_gram(SRS, statement, GramProof.decode(unhex(case["proof"]), SRS.count_blocks(case["d"])))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_all_known_answers_are_here() -> None:
    assert len(BUNDLES) == 7
    assert {case["valid"] for case in CASES} == {True, False}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_known_answer_is_accepted(name: str) -> None:
    verify_bundle_proof(SRS, parse_bundle(read_text(name)))


@pytest.mark.parametrize("name", BUNDLES)
def test_a_known_answer_survives_dumping_and_parsing(name: str) -> None:
    bundle = parse_bundle(read_text(name))
    assert parse_bundle(dump_bundle(bundle)) == bundle
    assert json.loads(dump_bundle(bundle).lower()) == json.loads(read_text(name).lower())


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("field", [*PUBLIC_FIELDS, *(f"proof.{field}" for field in PROOF_FIELDS)])
def test_a_known_answer_with_one_change_is_refused(name: str, field: str) -> None:
    document = json.loads(read_text(name))
    *parents, key = field.split(".")
    place = document[parents[0]] if parents else document
    place[key] = change(place[key])
    with pytest.raises((ProofRejectedError, EvidenceError)):
        verify_bundle_proof(SRS, parse_bundle(json.dumps(document)))


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("key", ["trainers", "commitmentHashes"])
def test_another_order_is_refused(name: str, key: str) -> None:
    document = json.loads(read_text(name))
    document[key] = document[key][::-1]
    with pytest.raises(ProofRejectedError):
        verify_bundle_proof(SRS, parse_bundle(json.dumps(document)))


@pytest.mark.parametrize("name", BUNDLES)
def test_a_whole_row_swapped_consistently_is_refused(name: str) -> None:
    bundle = parse_bundle(read_text(name))
    rows = bundle.row_commitments
    swapped = dataclasses.replace(
        bundle,
        commitments=b"".join((rows[1], rows[0], *rows[2:])),
        commitment_hashes=(bundle.commitment_hashes[1], bundle.commitment_hashes[0], *bundle.commitment_hashes[2:]),
    )
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_bundle_proof(SRS, swapped)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda b: dataclasses.replace(b, powers=8192), id="N"),
        pytest.param(lambda b: dataclasses.replace(b, blocks=2), id="B"),
        pytest.param(lambda b: dataclasses.replace(b, d=4089), id="d"),
    ],
)
def test_another_reference_string_or_size_is_refused(edit: Callable[[EvidenceBundle], EvidenceBundle]) -> None:
    with pytest.raises(ProofRejectedError):
        verify_bundle_proof(SRS, edit(parse_bundle(read_text("ev_3_5_plain"))))


@pytest.mark.parametrize("case", [case for case in CASES if case["valid"]], ids=lambda case: case["name"])
def test_a_good_case_is_accepted(case: dict[str, Any]) -> None:
    verify_case(case)


@pytest.mark.parametrize("case", [case for case in CASES if not case["valid"]], ids=lambda case: case["name"])
def test_a_tampered_case_is_refused_by_the_check_that_it_names(case: dict[str, Any]) -> None:
    reasons = {
        "ProofRejected": "pairing equation",
        "InvalidPoint": "invalid point",
        "InvalidLength": "cannot have",
        "InvalidSize": "rows of|cannot have",
        "NonCanonicalScalar": "non-canonical scalar",
    }
    with pytest.raises(ProofRejectedError, match=reasons[case["expectedError"]]):
        verify_case(case)


def test_only_the_subgroup_check_refuses_a_proof_over_torsion(monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = [case for case in CASES if case["name"] == "proved_outside_subgroup_C"]
    monkeypatch.setattr(
        verifier_module, "decode_point", lambda data: G1Point.from_xy_bytes_unchecked_be(data[16:64] + data[80:])
    )
    verify_case(case)


def test_the_file_is_what_the_generator_writes() -> None:
    assert [case.to_json() for case in generate_vectors.make_cases(SRS)] == CASES
