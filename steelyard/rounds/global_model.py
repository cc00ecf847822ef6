"""The global model, recomputed from what was committed to rather than taken from whoever publishes it.

The model of round `k` is the initial model moved by the aggregate of every final round before `k`. Each aggregate has
to open the commitment that follows from the round's commitments and weights (docs/proof.md, section 7), and the weights
have to be those that the rule gives for the round's `G`. The file that the aggregator published is only compared: a
trainer that finds another model there objects, and goes on with its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import AccessError, BlobMismatchError, CommitmentMismatchError, EvidenceError
from steelyard.gram import (
    ShortnessProof,
    Srs,
    decode_gram,
    shortness_length,
    verify_aggregate_opening,
    verify_shortness,
)
from steelyard.models.safetensors_io import decode_model, encode_model, max_model_bytes
from steelyard.rounds.access import PLAIN, Access
from steelyard.rounds.records import SettledRound
from steelyard.rules.registry import Rule
from steelyard.rules.weighing import Weighing
from steelyard.spec import ProjectSpec
from steelyard.storage import BlobStore, compute_cid
from steelyard.types import Cid, ParameterVector
from steelyard.updates.aggregate import Aggregate, compute_next_parameters, decode_aggregate, max_aggregate_bytes


@dataclass(frozen=True, slots=True, eq=False)
class GlobalModel:
    """The parameters that round `round_index` starts from: shape `(d,)`, float32, in canonical order."""

    round_index: int
    parameters: ParameterVector


def fetch_initial_model(store: BlobStore, spec: ProjectSpec, access: Access = PLAIN) -> GlobalModel:
    """The model of round 0.

    Raises:
      StorageError: the store does not hand it out.
      BlobMismatchError, MalformedModelError, PayloadError: what it hands out is something else.
      AccessError: the project is confidential, and `access` has no key to it.
    """
    return _fetch_model(store, spec, spec.initial_model, 0, access)


def fetch_published_model(
    store: BlobStore, srs: Srs, spec: ProjectSpec, record: SettledRound, access: Access = PLAIN
) -> GlobalModel:
    """The model that a final round's aggregator published, as more than half of those whom it paid found it right.

    Raises:
      StorageError, VerificationError, AccessError: as `fetch_aggregate` and `fetch_initial_model`.
    """
    aggregate = fetch_aggregate(store, srs, spec, record, access)
    return _fetch_model(store, spec, aggregate.next_model, record.round_index + 1, access)


def _fetch_model(store: BlobStore, spec: ProjectSpec, cid: Cid, round_index: int, access: Access) -> GlobalModel:
    _require_access(spec, access)
    shapes = spec.model.shapes
    blob = store.get(cid, max_model_bytes(shapes) + access.content_overhead)
    return GlobalModel(round_index, decode_model(access.open_model(round_index, blob), shapes))


def _require_access(spec: ProjectSpec, access: Access) -> None:
    if spec.confidential and access is PLAIN:
        error = AccessError("this project is confidential: its models and aggregates need a key")
        error.hint = "Name the keystore of somebody who may read it."
        raise error


def fetch_aggregate(
    store: BlobStore, srs: Srs, spec: ProjectSpec, record: SettledRound, access: Access = PLAIN
) -> Aggregate:
    """The aggregate that a settled round published: opens its commitment, and shows shortness if the project asks so.

    Raises:
      AccessError: the project is confidential, and `access` has no key to it.
      StorageError: the store does not hand it out.
      BlobMismatchError, PayloadError: what it hands out is something else, or malformed.
      CommitmentMismatchError: it is not the weighted sum of what the trainers committed to, or its blinders are not
        those on chain.
      ProofRejectedError: the committed vectors are not shown to be short.
    """
    dimension, blocks = spec.model.dimension, srs.count_blocks(spec.model.dimension)
    rows = record.n * blocks
    sizes = (dimension, blocks, shortness_length(srs.payload, rows) if spec.shortness == "required" else 0)
    _require_access(spec, access)
    blob = store.get(record.settlement.aggregate_cid, max_aggregate_bytes(*sizes) + access.aggregate_overhead)
    aggregate = decode_aggregate(access.open_aggregate(record.round_index + 1, blob), *sizes)
    subject = f"the aggregate of round {record.round_index}"
    if b"".join(blinder.to_bytes(32, "big") for blinder in aggregate.blinders) != record.settlement.blinders:
        raise CommitmentMismatchError(f"{subject} with blinders other than those on chain")
    verify_aggregate_opening(srs, aggregate.vector, aggregate.blinders, record.commitments, record.weights)
    if spec.shortness == "required":
        proof = ShortnessProof.decode(aggregate.shortness, srs.payload, rows)
        verify_shortness(srs, dimension, record.commitments, proof)
    return aggregate


def reweigh(rule: Rule, dimension: int, record: SettledRound) -> Weighing:
    """Weighs a settled round again from its public `G`.

    Raises:
      EvidenceError: the chain's weights or contributions are not what the rule gives.
    """
    weighing = rule.weigh(decode_gram(record.settlement.gram, record.n), record.f, dimension)
    if weighing.weights != record.weights or weighing.contributions != record.contributions:
        raise EvidenceError(f"round {record.round_index}: `{rule.name}` gives other weights than the chain's")
    return weighing


def advance(
    model: GlobalModel, record: SettledRound, aggregate: Aggregate, rule: Rule, spec: ProjectSpec
) -> GlobalModel:
    """The model after a settled round: moved by `A / (Z · scale)`, with `Z` from weighing the round again.

    Raises:
      EvidenceError: the round's weights are not the rule's.
    """
    if record.round_index != model.round_index:
        raise ValueError(f"round {record.round_index} does not follow on the model of round {model.round_index}")
    weighing = reweigh(rule, spec.model.dimension, record)
    return move(model, aggregate.vector, weighing.normaliser, spec)


def move(model: GlobalModel, aggregate: NDArray[np.int64], normaliser: int, spec: ProjectSpec) -> GlobalModel:
    """The model moved by `A / (Z · scale)`. `aggregate` has shape `(d,)`."""
    parameters = compute_next_parameters(model.parameters, aggregate, normaliser, spec.quantisation.scale)
    return GlobalModel(model.round_index + 1, parameters)


def verify_published_model(model: GlobalModel, aggregate: Aggregate, spec: ProjectSpec, access: Access = PLAIN) -> None:
    """Checks that the model which an aggregate names is `model`, byte for byte.

    Raises:
      BlobMismatchError: it is another one.
    """
    expected = compute_model_cid(model, spec, access)
    if aggregate.next_model != expected:
        raise BlobMismatchError(str(aggregate.next_model), str(expected))


def compute_model_cid(model: GlobalModel, spec: ProjectSpec, access: Access = PLAIN) -> Cid:
    """The identifier of the model as it is published."""
    return compute_cid(encode_published_model(model, spec, access))


def encode_published_model(model: GlobalModel, spec: ProjectSpec, access: Access = PLAIN) -> bytes:
    """The model as it is published: its file, sealed where the project is confidential.

    Raises:
      AccessError: the aggregate that led to it was not opened with `access`.
    """
    return access.seal_model(model.round_index, encode_model(model.parameters, spec.model.shapes))


def sync_global_model(
    model: GlobalModel,
    final_rounds: Iterable[SettledRound],
    store: BlobStore,
    srs: Srs,
    rule: Rule,
    spec: ProjectSpec,
    access: Access = PLAIN,
) -> GlobalModel:
    """Brings a model up to date with the final rounds that it has not seen.

    Raises:
      StorageError, VerificationError, AccessError: as `fetch_aggregate` and `advance`.
    """
    for record in final_rounds:
        if record.round_index >= model.round_index:
            aggregate = fetch_aggregate(store, srs, spec, record, access)
            model = advance(model, record, aggregate, rule, spec)
    return model
