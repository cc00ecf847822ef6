"""Blobs from public IPFS gateways that nobody trusts: read only, several at once, every block checked by its hash.

A block is asked from the gateway that has answered best so far. If that one takes long, the next is asked as well, and
the first genuine block wins. A gateway that hands out something else has shown that it lies (or is broken, which is no
better): it is left alone for a while, and what it sent is thrown away before a byte of it is used.

References:
  https://specs.ipfs.tech/http-gateways/trustless-gateway/ (single blocks, `format=raw`)
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

import httpx

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    ProtocolError,
    ReadOnlyStoreError,
    StorageError,
    StorageUnavailableError,
)
from steelyard.storage.base import BlobStore
from steelyard.storage.http import MIN_RATE, TooLongError, open_client, read_capped, time_limit
from steelyard.storage.unixfs import MAX_BLOCK_BYTES, read_file, verify_block
from steelyard.types import Cid

logger = logging.getLogger(__name__)

_ABSENT: Final = frozenset({404, 410, 504})  # 504: it has looked for it long enough
_PARALLEL: Final = 8


@dataclass(frozen=True, slots=True)
class GatewayPatience:
    """How long to wait, in seconds."""

    hedge_seconds: float = 1.0
    """For a gateway before the next one is asked as well."""
    block_seconds: float = 15.0
    """For one block from one gateway, however slowly it comes."""
    shun_seconds: float = 600.0
    """How long a gateway that lied is left alone."""

    @property
    def last_seconds(self) -> float:
        """After which even a look-up of a name that does not come back is not waited for any longer."""
        return self.block_seconds + MAX_BLOCK_BYTES / MIN_RATE


@dataclass(slots=True)
class _Gateway:
    """One of them, and how it has done. Threads share it: what they overwrite of each other is only an estimate."""

    url: str
    client: httpx.Client
    seconds: float = 0.0
    """What its latest blocks took, on average; failures count as long waits."""
    shunned_until: float = field(default=float("-inf"))

    def rate(self, seconds: float) -> None:
        self.seconds = 0.7 * self.seconds + 0.3 * seconds


class GatewayBlobStore(BlobStore):
    """Reads from the gateways at `urls`, for example `https://ipfs.io`.

    That a blob is not there is believed when every gateway says so. A single one that says so may be lying, and a
    trainer that believes it would object to an honest aggregate.

    Args:
      urls: at least one.
      allow_private: whether a gateway may be in a private network, or redirect there.
      patience: how long to wait.
    """

    def __init__(
        self, urls: Sequence[str], *, allow_private: bool = False, patience: GatewayPatience | None = None
    ) -> None:
        self._patience = patience or GatewayPatience()
        self._gateways = [
            _Gateway(url, open_client(url, public_only=not allow_private, follow_redirects=True)) for url in urls
        ]

    def _write(self, cid: Cid, data: bytes) -> None:  # noqa: ARG002 - nothing is written
        raise ReadOnlyStoreError("gateways only hand out")

    def _pin(self, cid: Cid) -> None:  # noqa: ARG002 - nothing is kept
        raise ReadOnlyStoreError("gateways keep nothing for anybody")

    def _is_pinned(self, cid: Cid) -> bool:  # noqa: ARG002
        return False

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        return read_file(cid, self._fetch_blocks, max_bytes)

    def _has(self, cid: Cid) -> bool:
        try:
            self._fetch_block(cid)
        except BlobNotFoundError:
            return False
        return True

    def _fetch_blocks(self, cids: Sequence[Cid]) -> Iterator[bytes]:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            yield from pool.map(self._fetch_block, cids)

    def _fetch_block(self, cid: Cid) -> bytes:
        """The block, from whoever is first. Threads that lose the race end by themselves when their time is over."""
        now = time.monotonic()
        waiting = sorted(
            (gateway for gateway in self._gateways if gateway.shunned_until <= now), key=lambda gateway: gateway.seconds
        )
        everybody = len(waiting) == len(self._gateways)
        results: SimpleQueue[bytes | ProtocolError] = SimpleQueue()
        failures: list[ProtocolError] = []
        running = 0
        while waiting or running:
            if waiting:
                running += 1
                threading.Thread(target=self._try, args=(waiting.pop(0), cid, results), daemon=True).start()
            try:
                result = results.get(timeout=self._patience.hedge_seconds if waiting else self._patience.last_seconds)
            except Empty:
                if waiting:
                    continue
                failures.append(StorageUnavailableError(f"{running} of them did not answer at all"))
                break
            running -= 1
            if isinstance(result, bytes):
                return result
            failures.append(result)
        if everybody and all(isinstance(failure, BlobNotFoundError) for failure in failures):
            raise BlobNotFoundError(str(cid))
        if len(failures) == 1 and isinstance(failures[0], StorageError | BlobMismatchError) and everybody:
            raise failures[0]
        said = "; ".join(map(str, failures)) or "every gateway has handed out other bytes lately"
        raise StorageUnavailableError(f"no gateway hands out block {cid}: {said}")

    def _try(self, gateway: _Gateway, cid: Cid, results: "SimpleQueue[bytes | ProtocolError]") -> None:
        began = time.monotonic()
        try:
            block = self._ask(gateway, cid)
        except BlobNotFoundError as error:
            results.put(error)
        except (BlobMismatchError, TooLongError) as error:
            gateway.shunned_until = time.monotonic() + self._patience.shun_seconds
            logger.warning("gateway %s handed out other bytes for %s", gateway.url, cid)
            results.put(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, this gateway did not answer
            gateway.rate(self._patience.block_seconds)
            known = isinstance(error, StorageError)
            results.put(error if known else StorageUnavailableError(f"{gateway.url}: {error}"))  # type: ignore[arg-type]
        else:
            gateway.rate(time.monotonic() - began)
            results.put(block)

    def _ask(self, gateway: _Gateway, cid: Cid) -> bytes:
        url = httpx.URL(f"/ipfs/{cid}", params={"format": "raw"})
        headers = {"Accept": "application/vnd.ipld.raw"}
        with (
            time_limit(self._patience.block_seconds),
            gateway.client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code in _ABSENT:
                raise BlobNotFoundError(str(cid))
            if response.status_code != 200:
                raise StorageUnavailableError(f"{gateway.url} answered HTTP {response.status_code}")
            block = read_capped(response, MAX_BLOCK_BYTES)
        verify_block(cid, block)
        return block
