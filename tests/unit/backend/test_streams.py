"""Event streams: complete, resumable, honest about what a reorg took back."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.errors import InvalidCursorError, TooManyStreamsError
from backend.services import Broadcast
from backend.streams import Place, get_newest_place, stream_events
from tests.backend_chain import FakeChain
from tests.unit.backend.conftest import Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def busy(backend: Backend) -> Backend:
    backend.chain.mine_random(30)
    backend.indexer.catch_up()
    return backend


def parse(message: str) -> dict[str, Any]:
    lines = dict(line.split(": ", 1) for line in message.strip().splitlines())
    return {"id": lines.get("id"), "event": lines["event"], "data": json.loads(lines["data"])}


async def take(stream: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
    return [parse(await asyncio.wait_for(anext(stream), 5)) for _ in range(count)]


def names(chain: FakeChain, first: int) -> list[str]:
    return [type(logged.event).__name__ for block in chain.blocks[first:] for logged in block.events]


async def test_a_stream_sends_everything_after_its_place_and_then_what_is_new(busy: Backend) -> None:
    database, broadcast = busy.services.database, busy.services.broadcast
    with broadcast.subscribe() as wake:
        stream = stream_events(database, broadcast, wake, None, Place(0, 0, ""))
        old = await take(stream, len(names(busy.chain, 0)))
        assert [message["event"] for message in old] == names(busy.chain, 0)
        waiting = asyncio.ensure_future(take(stream, 1))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        before = busy.chain.head
        while not names(busy.chain, before + 1):
            busy.chain.mine_random(1)
        await asyncio.to_thread(busy.indexer.catch_up)
        broadcast.notify()
        assert [message["event"] for message in await waiting] == names(busy.chain, before + 1)[:1]


async def test_a_stream_resumes_exactly_after_a_message(busy: Backend) -> None:
    database, broadcast = busy.services.database, busy.services.broadcast
    with broadcast.subscribe() as wake:
        everything = await take(stream_events(database, broadcast, wake, None, Place(0, 0, "")), 12)
        place = Place.parse(everything[4]["id"])
        resumed = await take(stream_events(database, broadcast, wake, None, place), 7)
    assert resumed == everything[5:]


async def test_a_stream_of_one_project_has_its_events_alone(busy: Backend) -> None:
    database, broadcast = busy.services.database, busy.services.broadcast
    with broadcast.subscribe() as wake:
        everything = await take(
            stream_events(database, broadcast, wake, None, Place(0, 0, "")), len(names(busy.chain, 0))
        )
        project_id = next(m["data"]["project_id"] for m in everything if m["event"] == "ProjectCreated")
        wanted = [m for m in everything if m["data"]["project_id"] == project_id]
        assert 0 < len(wanted) < len(everything)
        only = await take(stream_events(database, broadcast, wake, project_id, Place(0, 0, "")), len(wanted))
    assert only == wanted


async def test_a_stream_says_so_when_a_reorg_takes_its_place_back(busy: Backend) -> None:
    database, broadcast = busy.services.database, busy.services.broadcast
    with database.read() as session:
        place = get_newest_place(session)
    depth = 5
    busy.chain.reorganise(depth, depth + 3)
    await asyncio.to_thread(busy.indexer.catch_up)
    with broadcast.subscribe() as wake:
        stream = stream_events(database, broadcast, wake, None, place)
        (rollback,) = await take(stream, 1)
        assert rollback["event"] == "rollback"
        stands = rollback["data"]["block_number"]
        assert stands <= busy.chain.head - depth
        expected = names(busy.chain, stands + 1)
        assert [message["event"] for message in await take(stream, len(expected))] == expected


async def test_streams_end_when_the_server_stops(busy: Backend) -> None:
    database, broadcast = busy.services.database, busy.services.broadcast
    with database.read() as session:
        place = get_newest_place(session)
    with broadcast.subscribe() as wake:
        stream = stream_events(database, broadcast, wake, None, place)
        waiting = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(broadcast.close)
        assert await asyncio.wait_for(waiting, 5) is None


async def test_no_more_streams_are_served_than_allowed() -> None:
    broadcast = Broadcast(1)
    with broadcast.subscribe(), pytest.raises(TooManyStreamsError), broadcast.subscribe():
        pass
    with broadcast.subscribe():
        pass


async def test_the_route_resumes_and_refuses_foreign_ids(busy: Backend) -> None:
    refused = await busy.client.get("/v1/events", headers={"Last-Event-ID": "1.2.3"})
    assert refused.status_code == 422
    request = asyncio.ensure_future(busy.client.get("/v1/events", headers={"Last-Event-ID": f"0.0.0x{'00' * 32}"}))
    await asyncio.sleep(0.5)
    busy.services.broadcast.close()
    answer = await asyncio.wait_for(request, 5)
    messages = [parse(message) for message in answer.text.strip().split("\n\n")]
    assert [message["event"] for message in messages] == names(busy.chain, 0)
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.0x12", "-1.2.0x" + "00" * 32, "1.2.0x" + "AA" * 32])
def test_ids_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        Place.parse(text)
