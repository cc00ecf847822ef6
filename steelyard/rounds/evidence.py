"""Checks an evidence bundle from end to end: the proof by `steelyard.gram`, then the arithmetic by `steelyard.rules`.

Order matters. The proof says that the matrix is that of the committed updates; only then do its weights mean anything.
"""

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import MAX_TRAINERS
from steelyard.errors import AggregationError, EvidenceError, MalformedUpdateError, SpecError
from steelyard.gram.evidence import EvidenceBundle, verify_bundle_proof
from steelyard.gram.field import SCALAR_BYTES, decode_scalars
from steelyard.gram.opening import verify_aggregate_opening
from steelyard.gram.proof import GramProof, decode_gram
from steelyard.gram.srs import Srs
from steelyard.rounds.records import SettledRound
from steelyard.rules import Weighing, compute_shares, get_rule
from steelyard.types import Address


def build_evidence(
    record: SettledRound, chain_id: int, marketplace: Address, dimension: int, powers: int, rule_name: str
) -> EvidenceBundle:
    """The evidence bundle of a settled round, as the chain's events tell it.

    Args:
      record: the round.
      chain_id: where it was settled.
      marketplace: the contract that settled it.
      dimension: `d` of the project.
      powers: `N` of the project's verifier.
      rule_name: of the project's rule.

    Raises:
      EvidenceError: the published blinders are no scalars, which the chain does not check.
    """
    settlement = record.settlement
    blocks = len(settlement.blinders) // SCALAR_BYTES
    try:
        blinders = decode_scalars(settlement.blinders)
    except ValueError as error:
        raise EvidenceError(f"the blinders of round {record.round_index}: {error}") from error
    return EvidenceBundle(
        chain_id=chain_id,
        marketplace=marketplace,
        project_id=record.project_id,
        round_index=record.round_index,
        trainers=record.trainers,
        commitment_hashes=record.commitment_hashes,
        d=dimension,
        powers=powers,
        blocks=blocks,
        commitments=settlement.commitments,
        gram=settlement.gram,
        proof=GramProof.decode(settlement.proof, blocks),
        rule_name=rule_name,
        f=record.f,
        weights=record.weights,
        budget=record.budget,
        shares=record.shares,
        aggregate_cid=str(settlement.aggregate_cid),
        aggregate_blinders=blinders,
    )


def verify_evidence(srs: Srs, bundle: EvidenceBundle) -> None:
    """Checks that a bundle's weights and shares are what the committed updates give by its rule.

    Whether the bundle tells of a round that really was settled, only the chain can say: compare its commitment hashes,
    budget and shares with the events.

    Raises:
      ProofRejectedError: the matrix is not proved, or the commitments are not those of the hashes.
      EvidenceError: the rule gives other weights or shares; names the first row that differs.
    """
    verify_bundle_proof(srs, bundle)
    verify_weighing(bundle)


def verify_weighing(bundle: EvidenceBundle) -> None:
    """Checks the arithmetic of a bundle, and takes its matrix for granted.

    Raises:
      EvidenceError: the rule gives other weights or shares; names the first row that differs.
    """
    weighing = weigh_bundle(bundle)
    shares = compute_shares(bundle.budget, weighing.contributions).shares
    _check_rows("weight", bundle.weights, weighing.weights)
    _check_rows("share", bundle.shares, shares)


def weigh_bundle(bundle: EvidenceBundle) -> Weighing:
    """Weighs the matrix of a bundle by the bundle's rule.

    Raises:
      EvidenceError: the rule is unknown, or cannot weigh such a matrix.
    """
    if bundle.n > MAX_TRAINERS:
        raise EvidenceError(f"{bundle.n} rows, a round has {MAX_TRAINERS} at most")
    try:
        gram = decode_gram(bundle.gram, bundle.n)
        return get_rule(bundle.rule_name).weigh(gram, bundle.f, bundle.d)
    except (SpecError, AggregationError, MalformedUpdateError, ValueError) as error:
        raise EvidenceError(f"cannot be weighed: {error}") from error


def verify_bundle_aggregate(srs: Srs, bundle: EvidenceBundle, aggregate: NDArray[np.int64]) -> None:
    """Checks that a downloaded aggregate is the weighted sum of the committed updates (docs/proof.md, section 7).

    Args:
      srs: the reference string.
      bundle: evidence that `verify_evidence` accepted.
      aggregate: `A`, int64, shape `(d,)`.

    Raises:
      EvidenceError: the bundle has no blinders to open the aggregate with.
      CommitmentMismatchError: the aggregate is another.
    """
    if bundle.aggregate_blinders is None:
        raise EvidenceError("the bundle has no `aggregateBlinders`: it is about the proof and the payment alone")
    if aggregate.shape != (bundle.d,):
        raise EvidenceError(f"an aggregate of shape {aggregate.shape}, the round's has {bundle.d:,} entries")
    verify_aggregate_opening(srs, aggregate, bundle.aggregate_blinders, bundle.row_commitments, bundle.weights)


def _check_rows(name: str, claimed: tuple[int, ...], computed: tuple[int, ...]) -> None:
    if len(claimed) != len(computed):
        raise EvidenceError(f"{len(claimed)} {name}s for {len(computed)} rows")
    for row, (claim, value) in enumerate(zip(claimed, computed, strict=True)):
        if claim != value:
            raise EvidenceError(f"the {name} of row {row} is {value}, the bundle says {claim}")
