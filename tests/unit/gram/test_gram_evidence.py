"""Evidence bundles: nothing but the exact format is read, whatever a stranger put into the file."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from steelyard.errors import EvidenceError, ProofRejectedError
from steelyard.gram import (
    EvidenceBundle,
    compute_context,
    dump_bundle,
    hash_commitment,
    parse_bundle,
    verify_bundle_proof,
)
from steelyard.types import Address, Digest, ProjectId
from tests.gram_proofs import make_round, make_srs, make_updates

SRS = make_srs(16)
MARKETPLACE = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
TRAINERS = tuple(Address("0x" + f"{i + 1:02d}" * 20) for i in range(3))


def make_bundle(hashes: list[Digest] | None = None) -> EvidenceBundle:
    updates = make_updates(3, SRS.payload + 1)
    if hashes is None:
        hashes = [hash_commitment(commitment) for commitment in make_round(SRS, updates).commitments]
    context = compute_context(31337, MARKETPLACE, ProjectId(b"\xff" * 32), 2, TRAINERS, hashes)
    round_ = make_round(SRS, updates, context)
    return EvidenceBundle(
        chain_id=31337,
        marketplace=MARKETPLACE,
        project_id=ProjectId(b"\xff" * 32),
        round_index=2,
        trainers=TRAINERS,
        commitment_hashes=tuple(hashes),
        d=updates.shape[1],
        powers=SRS.powers,
        blocks=2,
        commitments=round_.statement.commitments,
        gram=round_.statement.gram,
        proof=round_.prove(),
        rule_name="clip-nnm-multi-krum",
        f=0,
        weights=(1, 2**35, 0),
        budget=10**18,
        shares=(1, 10**17, 0),
        aggregate_cid="bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
        aggregate_blinders=(5, 6),
    )


BUNDLE = make_bundle()
TEXT = dump_bundle(BUNDLE)


def with_value(path: str, value: Any) -> str:
    document = json.loads(TEXT)
    place = document
    *parents, key = path.split(".")
    for parent in parents:
        place = place[parent]
    place[key] = value
    return json.dumps(document)


def get_value(path: str) -> Any:
    value = json.loads(TEXT)
    for key in path.split("."):
        value = value[key]
    return value


def list_paths(value: dict[str, Any], prefix: str = "") -> list[str]:
    paths = []
    for key, item in value.items():
        paths.append(prefix + key)
        if isinstance(item, dict):
            paths += list_paths(item, f"{prefix}{key}.")
    return paths


PATHS = list_paths(json.loads(TEXT))


def test_a_bundle_round_trips_and_its_proof_verifies() -> None:
    assert parse_bundle(TEXT) == BUNDLE
    assert parse_bundle(TEXT.encode()) == BUNDLE
    verify_bundle_proof(SRS, parse_bundle(TEXT))


def test_a_bundle_has_exactly_the_specified_keys() -> None:
    keys = "version chainId marketplace projectId round trainers commitmentHashes n d N B commitments gram proof rule "
    keys += "weights budget shares aggregateCid aggregateBlinders"
    assert list(json.loads(TEXT)) == keys.split()


def test_the_aggregate_may_be_left_out_as_a_whole() -> None:
    document = json.loads(TEXT)
    del document["aggregateCid"], document["aggregateBlinders"]
    bundle = parse_bundle(json.dumps(document))
    assert (bundle.aggregate_cid, bundle.aggregate_blinders) == (None, None)
    assert parse_bundle(dump_bundle(bundle)) == bundle


@pytest.mark.parametrize("path", ["version", "n", "d", "N", "B", "rule.f"])
def test_a_count_is_a_json_number_and_nothing_else(path: str) -> None:
    with pytest.raises(EvidenceError, match="must be a number"):
        parse_bundle(with_value(path, str(get_value(path))))


def test_addresses_in_lower_case_are_read_and_given_their_checksum() -> None:
    assert parse_bundle(with_value("marketplace", MARKETPLACE.lower())) == BUNDLE


@pytest.mark.parametrize("path", [path for path in PATHS if path != "rule.name"])
@pytest.mark.parametrize("value", [None, True, 1.0, -1, "", "x", "-1", [], {}, [[]], "0x", "0x0", 2**300, "9" * 5000])
def test_a_value_of_another_kind_is_refused(path: str, value: Any) -> None:
    with pytest.raises(EvidenceError):
        parse_bundle(with_value(path, value))


@pytest.mark.parametrize("path", PATHS)
def test_a_missing_key_is_refused(path: str) -> None:
    document = json.loads(TEXT)
    *parents, key = path.split(".")
    del (document[parents[0]] if parents else document)[key]
    with pytest.raises(EvidenceError, match=key):
        parse_bundle(json.dumps(document))


@pytest.mark.parametrize("path", ["extra", "proof.extra", "rule.extra"])
def test_an_unknown_key_is_refused(path: str) -> None:
    with pytest.raises(EvidenceError, match="extra"):
        parse_bundle(with_value(path, "1"))


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(EvidenceError, match="twice"):
        parse_bundle(TEXT.replace('"n": 3,', '"n": 3, "n": 3,'))


@pytest.mark.parametrize("path", [path for path in PATHS if isinstance(get_value(path), list)])
@pytest.mark.parametrize("edit", [lambda x: x[:-1], lambda x: [*x, x[0]]], ids=["short", "long"])
def test_a_list_of_another_length_is_refused(path: str, edit: Callable[[list[Any]], list[Any]]) -> None:
    with pytest.raises(EvidenceError, match="must be a list of"):
        parse_bundle(with_value(path, edit(get_value(path))))


@pytest.mark.parametrize("path", ["commitments", "gram", "proof.M", "proof.S", "proof.W"])
@pytest.mark.parametrize("edit", [lambda x: x[:-2], lambda x: x + "00", lambda x: x[:-1], lambda x: x.upper()])
def test_a_byte_string_has_one_spelling_and_one_length(path: str, edit: Callable[[str], str]) -> None:
    with pytest.raises(EvidenceError):
        parse_bundle(with_value(path, edit(get_value(path))))


@pytest.mark.parametrize("path", ["chainId", "projectId", "round", "budget", "proof.t0", "proof.s", "proof.omega"])
@pytest.mark.parametrize("edit", [lambda x: "0" + x, lambda x: x + " ", lambda x: "+" + x, lambda x: hex(int(x)), int])
def test_an_integer_has_one_spelling(path: str, edit: Callable[[str], Any]) -> None:
    with pytest.raises(EvidenceError):
        parse_bundle(with_value(path, edit(get_value(path))))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("budget", str(2**256)),
        ("proof.t0", "52435875175126190479447740508185965837690552500527637822603658699938581184513"),
        ("version", 2),
        ("n", 0),
        ("B", 0),
        ("n", 2**32),
        ("marketplace", MARKETPLACE.swapcase().replace("0X", "0x")),
        ("marketplace", "0x" + "１" * 40),
        ("chainId", "３１"),
        ("trainers", [TRAINERS[0], TRAINERS[0], TRAINERS[1]]),
        ("rule.name", "Multi Krum"),
        ("rule.name", ""),
        ("rule.name", None),
        ("rule.name", 7),
        ("aggregateCid", "Qm" + "x" * 44),
    ],
)
def test_a_value_outside_its_range_is_refused(path: str, value: Any) -> None:
    with pytest.raises(EvidenceError):
        parse_bundle(with_value(path, value))


@pytest.mark.parametrize(
    "data",
    ["", "{", "[]", "1", "null", "NaN", "[" * 100_000, "1" * 10_000, b"\xff\xfe", "{}", '{"a":' * 50_000],
    ids=lambda data: repr(data[:8]),
)
def test_what_is_not_a_bundle_at_all_is_refused(data: str | bytes) -> None:
    with pytest.raises(EvidenceError):
        parse_bundle(data)


def test_a_file_above_the_size_cap_is_refused_unread() -> None:
    with pytest.raises(EvidenceError, match="at most"):
        parse_bundle(b" " * (64 * 2**20 + 1))


@pytest.mark.parametrize("path", ["chainId", "round", "projectId"])
def test_the_context_is_recomputed_from_the_bundle(path: str) -> None:
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_bundle_proof(SRS, parse_bundle(with_value(path, "7")))


def test_a_proof_over_commitments_that_nobody_submitted_is_refused() -> None:
    with pytest.raises(ProofRejectedError, match="row 0 do not hash"):
        verify_bundle_proof(SRS, make_bundle([Digest(bytes([i]) * 32) for i in range(3)]))
