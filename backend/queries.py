"""What the routes read: rows in, public schemas out. One consistent snapshot a request.

To build a statement costs more than to run it, and rows as objects more than rows. So statements are built once, with
parameters, and select columns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Executable, Row, Select, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.api import schemas
from backend.errors import NotFoundError
from backend.event_log import decode_event, to_primitive
from backend.models import (
    Account,
    Aggregator,
    Attempt,
    Balance,
    Base,
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
from backend.paging import PagedQuery, PageOf, PageRequest
from backend.round_status import get_round_status
from backend.specs import Spec, fold
from steelyard.chain.records import ProjectStatus, RoundOutcome, RoundStatus
from steelyard.constants import BPS, INITIAL_REPUTATION

S = TypeVar("S", bound=schemas.Schema)

AnyRow = Row[Any]


def _columns(table: type[Base]) -> Iterable[Any]:
    return table.__table__.columns


@dataclass(frozen=True, slots=True)
class ProjectFilter:
    """Which projects to list; None is any. Ranges include both ends."""

    status: ProjectStatus | None = None
    owner: str | None = None
    token: str | None = None
    trainer: str | None = None
    text: str | None = None
    min_dimension: int | None = None
    max_dimension: int | None = None
    min_stake: int | None = None
    max_stake: int | None = None

    def get_parameters(self) -> dict[str, object]:
        """What is asked for, by name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}


_PROJECTS: Final = select(*_columns(Project), Spec.title).outerjoin(Spec, Spec.cid == Project.spec_cid)
_PROJECT: Final = _PROJECTS.where(Project.id == bindparam("project"))
_NOW: Final = select(Block.timestamp).join(Cursor, Cursor.block_number == Block.number)
_TAG: Final = select(Cursor.block_hash, select(func.max(Spec.id)).scalar_subquery().label("newest_spec")).where(
    Cursor.id == 1
)
_FINAL: Final = (
    select(Block.hash)
    .join(Attempt, Attempt.closed_block == Block.number)
    .where(
        Attempt.project_id == bindparam("project"),
        Attempt.round == bindparam("round"),
        Attempt.outcome == RoundOutcome.FINAL,
        Block.number <= select(Cursor.final_number).scalar_subquery(),
    )
)


def compute_entity_tag(session: Session, version: str) -> str | None:
    """Names what a snapshot answers: the chain up to a block, the specifications read, and this program.

    None before the first block.
    """
    row = _first(session, _TAG)
    return None if row is None else f'W/"{version}-{row.block_hash[2:34]}-{row.newest_spec or 0}"'


def compute_lasting_tag(session: Session, version: str, project_id: str, round_index: int) -> str | None:
    """Names all answers about a round that is final and past undoing; None where it is not."""
    row = _first(session, _FINAL, project=project_id, round=round_index)
    return None if row is None else f'"{version}-{row.hash[2:34]}"'


def get_chain_time(session: Session) -> int:
    """Time of the newest block applied, in Unix seconds; 0 before the first."""
    row = _first(session, _NOW)
    return row.timestamp if row else 0


# ------------------------------------------------------------------------------------------------- projects


_MEMBERS: Final = select(*_columns(Member)).where(Member.project_id == bindparam("project")).order_by(Member.slot)
_READERS: Final = select(*_columns(Reader)).where(Reader.project_id == bindparam("project")).order_by(Reader.reader)
_SPEC: Final = select(Spec.cid, Spec.text).where(Spec.cid == bindparam("cid"), Spec.text.is_not(None))


def list_projects(session: Session, wanted: ProjectFilter, request: PageRequest) -> PageOf[schemas.ProjectSummary]:
    """Projects, the newest first."""
    parameters = wanted.get_parameters()
    text = parameters.pop("text", None)
    if isinstance(text, str):
        word = _escape(text.lower())
        parameters |= {"begins": f"{word}%", "holds": f"%{word}%", "titled": f"%{_escape(fold(text))}%"}
    query = _build_project_query(frozenset(parameters))
    return query.fetch(session, request, **parameters).map(lambda row: _describe(schemas.ProjectSummary, row))


@lru_cache(256)
def _build_project_query(names: frozenset[str]) -> PagedQuery:
    """Lists the projects that match all parameters of these names."""
    conditions = {
        "status": Project.status == bindparam("status"),
        "owner": Project.owner == bindparam("owner"),
        "token": Project.token == bindparam("token"),
        "min_dimension": Project.dimension >= bindparam("min_dimension"),
        "max_dimension": Project.dimension <= bindparam("max_dimension"),
        "min_stake": Project.min_stake >= bindparam("min_stake"),
        "max_stake": Project.min_stake <= bindparam("max_stake"),
        "trainer": Project.id.in_(select(Member.project_id).where(Member.trainer == bindparam("trainer"))),
        "begins": _match_words(),
    }
    query = _PROJECTS.where(*(condition for name, condition in conditions.items() if name in names))
    return PagedQuery(query, Project.created_block, Project.created_log, newest_first=True)


def _match_words() -> Any:
    texts = (Project.id, func.lower(Project.owner), Project.spec_cid)
    begun = (text.like(bindparam("begins"), escape="/") for text in texts)
    titled = select(Spec.cid).where(Spec.folded_title.like(bindparam("titled"), escape="/"))
    named = Project.rule_name.like(bindparam("holds"), escape="/")
    return or_(*begun, named, Project.spec_cid.in_(titled))


def _escape(text: str) -> str:
    """A text that `LIKE` takes for itself."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def get_project(session: Session, project_id: str) -> schemas.ProjectDetail:
    """One project with its members and readers.

    Raises:
      NotFoundError: there is none of this id.
    """
    project = _find_project(session, project_id)
    return _describe(
        schemas.ProjectDetail,
        project,
        members=[
            {**row._asdict(), **_describe_penalties(row, project)}
            for row in _all(session, _MEMBERS, project=project_id)
        ],
        readers=[row._asdict() for row in _all(session, _READERS, project=project_id)],
    )


def get_spec_text(session: Session, project_id: str) -> tuple[str, str]:
    """CID and canonical JSON of a project's specification.

    Raises:
      NotFoundError: there is no such project, or no specification has been found behind its CID.
    """
    cid = _find_project(session, project_id).spec_cid
    row = _first(session, _SPEC, cid=cid)
    if row is None:
        raise NotFoundError("specification", cid)
    return row.cid, row.text


_EVENTS: Final = select(*_columns(Event), Block.hash.label("block_hash"), Block.timestamp).join(
    Block, Block.number == Event.block_number
)
_EVENT_ORDER: Final = (Event.block_number, Event.log_index)
_PROJECT_EVENTS: Final = PagedQuery(_EVENTS.where(Event.project_id == bindparam("project")), *_EVENT_ORDER)


def list_events(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.ChainEvent]:
    """A project's events, the oldest first."""
    _find_project(session, project_id)
    return _PROJECT_EVENTS.fetch(session, request, project=project_id).map(_describe_event)


# ------------------------------------------------------------------------------------------------- rounds


_ROUNDS: Final = PagedQuery(
    select(*_columns(Attempt)).where(Attempt.project_id == bindparam("project")), Attempt.attempt
)
_ATTEMPTS: Final = (
    select(*_columns(Attempt))
    .where(Attempt.project_id == bindparam("project"), Attempt.round == bindparam("round"))
    .order_by(Attempt.attempt)
)
_SETTLED: Final = PagedQuery(
    select(*_columns(Attempt)).where(Attempt.project_id == bindparam("project"), Attempt.settled_block.is_not(None)),
    Attempt.attempt,
)
_WEIGHED: Final = (
    select(Submission.attempt, Submission.trainer, Submission.weight, Submission.contribution, Submission.share)
    .where(
        Submission.project_id == bindparam("project"),
        Submission.attempt.in_(bindparam("attempts", expanding=True)),
        Submission.share.is_not(None),
    )
    .order_by(Submission.attempt, Submission.position)
)
_SUBMISSIONS: Final = (
    select(*_columns(Submission))
    .where(Submission.project_id == bindparam("project"), Submission.attempt == bindparam("attempt"))
    .order_by(Submission.position)
)


def list_rounds(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.RoundSummary]:
    """All attempts at a project's rounds, the oldest first."""
    project = _find_project(session, project_id)
    page = _ROUNDS.fetch(session, request, project=project_id)
    return page.map(lambda row: _describe(schemas.RoundSummary, row, **_describe_status(session, row, project)))


def list_shares(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.RoundShares]:
    """Weights and shares of a project's settled attempts, the oldest first."""
    _find_project(session, project_id)
    page = _SETTLED.fetch(session, request, project=project_id)
    rows: dict[int, list[dict[str, Any]]] = {attempt.attempt: [] for attempt in page.items}
    for submission in _all(session, _WEIGHED, project=project_id, attempts=list(rows)) if rows else ():
        rows[submission.attempt].append(submission._asdict())
    return page.map(lambda attempt: _describe(schemas.RoundShares, attempt, rows=rows[attempt.attempt]))


def get_round(session: Session, project_id: str, round_index: int, attempt: int | None) -> schemas.RoundDetail:
    """One attempt at a round with its submissions: the last, or the one asked for.

    Raises:
      NotFoundError: there is no such project, round or attempt.
    """
    siblings = _all(session, _ATTEMPTS, project=project_id, round=round_index)
    if not siblings:
        _find_project(session, project_id)
    row = _select_attempt(siblings, project_id, round_index, attempt)
    entries = _all(session, _SUBMISSIONS, project=project_id, attempt=row.attempt)
    return _describe(
        schemas.RoundDetail,
        row,
        **_describe_status(session, row, None),
        entries=[entry._asdict() for entry in entries],
        attempts=[sibling.attempt for sibling in siblings],
    )


def find_attempt(session: Session, project_id: str, round_index: int, attempt: int | None) -> AnyRow:
    """The last attempt at a round, or the one asked for.

    Raises:
      NotFoundError: there is none.
    """
    siblings = _all(session, _ATTEMPTS, project=project_id, round=round_index)
    return _select_attempt(siblings, project_id, round_index, attempt)


def _select_attempt(siblings: Sequence[AnyRow], project_id: str, round_index: int, attempt: int | None) -> AnyRow:
    found = [row for row in siblings if attempt is None or row.attempt == attempt]
    if not found:
        which = "" if attempt is None else f", attempt {attempt},"
        raise NotFoundError("round", f"{round_index}{which} of project {project_id}")
    return found[-1]


# ------------------------------------------------------------------------------------------------- accounts


_ACCOUNT: Final = select(*_columns(Account)).where(Account.address == bindparam("account"))
_BALANCES: Final = select(*_columns(Balance)).where(Balance.account == bindparam("account")).order_by(Balance.token)
_REPUTATION: Final = PagedQuery(
    select(*_columns(ReputationChange), Block.timestamp)
    .join(Block, Block.number == ReputationChange.block_number)
    .where(ReputationChange.trainer == bindparam("account")),
    ReputationChange.block_number,
    ReputationChange.log_index,
    newest_first=True,
)
_MEMBERSHIPS: Final = (
    select(
        *_columns(Member),
        Project.token,
        Project.status,
        Project.min_stake,
        Project.slash_bps,
        Project.max_strikes,
        Project.max_absences,
        Spec.title,
    )
    .join(Project, Project.id == Member.project_id)
    .outerjoin(Spec, Spec.cid == Project.spec_cid)
    .where(Member.trainer == bindparam("account"))
    .order_by(Project.created_block.desc(), Project.created_log.desc())
    .limit(bindparam("most"))
)
_PAYMENTS: Final = select(*_columns(Payment), Block.timestamp).join(Block, Block.number == Payment.block_number)
_PAYMENT_ORDER: Final = (Payment.block_number, Payment.log_index)
_ACCOUNT_PAYMENTS: Final = PagedQuery(
    _PAYMENTS.where(Payment.account == bindparam("account")), *_PAYMENT_ORDER, newest_first=True
)
_PROJECT_PAYMENTS: Final = PagedQuery(
    _PAYMENTS.where(Payment.project_id == bindparam("project")), *_PAYMENT_ORDER, newest_first=True
)


def get_trainer(session: Session, address: str, limit: int) -> schemas.TrainerDetail:
    """An account across all projects.

    Raises:
      NotFoundError: no event was ever about it.
    """
    account, balances = _find_account(session, address)
    changes = _REPUTATION.fetch(session, PageRequest(limit), account=address).items
    memberships = _all(session, _MEMBERSHIPS, account=address, most=limit)
    return schemas.TrainerDetail.model_validate(
        {
            "address": address,
            "key": account.key if account else None,
            "hybrid_digest": account.hybrid_digest if account else None,
            "reputation_bps": account.reputation_bps if account else INITIAL_REPUTATION,
            "balances": [_describe_balance(row) for row in balances],
            "projects": [{**row._asdict(), **_describe_penalties(row, row)} for row in memberships],
            "reputation": [row._asdict() for row in changes],
        }
    )


def list_payments(session: Session, address: str, request: PageRequest) -> PageOf[schemas.Payment]:
    """What an account earned, was refunded and claimed, the newest first.

    Raises:
      NotFoundError: no event was ever about the account.
    """
    page = _ACCOUNT_PAYMENTS.fetch(session, request, account=address)
    if not page.items:
        _find_account(session, address)
    return page.map(_describe_payment)


def list_project_payments(session: Session, project_id: str, request: PageRequest) -> PageOf[schemas.Payment]:
    """All credits of a project, the newest first. Claims are of accounts, not of projects."""
    _find_project(session, project_id)
    return _PROJECT_PAYMENTS.fetch(session, request, project=project_id).map(_describe_payment)


def _find_account(session: Session, address: str) -> tuple[AnyRow | None, Sequence[AnyRow]]:
    account, balances = _first(session, _ACCOUNT, account=address), _all(session, _BALANCES, account=address)
    if account is None and not balances:
        raise NotFoundError("account", address)
    return account, balances


# ------------------------------------------------------------------------------------------------- aggregators


_OFFERS: Final = select(*_columns(Aggregator)).where(Aggregator.account == bindparam("account"))
_ALL_OFFERS: Final[Select[Any]] = select(*_columns(Aggregator))
_OFFER_ORDER: Final = (Aggregator.offered_block, Aggregator.offered_log)
_OFFER_LISTS: Final = {
    False: PagedQuery(_ALL_OFFERS, *_OFFER_ORDER, newest_first=True),
    True: PagedQuery(_ALL_OFFERS.where(Aggregator.token == bindparam("token")), *_OFFER_ORDER, newest_first=True),
}
_SERVED: Final = (
    select(*_columns(Attempt), Project.min_trainers, Project.rooted)
    .join(Project, Project.id == Attempt.project_id)
    .where(Attempt.aggregator == bindparam("account"))
    .order_by(Attempt.opened_block.desc(), Attempt.project_id)
    .limit(bindparam("most"))
)
_OUTCOMES: Final = (
    select(Attempt.aggregator, Attempt.outcome, func.count().label("attempts"))
    .where(Attempt.aggregator.in_(bindparam("accounts", expanding=True)))
    .group_by(Attempt.aggregator, Attempt.outcome)
)


def get_aggregator(session: Session, address: str, limit: int) -> schemas.AggregatorHistory:
    """An aggregator's offers, record, money and newest attempts.

    Raises:
      NotFoundError: it never made an offer and never served.
    """
    offers = _all(session, _OFFERS.order_by(Aggregator.token), account=address)
    served = _all(session, _SERVED, account=address, most=limit)
    if not offers and not served:
        raise NotFoundError("aggregator", address)
    record = _count_outcomes(session, [address])[address]
    return schemas.AggregatorHistory.model_validate(
        {
            "address": address,
            "record": record,
            "offers": [{**row._asdict(), "record": record} for row in offers],
            "balances": [_describe_balance(row) for row in _all(session, _BALANCES, account=address)],
            "attempts": [{**row._asdict(), **_describe_status(session, row, row)} for row in served],
        }
    )


def list_aggregators(session: Session, token: str | None, request: PageRequest) -> PageOf[schemas.AggregatorDetail]:
    """Offers, the newest first, those taken back included, with each aggregator's record."""
    parameters = {} if token is None else {"token": token}
    page = _OFFER_LISTS[token is not None].fetch(session, request, **parameters)
    records = _count_outcomes(session, [row.account for row in page.items])
    return page.map(lambda row: _describe(schemas.AggregatorDetail, row, record=records[row.account]))


def _count_outcomes(session: Session, accounts: Sequence[str]) -> dict[str, dict[str, int]]:
    records: dict[str, dict[str, int]] = {account: {} for account in accounts}
    for row in _all(session, _OUTCOMES, accounts=list(records)) if records else ():
        name = "open" if row.outcome is RoundOutcome.NONE else row.outcome.name.lower()
        records[row.aggregator][name] = row.attempts
    return records


# ------------------------------------------------------------------------------------------------- events


@cache
def _build_stream_query(*, of_project: bool) -> Select[Any]:
    place = tuple_(bindparam("block", type_=Event.block_number.type), bindparam("log", type_=Event.log_index.type))
    query = _EVENTS.where(tuple_(*_EVENT_ORDER) > place)
    if of_project:
        query = query.where(Event.project_id == bindparam("project"))
    return query.order_by(*_EVENT_ORDER).limit(bindparam("most"))


def list_events_after(
    session: Session, project_id: str | None, place: tuple[int, int], limit: int
) -> list[schemas.ChainEvent]:
    """Events after a place in the chain, of one project or of all, the oldest first."""
    parameters = {} if project_id is None else {"project": project_id}
    query = _build_stream_query(of_project=project_id is not None)
    rows = _all(session, query, block=place[0], log=place[1], most=limit, **parameters)
    return [_describe_event(row) for row in rows]


def _describe_event(row: AnyRow) -> schemas.ChainEvent:
    return _describe(schemas.ChainEvent, row, arguments=to_primitive(decode_event(row)))


# ------------------------------------------------------------------------------------------------- helpers


def _first(session: Session, query: Executable, **parameters: object) -> AnyRow | None:
    return session.connection().execute(query, parameters).first()


def _all(session: Session, query: Executable, **parameters: object) -> Sequence[AnyRow]:
    return session.connection().execute(query, parameters).all()


def _find_project(session: Session, project_id: str) -> AnyRow:
    project = _first(session, _PROJECT, project=project_id)
    if project is None:
        raise NotFoundError("project", project_id)
    return project


def _describe(schema: type[S], row: AnyRow, **beside: object) -> S:
    """A schema from a row's columns and what the row does not have."""
    return schema.model_validate({**row._asdict(), **beside})


def _describe_status(session: Session, attempt: AnyRow, project: AnyRow | None) -> dict[str, Any]:
    """Where an attempt stands; the project and the clock are looked up where it is open."""
    if attempt.outcome is not RoundOutcome.NONE:
        return {"state": RoundStatus.DECIDED, "outcome": attempt.outcome}
    of_project = project or _find_project(session, attempt.project_id)
    state, outcome = get_round_status(attempt, of_project, get_chain_time(session))
    return {"state": state, "outcome": outcome}


def _describe_balance(row: AnyRow) -> dict[str, Any]:
    return {**row._asdict(), "claimable": row.credited - row.claimed}


def _describe_payment(row: AnyRow) -> schemas.Payment:
    return _describe(schemas.Payment, row, kind="claim" if row.kind is None else row.kind.name.lower())


def _describe_penalties(member: AnyRow, project: AnyRow) -> dict[str, dict[str, Any]]:
    """docs/protocol.md: stake is lost for strikes alone, and only with the last."""
    strike, absence = member.strikes + 1, member.absences + 1
    slash = project.min_stake * project.slash_bps // BPS if strike >= project.max_strikes else 0
    return {
        "next_strike": _build_penalty(strike, project.max_strikes, slash),
        "next_absence": _build_penalty(absence, project.max_absences, 0),
    }


def _build_penalty(number: int, limit: int, slash: int) -> dict[str, Any]:
    return {"number": number, "limit": limit, "removes": number >= limit, "slash": slash}
