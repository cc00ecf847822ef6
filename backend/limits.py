"""Refuses bodies that are too large, announced or real, or too slow, and clients that ask too much."""

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import MEDIA_TYPE, RequestTooLargeError, SlowRequestError, TooManyRequestsError, build_problem
from steelyard.errors import ProtocolError

MAX_CLIENTS: Final = 10_000
"""Of so many clients the rate is known; the one that has been quiet for longest is forgotten first."""

WRITE_COST: Final = 10
"""A request that may write counts as so many that read."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a body must come: it may pause for `seconds` in all, and comes at `bytes_per_second` otherwise."""

    seconds: float
    bytes_per_second: int


class BodyLimit:
    """ASGI middleware for request bodies: at most `limit` bytes, or what `uploads` has for the path, at some pace."""

    def __init__(self, app: ASGIApp, limit: int, uploads: Mapping[str, int], pace: Pace) -> None:
        self._app = app
        self._limit = limit
        self._uploads = uploads
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 413 or 408."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._uploads.get(scope["path"], self._limit)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            await _answer(RequestTooLargeError(limit), scope, receive, send)
            return
        body = _Body(receive, limit, self._pace)

        async def pass_on(message: Message) -> None:
            # Once a body is refused, whatever the application makes of that is not sent.
            if body.refusal is None:
                await send(message)

        try:
            await self._app(scope, body.receive, pass_on)
        except (RequestTooLargeError, SlowRequestError):
            if body.refusal is None:
                raise
        if body.refusal is not None:
            await _answer(body.refusal, scope, receive, send)


class _Body:
    """A request's body as it arrives."""

    def __init__(self, receive: Receive, limit: int, pace: Pace) -> None:
        self._receive = receive
        self._limit = limit
        self._pace = pace
        self._received = 0
        self._complete = False
        self._begun = asyncio.get_running_loop().time()
        self.refusal: RequestTooLargeError | SlowRequestError | None = None

    async def receive(self) -> Message:
        """The next part of it; afterwards whatever the server has to say, for however long it takes."""
        if self._complete:
            return await self._receive()
        patience = self._pace.seconds + self._received / self._pace.bytes_per_second
        try:
            async with asyncio.timeout_at(self._begun + patience):
                message = await self._receive()
        except TimeoutError:
            self.refusal = SlowRequestError(patience)
            raise self.refusal from None
        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._received > self._limit:
            self.refusal = RequestTooLargeError(self._limit)
            raise self.refusal
        return message


async def _answer(error: ProtocolError, scope: Scope, receive: Receive, send: Send) -> None:
    """A problem, and the end of the connection: what is still to come of the request is not read."""
    problem = build_problem(error, scope["path"])
    headers = {"Connection": "close", **getattr(error, "headers", {})}
    await JSONResponse(problem, problem["status"], headers, MEDIA_TYPE)(scope, receive, send)


class RateLimit:
    """ASGI middleware that gives each client a bucket of tokens: `per_minute` flow in, and as many fit.

    A client is an address, and whoever holds a bearer token: a key that is used from many addresses has one bucket.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._burst = float(per_minute)
        self._per_second = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 429."""
        if scope["type"] == "http":
            cost = 1 if scope["method"] in ("GET", "HEAD", "OPTIONS") else WRITE_COST
            now = time.monotonic()
            bearer = next((value for name, value in scope["headers"] if name == b"authorization"), None)
            wait = self.take((scope.get("client") or ("",))[0], cost, now)
            if wait == 0 and bearer is not None:
                wait = self.take(hashlib.sha256(bearer).hexdigest(), cost, now)
            if wait > 0:
                await _answer(TooManyRequestsError(math.ceil(wait)), scope, receive, send)
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
