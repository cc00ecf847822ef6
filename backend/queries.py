"""What the routes read: rows in, public schemas out. One consistent snapshot a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, func, or_, select, tuple_
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
    Payment,
    Project,
    Reader,
    ReputationChange,
    Submission,
)
from backend.paging import PageOf, PageRequest, fetch_page
from backend.round_status import get_round_status
from backend.specs import Spec, find_spec, fold
from steelyard.chain.records import ProjectStatus, RoundOutcome
from steelyard.constants import BPS, INITIAL_REPUTATION

S = TypeVar("S", bound=schemas.Schema)

_EVENT_ORDER = (Event.block_number, Event.log_index)


@dataclass(frozen=True, slots=True)
class ProjectFilter:
    """Which projects to list; None is any."""

    status: ProjectStatus | None = None
    owner: str | None = None
    token: str | None = None
    trainer: str | None = None
    text: str | None = None
    dimension: tuple[int | None, int | None] = (None, None)
    stake: tuple[int | None, int | None] = (None, None)

    def select(self) -> Select[Project]:
        """The projects that match all of it. Ranges include both ends."""
        query = select(Project)
        for column, value in (
            (Project.status, self.status),
            (Project.owner, self.owner),
            (Project.token, self.token),
        ):
            if value is not None:
                query = query.where(column == value)
        for bounded, (least, most) in ((Project.dimension, self.dimension), (Project.min_stake, self.stake)):
            if least is not None:
                query = query.where(bounded >= least)
            if most is not None:
                query = query.where(bounded <= most)
        if self.trainer is not None:
            query = query.where(Project.id.in_(select(Member.project_id).where(Member.trainer == self.trainer)))
        if self.text is not None:
            lowered = self.text.lower()
            begun = (Project.id, func.lower(Project.owner), Project.spec_cid)
            found = (column.startswith(lowered, autoescape=True) for column in begun)
            titled = select(Spec.cid).where(Spec.folded_title.contains(fold(self.text), autoescape=True))
            named = Project.rule_name.contains(lowered, autoescape=True)
            query = query.where(or_(*found, named, Project.spec_cid.in_(titled)))
        return query


def compute_entity_tag(session: Session, version: str) -> str | None:
    """Names what a snapshot answers: the chain up to a block, the specifications read, and this program.

    None before the first block.
    """
    specs = select(func.max(Spec.id)).scalar_subquery()
    row = session.execute(select(Cursor.block_hash, specs).where(Cursor.id == 1)).first()
    return None if row is None else f'W/"{version}-{row[0][2:34]}-{row[1] or 0}"'


def get_chain_time(session: Session) -> int:
    """Time of the newest block applied, in Unix seconds; 0 before the first."""
    query = select(Block.timestamp).join(Cursor, Cursor.block_number == Block.number)
    return session.scalar(query) or 0


# ------------------------------------------------------------------------------------------------- projects


def list_projects(session: Session, wanted: ProjectFilter, request: PageRequest) -> PageOf[schemas.ProjectSummary]:
    """Projects, the newest first."""
    page = fetch_page(
        session, wanted.select(), (Project.created_block, Project.created_log), request, newest_first=True
    )
    titles = _get_titles(session, page.items)
    return page.map(lambda row: _describe(schemas.ProjectSummary, row, title=titles.get(row.spec_cid)))


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
        title=_get_titles(session, [project]).get(project.spec_cid),
        members=[_describe(schemas.Member, row, **_describe_penalties(row, project)) for row in members],
        readers=[schemas.Reader.model_validate(row) for row in readers],
    )


def get_spec_text(session: Session, project_id: str) -> tuple[str, str]:
    """CID and canonical JSON of a project's specification.

    Raises:
      NotFoundError: there is no such project, or no specification has been found behind its CID.
    """
    cid = _find_project(session, project_id).spec_cid
    spec = find_spec(session, cid)
    if spec is None or spec.text is None:
        raise NotFoundError("specification", cid)
    return cid, spec.text


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


def list_shares(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.RoundShares]:
    """Weights and shares of a project's settled attempts, the oldest first."""
    _find_project(session, project_id)
    settled = select(Attempt).where(Attempt.project_id == project_id, Attempt.settled_block.is_not(None))
    page = fetch_page(session, settled, (Attempt.attempt,), request)
    wanted = [attempt.attempt for attempt in page.items]
    weighed = select(Submission).where(
        Submission.project_id == project_id, Submission.attempt.in_(wanted), Submission.share.is_not(None)
    )
    rows: dict[int, list[schemas.RowShare]] = {attempt: [] for attempt in wanted}
    for submission in session.scalars(weighed.order_by(Submission.attempt, Submission.position)):
        rows[submission.attempt].append(schemas.RowShare.model_validate(submission))
    return page.map(lambda attempt: _describe(schemas.RoundShares, attempt, rows=rows[attempt.attempt]))


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
    query = select(ReputationChange).where(ReputationChange.trainer == address)
    key = (ReputationChange.block_number, ReputationChange.log_index)
    changes = fetch_page(session, query, key, PageRequest(limit), newest_first=True).items
    blocks = _get_blocks(session, changes)
    joined = select(Member, Project).join(Project, Project.id == Member.project_id).where(Member.trainer == address)
    newest = joined.order_by(Project.created_block.desc(), Project.created_log.desc()).limit(limit)
    joined_rows = session.execute(newest).all()
    titles = _get_titles(session, [project for _, project in joined_rows])
    return schemas.TrainerDetail(
        address=address,
        key=account.key if account else None,
        hybrid_digest=account.hybrid_digest if account else None,
        reputation_bps=account.reputation_bps if account else INITIAL_REPUTATION,
        balances=[_describe(schemas.Balance, row, claimable=row.credited - row.claimed) for row in balances],
        projects=[
            _describe(
                schemas.Membership,
                member,
                title=titles.get(project.spec_cid),
                state=project.status,
                token=project.token,
                **_describe_penalties(member, project),
            )
            for member, project in joined_rows
        ],
        reputation=[
            _describe(schemas.ReputationChange, row, timestamp=blocks[row.block_number].timestamp) for row in changes
        ],
    )


def list_payments(session: Session, address: str, request: PageRequest) -> PageOf[schemas.Payment]:
    """What an account earned, was refunded and claimed, the newest first.

    Raises:
      NotFoundError: no event was ever about the account.
    """
    known = select(Balance.account).where(Balance.account == address).limit(1)
    if session.get(Account, address) is None and session.scalar(known) is None:
        raise NotFoundError("account", address)
    query = select(Payment).where(Payment.account == address)
    return _fetch_payments(session, query, request)


def list_project_payments(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.Payment]:
    """All credits of a project, the newest first. Claims are of accounts, not of projects."""
    _find_project(session, project_id)
    return _fetch_payments(session, select(Payment).where(Payment.project_id == project_id), request)


def get_aggregator(session: Session, address: str, limit: int) -> schemas.AggregatorHistory:
    """An aggregator's offers, record, money and newest attempts.

    Raises:
      NotFoundError: it never made an offer and never served.
    """
    offers = session.scalars(select(Aggregator).where(Aggregator.account == address).order_by(Aggregator.token)).all()
    joined = select(Attempt, Project).join(Project, Project.id == Attempt.project_id)
    newest = joined.where(Attempt.aggregator == address).order_by(Attempt.opened_block.desc(), Attempt.project_id)
    served = session.execute(newest.limit(limit)).all()
    if not offers and not served:
        raise NotFoundError("aggregator", address)
    balances = session.scalars(select(Balance).where(Balance.account == address).order_by(Balance.token)).all()
    record, now = _count_outcomes(session, [address])[address], get_chain_time(session)
    return schemas.AggregatorHistory(
        address=address,
        record=record,
        offers=[_describe(schemas.AggregatorDetail, row, record=record) for row in offers],
        balances=[_describe(schemas.Balance, row, claimable=row.credited - row.claimed) for row in balances],
        attempts=[
            _describe(schemas.RoundSummary, attempt, **_describe_status(attempt, project, now))
            for attempt, project in served
        ],
    )


def _count_outcomes(session: Session, accounts: Sequence[str]) -> dict[str, dict[str, int]]:
    counted = select(Attempt.aggregator, Attempt.outcome, func.count()).group_by(Attempt.aggregator, Attempt.outcome)
    records: dict[str, dict[str, int]] = {account: {} for account in accounts}
    for account, outcome, count in session.execute(counted.where(Attempt.aggregator.in_(list(records)))):
        records[account]["open" if outcome is RoundOutcome.NONE else outcome.name.lower()] = count
    return records


def list_aggregators(session: Session, token: str | None, request: PageRequest) -> PageOf[schemas.AggregatorDetail]:
    """Offers, the newest first, those taken back included, with each aggregator's record."""
    query = select(Aggregator)
    if token is not None:
        query = query.where(Aggregator.token == token)
    page = fetch_page(session, query, (Aggregator.offered_block, Aggregator.offered_log), request, newest_first=True)
    records = _count_outcomes(session, [row.account for row in page.items])
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


def _get_titles(session: Session, projects: Sequence[Project]) -> dict[str, str | None]:
    """By the specification's CID."""
    query = select(Spec.cid, Spec.title).where(Spec.cid.in_({project.spec_cid for project in projects}))
    return {cid: title for cid, title in session.execute(query)}  # noqa: C416 - rows are no pairs to mypy


def _describe_penalties(member: Member, project: Project) -> dict[str, dict[str, Any]]:
    """docs/protocol.md: stake is lost for strikes alone, and only with the last."""
    strike, absence = member.strikes + 1, member.absences + 1
    slash = project.min_stake * project.slash_bps // BPS if strike >= project.max_strikes else 0
    return {
        "next_strike": _build_penalty(strike, project.max_strikes, slash),
        "next_absence": _build_penalty(absence, project.max_absences, 0),
    }


def _build_penalty(number: int, limit: int, slash: int) -> dict[str, Any]:
    return {"number": number, "limit": limit, "removes": number >= limit, "slash": slash}


def _fetch_payments(session: Session, query: Select[Payment], request: PageRequest) -> PageOf[schemas.Payment]:
    page = fetch_page(session, query, (Payment.block_number, Payment.log_index), request, newest_first=True)
    blocks = _get_blocks(session, page.items)

    def describe(row: Payment) -> schemas.Payment:
        kind = "claim" if row.kind is None else row.kind.name.lower()
        return _describe(schemas.Payment, row, kind=kind, timestamp=blocks[row.block_number].timestamp)

    return page.map(describe)


def _get_blocks(session: Session, rows: Sequence[Event | Payment | ReputationChange]) -> dict[int, Block]:
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
