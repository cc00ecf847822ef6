"""The event stream, and how the backend itself is doing."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from backend.api.dependencies import ServicesDep
from backend.api.schemas import Health
from backend.indexer import IndexerState
from backend.services import Services
from backend.streams import Place, get_newest_place, stream_events

router = APIRouter()

ProjectQuery = Annotated[str | None, Query(pattern="^0x[0-9a-f]{64}$", description="Only events of this project.")]
LastEventId = Annotated[str | None, Header(max_length=128, description="Resume after this message.")]


@router.get(
    "/v1/events",
    tags=["events"],
    summary="Events as they are indexed (server-sent events)",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Messages `ProjectCreated`, …, `rollback`."}},
)
async def get_event_stream(
    services: ServicesDep, project_id: ProjectQuery = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Starts now, or after `Last-Event-ID`. `rollback` says from which block on to forget what was sent."""
    place = await run_in_threadpool(_find_place, services, last_event_id)
    messages = _subscribe(services, project_id, place)
    await anext(messages)
    return StreamingResponse(messages, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.get("/v1/health", tags=["operation"], summary="Whether the parts of the backend work")
def get_health(services: ServicesDep, response: Response) -> Health:
    """Answers 503 once the indexer has halted: what it serves may be of a chain that is no more."""
    health = describe_health(services)
    response.status_code = 503 if health.status == "failed" else 200
    return health


@router.get("/v1/ready", tags=["operation"], summary="Whether answers are up to date")
def get_ready(services: ServicesDep, response: Response) -> Health:
    """Answers 503 unless the indexer follows the chain closely."""
    health = describe_health(services)
    response.status_code = 200 if health.status == "ok" else 503
    return health


def describe_health(services: Services) -> Health:
    """The indexer's and the keeper's state in public words."""
    status, keeper = services.indexer.status, services.keeper
    lag = status.lag_blocks
    follows = status.state in (IndexerState.LIVE, IndexerState.SYNCING)
    ok = follows and lag is not None and lag <= services.settings.max_lag_blocks
    return Health(
        status="failed" if status.state is IndexerState.HALTED else "ok" if ok else "degraded",
        chain_id=services.deployment.chain_id,
        marketplace=services.deployment.marketplace,
        indexer=status.state.value,
        head_block=status.head_number,
        indexed_block=status.block_number,
        lag_blocks=lag,
        reorgs=status.reorgs,
        error=status.error,
        keeper="off" if keeper is None else keeper.status.error or "ok",
    )


def build_metrics_router(registry: CollectorRegistry) -> APIRouter:
    """`/metrics` of a registry, in Prometheus' text format."""
    metrics = APIRouter()

    @metrics.get("/metrics", tags=["operation"], summary="Prometheus metrics", response_class=Response)
    def get_metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


def _find_place(services: Services, last_event_id: str | None) -> Place:
    if last_event_id is not None:
        return Place.parse(last_event_id)
    with services.database.read() as session:
        return get_newest_place(session)


async def _subscribe(services: Services, project_id: str | None, place: Place) -> AsyncIterator[str]:
    """Begins with an empty message, so that a refusal comes before the answer has begun."""
    with services.broadcast.subscribe() as wake:
        yield ""
        async for message in stream_events(services.database, services.broadcast, wake, project_id, place):
            yield message
