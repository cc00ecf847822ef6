"""Clients that are slow on purpose, on real sockets: each is answered or cut off, and the others do not wait."""

import contextlib
import dataclasses
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from fastapi.responses import Response

from backend.app import create_app
from backend.database import Database
from backend.server import MAX_HEAD_BYTES
from scripts.owner_evaluate import hand_over
from steelyard.chain import events as ev
from steelyard.errors import ChainUnavailableError, ConfigError
from steelyard.rounds.evaluation import Point, build_curve
from tests.backend_chain import CHAIN_ID, MARKETPLACE, FakeChain, make_params
from tests.backend_server import serve
from tests.unit.backend.conftest import make_backend
from tests.unit.backend.test_login import OTHER, WALLET
from tests.unit.backend.test_owner_api import PROJECT

SLOW = 0.4
LARGE = 8 * 2**20


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server whose clients may pause for `SLOW` seconds, and which has one project of the wallet's."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('slow')}/backend.sqlite3")
    database.migrate()
    backend = make_backend(FakeChain(), database)
    params = make_params(owner=WALLET.address)
    backend.chain.mine([ev.ProjectCreated(PROJECT, WALLET.address, 0, 10, params, rooted=False)])
    changes = {"slow_seconds": SLOW, "min_bytes_per_second": 1_000_000}
    settings = backend.services.settings.model_copy(update=changes)
    services = dataclasses.replace(backend.services, settings=settings)
    services.indexer.catch_up()
    app = create_app(services)
    app.add_api_route("/large", lambda: Response(bytes(LARGE)))
    with serve(app, services) as port:
        yield port


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def talk(port: int, *parts: bytes) -> tuple[int, dict[str, Any]]:
    """Status and problem that a client gets which sends so much, and then waits."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # answered before the last part
            for part in parts:
                connection.sendall(part)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(body)


def test_a_head_that_does_not_come_is_answered_408(port: int) -> None:
    for beginning in (b"", b"GET /v1/projects HTTP/1.1\r\nHost: x\r\n"):
        status, problem = talk(port, beginning)
        assert (status, problem["type"]) == (408, "urn:steelyard:error:SlowRequest")


def test_a_head_that_drips_is_answered_408(port: int) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"GET /v1/projects HTTP/1.1\r\nHost: ":
            connection.send(bytes([byte]))
            time.sleep(SLOW / 20)

    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            drip(connection)
        except (BrokenPipeError, ConnectionResetError):
            return  # it was closed while it dripped
        assert read_all(connection).startswith(b"HTTP/1.1 408")


def test_a_second_request_on_a_connection_has_its_own_time(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /v1/health HT")
        assert b"HTTP/1.1 408" in read_all(connection)


def test_a_head_without_end_is_answered_431(port: int) -> None:
    status, problem = talk(port, b"GET / HTTP/1.1\r\n" + b"X-Filler: 1\r\n" * (MAX_HEAD_BYTES // 12))
    assert (status, problem["type"]) == (431, "urn:steelyard:error:HeadTooLarge")


def test_a_body_that_stops_or_drips_is_answered_408(port: int) -> None:
    head = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    status, problem = talk(port, head + b'{"message"')
    assert (status, problem["type"]) == (408, "urn:steelyard:error:SlowRequest")
    assert problem["instance"] == "/v1/auth/login"


def test_a_chunked_body_that_is_too_large_is_answered_413(port: int) -> None:
    head = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, problem = talk(port, head, b"10000\r\n" + bytes(65_536) + b"\r\n", b"2\r\nab\r\n")
    assert (status, problem["type"]) == (413, "urn:steelyard:error:RequestTooLarge")


def test_a_client_that_does_not_read_is_cut_off(port: int) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(4 * SLOW)
        assert len(read_all(connection)) < LARGE
    assert len(httpx.get(f"http://127.0.0.1:{port}/large", timeout=60).content) == LARGE


def test_others_are_answered_while_many_are_slow(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(b"GET /v1/projects HTTP/1.1\r\n")
        assert httpx.get(f"http://127.0.0.1:{port}/v1/projects", timeout=30).status_code == 200
    finally:
        for connection in slow:
            connection.close()


def test_a_stream_is_not_slow(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        time.sleep(3 * SLOW)
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            assert connection.recv(65_536), "the stream has ended"


def test_the_owners_command_signs_and_hands_over(port: int) -> None:
    points = [Point(round=0, accuracy=0.5, loss=1.0, examples=10)]
    curve = build_curve(CHAIN_ID, MARKETPLACE, PROJECT, int(time.time()), points)
    url = f"http://127.0.0.1:{port}"
    hand_over(curve, WALLET, url)
    signed = httpx.get(f"{url}/v1/projects/0x{PROJECT.hex()}/evaluations/signed").json()
    assert signed["text"] == curve.to_json()
    recovered = Account.recover_message(encode_defunct(text=signed["text"]), signature=signed["signature"])
    assert recovered == WALLET.address
    with pytest.raises(ConfigError, match="not one of"):
        hand_over(curve, OTHER, f"{url}/")
    with pytest.raises(ChainUnavailableError):
        hand_over(curve, WALLET, "http://127.0.0.1:9")
