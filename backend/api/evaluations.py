"""Accuracy as owners report it: published with their signature, and served with it."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import Field
from sqlalchemy.orm import Session

from backend.api.answers import answer_unchanged
from backend.api.dependencies import PageDep, ProjectIdPath, ServicesDep
from backend.api.schemas import Page, Request, Schema, SignatureText
from backend.errors import NotAllowedError, NotFoundError
from backend.evaluations import Evaluation, SignedCurve, check_place, publish
from backend.models import Cursor, Project
from backend.paging import PageRequest, decode_cursor, encode_cursor
from backend.signatures import is_signed_by
from steelyard.rounds.evaluation import parse_curve
from steelyard.types import Address

router = APIRouter(prefix="/v1/projects/{project_id}/evaluations", tags=["evaluations"])

MAX_TEXT = 60_000
"""Longest evaluation, in characters: about 700 rounds."""


class EvaluationText(Request):
    """An evaluation as `steelyard owner evaluate` writes it, and the owner's signature of it (EIP-191 or ERC-1271)."""

    text: str = Field(max_length=MAX_TEXT, description="JSON of format `steelyard-evaluation/1`.")
    signature: SignatureText


class EvaluationPoint(Schema):
    """One global model on the owner's private data."""

    round: int = Field(description="The round that starts from it; one beyond the last is the project's result.")
    accuracy: float = Field(ge=0, le=1)
    loss: float = Field(description="Mean cross-entropy.")
    examples: int


class PublishedEvaluation(Schema):
    """Who published an evaluation, and when."""

    project_id: str
    account: str = Field(description="The project's owner, whose signature it has.")
    issued_at: int = Field(description="Unix seconds, by the owner's clock.")
    cid: str = Field(description="Of the signed text.")


class EvaluationPage(Page[EvaluationPoint]):
    """The newest evaluation, by round; `published` is null, and the list empty, where there is none."""

    published: PublishedEvaluation | None


class SignedEvaluation(PublishedEvaluation):
    """The signed text, for anybody to check the signature."""

    text: str
    signature: str


IfNoneMatch = Annotated[str | None, Header(max_length=1_024)]


@router.get("", summary="Accuracy by round, as the owner reports it", response_model=EvaluationPage)
def list_evaluation(
    services: ServicesDep,
    response: Response,
    project_id: ProjectIdPath,
    page: PageDep,
    if_none_match: IfNoneMatch = None,
) -> EvaluationPage | Response:
    """The owner's word, signed: nobody can check it without the owner's data. Served as it was published."""
    with services.database.read() as session:
        _find_project(session, project_id)
        found = session.get(Evaluation, project_id)
    tag = 'W/"none"' if found is None else f'W/"{found.cid}"'
    unchanged = answer_unchanged(tag, if_none_match)
    if unchanged is not None:
        return unchanged
    response.headers.update({"ETag": tag, "Cache-Control": "no-cache"})
    if found is None:
        return EvaluationPage(items=[], next=None, published=None)
    items, following = _cut(found, page)
    return EvaluationPage(items=items, next=following, published=PublishedEvaluation.model_validate(found))


@router.get("/signed", summary="The signed text of the newest evaluation")
def get_signed(services: ServicesDep, response: Response, project_id: ProjectIdPath) -> SignedEvaluation:
    """`personal_sign` (EIP-191) of exactly `text` gives `signature`, if `account` is a key's."""
    with services.database.read() as session:
        _find_project(session, project_id)
        found = session.get(Evaluation, project_id)
        if found is None:
            raise NotFoundError("evaluation", f"of project {project_id}")
        response.headers["ETag"] = f'W/"{found.cid}"'
        return SignedEvaluation.model_validate(found)


@router.put("", summary="Publish an evaluation")
def publish_evaluation(services: ServicesDep, project_id: ProjectIdPath, body: EvaluationText) -> PublishedEvaluation:
    """Replaces an older one. The project's owner alone may: the signature says so, no login is needed."""
    curve = parse_curve(body.text)
    with services.database.read() as session:
        project = _find_project(session, project_id)
        check_place(curve, session.get(Cursor, 1), project)
        owner = Address(project.owner)
    if not is_signed_by(owner, body.text, bytes.fromhex(body.signature[2:]), services.node):
        raise NotAllowedError(f"the signature is not one of {owner}, the project's owner")
    with services.database.write() as session:
        kept = publish(session, SignedCurve(curve, body.text, body.signature, owner))
        return PublishedEvaluation.model_validate(kept)


def _find_project(session: Session, project_id: str) -> Project:
    project = session.get(Project, project_id)
    if project is None:
        raise NotFoundError("project", project_id)
    return project


def _cut(found: Evaluation, page: PageRequest) -> tuple[list[EvaluationPoint], str | None]:
    after = -1 if page.cursor is None else decode_cursor(page.cursor, 1)[0]
    points = [point for point in parse_curve(found.text).points if point.round > after]
    shown = points[: page.limit]
    following = encode_cursor((shown[-1].round,)) if len(points) > len(shown) else None
    return [EvaluationPoint(**point.model_dump()) for point in shown], following
