"""One table says which exception becomes which status; every error of the protocol has a line in it."""

import pytest
from starlette.exceptions import HTTPException

from backend.errors import NotFoundError, build_problem, get_status
from steelyard import errors
from steelyard.chain.reverts import NothingToDoError
from steelyard.chain.rpc import NodeError
from steelyard.types import ProjectId


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("project", "x"), 404),
        (errors.ChainUnavailableError("down"), 503),
        (NodeError("no"), 502),
        (NothingToDoError(ProjectId(bytes(32))), 422),
        (errors.BlobNotFoundError("b"), 404),
        (errors.EvidenceError("false"), 502),
        (errors.ConfigError("bad"), 500),
        (errors.ProtocolError("other"), 500),
        (HTTPException(418), 418),
        (ValueError("bug"), 500),
    ],
)
def test_the_most_specific_line_of_the_table_decides(error: Exception, status: int) -> None:
    assert get_status(error) == status
    assert build_problem(error, "/here")["status"] == status


def test_problems_name_the_error_and_keep_quiet_about_bugs() -> None:
    problem = build_problem(NotFoundError("project", "0x12"), "/v1/projects/0x12")
    assert problem == {
        "type": "urn:steelyard:error:NotFound",
        "title": "Not Found",
        "status": 404,
        "instance": "/v1/projects/0x12",
        "detail": "project 0x12 is not known",
    }
    assert build_problem(ValueError("secret"), "/") == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "instance": "/",
    }
