"""Known answers: bundles that came with the specification, and the cases that the contract is tested with."""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import generate_vectors
from scripts.gram_cases import Case
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


def load_cases(class_: str) -> list[dict[str, Any]]:
    document = json.loads(read_text(class_))
    assert (document["class"], document["powers"]) == (class_, SRS.powers)
    assert document["count"] == len(document["cases"])
    cases: list[dict[str, Any]] = document["cases"]
    return cases


VALID, INVALID, MALFORMED = map(load_cases, ("valid", "invalid", "malformed"))


def build_statement(case: dict[str, Any]) -> GramStatement:
    return GramStatement(unhex(case["context"]), case["n"], case["d"], unhex(case["commitments"]), unhex(case["gram"]))


def verify_case(case: dict[str, Any]) -> None:
    verify_gram(SRS, build_statement(case), GramProof.decode(unhex(case["proof"]), SRS.count_blocks(case["d"])))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_all_known_answers_are_here() -> None:
    assert len(BUNDLES) == 7
    names = [case["name"] for cases in (VALID, INVALID, MALFORMED) for case in cases]
    assert len(set(names)) == len(names) >= 500


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


def by_name(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", VALID, ids=by_name)
def test_a_valid_case_is_accepted(case: dict[str, Any]) -> None:
    verify_case(case)


@pytest.mark.parametrize("case", INVALID, ids=by_name)
def test_an_invalid_case_is_refused_by_the_pairing_alone(case: dict[str, Any]) -> None:
    with pytest.raises(ProofRejectedError, match="pairing equation"):
        verify_case(case)


@pytest.mark.parametrize("case", MALFORMED, ids=by_name)
def test_a_malformed_case_is_refused_for_the_fault_that_it_names(case: dict[str, Any]) -> None:
    reasons = {
        "InvalidPoint": "invalid point",
        "InvalidLength": "cannot have",
        "InvalidSize": "rows of|cannot have",
        "NonCanonicalScalar": "non-canonical scalar",
    }
    with pytest.raises(ProofRejectedError, match=reasons[case["expectedError"]]):
        verify_case(case)


def test_the_lies_are_those_of_the_generator() -> None:
    good = {case["name"]: build_case(case) for case in VALID}
    lies = list(generate_vectors.make_lies(good))
    for class_, cases in (("invalid", INVALID), ("malformed", MALFORMED)):
        made = [case.to_json() for case in lies if generate_vectors.classify(case) == class_]
        assert made == cases[: len(made)]


def test_some_of_the_proofs_are_those_of_the_generator() -> None:
    names = {"n1_d1", "n2_d4089", "zero_row", "no_masks", "proof_1_of_one_statement", "nothing_at_all"}
    made = [case.to_json() for case in generate_vectors.make_good_cases(SRS, names)]
    assert len(made) == len(names)
    assert made == [case for case in VALID if case["name"] in names]


@pytest.mark.deep
def test_all_files_are_those_of_the_generator() -> None:
    assert {path: path.read_text() for path in FOLDER.glob("*.json") if not path.stem.startswith("ev_")} == (
        generate_vectors.build_files(SRS)
    )


def build_case(case: dict[str, Any]) -> Case:
    statement = build_statement(case)
    return Case(
        case["name"],
        statement.context,
        statement.n,
        statement.d,
        statement.commitments,
        statement.gram,
        unhex(case["proof"]),
        case["expectedError"] or None,
    )
