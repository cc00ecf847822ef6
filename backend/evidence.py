"""Settled rounds out of the event log: evidence bundles, and explanations of single payments."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.api import schemas
from backend.errors import NotFoundError, NotSettledError
from backend.event_log import decode_event, to_hex
from backend.models import Attempt, Block, Cursor, Event, Project
from backend.queries import find_attempt
from steelyard.chain.events import (
    LoggedEvent,
    RootSubmitted,
    RoundClosed,
    RoundSettled,
    RoundWeighed,
    UpdateSubmitted,
)
from steelyard.gram.evidence import EvidenceBundle
from steelyard.rounds.evidence import build_evidence, weigh_bundle
from steelyard.rounds.explain import explain_payment, render_explanation
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.types import Address, ProjectId

_TELLING = tuple(kind.__name__ for kind in (UpdateSubmitted, RootSubmitted, RoundSettled, RoundWeighed, RoundClosed))


def get_record(session: Session, project_id: str, round_index: int, attempt: int | None) -> SettledRound:
    """A settled attempt at a round: the last, or the one asked for.

    Raises:
      NotFoundError: there is no such round or attempt.
      NotSettledError: there is, and nothing has settled it.
    """
    find_attempt(session, project_id, round_index, attempt)
    query = select(Attempt.attempt).where(
        Attempt.project_id == project_id, Attempt.round == round_index, Attempt.settled_block.is_not(None)
    )
    if attempt is not None:
        query = query.where(Attempt.attempt == attempt)
    settled = session.scalar(query.order_by(Attempt.attempt.desc()).limit(1))
    if settled is None:
        raise NotSettledError(project_id, round_index)
    logged = _get_events(session, project_id, settled)
    return collect_settled_rounds(logged, ProjectId(bytes.fromhex(project_id[2:])))[0]


def get_bundle(session: Session, record: SettledRound) -> EvidenceBundle:
    """The evidence bundle of a settled round (docs/proof.md, section 9)."""
    cursor = session.get_one(Cursor, 1)
    project = session.get_one(Project, to_hex(record.project_id))
    return build_evidence(
        record, cursor.chain_id, Address(cursor.marketplace), project.dimension, project.powers, project.rule_name
    )


def explain(
    session: Session, project_id: str, round_index: int, attempt: int | None, trainer: Address
) -> schemas.Explanation:
    """Why a trainer was paid what it was paid in a round, weighed again from the round's public matrix.

    Raises:
      NotFoundError, NotSettledError: as `get_record`; or the trainer submitted nothing.
    """
    record = get_record(session, project_id, round_index, attempt)
    row = record.get_row(trainer)
    if row is None:
        facts, text = None, [_explain_exclusion(record, trainer)]
    else:
        explanation = explain_payment(weigh_bundle(get_bundle(session, record)), record.budget, row)
        facts, text = explanation.to_json(), list(render_explanation(explanation, record.trainers.__getitem__))
    return schemas.Explanation(
        project_id=project_id,
        round=record.round_index,
        attempt=record.attempt,
        trainer=trainer,
        transaction_hash=to_hex(record.tx_hash),
        facts=facts,
        text=text,
    )


def _explain_exclusion(record: SettledRound, trainer: Address) -> str:
    if trainer not in record.excluded:
        raise NotFoundError("submission", f"of {trainer} to round {record.round_index}, attempt {record.attempt},")
    reason = record.settlement.exclusions[record.excluded.index(trainer)].reason
    name = reason.name.lower().replace("_", " ")
    return f"Outcome: {trainer} was not weighed: the aggregator reported its submission as {name}. It counts as absent."


def _get_events(session: Session, project_id: str, attempt: int) -> list[LoggedEvent]:
    query = (
        select(Event, Block.hash)
        .join(Block, Block.number == Event.block_number)
        .where(Event.project_id == project_id, Event.attempt == attempt, Event.name.in_(_TELLING))
        .order_by(Event.block_number, Event.log_index)
    )
    return [
        LoggedEvent(
            event=decode_event(row),
            block_number=row.block_number,
            log_index=row.log_index,
            tx_hash=bytes.fromhex(row.transaction_hash[2:]),
            block_hash=bytes.fromhex(block_hash[2:]),
        )
        for row, block_hash in session.execute(query)
    ]
