"""Refuses request bodies that are larger than any route needs, by their announced and by their real size."""

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import MEDIA_TYPE, RequestTooLargeError, build_problem


class BodyLimit:
    """ASGI middleware that lets at most `limit` bytes of a request body through."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._limit:
            problem = build_problem(RequestTooLargeError(self._limit), scope["path"])
            await JSONResponse(problem, problem["status"], media_type=MEDIA_TYPE)(scope, receive, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise RequestTooLargeError(self._limit)
            return message

        await self._app(scope, count, send)
