import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from steelyard.errors import StorageUnavailableError
from steelyard.storage.http import ForbiddenAddressError, is_public, open_client, retry, time_limit
from tests.fake_ipfs import BARE_HEAD, FakeIpfs, drip, redirect

PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.2.1 192.168.0.1 192.168.255.255 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250
    240.0.0.1 255.255.255.255 :: ::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 ff02::1 2001:db8::1 ::ffff:127.0.0.1
    ::ffff:169.254.169.254 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1:: 2001:0:7f00:1::
"""
PUBLIC = "1.1.1.1 8.8.8.8 209.94.90.1 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::"

LOOPBACK_SPELLINGS = ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"]


@pytest.fixture
def server() -> Iterator[FakeIpfs]:
    with FakeIpfs() as fake:
        yield fake


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
def test_no_spelling_of_a_private_address_is_connected_to(server: FakeIpfs, host: str) -> None:
    with (
        pytest.raises((ForbiddenAddressError, httpx.ConnectError, httpx.InvalidURL)),
        open_client(f"http://{host}:{server.port}", public_only=True) as client,
    ):
        client.get("/")
    assert server.requests == []


def test_without_the_restriction_it_is(server: FakeIpfs) -> None:
    with open_client(server.url, public_only=False) as client:
        assert client.get("/").status_code == 404
    assert len(server.requests) == 1


class Resolver:
    """Answers for a name that is public the first time, and private whenever it is asked again."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[object]:
        self.asked += 1
        address = "203.0.113.77" if self.asked > 1 else "1.1.1.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def test_the_address_connected_to_is_the_one_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: only the number that was checked reaches the socket, so there is no second look-up."""
    resolver, connected = Resolver(), []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(socket, "create_connection", connect)
    with open_client("http://rebinding.example", public_only=True) as client:
        with pytest.raises(httpx.ConnectError):
            client.get("/")
        with pytest.raises(ForbiddenAddressError):
            client.get("/")
    assert connected == ["1.1.1.1"]


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("1.1.1.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with (
        open_client("http://mixed.example", public_only=True) as client,
        pytest.raises(ForbiddenAddressError, match=r"127\.0\.0\.1"),
    ):
        client.get("/")


def test_redirects_to_other_protocols_are_not_followed(server: FakeIpfs) -> None:
    server.misbehaviours["/"] = redirect("file:///etc/passwd")
    with (
        open_client(server.url, public_only=False, follow_redirects=True) as client,
        pytest.raises((httpx.UnsupportedProtocol, httpx.RemoteProtocolError)),
    ):
        client.get("/")


def test_redirects_in_circles_end(server: FakeIpfs) -> None:
    server.misbehaviours["/"] = redirect("/again")
    with (
        open_client(server.url, public_only=False, follow_redirects=True) as client,
        pytest.raises(httpx.TooManyRedirects),
    ):
        client.get("/")


@pytest.mark.parametrize("head", [BARE_HEAD, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000], ids=["body", "head"])
def test_whoever_drips_runs_out_of_time(server: FakeIpfs, head: bytes) -> None:
    server.misbehaviours["/"] = drip(head)
    with (
        open_client(server.url, public_only=False) as client,
        pytest.raises(httpx.ReadTimeout),
        time_limit(0.4),
        client.stream("GET", "/") as response,
    ):
        for _ in response.iter_raw():
            pass


def test_a_limit_is_of_its_own_thread(server: FakeIpfs) -> None:
    with open_client(server.url, public_only=False) as client, time_limit(-1.0):
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(client.get("/").status_code))
        thread.start()
        thread.join()
        assert answers == [404]
        with pytest.raises(httpx.TimeoutException):
            client.get("/")


def test_what_fails_is_tried_again_with_longer_and_longer_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    left = iter([StorageUnavailableError("1"), StorageUnavailableError("2"), StorageUnavailableError("3")])

    def call() -> str:
        failure = next(left, None)
        if failure:
            raise failure
        return "done"

    assert retry(call, StorageUnavailableError, attempts=4, first_pause=1.0) == "done"
    assert len(pauses) == 3
    assert all(0.5 * 2**i <= pause <= 2**i for i, pause in enumerate(pauses))


def test_after_the_last_attempt_the_failure_is_the_callers() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise StorageUnavailableError(f"attempt {len(calls)}")

    with pytest.raises(StorageUnavailableError, match="attempt 3"):
        retry(call, StorageUnavailableError, attempts=3, first_pause=0.0)
