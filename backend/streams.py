"""Server-sent events: the marketplace's events as they are indexed, resumable, and honest about reorganisations.

The id of a message is `block.log.blockhash`. A client that comes back with an id whose block is no more, or is
listening when that happens, gets a `rollback` message with the newest block that certainly stands: it drops everything
after that block, and is sent it anew.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from backend import queries
from backend.api.schemas import ChainEvent
from backend.database import Database
from backend.errors import InvalidCursorError
from backend.models import Block, Cursor
from backend.services import Broadcast

KEEP_ALIVE_SECONDS: Final = 15.0
BATCH: Final = 100
_END_OF_BLOCK: Final = 2**31 - 1
_ID: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,10})\.(0x[0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a stream has got: an event, or the end of a block."""

    block_number: int
    log_index: int
    block_hash: str

    def __str__(self) -> str:
        return f"{self.block_number}.{self.log_index}.{self.block_hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that a message's id names.

        Raises:
          InvalidCursorError: it is no such id.
        """
        match = _ID.fullmatch(text)
        if match is None:
            raise InvalidCursorError("Last-Event-ID is not an id that this stream gave out")
        return cls(int(match[1]), int(match[2]), match[3])


@dataclass(frozen=True, slots=True)
class Batch:
    """What a stream sends next. `rolled_back_to` comes first, where it is not None."""

    events: list[ChainEvent]
    place: Place
    rolled_back_to: int | None = None


def get_newest_place(session: Session) -> Place:
    """The end of the newest block applied."""
    cursor = session.get(Cursor, 1)
    return Place(0, 0, "") if cursor is None else Place(cursor.block_number, _END_OF_BLOCK, cursor.block_hash)


def read_batch(session: Session, project_id: str | None, place: Place) -> Batch:
    """The events after a place, or after the newest block that certainly stands if the place's block does not."""
    cursor = session.get(Cursor, 1)
    if cursor is None:
        return Batch([], place)
    rolled_back_to = None
    if place.block_number > cursor.final_number:
        block = session.get(Block, place.block_number)
        if block is None or block.hash != place.block_hash:
            rolled_back_to = cursor.final_number
            place = Place(cursor.final_number, _END_OF_BLOCK, "")
    events = queries.list_events_after(session, project_id, (place.block_number, place.log_index), BATCH)
    if events:
        place = Place(events[-1].block_number, events[-1].log_index, events[-1].block_hash)
    return Batch(events, place, rolled_back_to)


async def stream_events(
    database: Database, broadcast: Broadcast, wake: asyncio.Event, project_id: str | None, place: Place
) -> AsyncIterator[str]:
    """Yields messages until the client or the server goes."""

    def read() -> Batch:
        with database.read() as session:
            return read_batch(session, project_id, place)

    while not broadcast.closed:
        wake.clear()
        batch = await run_in_threadpool(read)
        place = batch.place
        if batch.rolled_back_to is not None:
            yield _render("rollback", json.dumps({"block_number": batch.rolled_back_to}), None)
        for event in batch.events:
            here = Place(event.block_number, event.log_index, event.block_hash)
            yield _render(event.name, event.model_dump_json(), here)
        if not batch.events:
            try:
                await asyncio.wait_for(wake.wait(), KEEP_ALIVE_SECONDS)
            except TimeoutError:
                yield ": keep-alive\n\n"


def _render(name: str, data: str, place: Place | None) -> str:
    lines = [f"event: {name}", f"data: {data}"]
    if place is not None:
        lines.insert(0, f"id: {place}")
    return "\n".join(lines) + "\n\n"
