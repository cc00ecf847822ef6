"""Projects and their events."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend import queries
from backend.api.answers import BlockRoute, ReaderDep
from backend.api.dependencies import AddressQuery, PageDep, ProjectIdPath, ServicesDep
from backend.api.schemas import ChainEvent, Page, Payment, ProjectDetail, ProjectSummary, RoundShares
from steelyard.chain.records import ProjectStatus
from steelyard.spec import ProjectSpec

router = APIRouter(prefix="/v1/projects", tags=["projects"], route_class=BlockRoute)


class State(StrEnum):
    """Where a project stands."""

    ENROLLING = "enrolling"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


Dimension = Annotated[int | None, Query(ge=1, le=2**32 - 1, description="Parameters of the model.")]
Stake = Annotated[
    str | None, Query(pattern="^[0-9]{1,77}$", description="What a trainer locks, in the token's smallest unit.")
]
SearchText = Annotated[
    str | None,
    Query(
        min_length=2,
        max_length=120,
        pattern=r"^[^\x00-\x1f]+$",
        description="Begins the id, the owner's address or the specification's CID, or is part of the rule's name or "
        "the title; case does not matter.",
        examples=["krum"],
    ),
]
StateQuery = Annotated[State | None, Query(description="Only projects that stand so.")]


@router.get("", response_model=Page[ProjectSummary], summary="List projects, the newest first")
def list_projects(
    read: ReaderDep,
    page: PageDep,
    state: StateQuery = None,
    owner: AddressQuery = None,
    token: AddressQuery = None,
    trainer: AddressQuery = None,
    q: SearchText = None,
    min_dimension: Dimension = None,
    max_dimension: Dimension = None,
    min_stake: Stake = None,
    max_stake: Stake = None,
) -> Response:
    """Filters may be joined; a project must match all of them. Titles come from storage, some time after the rest."""
    wanted = queries.ProjectFilter(
        status=None if state is None else ProjectStatus[state.name],
        owner=owner,
        token=token,
        trainer=trainer,
        text=q,
        min_dimension=min_dimension,
        max_dimension=max_dimension,
        min_stake=_to_int(min_stake),
        max_stake=_to_int(max_stake),
    )
    return read(lambda session: queries.list_projects(session, wanted, page))


def _to_int(amount: str | None) -> int | None:
    return None if amount is None else int(amount)


@router.get("/{project_id}", response_model=ProjectDetail, summary="One project with all its parameters and members")
def get_project(read: ReaderDep, project_id: ProjectIdPath) -> Response:
    """Parameters never change; `state`, `round`, the money and the members do."""
    return read(lambda session: queries.get_project(session, project_id))


@router.get(
    "/{project_id}/spec",
    response_model=ProjectSpec,
    summary="A project's specification: title, task, model, schedule, data",
)
def get_spec(services: ServicesDep, project_id: ProjectIdPath) -> Response:
    """The bytes are those that storage has: they hash to `spec_cid`, which is the entity tag. They never change."""
    with services.database.read() as session:
        cid, text = queries.get_spec_text(session, project_id)
    headers = {"ETag": f'"{cid}"', "Cache-Control": "public, max-age=86400"}
    return Response(text, media_type="application/json", headers=headers)


@router.get("/{project_id}/events", response_model=Page[ChainEvent], summary="A project's events, the oldest first")
def list_project_events(read: ReaderDep, page: PageDep, project_id: ProjectIdPath) -> Response:
    """All that ever happened in a project, as the chain has it. `/v1/events` streams what happens next."""
    return read(lambda session: queries.list_events(session, project_id, page))


@router.get("/{project_id}/payments", response_model=Page[Payment], summary="A project's credits, the newest first")
def list_project_payments(read: ReaderDep, page: PageDep, project_id: ProjectIdPath) -> Response:
    """Shares, fees, splits of the pool and the refund, each with its transaction."""
    return read(lambda session: queries.list_project_payments(session, project_id, page))


@router.get(
    "/{project_id}/shares", response_model=Page[RoundShares], summary="Who had which weight and share, by round"
)
def list_shares(read: ReaderDep, page: PageDep, project_id: ProjectIdPath) -> Response:
    """All settled attempts, the oldest first: what plots of weight and pay over rounds need."""
    return read(lambda session: queries.list_shares(session, project_id, page))
