"""Several stores as one: everything is written to all that write, and read from the nearest that has it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    ProtocolError,
    ReadOnlyStoreError,
    StorageError,
    StorageUnavailableError,
)
from steelyard.storage.base import BlobStore, Usage
from steelyard.storage.local import LocalBlobStore
from steelyard.storage.memory import MemoryBlobStore
from steelyard.types import Cid

_CACHES: Final = (LocalBlobStore, MemoryBlobStore)
"""Stores that are worth filling with what was read from a farther one: it costs nobody else anything."""


class CompositeBlobStore(BlobStore):
    """Joins `stores`, the nearest first.

    A put has succeeded when every store that writes has taken it: a copy at home that others cannot reach would be a
    submission that nobody finds. A blob is absent when every store says so, unreachable when one of them cannot say.
    """

    def __init__(self, stores: Sequence[BlobStore]) -> None:
        self._stores = tuple(stores)

    def _write(self, cid: Cid, data: bytes) -> None:  # noqa: ARG002 - each store computes it for itself
        writers = 0
        for store in self._stores:
            with suppress(ReadOnlyStoreError):
                store.put(data)
                writers += 1
        if not writers:
            raise ReadOnlyStoreError("none of the stores writes")

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        failures: list[ProtocolError] = []
        for i, store in enumerate(self._stores):
            try:
                data = store.get(cid, max_bytes)
            except (StorageError, BlobMismatchError) as error:
                failures.append(error)
                continue
            for nearer in self._stores[:i]:
                if isinstance(nearer, _CACHES):
                    with suppress(StorageError):  # a full disk must not keep anybody from what was found
                        nearer.put(data)
            return data
        raise _summarise(cid, failures)

    def _has(self, cid: Cid) -> bool:
        failures = []
        for store in self._stores:
            try:
                if store.has(cid):
                    return True
            except StorageError as error:
                failures.append(error)
        if failures:
            raise _summarise(cid, failures)
        return False

    def _pin(self, cid: Cid) -> None:
        failures: list[ProtocolError] = []
        pinned = 0
        for store in self._stores:
            try:
                store.pin(cid)
            except ReadOnlyStoreError:
                continue
            except BlobNotFoundError as error:
                failures.append(error)
            else:
                pinned += 1
        if not pinned:
            raise _summarise(cid, failures) if failures else ReadOnlyStoreError("none of the stores keeps anything")

    def _is_pinned(self, cid: Cid) -> bool:
        return any(store.is_pinned(cid) for store in self._stores)

    def _release(self, cid: Cid) -> bool:
        return sum(store.release(cid) for store in self._stores) > 0

    def _measure(self) -> Usage | None:
        """The largest of what its stores hold: the same blobs lie in several."""
        found = [usage for usage in (store.measure() for store in self._stores) if usage is not None]
        return max(found, key=lambda usage: usage.total_bytes, default=None)


def _summarise(cid: Cid, failures: Sequence[ProtocolError]) -> ProtocolError:
    """What it means together that no store handed a blob out."""
    if all(isinstance(failure, BlobNotFoundError) for failure in failures):
        return BlobNotFoundError(str(cid))
    telling = [failure for failure in failures if not isinstance(failure, BlobNotFoundError)]
    if len(telling) == 1 or all(isinstance(failure, BlobTooLargeError) for failure in telling):
        return telling[0]
    return StorageUnavailableError(f"no store hands out {cid}: {'; '.join(map(str, telling))}")
