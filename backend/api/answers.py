"""Answers of the read model: made once for a block, given again until the chain moves, whoever asks.

All that these routes answer follows from the read model and the URL. So the entity tag of the read model says whether
a client, or this process, has the answer already. What is past changing has a tag of its own, and outlasts blocks.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from backend.database import Database
from backend.queries import compute_entity_tag, compute_lasting_tag
from backend.services import Services

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

MAX_TAG_SECONDS: Final = 0.1
"""How long what another process has written may go unnoticed."""

LASTING_SECONDS: Final = 86_400


class AnswerCache:
    """Answers by URL, the least recently used forgotten first. Use it on the server's loop alone."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._answers: OrderedDict[str, Response] = OrderedDict()

    def get(self, tag: str | None, url: str) -> Response | None:
        """The answer for the read model as `tag` names it, if it is here."""
        kept = self._answers.get(url)
        if kept is None:
            return None
        if kept.headers["etag"] != tag and not _lasts(kept):
            self._forget(url)
            return None
        self._answers.move_to_end(url)
        answer = Response(kept.body, kept.status_code)
        answer.raw_headers = list(kept.raw_headers)
        return answer

    def put(self, url: str, answer: Response) -> None:
        """Keeps an answer that has an entity tag."""
        if len(answer.body) > self._max_bytes // 8:
            return
        self._forget(url)
        self._answers[url] = answer
        self._size += len(answer.body)
        while self._size > self._max_bytes:
            self._forget(next(iter(self._answers)))

    def _forget(self, url: str) -> None:
        kept = self._answers.pop(url, None)
        if kept is not None:
            self._size -= len(kept.body)


def _lasts(answer: Response) -> bool:
    """Strong tags name what no block changes."""
    return answer.headers["etag"].startswith('"')


class TagWatch:
    """The entity tag of the read model as it is now. Use it on the server's loop alone.

    What this process writes is seen at once, what others write within `MAX_TAG_SECONDS`.
    """

    def __init__(self, database: Database, version: str) -> None:
        self._database = database
        self._version = version
        self._tag: str | None = None
        self._writes = -1
        self._read_at = 0.0

    async def get(self) -> str | None:
        """The tag; None before the first block."""
        writes, now = self._database.writes, time.monotonic()
        if writes != self._writes or now > self._read_at + MAX_TAG_SECONDS:
            self._tag = await run_in_threadpool(self._read)
            self._writes, self._read_at = writes, now
        return self._tag

    def _read(self) -> str | None:
        with self._database.read() as session:
            return compute_entity_tag(session, self._version)


class Reader:
    """Reads the read model for one answer, in one snapshot. Call it on a thread: it waits for the database."""

    def __init__(self, services: Services, version: str) -> None:
        self._database = services.database
        self._version = version

    def __call__(self, query: Callable[[Session], object]) -> Response:
        """An answer that the next block may change."""
        with self._database.read() as session:
            body = _render(query(session))
            return _answer(body, compute_entity_tag(session, self._version), None)

    def read_round(self, query: Callable[[Session], object], project_id: str, round_index: int) -> Response:
        """An answer about one round, which nothing changes once the round is final and that is past undoing."""
        with self._database.read() as session:
            body = _render(query(session))
            lasting = compute_lasting_tag(session, self._version, project_id, round_index)
            return _answer(body, compute_entity_tag(session, self._version), lasting)


def _render(found: object) -> bytes:
    return found if isinstance(found, bytes) else to_json(found)


def _answer(body: bytes, tag: str | None, lasting: str | None) -> Response:
    headers = {"Cache-Control": "no-cache"}
    if lasting is not None:
        headers = {"Cache-Control": f"public, max-age={LASTING_SECONDS}", "ETag": lasting}
    elif tag is not None:
        headers["ETag"] = tag
    return Response(body, media_type="application/json", headers=headers)


async def get_reader(request: Request) -> Reader:
    """What routes of `BlockRoute` answer with."""
    return Reader(request.app.state.services, request.app.version)


ReaderDep = Annotated[Reader, Depends(get_reader)]


def answer_unchanged(tag: str | None, if_none_match: str | None) -> Response | None:
    """304 for a client that has what the tag names; None for all others."""
    if tag is None or tag not in (each.strip() for each in (if_none_match or "").split(",")):
        return None
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})


class BlockRoute(APIRoute):
    """A route whose answers follow from the read model and the URL."""

    def get_route_handler(self) -> Handler:
        """Asks for the block first, and makes an answer only where there is none for it."""
        make = super().get_route_handler()

        async def handle(request: Request) -> Response:
            cache: AnswerCache = request.app.state.answers
            watch: TagWatch = request.app.state.tag_watch
            known = request.headers.get("if-none-match")
            tag = await watch.get()
            unchanged = answer_unchanged(tag, known)
            if unchanged is not None:
                return unchanged
            url = f"{request.url.path}?{request.url.query}"
            answer = cache.get(tag, url)
            if answer is None:
                answer = await make(request)
                if answer.status_code == 200 and "etag" in answer.headers:
                    cache.put(url, answer)
            return answer_unchanged(answer.headers.get("etag"), known) or answer

        return handle
