"""A migrated database and an application over a chain in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from backend.app import create_app
from backend.database import Database
from backend.indexer import Indexer, IndexerLimits
from backend.services import Broadcast, Services
from backend.settings import Settings
from backend.specs import SpecReader
from steelyard.chain.deploy import Deployment
from steelyard.rules import DEFAULT_RULE
from steelyard.storage import MemoryBlobStore
from tests.backend_chain import CHAIN_ID, MARKETPLACE, RULE, TOKEN, VERIFIER, FakeChain, FakeNode

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
    node: FakeNode
    store: MemoryBlobStore
    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200) -> object:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, body: object, status: int = 200, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def backend(chain: FakeChain, database: Database) -> Backend:
    return make_backend(chain, database)


def make_backend(chain: FakeChain, database: Database) -> Backend:
    """An application over a chain in memory and a migrated database."""
    rules = dict.fromkeys(("clip-nnm-multi-krum", DEFAULT_RULE.name), RULE)
    deployment = Deployment(CHAIN_ID, MARKETPLACE, VERIFIER, rules, 1, "", TOKEN)
    indexer = Indexer(lambda: chain, database, LIMITS)
    settings = Settings(
        max_page=5,
        max_streams=2,
        max_upload_bytes=100_000,
        uploads_per_day=300_000,
        cors_origins=("https://app.example",),
    )
    node, store = FakeNode(), MemoryBlobStore()
    specs = SpecReader(database, store, poll_seconds=1)
    services = Services(settings, deployment, database, indexer, None, Broadcast(2), node, store, specs)
    app = create_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return Backend(
        chain, indexer, services, app, node, store, httpx.AsyncClient(transport=transport, base_url="http://backend")
    )
