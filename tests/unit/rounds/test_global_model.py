from dataclasses import replace

import numpy as np
import pytest

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    CommitmentMismatchError,
    EvidenceError,
    PayloadError,
    ProofRejectedError,
)
from steelyard.models.initial import compute_initial_parameters
from steelyard.rounds.global_model import (
    GlobalModel,
    advance,
    compute_model_cid,
    fetch_aggregate,
    fetch_initial_model,
    sync_global_model,
    verify_published_model,
)
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.spec import ProjectSpec
from steelyard.storage import MemoryBlobStore
from steelyard.types import Cid, Codec
from steelyard.updates.aggregate import encode_aggregate
from tests.rounds_kit import PROJECT, Kit, PlayedRound, make_spec, make_store, play_round


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.make(n=5)


@pytest.fixture(scope="module")
def initial() -> GlobalModel:
    return GlobalModel(0, compute_initial_parameters(make_spec().model, seed=1))


@pytest.fixture(scope="module")
def spec(initial: GlobalModel) -> ProjectSpec:
    return make_spec(initial.parameters)


@pytest.fixture
def store(initial: GlobalModel, spec: ProjectSpec) -> MemoryBlobStore:
    return make_store(initial.parameters, spec)


def get_record(played: PlayedRound) -> SettledRound:
    (record,) = collect_settled_rounds(played.events, PROJECT)
    return record


def test_two_rounds_are_replayed_to_the_bit(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    first = play_round(kit, store, initial, spec, attempt=1)
    second = play_round(kit, store, first.model, spec, attempt=2)
    records = collect_settled_rounds([*first.events, *second.events], PROJECT)

    replayed = sync_global_model(fetch_initial_model(store, spec), records, store, kit.srs, DEFAULT_RULE, spec)

    assert replayed.round_index == 2
    assert replayed.parameters.tobytes() == second.model.parameters.tobytes()
    assert not np.array_equal(replayed.parameters, initial.parameters)
    verify_published_model(replayed, second.aggregate, spec)


def test_rounds_already_seen_are_skipped(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    played = play_round(kit, store, initial, spec)
    again = sync_global_model(played.model, [get_record(played)], store, kit.srs, DEFAULT_RULE, spec)
    assert again is played.model


def test_an_aggregate_that_is_not_the_weighted_sum_is_refused(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    played = play_round(kit, store, initial, spec)
    played.aggregate.vector[5] += 1
    cid = store.put(encode_aggregate(played.aggregate))
    record = get_record(played)
    lying = replace(record, settlement=replace(record.settlement, aggregate_cid=cid))

    with pytest.raises(CommitmentMismatchError):
        fetch_aggregate(store, kit.srs, spec, lying)


def test_blinders_other_than_those_on_chain_are_refused(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    record = get_record(play_round(kit, store, initial, spec))
    lying = replace(record, settlement=replace(record.settlement, blinders=bytes(32)))

    with pytest.raises(CommitmentMismatchError):
        fetch_aggregate(store, kit.srs, spec, lying)


@pytest.mark.parametrize("shortness", ["required", "none"])
def test_shortness_is_shown_exactly_where_the_project_asks_for_it(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec, shortness: str
) -> None:
    asking = spec.model_copy(update={"shortness": shortness})
    other = spec.model_copy(update={"shortness": "none" if shortness == "required" else "required"})
    record = get_record(play_round(kit, store, initial, asking))

    assert (fetch_aggregate(store, kit.srs, asking, record).shortness == b"") is (shortness == "none")
    with pytest.raises((PayloadError, BlobTooLargeError)):
        fetch_aggregate(store, kit.srs, other, record)


def test_a_false_proof_of_shortness_is_refused(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    """For instance that of another round."""
    first, second = play_round(kit, store, initial, spec), play_round(kit, store, initial, spec)
    cid = store.put(encode_aggregate(replace(second.aggregate, shortness=first.aggregate.shortness)))
    record = get_record(second)
    lying = replace(record, settlement=replace(record.settlement, aggregate_cid=cid))

    with pytest.raises(ProofRejectedError, match="pairing"):
        fetch_aggregate(store, kit.srs, spec, lying)


def test_a_missing_aggregate_is_a_storage_error(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    record = get_record(play_round(kit, store, initial, spec))
    absent = replace(record, settlement=replace(record.settlement, aggregate_cid=Cid(Codec.RAW, bytes(32))))

    with pytest.raises(BlobNotFoundError):
        fetch_aggregate(store, kit.srs, spec, absent)


def test_another_published_model_is_found_out_and_does_not_stop_us(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    played = play_round(kit, store, initial, spec)
    lying = replace(played.aggregate, next_model=compute_model_cid(initial, spec))
    following = advance(initial, get_record(played), lying, DEFAULT_RULE, spec)

    assert following.parameters.tobytes() == played.model.parameters.tobytes()
    with pytest.raises(BlobMismatchError):
        verify_published_model(following, lying, spec)


def test_weights_other_than_the_rules_are_refused(
    kit: Kit, store: MemoryBlobStore, initial: GlobalModel, spec: ProjectSpec
) -> None:
    played = play_round(kit, store, initial, spec)
    record = get_record(played)
    lying = replace(record, weights=(record.weights[0] + 1, *record.weights[1:]))

    with pytest.raises(EvidenceError):
        advance(initial, lying, played.aggregate, DEFAULT_RULE, spec)
