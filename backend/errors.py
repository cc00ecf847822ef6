"""Which exception becomes which HTTP answer: one table. Bodies are problem details (RFC 9457), made nowhere else."""

import http
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from steelyard.chain.rpc import InsufficientFundsError, NodeError
from steelyard.errors import (
    AccessError,
    BlobNotFoundError,
    ChainError,
    ChainUnavailableError,
    ConfigError,
    MalformedCidError,
    ProtocolError,
    SpecError,
    StorageError,
    StorageUnavailableError,
    TransactionRevertedError,
    VerificationError,
)

MEDIA_TYPE: Final = "application/problem+json"


PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "Problem details (RFC 9457)",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "instance"],
                    "properties": {
                        "type": {"type": "string", "description": "`urn:steelyard:error:…`, or `about:blank`."},
                        "title": {"type": "string", "description": "The status in words."},
                        "status": {"type": "integer"},
                        "instance": {"type": "string", "description": "The path that was asked for."},
                        "detail": {"type": "string", "description": "What is wrong with this request."},
                        "errors": {"type": "array", "description": "Each parameter that was refused, and why."},
                    },
                }
            }
        },
    }
}
"""How errors are described to clients of the API."""


class NotFoundError(ProtocolError):
    """Nothing of this name is known here. It may exist on chain, and not be indexed yet."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} is not known")


class NotSettledError(ProtocolError):
    """A round exists, and has nothing to show yet."""

    def __init__(self, project_id: str, round_index: int) -> None:
        super().__init__(f"round {round_index} of project {project_id} has not been settled")


class InvalidCursorError(ProtocolError):
    """A page cursor that no page of this list gave out."""


class RequestTooLargeError(ProtocolError):
    """A request body is larger than accepted."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request body is larger than {limit:,} bytes")


class HeadTooLargeError(ProtocolError):
    """A request's line and headers are larger than accepted."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request line and headers are larger than {limit:,} bytes")


class SlowRequestError(ProtocolError):
    """A request takes too long to arrive."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the request did not arrive within {seconds:g} s")


class TooManyStreamsError(ProtocolError):
    """As many event streams are open as the server serves."""


class LoginRefusedError(ProtocolError):
    """A signed message is not one that logs in here, now."""


class UnauthorisedError(ProtocolError):
    """A route is for callers with a token, and there is none that is good."""


class NotAllowedError(ProtocolError):
    """The caller's token is good, and not for this."""


class TooManyLoginsError(ProtocolError):
    """As many logins have been begun as the server remembers."""


class TooManyKeysError(ProtocolError):
    """An account has as many API keys as it may have."""

    def __init__(self, account: str, limit: int) -> None:
        super().__init__(f"{account} has {limit} API keys already: revoke one")


class TooManyRequestsError(ProtocolError):
    """A client asks for more than its share."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"too many requests: wait {retry_seconds} s")
        self.headers = {"Retry-After": str(retry_seconds)}


class EvaluationRefusedError(ProtocolError):
    """An evaluation is not one of this project, here."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the evaluation is not published: {reason}")


class StaleEvaluationError(ProtocolError):
    """An evaluation is no newer than the one that it would replace."""

    def __init__(self, issued_at: int) -> None:
        super().__init__(f"one that was issued at {issued_at} is published already")


class QuotaExceededError(ProtocolError):
    """An account has put as much into storage as it may today."""

    def __init__(self, account: str, used: int, limit: int, retry_seconds: int) -> None:
        super().__init__(f"{account} has stored {used:,} of {limit:,} bytes today, and this does not fit")
        self.headers = {"Retry-After": str(retry_seconds)}


class DraftRefusedError(ProtocolError):
    """A draft of a project cannot become one here."""


class InvalidTransactionError(ProtocolError):
    """A signed transaction is not one that is passed on here."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the transaction is not passed on: {reason}")


class RangeNotSatisfiableError(ProtocolError):
    """A range begins behind the end."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the range begins behind the end: there are {size:,} bytes")
        self.headers = {"Content-Range": f"bytes */{size}"}


STATUS: Final[Mapping[type[Exception], int]] = {
    NotFoundError: 404,
    NotSettledError: 404,
    RequestTooLargeError: 413,
    HeadTooLargeError: 431,
    SlowRequestError: 408,
    InvalidCursorError: 422,
    RequestValidationError: 422,
    TooManyStreamsError: 503,
    TooManyLoginsError: 503,
    TooManyKeysError: 409,
    TooManyRequestsError: 429,
    QuotaExceededError: 429,
    LoginRefusedError: 401,
    UnauthorisedError: 401,
    NotAllowedError: 403,
    AccessError: 403,
    DraftRefusedError: 422,
    EvaluationRefusedError: 422,
    StaleEvaluationError: 409,
    InvalidTransactionError: 422,
    RangeNotSatisfiableError: 416,
    SpecError: 422,
    MalformedCidError: 422,
    BlobNotFoundError: 404,
    StorageUnavailableError: 503,
    TransactionRevertedError: 422,
    InsufficientFundsError: 422,
    NodeError: 502,
    ChainUnavailableError: 503,
    ChainError: 502,
    StorageError: 502,
    VerificationError: 502,
    ConfigError: 500,
    ProtocolError: 500,
}
"""The most specific class of an exception's ancestry decides. Whatever is not here is a bug: 500, without detail."""


def get_status(error: Exception) -> int:
    """The HTTP status of an exception."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def build_problem(error: Exception, path: str) -> dict[str, Any]:
    """The problem details of an exception. What is no `ProtocolError` is not described: it may hold anything."""
    status = get_status(error)
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "instance": path,
    }
    if isinstance(error, ProtocolError):
        problem["type"] = f"urn:steelyard:error:{type(error).__name__.removesuffix('Error')}"
        problem["detail"] = str(error)
    elif isinstance(error, HTTPException):
        problem["detail"] = str(error.detail)
    elif isinstance(error, RequestValidationError):
        problem["detail"] = "the request is not what this route takes"
        problem["errors"] = [
            {"location": [str(part) for part in each["loc"]], "message": each["msg"]} for each in error.errors()
        ]
    return problem


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of an application a problem. The server logs what is a bug, with its traceback."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = build_problem(error, request.url.path)
        headers = dict(getattr(error, "headers", None) or {})
        if problem["status"] == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if problem["status"] == 503:
            headers["Retry-After"] = "5"
        return JSONResponse(problem, problem["status"], headers, MEDIA_TYPE)

    for kind in (ProtocolError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)
