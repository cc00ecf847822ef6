"""The specifications of projects, which lie in storage."""

from fastapi import APIRouter, Response

from backend.api.dependencies import ProjectIdPath, ServicesDep
from backend.errors import NotFoundError
from backend.models import Project
from steelyard.errors import StorageUnavailableError
from steelyard.spec import MAX_SPEC_BYTES, ProjectSpec, decode_project_spec
from steelyard.types import Cid

router = APIRouter(prefix="/v1/projects/{project_id}/spec", tags=["projects"])


@router.get("", summary="A project's specification: title, task, model, schedule, data")
def get_spec(services: ServicesDep, response: Response, project_id: ProjectIdPath) -> ProjectSpec:
    """Its bytes hash to the CID that the project names, which is the answer's entity tag. It never changes."""
    with services.database.read() as session:
        project = session.get(Project, project_id)
        if project is None:
            raise NotFoundError("project", project_id)
        cid = project.spec_cid
    if services.store is None:
        raise StorageUnavailableError("this backend has no storage: set STEELYARD_BACKEND_STORE")
    spec = decode_project_spec(services.store.get(Cid.parse(cid), MAX_SPEC_BYTES))
    response.headers["ETag"] = f'"{cid}"'
    response.headers["Cache-Control"] = "public, max-age=86400"
    return spec
