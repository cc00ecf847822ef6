"""What the routes read: rows in, public schemas out. One consistent snapshot a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from backend.api import schemas
from backend.errors import NotFoundError
from backend.event_log import decode_event, to_primitive
from backend.models import (
    Account,
    Aggregator,
    Attempt,
    Balance,
    Block,
    Cursor,
    Event,
    Member,
    Project,
    Reader,
    Submission,
)
from backend.paging import PageOf, PageRequest, fetch_page
from backend.round_status import get_round_status
from steelyard.chain.events import Claimed, Credited, ReputationUpdated
from steelyard.chain.records import ProjectStatus, RoundOutcome
from steelyard.constants import INITIAL_REPUTATION

S = TypeVar("S", bound=schemas.Schema)

_EVENT_ORDER = (Event.block_number, Event.log_index)


@dataclass(frozen=True, slots=True)
class ProjectFilter:
    """Which projects to list; None is any."""

    status: ProjectStatus | None = None
    owner: str | None = None
    token: str | None = None


def get_chain_time(session: Session) -> int:
    """Time of the newest block applied, in Unix seconds; 0 before the first."""
    query = select(Block.timestamp).join(Cursor, Cursor.block_number == Block.number)
    return session.scalar(query) or 0


# ------------------------------------------------------------------------------------------------- projects


def list_projects(session: Session, wanted: ProjectFilter, request: PageRequest) -> PageOf[schemas.ProjectSummary]:
    """Projects, the newest first."""
    query = select(Project)
    for column, value in (
        (Project.status, wanted.status),
        (Project.owner, wanted.owner),
        (Project.token, wanted.token),
    ):
        if value is not None:
            query = query.where(column == value)
    page = fetch_page(session, query, (Project.created_block, Project.created_log), request, newest_first=True)
    return page.map(schemas.ProjectSummary.model_validate)


def get_project(session: Session, project_id: str) -> schemas.ProjectDetail:
    """One project with its members and readers.

    Raises:
      NotFoundError: there is none of this id.
    """
    project = _find_project(session, project_id)
    members = session.scalars(select(Member).where(Member.project_id == project_id).order_by(Member.slot)).all()
    readers = session.scalars(select(Reader).where(Reader.project_id == project_id).order_by(Reader.reader)).all()
    return _describe(
        schemas.ProjectDetail,
        project,
        members=[schemas.Member.model_validate(row) for row in members],
        readers=[schemas.Reader.model_validate(row) for row in readers],
    )


def list_events(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.ChainEvent]:
    """A project's events, the oldest first."""
    _find_project(session, project_id)
    query = select(Event).where(Event.project_id == project_id)
    page = fetch_page(session, query, _EVENT_ORDER, request)
    blocks = _get_blocks(session, page.items)
    return page.map(lambda row: describe_event(row, blocks[row.block_number]))


# ------------------------------------------------------------------------------------------------- rounds


def list_rounds(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.RoundSummary]:
    """All attempts at a project's rounds, the oldest first."""
    project, now = _find_project(session, project_id), get_chain_time(session)
    query = select(Attempt).where(Attempt.project_id == project_id)
    page = fetch_page(session, query, (Attempt.attempt,), request)
    return page.map(lambda row: _describe(schemas.RoundSummary, row, **_describe_status(row, project, now)))


def get_round(session: Session, project_id: str, round_index: int, attempt: int | None) -> schemas.RoundDetail:
    """One attempt at a round with its submissions: the last, or the one asked for.

    Raises:
      NotFoundError: there is no such project, round or attempt.
    """
    project, now = _find_project(session, project_id), get_chain_time(session)
    row = find_attempt(session, project_id, round_index, attempt)
    everything = select(Submission).where(Submission.project_id == project_id, Submission.attempt == row.attempt)
    entries = session.scalars(everything.order_by(Submission.position)).all()
    siblings = select(Attempt.attempt).where(Attempt.project_id == project_id, Attempt.round == round_index)
    return _describe(
        schemas.RoundDetail,
        row,
        **_describe_status(row, project, now),
        entries=[schemas.Submission.model_validate(entry) for entry in entries],
        attempts=list(session.scalars(siblings.order_by(Attempt.attempt))),
    )


def find_attempt(session: Session, project_id: str, round_index: int, attempt: int | None) -> Attempt:
    """The last attempt at a round, or the one asked for.

    Raises:
      NotFoundError: there is none.
    """
    query = select(Attempt).where(Attempt.project_id == project_id, Attempt.round == round_index)
    if attempt is not None:
        query = query.where(Attempt.attempt == attempt)
    found = session.scalar(query.order_by(Attempt.attempt.desc()).limit(1))
    if found is None:
        which = "" if attempt is None else f", attempt {attempt},"
        raise NotFoundError("round", f"{round_index}{which} of project {project_id}")
    return found


# ------------------------------------------------------------------------------------------------- accounts


def get_trainer(session: Session, address: str, limit: int) -> schemas.TrainerDetail:
    """An account across all projects.

    Raises:
      NotFoundError: no event was ever about it.
    """
    account = session.get(Account, address)
    balances = session.scalars(select(Balance).where(Balance.account == address).order_by(Balance.token)).all()
    if account is None and not balances:
        raise NotFoundError("account", address)
    query = _select_account_events(address, ReputationUpdated.__name__)
    changes = fetch_page(session, query, _EVENT_ORDER, PageRequest(limit), newest_first=True).items
    blocks = _get_blocks(session, changes)
    joined = select(Member, Project).join(Project, Project.id == Member.project_id).where(Member.trainer == address)
    newest = joined.order_by(Project.created_block.desc(), Project.created_log.desc()).limit(limit)
    return schemas.TrainerDetail(
        address=address,
        key=account.key if account else None,
        hybrid_digest=account.hybrid_digest if account else None,
        reputation_bps=account.reputation_bps if account else INITIAL_REPUTATION,
        balances=[_describe(schemas.Balance, row, claimable=row.credited - row.claimed) for row in balances],
        projects=[
            _describe(schemas.Membership, member, token=project.token) for member, project in session.execute(newest)
        ],
        reputation=[_describe_change(row, blocks[row.block_number]) for row in changes],
    )


def list_payments(session: Session, address: str, request: PageRequest) -> PageOf[schemas.Payment]:
    """What an account earned, was refunded and claimed, the newest first.

    Raises:
      NotFoundError: no event was ever about the account.
    """
    known = select(Balance.account).where(Balance.account == address).limit(1)
    if session.get(Account, address) is None and session.scalar(known) is None:
        raise NotFoundError("account", address)
    query = _select_account_events(address, Credited.__name__, Claimed.__name__)
    page = fetch_page(session, query, _EVENT_ORDER, request, newest_first=True)
    blocks = _get_blocks(session, page.items)
    return page.map(lambda row: _describe_payment(row, blocks[row.block_number]))


def list_aggregators(session: Session, token: str | None, request: PageRequest) -> PageOf[schemas.AggregatorDetail]:
    """Offers, the newest first, those taken back included, with each aggregator's record."""
    query = select(Aggregator)
    if token is not None:
        query = query.where(Aggregator.token == token)
    page = fetch_page(session, query, (Aggregator.offered_block, Aggregator.offered_log), request, newest_first=True)
    counted = select(Attempt.aggregator, Attempt.outcome, func.count()).group_by(Attempt.aggregator, Attempt.outcome)
    records: dict[str, dict[str, int]] = {row.account: {} for row in page.items}
    for account, outcome, count in session.execute(counted.where(Attempt.aggregator.in_(list(records)))):
        records[account]["open" if outcome is RoundOutcome.NONE else outcome.name.lower()] = count
    return page.map(lambda row: _describe(schemas.AggregatorDetail, row, record=records[row.account]))


# ------------------------------------------------------------------------------------------------- events


def list_events_after(
    session: Session, project_id: str | None, place: tuple[int, int], limit: int
) -> list[schemas.ChainEvent]:
    """Events after a place in the chain, of one project or of all, the oldest first."""
    query = select(Event).where(tuple_(*_EVENT_ORDER) > place)
    if project_id is not None:
        query = query.where(Event.project_id == project_id)
    rows = session.scalars(query.order_by(*_EVENT_ORDER).limit(limit)).all()
    blocks = _get_blocks(session, rows)
    return [describe_event(row, blocks[row.block_number]) for row in rows]


def describe_event(row: Event, block: Block) -> schemas.ChainEvent:
    """An event as the API shows it."""
    return _describe(
        schemas.ChainEvent,
        row,
        block_hash=block.hash,
        timestamp=block.timestamp,
        arguments=to_primitive(decode_event(row)),
    )


# ------------------------------------------------------------------------------------------------- helpers


def _find_project(session: Session, project_id: str) -> Project:
    project = session.get(Project, project_id)
    if project is None:
        raise NotFoundError("project", project_id)
    return project


def _select_account_events(address: str, *names: str) -> Select[Event]:
    return select(Event).where(Event.account == address, Event.name.in_(names))


def _get_blocks(session: Session, rows: Sequence[Event]) -> dict[int, Block]:
    numbers = {row.block_number for row in rows}
    return {block.number: block for block in session.scalars(select(Block).where(Block.number.in_(numbers)))}


def _describe(schema: type[S], row: object, **beside: object) -> S:
    """A schema from a row's attributes and what the row does not have."""
    fields = schema.model_fields
    sources = {name: str(field.validation_alias or name) for name, field in fields.items() if name not in beside}
    return schema.model_validate({alias: getattr(row, alias) for alias in sources.values()} | beside)


def _describe_status(attempt: Attempt, project: Project, now: int) -> dict[str, Any]:
    state, outcome = get_round_status(attempt, project, now)
    return {"state": state, "outcome": outcome}


def _describe_change(row: Event, block: Block) -> schemas.ReputationChange:
    event = decode_event(row)
    assert isinstance(event, ReputationUpdated)  # noqa: S101 - selected by name
    return _describe(
        schemas.ReputationChange, row, previous=event.previous, current=event.current, timestamp=block.timestamp
    )


def _describe_payment(row: Event, block: Block) -> schemas.Payment:
    event = decode_event(row)
    assert isinstance(event, Credited | Claimed)  # noqa: S101 - selected by name
    return _describe(
        schemas.Payment,
        row,
        kind=event.kind.name.lower() if isinstance(event, Credited) else "claim",
        token=event.token,
        amount=event.amount,
        recipient=event.recipient if isinstance(event, Claimed) else None,
        timestamp=block.timestamp,
    )
