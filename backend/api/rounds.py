"""Rounds: what was submitted, how it was weighed, the evidence, and why a trainer was paid what it was paid."""

from fastapi import APIRouter, Response

from backend import evidence, queries
from backend.api.answers import BlockRoute
from backend.api.dependencies import AddressPath, AttemptQuery, PageDep, ProjectIdPath, RoundPath, SessionDep
from backend.api.schemas import Explanation, Page, RoundDetail, RoundSummary
from backend.paging import PageOf
from steelyard.gram.evidence import dump_bundle
from steelyard.types import Address

router = APIRouter(prefix="/v1/projects/{project_id}/rounds", tags=["rounds"], route_class=BlockRoute)


@router.get("", response_model=Page[RoundSummary], summary="All attempts at a project's rounds, the oldest first")
def list_rounds(session: SessionDep, page: PageDep, project_id: ProjectIdPath) -> PageOf[RoundSummary]:
    """A round that fails is repeated, so that a round may have several attempts; one at most is final."""
    return queries.list_rounds(session, project_id, page)


@router.get("/{round_index}", summary="One round: weights, contributions, shares, exclusions, attestations, gas")
def get_round(
    session: SessionDep, project_id: ProjectIdPath, round_index: RoundPath, attempt: AttemptQuery = None
) -> RoundDetail:
    """Every submission in its order, with what the settlement made of it."""
    return queries.get_round(session, project_id, round_index, attempt)


@router.get(
    "/{round_index}/evidence",
    summary="The evidence bundle of a settled round",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}, "description": "docs/proof.md, section 9"}},
)
def get_evidence(
    session: SessionDep,
    response: Response,
    project_id: ProjectIdPath,
    round_index: RoundPath,
    attempt: AttemptQuery = None,
) -> Response:
    """One JSON file with which anybody checks the round offline: `steelyard verify evidence FILE`."""
    record = evidence.get_record(session, project_id, round_index, attempt)
    body = dump_bundle(evidence.get_bundle(session, record))
    return Response(body, media_type="application/json", headers=dict(response.headers))


@router.get("/{round_index}/explanation/{trainer}", summary="Why a trainer was paid what it was paid")
def get_explanation(
    session: SessionDep,
    project_id: ProjectIdPath,
    round_index: RoundPath,
    trainer: AddressPath,
    attempt: AttemptQuery = None,
) -> Explanation:
    """Weighs the round again from its public matrix, and tells each figure that decided the payment."""
    return evidence.explain(session, project_id, round_index, attempt, Address(trainer))
