"""An IPFS node's RPC API and gateway over a dictionary, which misbehaves as a test wants it to.

It answers as Kubo and js-ipfs do (`tests/integration/test_ipfs_node.py` runs the same clients against a real node).
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from steelyard.errors import BlobTooLargeError, MalformedBlobError
from steelyard.storage import compute_cid
from steelyard.storage.cid import lay_out
from steelyard.storage.unixfs import read_file
from steelyard.types import Cid


class Handler(BaseHTTPRequestHandler):
    """One request. A misbehaviour gets it and does with it what it likes."""

    protocol_version = "HTTP/1.1"
    last = False
    """Whether the connection ends with this answer."""
    fake: "FakeIpfs"

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        fake, target = self.fake, urlsplit(self.path)
        self.body = self._read_body()
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        fake.requests.append((target.path.removeprefix("/api/v0/"), query))
        for part, misbehave in list(fake.misbehaviours.items()):
            if part in self.path:
                self.last = True
                try:
                    done = misbehave(self)
                except (BrokenPipeError, ConnectionResetError):
                    done = True  # the client had enough
                if done:
                    self.close_connection = True
                    return
                self.last = False
        if target.path.startswith("/ipfs/"):
            self._serve_block(target.path.removeprefix("/ipfs/"))
        else:
            self._serve_rpc(target.path.removeprefix("/api/v0/"), query)

    def _read_body(self) -> bytes:
        length = int(self.headers.get("content-length") or 0)
        return self.rfile.read(length)

    def _serve_block(self, text: str) -> None:
        block = self.fake.blocks.get(Cid.parse(text))
        if block is None:
            self.answer(404, b"")
        else:
            self.answer(200, block)

    def _serve_rpc(self, command: str, query: dict[str, str]) -> None:  # noqa: C901, PLR0911, PLR0912 - a command a case
        fake, arg = self.fake, query.get("arg", "")
        match command:
            case "add":
                boundary = self.headers["content-type"].partition("boundary=")[2].encode()
                content = self.body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--" + boundary)[0]
                cid = fake.add(content, pin=query.get("pin") == "true" and not fake.forgets_pins)
                return self.answer_json({"Name": "blob", "Hash": str(cid), "Size": str(len(content))})
            case "cat":
                try:
                    content = fake.cat(Cid.parse(arg))
                except KeyError:
                    return self.fail("request timed out")
                except MalformedBlobError:
                    return self.fail("this dag node is a directory")
                return self.answer(200, content[: int(query["length"])])
            case "block/get" | "block/stat":
                block = fake.blocks.get(Cid.parse(arg))
                if block is None:
                    return self.fail("request timed out")
                if command == "block/get":
                    return self.answer(200, block)
                return self.answer_json({"Key": arg, "Size": len(block)})
            case "pin/ls" if arg:
                if Cid.parse(arg) in fake.pins:
                    return self.answer_json({"Keys": {arg: {"Type": "recursive"}}})
                return self.fail(f"path '{arg}' is not pinned")
            case "pin/ls":
                lines = [json.dumps({"Cid": str(cid), "Type": "recursive"}) for cid in fake.pins]
                return self.answer(200, "\n".join(lines).encode())
            case "pin/add":
                if Cid.parse(arg) not in fake.blocks:
                    return self.fail("request timed out")
                fake.pins.add(Cid.parse(arg))
                return self.answer_json({"Pins": [arg]})
            case "pin/rm":
                if Cid.parse(arg) not in fake.pins:
                    return self.fail(f"{arg} is not pinned")
                fake.pins.discard(Cid.parse(arg))
                return self.answer_json({"Pins": [arg]})
            case "repo/stat":
                total = sum(map(len, fake.blocks.values()))
                return self.answer_json({"RepoSize": str(total), "StorageMax": "1000000", "NumObjects": "0"})
            case "repo/gc":
                removed = fake.collect_garbage()
                return self.answer(200, "\n".join(json.dumps({"Key": {"/": str(cid)}}) for cid in removed).encode())
        return self.answer(404, b"404 page not found")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.last:
            self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode() + b"\n")

    def fail(self, message: str) -> None:
        self.answer(500, json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass


Misbehaviour = Callable[[Handler], bool]
"""Does something with a request, and says whether that was all there is to do."""


@dataclass
class FakeIpfs:
    """A node on a free port of 127.0.0.1. Several may share `blocks`."""

    blocks: dict[Cid, bytes] = field(default_factory=dict)
    pins: set[Cid] = field(default_factory=set)
    misbehaviours: dict[str, Misbehaviour] = field(default_factory=dict)
    """By a part of the path, its query included."""
    forgets_pins: bool = False
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        handler = type("BoundHandler", (Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, data: bytes, *, pin: bool = True) -> Cid:
        self.blocks |= {cid: bytes(block) for cid, block in lay_out(data)}
        cid = compute_cid(data)
        if pin:
            self.pins.add(cid)
        return cid

    def cat(self, cid: Cid) -> bytes:
        try:
            return read_file(cid, lambda cids: (self.blocks[child] for child in cids), 2**40)
        except BlobTooLargeError:
            raise AssertionError("nothing is that large") from None

    def collect_garbage(self) -> list[Cid]:
        kept = {cid for pin in self.pins for cid, _ in lay_out(self.cat(pin))}
        removed = [cid for cid in self.blocks if cid not in kept]
        for cid in removed:
            del self.blocks[cid]
        return removed

    def count(self, command: str) -> int:
        """How often a command was asked for."""
        return sum(asked == command for asked, _ in self.requests)


# Misbehaviours


def status(code: int) -> Misbehaviour:
    """Answers with a status and no body."""

    def answer(handler: Handler) -> bool:
        handler.answer(code, b"")
        return True

    return answer


def message(text: str) -> Misbehaviour:
    """Fails as a node does, in JSON."""

    def answer(handler: Handler) -> bool:
        handler.fail(text)
        return True

    return answer


def hang_up(_handler: Handler) -> bool:
    """Closes the connection without a word."""
    return True


def times(count: int, misbehave: Misbehaviour) -> Misbehaviour:
    """Misbehaves so often, then no more."""
    left = iter(range(count))

    def answer(handler: Handler) -> bool:
        return misbehave(handler) if next(left, None) is not None else False

    return answer


def send(body: bytes) -> Misbehaviour:
    """Answers with these bytes."""

    def answer(handler: Handler) -> bool:
        handler.answer(200, body)
        return True

    return answer


def announce(length: int) -> Misbehaviour:
    """Says that so many bytes follow, and sends a few."""

    def answer(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(bytes(1_000))
        return True

    return answer


def send_for_ever(handler: Handler) -> bool:
    """Sends and sends, without having said how much."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(100_000))


def drip(head: bytes) -> Misbehaviour:
    """Sends a byte now and then, each one soon enough to keep a connection: first of `head`, then of zeros."""

    def pieces() -> Iterator[bytes]:
        for i in range(len(head)):
            yield head[i : i + 1]
        while True:
            yield b"\0"

    def answer(handler: Handler) -> bool:
        for piece in pieces():
            handler.wfile.write(piece)
            time.sleep(0.05)
        return True

    return answer


def redirect(location: str) -> Misbehaviour:
    """Sends whoever asks elsewhere."""

    def answer(handler: Handler) -> bool:
        handler.answer(301, b"", Location=location)
        return True

    return answer


def delay(seconds: float) -> Misbehaviour:
    """Answers late."""

    def answer(_handler: Handler) -> bool:
        time.sleep(seconds)
        return False

    return answer


BARE_HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
"""The beginning of an answer whose body ends when the connection does."""
