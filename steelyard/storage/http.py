"""HTTP to servers that may lie, dawdle or point elsewhere: every request ends in time, every answer is capped.

httpx bounds the wait for each piece of an answer, not for all of it, and connects wherever a name or a redirect leads.
So the connections below it are made here: each one only to an address that was looked at after the name was resolved
(a name that resolves to another address the second time changes nothing), and each read and write within what is left
of the request's time.
"""

import ipaddress
import secrets
import socket
import ssl
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

import httpcore
import httpx

from steelyard.errors import StorageUnavailableError

T = TypeVar("T")

CONNECT_SECONDS: Final = 5.0
MIN_RATE: Final = 128 * 1024
"""Bytes a second. Whoever is slower for long is taken for stuck."""

_MAX_REDIRECTS: Final = 3
_NO_END: Final = float("inf")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

_end: ContextVar[float] = ContextVar("end of the request", default=_NO_END)


class ForbiddenAddressError(StorageUnavailableError):
    """A name leads into a private network, where a stranger's URL has no business."""

    hint = "If the gateway is your own, write `gateway+private:` instead of `gateway:`."

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is at {address}, which is not a public address")
        self.host = host
        self.address = address


class TooLongError(StorageUnavailableError):
    """An answer is longer, or says that it is longer, than anybody asked for."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public Internet, also where it stands inside an IPv6 address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Ends every wait of this thread's requests when `seconds` have passed, however often a little comes in.

    What `read_capped` reads earns more time, as much as it takes at `MIN_RATE`.
    """
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def open_client(base_url: str, *, public_only: bool, follow_redirects: bool = False) -> httpx.Client:
    """A client whose connections are checked and timed. Several threads may share it, each within a `time_limit`.

    Args:
      base_url: where the server is.
      public_only: whether to refuse addresses of private networks, loopback and the like, redirects included.
      follow_redirects: whether to follow them at all.
    """
    transport = _Transport(public_only=public_only)
    client = httpx.Client(
        base_url=base_url,
        transport=transport,
        trust_env=False,
        follow_redirects=follow_redirects,
        max_redirects=_MAX_REDIRECTS,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),  # `time_limit` has the rest
        headers={"Accept-Encoding": "identity", "User-Agent": "steelyard"},
    )
    weakref.finalize(client, transport.close)  # stores have no end of their own
    return client


def read_capped(response: httpx.Response, max_bytes: int) -> bytes:
    """An answer's body, read as it comes.

    Raises:
      TooLongError: it is longer than `max_bytes`, or says so before it begins.
    """
    announced = response.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise TooLongError(f"{response.url.host} announces {int(announced):,} bytes, at most {max_bytes:,} are wanted")
    parts, total = [], 0
    for part in response.iter_raw():
        total += len(part)
        _end.set(_end.get() + len(part) / MIN_RATE)
        if total > max_bytes:
            raise TooLongError(f"{response.url.host} sends more than the {max_bytes:,} bytes wanted")
        parts.append(part)
    return b"".join(parts)


def retry(call: Callable[[], T], failures: type[Exception], *, attempts: int, first_pause: float) -> T:
    """The result of `call`, which is safe to repeat. The pauses double, and differ so that crowds spread.

    Raises:
      failures: the last one, if every attempt failed so.
    """
    for attempt in range(attempts - 1):
        try:
            return call()
        except failures:
            time.sleep(first_pause * 2**attempt * secrets.SystemRandom().uniform(0.5, 1.0))
    return call()


class _Transport(httpx.HTTPTransport):
    """httpx's own, on connections that are made here."""

    def __init__(self, *, public_only: bool) -> None:
        super().__init__(trust_env=False)
        # httpx has no public way to say who connects. `tests/unit/storage/test_http.py` fails if this one goes.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=32,
            max_keepalive_connections=8,
            keepalive_expiry=5.0,
            network_backend=_Backend(public_only=public_only),
        )


class _Backend(httpcore.NetworkBackend):
    """Resolves, looks, and connects to what it has looked at."""

    def __init__(self, *, public_only: bool) -> None:
        self._public_only = public_only
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {exc}") from exc
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if self._public_only:
            for address in addresses:
                if not is_public(address):
                    raise ForbiddenAddressError(host, address)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                left = _get_time_left(timeout, httpcore.ConnectTimeout)
                return _Stream(self._plain.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection that keeps to the time of whichever request uses it."""

    def __init__(self, plain: httpcore.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, _get_time_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, _get_time_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _get_time_left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        return self._plain.get_extra_info(info)


def _get_time_left(timeout: float | None, error: type[Exception]) -> float | None:
    end = _end.get()
    if end == _NO_END:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise error("the time for this request is over")
    return left if timeout is None else min(left, timeout)
