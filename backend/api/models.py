"""Downloads of a project's models, in parts where a client asks for parts (RFC 9110, section 14)."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.api.dependencies import ProjectIdPath, RoundPath, ServicesDep
from backend.errors import NotFoundError, RangeNotSatisfiableError
from backend.models import Attempt, Project
from backend.services import Services
from steelyard.chain.records import RoundOutcome
from steelyard.errors import AccessError, StorageUnavailableError
from steelyard.models.safetensors_io import max_model_bytes
from steelyard.spec import MAX_SPEC_BYTES, decode_project_spec
from steelyard.types import Cid
from steelyard.updates.aggregate import read_next_model

router = APIRouter(prefix="/v1/projects/{project_id}/models", tags=["models"])

SPARE_BYTES: Final = 2**20
"""An aggregate is its vector, of eight bytes an entry, and no more than this beside it for each of 32 rows."""

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


@router.get(
    "/{round_index}",
    summary="The model that a round starts from",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "A safetensors file."},
        206: {"description": "The part that `Range` asks for."},
        416: {"description": "`Range` begins behind the end."},
    },
)
def get_model(
    services: ServicesDep,
    project_id: ProjectIdPath,
    round_index: RoundPath,
    range_: Annotated[str | None, Header(alias="Range", max_length=64, examples=["bytes=1048576-"])] = None,
    if_range: Annotated[str | None, Header(max_length=128)] = None,
) -> Response:
    """Round 0 starts from the initial model, round `k` from the one that the aggregator of round `k - 1` published.

    The bytes hash to the CID that is the answer's entity tag. Models of confidential projects are not served here.
    """
    with services.database.read() as session:
        project, aggregate = _find(session, project_id, round_index)
    cid, data = _fetch(services, project, aggregate)
    tag = f'"{cid}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{cid}.safetensors"',
    }
    part = None if range_ is None or (if_range is not None and if_range != tag) else _parse_range(range_, len(data))
    if part is None:
        return Response(data, media_type="application/octet-stream", headers=headers)
    first, last = part
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, "application/octet-stream")


def _find(session: Session, project_id: str, round_index: int) -> tuple[Project, Cid | None]:
    """The project, and the aggregate that the model is named in; None for the initial model."""
    project = session.get(Project, project_id)
    if project is None:
        raise NotFoundError("project", project_id)
    if round_index == 0:
        return project, None
    final = select(Attempt.aggregate_cid).where(
        Attempt.project_id == project_id, Attempt.round == round_index - 1, Attempt.outcome == RoundOutcome.FINAL
    )
    text = session.scalar(final)
    if text is None:
        raise NotFoundError("model", f"of round {round_index} of project {project_id}")
    return project, Cid.parse(text)


def _fetch(services: Services, project: Project, aggregate: Cid | None) -> tuple[Cid, bytes]:
    store = services.store
    if store is None:
        raise StorageUnavailableError("this backend has no storage: set STEELYARD_BACKEND_STORE")
    spec = decode_project_spec(store.get(Cid.parse(project.spec_cid), MAX_SPEC_BYTES))
    if spec.confidential:
        raise AccessError("the project is confidential: `steelyard model pull` opens its models with your key")
    cid = spec.initial_model
    if aggregate is not None:
        cid = read_next_model(store.get(aggregate, 8 * spec.model.dimension + 32 * SPARE_BYTES))
    size = max_model_bytes(spec.model.shapes)
    if size > services.settings.max_upload_bytes:
        raise AccessError(f"the model has {size:,} bytes: fetch {cid} from storage itself")
    return cid, store.get(cid, size)


def _parse_range(text: str, size: int) -> tuple[int, int] | None:
    """First and last byte. None where the header is to be ignored: malformed, or of several parts.

    Raises:
      RangeNotSatisfiableError: it begins behind the end.
    """
    match = _RANGE.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        count = min(int(match[2]), size)
        if count == 0:
            raise RangeNotSatisfiableError(size)
        return size - count, size - 1
    first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise RangeNotSatisfiableError(size)
    return first, last
