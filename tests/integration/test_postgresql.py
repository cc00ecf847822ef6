"""The backend on a real PostgreSQL: the same read model as on SQLite, through reorgs and beside other writers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from backend.app import create_app
from backend.database import Database
from backend.indexer import Indexer, IndexerLimits, rebuild
from backend.models import Base, Event, KeptBase
from backend.services import Broadcast, Services
from backend.settings import Settings
from steelyard.chain.deploy import Deployment
from tests.backend_chain import (
    AGGREGATOR,
    CHAIN_ID,
    MARKETPLACE,
    OWNER,
    RULE,
    TOKEN,
    TRAINERS,
    VERIFIER,
    FakeChain,
    FakeNode,
)
from tests.postgresql import find_postgresql, run_postgresql

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(find_postgresql() is None, reason="PostgreSQL is not installed: apt-get install postgresql"),
]
LIMITS = IndexerLimits(reorg_depth=8, block_range=20)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with run_postgresql() as url:
        yield url


@pytest.fixture
def database(server: str) -> Iterator[Database]:
    database = Database(server)
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def dump(database: Database) -> dict[str, list[Any]]:
    tables = [table for table in Base.metadata.sorted_tables if table.name != "before_images"]
    with database.read() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr) for table in tables
        }


def test_migrations_make_the_schema_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        both = [Base.metadata, KeptBase.metadata]
        assert compare_metadata(context, both) == []  # type: ignore[arg-type]


def test_the_read_model_is_the_one_of_sqlite_through_reorgs_and_rebuilds(database: Database, tmp_path: Path) -> None:
    sqlite = Database(f"sqlite:///{tmp_path}/same.sqlite3")
    sqlite.migrate()
    chain = FakeChain(11)
    chain.mine_random(40)
    indexer = Indexer(lambda: chain, database, LIMITS)
    for depth in (0, 3, 8):
        chain.reorganise(depth, depth + 4)
        indexer.catch_up()
    assert indexer.status.reorgs == 2
    Indexer(lambda: chain, sqlite, LIMITS).catch_up()
    before = dump(database)
    assert before == dump(sqlite)
    assert len(before["events"]) > 50
    rebuild(database, indexer)
    assert dump(database) == before
    sqlite.close()


def test_two_indexers_at_once_apply_each_event_once(database: Database) -> None:
    chain = FakeChain(12)
    chain.mine_random(60)
    limits = IndexerLimits(reorg_depth=8, block_range=2, max_retry_seconds=0.05, poll_seconds=0.02)
    stop, indexers = threading.Event(), [Indexer(lambda: chain, database, limits) for _ in range(2)]
    threads = [threading.Thread(target=indexer.run, args=(stop,)) for indexer in indexers]
    for thread in threads:
        thread.start()
    deadline = threading.Event()
    for _ in range(600):
        if all(indexer.status.block_number == chain.head for indexer in indexers):
            break
        deadline.wait(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == sum(
            len(block.events) for block in chain.blocks
        )


def test_readers_see_one_snapshot_while_a_writer_commits(database: Database) -> None:
    chain = FakeChain(13)
    chain.mine_random(20)
    with database.read() as reader:
        count = select(func.count()).select_from(Event)
        assert reader.scalar(count) == 0
        Indexer(lambda: chain, database, LIMITS).catch_up()
        assert reader.scalar(count) == 0
    with database.read() as reader:
        assert reader.scalar(count) > 0  # type: ignore[operator]


async def test_every_list_is_served(database: Database) -> None:
    chain = FakeChain(14)
    chain.mine_random(150)
    indexer = Indexer(lambda: chain, database, LIMITS)
    indexer.catch_up()
    deployment = Deployment(CHAIN_ID, MARKETPLACE, VERIFIER, {"clip-nnm-multi-krum": RULE}, 1, "", TOKEN)
    services = Services(Settings(max_page=50), deployment, database, indexer, None, Broadcast(1), FakeNode())
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
        page = (await client.get("/v1/projects?limit=1")).json()
        project = page["items"][0]["id"]
        for path in (
            "/v1/projects?min_stake=1&limit=1",
            f"/v1/projects?limit=1&cursor={page['next']}",
            f"/v1/projects?q=krum&state=running&owner={OWNER}&trainer={TRAINERS[0]}&max_stake={10**30}&min_dimension=1",
            f"/v1/projects/{project}",
            f"/v1/projects/{project}/rounds/0",
            f"/v1/projects/{project}/shares?limit=1",
            f"/v1/projects/{project}/payments?limit=1",
            f"/v1/projects/{project}/evaluations",
            f"/v1/projects/{project}/rounds?limit=1",
            f"/v1/projects/{project}/events?limit=1",
            f"/v1/trainers/{TRAINERS[0]}",
            f"/v1/trainers/{TRAINERS[0]}/payments?limit=1",
            f"/v1/aggregators?limit=1&token={TOKEN}",
            f"/v1/aggregators/{AGGREGATOR}",
            "/v1/deployment",
            "/v1/health",
        ):
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
