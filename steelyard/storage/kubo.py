"""Blobs in an IPFS node, by the RPC API of Kubo (`/api/v0`): Kubo itself, js-ipfs, and services that speak it.

What is put is pinned before its identifier is reported, so the node's garbage collection cannot take it. The node is no
more trusted than any other store: if what `cat` hands out has another identifier, or if it refuses, the file is read
again block by block, which tells a node that lies or has lost something from an identifier that names no file.

References:
  https://docs.ipfs.tech/reference/kubo/rpc/
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic_core import from_json

from steelyard.errors import (
    BlobNotFoundError,
    StorageUnavailableError,
)
from steelyard.storage.base import BlobStore, Usage
from steelyard.storage.cid import CHUNK_BYTES, LINKS_PER_NODE, compute_cid
from steelyard.storage.http import MIN_RATE, TooLongError, open_client, read_capped, retry, time_limit
from steelyard.storage.unixfs import MAX_BLOCK_BYTES, read_file, verify_block
from steelyard.types import Cid

_ADD: Final = {
    "cid-version": "1",
    "raw-leaves": "true",
    "chunker": f"size-{CHUNK_BYTES}",
    "max-file-links": str(LINKS_PER_NODE),
    "pin": "true",
    "progress": "false",
}
_ANSWER_BYTES: Final = 64 * 1024
_LIST_BYTES: Final = 64 * 1024 * 1024
_BUSY: Final = frozenset({429, 502, 503, 504})
_PARALLEL: Final = 8
_GOOD_RATE: Final = 1024 * 1024  # bytes a second that a node has for what it finds
_LONGEST_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class KuboPatience:
    """How long to wait, in seconds, and how often to try again."""

    find_seconds: float = 20.0
    """For the node to find content that it does not have itself."""
    answer_seconds: float = 20.0
    """For any other answer, beside the time that its bytes take at a slow line's rate."""
    attempts: int = 4
    first_pause_seconds: float = 0.25


class RpcError(StorageUnavailableError):
    """The node answered that it cannot do what was asked. `message` is the node's own."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(f"the IPFS node refused `{command}`: {message}")
        self.command = command
        self.message = message


class NodeDownError(StorageUnavailableError):
    """The node does not answer, or says that it is busy: worth trying again."""

    hint = "Is the IPFS node running, and is this the address of its RPC API? See docs/howto/storage.md."


class KuboBlobStore(BlobStore):
    """Keeps blobs in the node at `url`, for example `http://127.0.0.1:5001`.

    Everything that it asks for is safe to ask for twice, so what fails on the way is tried again.
    """

    def __init__(self, url: str, patience: KuboPatience | None = None) -> None:
        self._url = url
        self._patience = patience or KuboPatience()
        self._client = open_client(url.rstrip("/") + "/api/v0/", public_only=False)

    def _write(self, cid: Cid, data: bytes) -> None:
        got = str(self._list("add", _ADD, body=data)[-1].get("Hash"))
        if got != str(cid):
            error = StorageUnavailableError(f"the IPFS node at {self._url} calls {cid} {got}")
            error.hint = "It lays files out in another way: use a node that honours chunker, raw-leaves and links."
            raise error
        # A node may report the identifier and fail to pin it afterwards.
        if not self._is_pinned(cid):
            self._pin(cid)

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        try:
            data = self._find("cat", cid, max_bytes, {"length": str(max_bytes + 1)})
            if compute_cid(data) == cid:
                return data
        except (RpcError, TooLongError):
            pass  # a directory, or longer than wanted; which one, and whether that is so, the blocks tell
        return read_file(cid, self._fetch_blocks, max_bytes)

    def _has(self, cid: Cid) -> bool:
        if self._is_pinned(cid):
            return True
        try:
            self._call("block/stat", {"arg": str(cid), "offline": "true", "timeout": "2s"})
        except RpcError:
            return False
        return True

    def _pin(self, cid: Cid) -> None:
        self._fetch_block(cid)  # says in time if nobody has it; all of it may take longer
        query = {"arg": str(cid), "recursive": "true", "timeout": f"{_LONGEST_SECONDS:.0f}s"}
        self._call("pin/add", query, seconds=_LONGEST_SECONDS + self._patience.answer_seconds)

    def _is_pinned(self, cid: Cid) -> bool:
        try:
            self._call("pin/ls", {"arg": str(cid), "type": "recursive"})
        except RpcError as error:
            if "not pinned" in error.message:
                return False
            raise
        return True

    def _release(self, cid: Cid) -> bool:
        try:
            self._call("pin/rm", {"arg": str(cid), "recursive": "true"})
        except RpcError as error:
            if "not pinned" not in error.message:
                raise
            return False
        return True

    def _measure(self) -> Usage:
        stat = self._list("repo/stat", {})[-1]
        limit = int(stat.get("StorageMax", 0))
        return Usage(sum(1 for _ in self.list_pins()), int(stat["RepoSize"]), limit if 0 < limit < 2**53 - 1 else None)

    def list_pins(self) -> Iterator[str]:
        """The identifiers of everything that the node keeps, also what others have pinned.

        Raises:
          StorageUnavailableError: the node does not answer.
        """
        for entry in self._list("pin/ls", {"type": "recursive", "stream": "true"}, max_bytes=_LIST_BYTES):
            yield str(entry["Cid"])

    def collect_garbage(self) -> int:
        """Has the node delete everything that is not pinned, and returns how many blocks that were.

        Raises:
          StorageUnavailableError: the node does not answer.
        """
        return sum("Key" in entry for entry in self._list("repo/gc", {}, max_bytes=_LIST_BYTES, seconds=600.0))

    def _fetch_blocks(self, cids: Sequence[Cid]) -> Iterator[bytes]:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            yield from pool.map(self._fetch_block, cids)

    def _fetch_block(self, cid: Cid) -> bytes:
        block = self._find("block/get", cid, MAX_BLOCK_BYTES)
        verify_block(cid, block)
        return block

    def _find(self, command: str, cid: Cid, max_bytes: int, options: Mapping[str, str] | None = None) -> bytes:
        """Asks for something that the node may have to look for among its peers."""
        # The node ends a transfer, too, when its time is over.
        seconds = self._patience.find_seconds + min(max_bytes / _GOOD_RATE, _LONGEST_SECONDS)
        query = {"arg": str(cid), "timeout": f"{seconds:.1f}s", **(options or {})}
        try:
            return self._call(command, query, max_bytes=max_bytes, seconds=seconds + self._patience.answer_seconds)
        except RpcError as error:
            if any(words in error.message for words in ("timed out", "deadline exceeded", "not find", "not found")):
                raise BlobNotFoundError(str(cid)) from None
            raise

    def _list(self, command: str, query: Mapping[str, str], **options: Any) -> list[dict[str, Any]]:
        """The JSON objects of an answer, one a line. The last may say that the node has failed on the way."""
        answer = self._call(command, query, **options)
        try:
            entries = [from_json(line) for line in answer.splitlines() if line.strip()]
        except ValueError as exc:
            raise StorageUnavailableError(f"the IPFS node's answer to `{command}` is not JSON: {exc}") from None
        if not all(isinstance(entry, dict) for entry in entries):
            raise StorageUnavailableError(f"the IPFS node's answer to `{command}` has lines that are no objects")
        for entry in entries:
            if entry.get("Type") == "error":
                raise RpcError(command, str(entry.get("Message")))
        return entries

    def _call(
        self,
        command: str,
        query: Mapping[str, str],
        *,
        body: bytes | None = None,
        max_bytes: int = _ANSWER_BYTES,
        seconds: float | None = None,
    ) -> bytes:
        url = httpx.URL(command, params={**query, "cid-base": "base32"})
        files = None if body is None else {"file": ("blob", body, "application/octet-stream")}
        limit = (self._patience.answer_seconds if seconds is None else seconds) + len(body or b"") / MIN_RATE

        def ask() -> bytes:
            try:
                with time_limit(limit), self._client.stream("POST", url, files=files) as response:
                    return self._read_answer(command, response, max_bytes)
            except (httpx.ReadTimeout, httpx.WriteTimeout) as exc:
                raise StorageUnavailableError(
                    f"the IPFS node at {self._url} did not answer `{command}` in {limit:.0f} s"
                ) from exc
            except httpx.TransportError as exc:
                raise NodeDownError(f"no answer from the IPFS node at {self._url}: {exc}") from exc

        patience = self._patience
        return retry(ask, NodeDownError, attempts=patience.attempts, first_pause=patience.first_pause_seconds)

    def _read_answer(self, command: str, response: httpx.Response, max_bytes: int) -> bytes:
        status = response.status_code
        if status == 200:
            return read_capped(response, max_bytes)
        text = read_capped(response, _ANSWER_BYTES).decode(errors="replace")
        if status in _BUSY:
            raise NodeDownError(f"the IPFS node at {self._url} is busy: HTTP {status}")
        try:
            message = from_json(text)["Message"]
        except (ValueError, KeyError, TypeError):
            raise StorageUnavailableError(f"{self._url} is no RPC API of an IPFS node: HTTP {status}") from None
        raise RpcError(command, str(message))
