"""Refuses bodies larger than their route needs, by announced and by real size, and clients that ask too much."""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import MEDIA_TYPE, RequestTooLargeError, TooManyRequestsError, build_problem

MAX_CLIENTS: Final = 10_000
"""Of so many clients the rate is known; the one that has been quiet for longest is forgotten first."""

WRITE_COST: Final = 10
"""A request that may write counts as so many that read."""


class BodyLimit:
    """ASGI middleware that lets at most `limit` bytes of a request body through, or what `uploads` has for its path."""

    def __init__(self, app: ASGIApp, limit: int, uploads: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._uploads.get(scope["path"], self._limit)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            problem = build_problem(RequestTooLargeError(limit), scope["path"])
            await JSONResponse(problem, problem["status"], media_type=MEDIA_TYPE)(scope, receive, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise RequestTooLargeError(limit)
            return message

        await self._app(scope, count, send)


class RateLimit:
    """ASGI middleware that gives each client a bucket of tokens: `per_minute` flow in, and as many fit."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._burst = float(per_minute)
        self._per_second = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 429."""
        if scope["type"] == "http":
            cost = 1 if scope["method"] in ("GET", "HEAD", "OPTIONS") else WRITE_COST
            wait = self.take((scope.get("client") or ("",))[0], cost, time.monotonic())
            if wait > 0:
                error = TooManyRequestsError(math.ceil(wait))
                problem = build_problem(error, scope["path"])
                answer = JSONResponse(problem, problem["status"], error.headers, MEDIA_TYPE)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def take(self, client: str, cost: int, now: float) -> float:
        """Takes tokens, and returns 0; or takes none, and returns the seconds until there are enough."""
        tokens, then = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        enough = tokens >= cost
        self._buckets[client] = (tokens - cost * enough, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (cost - tokens) / self._per_second
