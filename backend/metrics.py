"""Prometheus metrics: the services' own state, read when it is scraped, and requests as they are answered."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.indexer import IndexerState
from backend.services import Services


class ServicesCollector(Collector):
    """The indexer's and the keeper's state."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now; a value that is not known yet is left out."""
        status = self._services.indexer.status
        state = GaugeMetricFamily("steelyard_indexer_state", "1 for the indexer's current state.", labels=["state"])
        for each in IndexerState:
            state.add_metric([each.value], float(each is status.state))
        yield state
        for name, text, value in (
            ("head_block", "Newest block of the chain.", status.head_number),
            ("indexed_block", "Newest block applied.", status.block_number),
            ("lag_blocks", "Blocks known of and not applied.", status.lag_blocks),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"steelyard_indexer_{name}", text, value)
        yield CounterMetricFamily("steelyard_indexer_events", "Events applied since the start.", status.events)
        yield CounterMetricFamily("steelyard_indexer_reorgs", "Reorganisations since the start.", status.reorgs)
        if self._services.keeper is not None:
            kept = self._services.keeper.status
            yield CounterMetricFamily("steelyard_keeper_pokes", "Successful pokes since the start.", kept.pokes)
            yield CounterMetricFamily("steelyard_keeper_failures", "Failed pokes since the start.", kept.failures)


class RequestMetrics:
    """Measures requests by method, route and status. Routes, not paths: those are without number."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "steelyard_http_request_seconds",
            "Time until the answer began.",
            ["method", "route", "status"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                labels = (scope["method"], route, str(message["status"]))
                self._seconds.labels(*labels).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, observe)
