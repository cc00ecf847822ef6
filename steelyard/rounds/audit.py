"""Checks a settled round from the chain's events and the blob store alone, without trusting whoever settled it."""

from dataclasses import dataclass

from steelyard.errors import EvidenceError
from steelyard.gram import EvidenceBundle, Srs
from steelyard.rounds.access import PLAIN, Access
from steelyard.rounds.evidence import build_evidence, verify_evidence
from steelyard.rounds.global_model import (
    GlobalModel,
    advance,
    compute_model_cid,
    fetch_aggregate,
    reweigh,
    verify_published_model,
)
from steelyard.rounds.records import SettledRound
from steelyard.rules.registry import Rule
from steelyard.spec import ProjectSpec
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid


@dataclass(frozen=True, slots=True)
class Audit:
    """A round that was found right, and the model that it led to."""

    bundle: EvidenceBundle
    model: GlobalModel
    model_cid: Cid


def audit_payment(
    record: SettledRound, chain_id: int, marketplace: Address, dimension: int, srs: Srs, rule: Rule
) -> EvidenceBundle:
    """Checks proof, weights, contributions, strikes and shares of a round. Needs no storage.

    Returns:
      The round's evidence bundle.

    Raises:
      ProofRejectedError: the matrix is not proved.
      EvidenceError: a weight, contribution, strike or share on chain is not what the rule gives.
    """
    bundle = build_evidence(record, chain_id, marketplace, dimension, srs.powers, rule.name)
    verify_evidence(srs, bundle)
    weighing = reweigh(rule, dimension, record)
    strikes = sum(1 << row for row in weighing.opposed)
    if strikes != record.opposed:
        raise EvidenceError(f"round {record.round_index}: strikes {record.opposed:b}, the rule gives {strikes:b}")
    return bundle


def audit_round(
    record: SettledRound,
    model: GlobalModel,
    chain_id: int,
    marketplace: Address,
    store: BlobStore,
    srs: Srs,
    rule: Rule,
    spec: ProjectSpec,
    access: Access = PLAIN,
) -> Audit:
    """Checks everything about a round: payment, aggregate and published model.

    Args:
      record: the round.
      model: the one that it started from (`sync_global_model`).
      chain_id: where it was settled.
      marketplace: the contract that settled it.
      store: where its aggregate is.
      srs: the reference string of its verifier.
      rule: the project's.
      spec: the project's.
      access: how to read it, if it is confidential.

    Raises:
      AccessError: it is, and `access` has no key to it.
      VerificationError: as `audit_payment`, `fetch_aggregate` and `verify_published_model`.
      StorageError: the aggregate is not to be had.
    """
    bundle = audit_payment(record, chain_id, marketplace, spec.model.dimension, srs, rule)
    aggregate = fetch_aggregate(store, srs, spec, record, access)
    following = advance(model, record, aggregate, rule, spec)
    verify_published_model(following, aggregate, spec, access)
    return Audit(bundle, following, compute_model_cid(following, spec, access))
