"""Rounds: what was submitted, how it was weighed, the evidence, and why a trainer was paid what it was paid."""

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from backend import evidence, queries
from backend.api.answers import BlockRoute, ReaderDep
from backend.api.dependencies import AddressPath, AttemptQuery, PageDep, ProjectIdPath, RoundPath
from backend.api.schemas import Explanation, Page, RoundDetail, RoundSummary
from steelyard.gram.evidence import dump_bundle
from steelyard.types import Address

router = APIRouter(prefix="/v1/projects/{project_id}/rounds", tags=["rounds"], route_class=BlockRoute)


@router.get("", response_model=Page[RoundSummary], summary="All attempts at a project's rounds, the oldest first")
def list_rounds(read: ReaderDep, page: PageDep, project_id: ProjectIdPath) -> Response:
    """A round that fails is repeated, so that a round may have several attempts; one at most is final."""
    return read(lambda session: queries.list_rounds(session, project_id, page))


@router.get(
    "/{round_index}",
    response_model=RoundDetail,
    summary="One round: weights, contributions, shares, exclusions, attestations, gas",
)
def get_round(
    read: ReaderDep, project_id: ProjectIdPath, round_index: RoundPath, attempt: AttemptQuery = None
) -> Response:
    """Every submission in its order, with what the settlement made of it."""
    return read.read_round(
        lambda session: queries.get_round(session, project_id, round_index, attempt),
        project_id,
        round_index,
    )


@router.get(
    "/{round_index}/evidence",
    summary="The evidence bundle of a settled round",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}, "description": "docs/proof.md, section 9"}},
)
def get_evidence(
    read: ReaderDep,
    project_id: ProjectIdPath,
    round_index: RoundPath,
    attempt: AttemptQuery = None,
) -> Response:
    """One JSON file with which anybody checks the round offline: `steelyard verify evidence FILE`."""

    def make(session: Session) -> bytes:
        record = evidence.get_record(session, project_id, round_index, attempt)
        return dump_bundle(evidence.get_bundle(session, record)).encode()

    return read.read_round(make, project_id, round_index)


@router.get(
    "/{round_index}/explanation/{trainer}",
    response_model=Explanation,
    summary="Why a trainer was paid what it was paid",
)
def get_explanation(
    read: ReaderDep,
    project_id: ProjectIdPath,
    round_index: RoundPath,
    trainer: AddressPath,
    attempt: AttemptQuery = None,
) -> Response:
    """Weighs the round again from its public matrix, and tells each figure that decided the payment."""
    return read.read_round(
        lambda session: evidence.explain(session, project_id, round_index, attempt, Address(trainer)),
        project_id,
        round_index,
    )
