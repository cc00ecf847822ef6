"""A migrated database and an application over a chain in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backend.app import create_app
from backend.database import Database
from backend.indexer import Indexer, IndexerLimits
from backend.services import Broadcast, Services
from backend.settings import Settings
from steelyard.chain.deploy import Deployment
from tests.backend_chain import CHAIN_ID, MARKETPLACE, RULE, TOKEN, VERIFIER, FakeChain

LIMITS = IndexerLimits(reorg_depth=8, block_range=50)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/backend.sqlite3")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@dataclass(slots=True)
class Backend:
    """An application that is not started: the test says when it indexes."""

    chain: FakeChain
    indexer: Indexer
    services: Services
    app: FastAPI
    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200) -> object:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def backend(chain: FakeChain, database: Database) -> Backend:
    deployment = Deployment(CHAIN_ID, MARKETPLACE, VERIFIER, {"clip-nnm-multi-krum": RULE}, 1, "", TOKEN)
    indexer = Indexer(lambda: chain, database, LIMITS)
    services = Services(Settings(max_page=5, max_streams=2), deployment, database, indexer, None, Broadcast(2))
    app = create_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return Backend(chain, indexer, services, app, httpx.AsyncClient(transport=transport, base_url="http://backend"))
