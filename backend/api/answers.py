"""Answers by block: what was made for a block is given again until the chain moves, whoever asks.

All that these routes answer follows from the chain up to a block and from the URL, so that the block's entity tag says
whether a client, or this process, has the answer already.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from backend.queries import compute_entity_tag
from backend.services import Services

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class AnswerCache:
    """The answers of one block by URL, the least recently used forgotten first. Use it on the server's loop alone."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._tag = ""
        self._size = 0
        self._answers: OrderedDict[str, Response] = OrderedDict()

    def get(self, tag: str, url: str) -> Response | None:
        """The answer for a block, if it is here."""
        if tag != self._tag or url not in self._answers:
            return None
        self._answers.move_to_end(url)
        kept = self._answers[url]
        answer = Response(kept.body, kept.status_code)
        answer.raw_headers = list(kept.raw_headers)
        return answer

    def put(self, tag: str, url: str, answer: Response) -> None:
        """Keeps an answer, and forgets those of other blocks."""
        if tag != self._tag:
            self._tag, self._size = tag, 0
            self._answers.clear()
        if url in self._answers or len(answer.body) > self._max_bytes // 8:
            return
        self._answers[url] = answer
        self._size += len(answer.body)
        while self._size > self._max_bytes:
            self._size -= len(self._answers.popitem(last=False)[1].body)


def answer_unchanged(tag: str, if_none_match: str | None) -> Response | None:
    """304 for a client that has what the tag names; None for all others."""
    if tag not in (each.strip() for each in (if_none_match or "").split(",")):
        return None
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})


class BlockRoute(APIRoute):
    """A route whose answers follow from the chain and the URL."""

    def get_route_handler(self) -> Handler:
        """Asks for the block first, and makes an answer only where there is none for it."""
        make = super().get_route_handler()

        async def handle(request: Request) -> Response:
            services: Services = request.app.state.services
            cache: AnswerCache = request.app.state.answers
            tag = await run_in_threadpool(_read_tag, services, request.app.version)
            known = request.headers.get("if-none-match", "").split(",")
            if tag is not None and tag in (each.strip() for each in known):
                return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
            url = f"{request.url.path}?{request.url.query}"
            answer = None if tag is None else cache.get(tag, url)
            if answer is None:
                answer = await make(request)
                made = answer.headers.get("etag", "")
                if answer.status_code == 200 and made.startswith("W/"):  # strong ones name what no block changes
                    cache.put(made, url, answer)
            return answer

        return handle


def _read_tag(services: Services, version: str) -> str | None:
    with services.database.read() as session:
        return compute_entity_tag(session, version)
