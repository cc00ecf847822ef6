"""A backend's server on a real socket, on a thread of the test's."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from backend.server import build_server
from backend.services import Services


@contextmanager
def serve(app: FastAPI, services: Services) -> Iterator[int]:
    """Serves on a free port, which it yields. `services` must not be started: the server's lifespan does that."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = build_server(app, services)
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
