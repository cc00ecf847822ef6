"""What an aggregator computes from the submissions of a round. Pure: opened submissions in, numbers and bytes out.

Order matters: false openings are found before anything is weighed, because a proof over a vector that does not open its
commitment would not verify, and the whole round would be lost with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import TooManyExclusionsError
from steelyard.gram import (
    GramStatement,
    Srs,
    compute_aggregate_blinders,
    compute_context,
    compute_gram,
    derive_blinders,
    find_false_openings,
    prove_gram,
    prove_shortness,
)
from steelyard.rounds.submission import OpenedSubmission
from steelyard.rules.hints import encode_hints
from steelyard.rules.pay import compute_num_byzantine
from steelyard.rules.registry import Rule
from steelyard.rules.weighing import Weighing
from steelyard.types import Address, ProjectId
from steelyard.updates.aggregate import compute_aggregate


@dataclass(frozen=True, slots=True)
class RoundContext:
    """Where a settlement belongs, and the two project parameters that its arithmetic needs."""

    chain_id: int
    marketplace: Address
    project_id: ProjectId
    round_index: int
    dimension: int
    byzantine_bps: int


@dataclass(frozen=True, slots=True)
class WeighedRound:
    """A round that is ready to be settled."""

    weighing: Weighing
    commitments: bytes
    gram: bytes
    proof: bytes
    hints: bytes
    aggregate: NDArray[np.int64]
    """`A`, shape `(d,)`."""
    blinders: tuple[int, ...]
    """`ρ_A^b`, one per block."""


def find_not_opening(srs: Srs, submissions: Sequence[OpenedSubmission]) -> tuple[OpenedSubmission, ...]:
    """The submissions whose update and seed do not open their commitments. One combined check serves all of them."""
    if not submissions:
        return ()
    false = find_false_openings(
        srs, _stack(submissions), _derive_blinders(srs, submissions), [row.commitments for row in submissions]
    )
    return tuple(submissions[i] for i in false)


def check_exclusions(submitted: int, excluded: int, byzantine_bps: int) -> None:
    """Checks that a round may be settled with this many exclusions.

    Raises:
      TooManyExclusionsError: more than `f` of the submissions are unusable.
      TooFewUpdatesError: fewer than three submissions.
    """
    limit = compute_num_byzantine(submitted, byzantine_bps)
    if excluded > limit:
        raise TooManyExclusionsError(excluded, limit)


def weigh_round(
    srs: Srs,
    rule: Rule,
    context: RoundContext,
    submissions: Sequence[OpenedSubmission],
    report: Callable[[str], None] = lambda _step: None,
) -> WeighedRound:
    """Weighs and proves a round.

    Args:
      srs: the reference string of the project's verifier.
      rule: the project's rule.
      context: where the round belongs.
      submissions: the rows, in the order of submission, for a rooted rule the owner's root last; all of them open
        (`find_not_opening`).
      report: told the name of each step as it begins.

    Raises:
      TooFewUpdatesError: fewer than three trainers' rows.
    """
    updates = _stack(submissions)
    blinders = _derive_blinders(srs, submissions)
    report("Gram matrix")
    gram = compute_gram(updates)
    report("weights")
    f = compute_num_byzantine(len(submissions) - rule.rooted, context.byzantine_bps)
    weighing = rule.weigh(gram, f, context.dimension)
    report("proof")
    statement = GramStatement.make(
        compute_context(
            context.chain_id,
            context.marketplace,
            context.project_id,
            context.round_index,
            [row.trainer for row in submissions],
            [row.commitment_hash for row in submissions],
        ),
        context.dimension,
        [row.commitments for row in submissions],
        gram,
    )
    proof = prove_gram(srs, statement, updates, blinders)
    report("aggregate")
    return WeighedRound(
        weighing=weighing,
        commitments=statement.commitments,
        gram=statement.gram,
        proof=proof.encode(),
        hints=encode_hints(weighing),
        aggregate=compute_aggregate([row.update for row in submissions], weighing.weights),
        blinders=tuple(compute_aggregate_blinders(blinders, weighing.weights)),
    )


def prove_short(srs: Srs, submissions: Sequence[OpenedSubmission]) -> bytes:
    """The encoded proof that the updates of a round are short, to be published with its aggregate."""
    commitments = [row.commitments for row in submissions]
    return prove_shortness(srs, _stack(submissions), _derive_blinders(srs, submissions), commitments).encode()


def _stack(submissions: Sequence[OpenedSubmission]) -> NDArray[np.int16]:
    return np.stack([row.update for row in submissions])


def _derive_blinders(srs: Srs, submissions: Sequence[OpenedSubmission]) -> list[tuple[int, ...]]:
    blocks = srs.count_blocks(submissions[0].update.size)
    return [derive_blinders(row.seed, blocks) for row in submissions]
