"""Metrics, health and readiness over HTTP, for whoever watches an aggregator on its own machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from aggregator.monitor import Monitor
from steelyard.errors import ConfigError

_READ_SECONDS = 5.0
"""Who takes longer to ask is hung up on."""

_POLL_SECONDS = 0.05
"""How soon the server notices that it is to end."""


@contextmanager
def serve_monitor(monitor: Monitor, host: str, port: int) -> Iterator[int]:
    """Answers `GET /metrics`, `/health` and `/ready` on a thread of its own until the block ends.

    `/health` answers 200 as long as the process works; `/ready` 503 unless a round would be settled now.

    Args:
      monitor: what is told.
      host: the address to listen on. Nobody is asked who they are.
      port: 0 for a free one.

    Yields:
      The port.

    Raises:
      ConfigError: nothing can listen there.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(monitor.registry))
                case "/health" | "/ready" as path:
                    code = 200 if path == "/health" or monitor.is_ready else 503
                    self._answer(code, "application/json", json.dumps(monitor.to_json()).encode() + b"\n")
                case _:
                    self._answer(404, "text/plain", b"ask for /metrics, /health or /ready\n")

        def _answer(self, code: int, content_type: str, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Says nothing: scrapes would drown what the aggregator has to say."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="monitor", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
