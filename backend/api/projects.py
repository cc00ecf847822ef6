"""Projects and their events."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query

from backend import queries
from backend.api.dependencies import AddressQuery, PageDep, ProjectIdPath, SessionDep
from backend.api.schemas import ChainEvent, Page, ProjectDetail, ProjectSummary
from backend.paging import PageOf
from steelyard.chain.records import ProjectStatus

router = APIRouter(prefix="/v1/projects", tags=["projects"])


class State(StrEnum):
    """Where a project stands."""

    ENROLLING = "enrolling"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


StateQuery = Annotated[State | None, Query(description="Only projects that stand so.")]


@router.get("", response_model=Page[ProjectSummary], summary="List projects, the newest first")
def list_projects(
    session: SessionDep,
    page: PageDep,
    state: StateQuery = None,
    owner: AddressQuery = None,
    token: AddressQuery = None,
) -> PageOf[ProjectSummary]:
    """Filters may be joined; a project must match all of them."""
    status = None if state is None else ProjectStatus[state.name]
    return queries.list_projects(session, queries.ProjectFilter(status, owner, token), page)


@router.get("/{project_id}", summary="One project with all its parameters and members")
def get_project(session: SessionDep, project_id: ProjectIdPath) -> ProjectDetail:
    """Parameters never change; `state`, `round`, the money and the members do."""
    return queries.get_project(session, project_id)


@router.get("/{project_id}/events", response_model=Page[ChainEvent], summary="A project's events, the oldest first")
def list_project_events(session: SessionDep, page: PageDep, project_id: ProjectIdPath) -> PageOf[ChainEvent]:
    """All that ever happened in a project, as the chain has it. `/v1/events` streams what happens next."""
    return queries.list_events(session, project_id, page)
