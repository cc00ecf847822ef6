from dataclasses import replace
from typing import Any

import pytest

from steelyard.errors import EvidenceError, ProofRejectedError
from steelyard.gram import dump_bundle, parse_bundle
from steelyard.models.initial import compute_initial_parameters
from steelyard.rounds.audit import audit_payment, audit_round
from steelyard.rounds.evidence import verify_evidence
from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.rules.registry import DEFAULT_RULE
from tests.rounds_kit import CHAIN_ID, MARKETPLACE, PROJECT, Kit, make_spec, make_store, play_round


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.make(n=5)


@pytest.fixture(scope="module")
def record(kit: Kit) -> SettledRound:
    initial = compute_initial_parameters(make_spec().model, seed=1)
    spec = make_spec(initial)
    played = play_round(kit, make_store(initial, spec), GlobalModel(0, initial), spec)
    return collect_settled_rounds(played.events, PROJECT)[0]


def audit(kit: Kit, record: SettledRound) -> str:
    return dump_bundle(audit_payment(record, CHAIN_ID, MARKETPLACE, kit.dimension, kit.srs, DEFAULT_RULE))


def test_an_honest_round_passes_from_end_to_end(kit: Kit) -> None:
    initial = compute_initial_parameters(make_spec().model, seed=1)
    spec = make_spec(initial)
    store = make_store(initial, spec)
    start = GlobalModel(0, initial)
    played = play_round(kit, store, start, spec)
    record = collect_settled_rounds(played.events, PROJECT)[0]

    result = audit_round(record, start, CHAIN_ID, MARKETPLACE, store, kit.srs, DEFAULT_RULE, spec)

    assert result.model.parameters.tobytes() == played.model.parameters.tobytes()
    assert result.model_cid == played.aggregate.next_model


def test_the_bundle_survives_its_file(kit: Kit, record: SettledRound) -> None:
    verify_evidence(kit.srs, parse_bundle(audit(kit, record)))


def test_another_round_number_is_rejected(kit: Kit, record: SettledRound) -> None:
    with pytest.raises(ProofRejectedError):
        audit(kit, replace(record, round_index=1))


@pytest.mark.parametrize(
    "field",
    ["weights", "contributions", "shares"],
)
def test_a_figure_of_the_chain_that_the_rule_does_not_give_is_found(kit: Kit, record: SettledRound, field: str) -> None:
    values: tuple[int, ...] = getattr(record, field)
    wrong: dict[str, Any] = {field: (values[0] + 1, *values[1:])}
    with pytest.raises(EvidenceError):
        audit(kit, replace(record, **wrong))


def test_blinders_that_are_no_scalars_are_found(kit: Kit, record: SettledRound) -> None:
    settlement = replace(record.settlement, blinders=b"\xff" * 32)
    with pytest.raises(EvidenceError, match="blinders"):
        audit(kit, replace(record, settlement=settlement))


def test_a_strike_that_the_rule_does_not_give_is_found(kit: Kit, record: SettledRound) -> None:
    with pytest.raises(EvidenceError, match="strikes"):
        audit(kit, replace(record, opposed=record.opposed ^ 1))
