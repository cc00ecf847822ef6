"""The composition root: settings in, running application out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from eth_account.signers.local import LocalAccount
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from web3 import Web3

from backend.api import accounts, auth, contracts, evaluations, models, owner, projects, quotes, rounds, system
from backend.api.answers import AnswerCache, TagWatch
from backend.api.examples import describe_api
from backend.database import Database
from backend.errors import PROBLEM_RESPONSES, install_error_handlers
from backend.indexer import Indexer, IndexerLimits
from backend.keeper import Keeper, NodePoker
from backend.limits import BodyLimit, Pace, RateLimit
from backend.metrics import RequestMetrics, ServicesCollector
from backend.node import Web3Node
from backend.services import Broadcast, Services
from backend.settings import Settings
from backend.source import NodeSource
from backend.specs import SpecReader
from backend.web import build_web_router, load_web
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.rpc import connect
from steelyard.storage import open_store

_DESCRIPTION = """What the chain says about Steelyard's projects, rounds, trainers and payments, indexed for reading.

The chain is the source of truth: each figure names its transaction, each settled round has an evidence bundle that
anybody verifies offline. Amounts are decimal strings in the token's smallest unit, ids 0x-hex, times Unix seconds.
Errors are problem details (RFC 9457)."""

ROUTERS: Final = (
    contracts.router,
    projects.router,
    rounds.router,
    evaluations.router,
    accounts.router,
    quotes.router,
    models.router,
    auth.router,
    owner.router,
    system.router,
)
"""What `/v1` answers."""


def build_services(settings: Settings, keeper_account: LocalAccount | None = None) -> Services:
    """The parts of a backend, on a real node and a real database. Nothing is started or connected to yet.

    Raises:
      ConfigError: the deployment file or the database URL cannot be used.
    """
    deployment = Deployment.load(settings.deployment)
    database = Database(settings.database_url)

    def connect_node() -> Web3:
        return connect(settings.rpc_url, chain_id=deployment.chain_id, timeout_seconds=settings.rpc_timeout_seconds)

    def connect_marketplace() -> Marketplace:
        return Marketplace(connect_node(), deployment.marketplace)

    limits = IndexerLimits(
        start_block=deployment.block,
        reorg_depth=settings.reorg_depth,
        block_range=settings.block_range,
        poll_seconds=settings.poll_seconds,
    )
    keeper = None
    if keeper_account is not None:
        keeper = Keeper(database, NodePoker(connect_marketplace, keeper_account), settings.keeper_poll_seconds)
    store = None if settings.store is None else open_store(settings.store)
    return Services(
        settings=settings,
        deployment=deployment,
        database=database,
        indexer=Indexer(lambda: NodeSource(connect_marketplace()), database, limits),
        keeper=keeper,
        broadcast=Broadcast(settings.max_streams),
        node=Web3Node(connect_node),
        store=store,
        specs=None if store is None else SpecReader(database, store, settings.poll_seconds),
    )


def create_app(services: Services) -> FastAPI:
    """The HTTP application. Its lifespan starts and stops the services."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(services.start)
        try:
            yield
        finally:
            await run_in_threadpool(services.stop)

    registry = CollectorRegistry()
    registry.register(ServicesCollector(services))
    app = FastAPI(
        title="Steelyard",
        version=version("steelyard"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses=PROBLEM_RESPONSES,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    app.openapi = lambda: describe_api(app)  # type: ignore[method-assign]
    app.state.services = services
    app.state.answers = AnswerCache(services.settings.cache_bytes)
    app.state.tag_watch = TagWatch(services.database, app.version)
    settings = services.settings
    app.add_middleware(
        BodyLimit,
        limit=settings.max_body_bytes,
        uploads={"/v1/models": settings.max_upload_bytes},
        pace=Pace(settings.slow_seconds, settings.min_bytes_per_second),
    )
    if settings.requests_per_minute:
        app.add_middleware(RateLimit, per_minute=settings.requests_per_minute)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", "Last-Event-ID", "Range"],
            expose_headers=["ETag", "Retry-After", "Content-Range", "Accept-Ranges"],
        )
    app.add_middleware(RequestMetrics, registry=registry)
    install_error_handlers(app)
    web_router = build_web_router(load_web(settings.web))
    for router in (*ROUTERS, system.build_metrics_router(registry), web_router):
        app.include_router(router)
    return app
