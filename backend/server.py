"""The HTTP server: uvicorn, and what it lacks against clients that are slow on purpose.

An application is called once a request's head is there, and has answered once the answer is in a buffer. What happens
before and after is the connection's: how long a head may take and how large it may be, and how long bytes may wait for
a client that does not read them. `backend.limits` has the time of bodies.
"""

import asyncio
from functools import partial
from types import FrameType
from typing import Any, Final, cast

import uvicorn
from fastapi import FastAPI
from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.errors import MEDIA_TYPE, HeadTooLargeError, SlowRequestError, build_problem
from backend.services import Services
from backend.settings import Settings
from steelyard.errors import ProtocolError

DRAIN_SECONDS: Final = 10
"""How long requests under way may take once the server shuts down."""

MAX_HEAD_BYTES: Final = 65_536
"""Largest request line and headers together."""


class TimedConnection(HttpToolsProtocol):
    """A connection whose client must send heads, and read answers, at some pace."""

    def __init__(self, *arguments: Any, slow_seconds: float, min_bytes_per_second: int, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._slow_seconds = slow_seconds
        self._min_bytes_per_second = min_bytes_per_second
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expects a head from now on."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the timers."""
        self._cancel_head()
        self._cancel_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuses heads without end."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_timer is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadTooLargeError(MAX_HEAD_BYTES))

    def on_message_begin(self) -> None:
        """The first byte of a request on a connection that was idle."""
        super().on_message_begin()
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._cancel_head()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """More waits for the client than the transport likes: it has some time to read it."""
        super().pause_writing()
        self._watch_buffer()

    def resume_writing(self) -> None:
        """The client has read enough."""
        self._cancel_stall()
        super().resume_writing()

    def _expect_head(self) -> None:
        self._head_bytes = 0
        late = SlowRequestError(self._slow_seconds)
        self._head_timer = self.loop.call_later(self._slow_seconds, self._refuse, late)

    def _refuse(self, error: ProtocolError) -> None:
        self._cancel_head()
        if self.transport.is_closing():
            return
        problem = build_problem(error, "")
        body = to_json(problem)
        head = (
            f"HTTP/1.1 {problem['status']} {problem['title']}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _watch_buffer(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._cancel_stall()
        self._stall_timer = self.loop.call_later(self._slow_seconds, self._check_buffer, waiting)

    def _check_buffer(self, waiting_before: int) -> None:
        """More may have been written meanwhile, which makes a client look slower: by then it had been waited for."""
        read = waiting_before - self.transport.get_write_buffer_size()
        if read < self._min_bytes_per_second * self._slow_seconds:
            self.transport.abort()
        else:
            self._watch_buffer()

    def _cancel_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cancel_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


class Server(uvicorn.Server):
    """Ends the event streams when it is told to stop: it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGTERM and SIGINT."""
        self._services.broadcast.close()
        super().handle_exit(sig, frame)


def build_server(app: FastAPI, services: Services) -> Server:
    """A server that is not started yet."""
    settings: Settings = services.settings
    connection = partial(
        TimedConnection,
        slow_seconds=settings.slow_seconds,
        min_bytes_per_second=settings.min_bytes_per_second,
    )
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=cast("type[asyncio.Protocol]", connection),
        ws="none",
        log_config=None,
        access_log=False,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
    )
    return Server(config, services)
