"""What every blob store promises, whoever runs it: the bytes asked for, or one of six errors.

A store is never trusted. Everything that it hands out is hashed again and is no longer than the caller agreed to.
A new store is one file with the three abstract methods (and, where a store can let go of what it holds, `_pin`,
`_is_pinned`, `_release` and `_measure`), plus a line in `open_store` and in the conformance tests.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    MalformedBlobError,
    StorageError,
    StorageUnavailableError,
)
from steelyard.storage.cid import compute_cid
from steelyard.types import Cid


@dataclass(frozen=True, slots=True)
class Usage:
    """What a store holds."""

    pinned: int
    """Blobs that it keeps until they are released."""
    total_bytes: int
    limit_bytes: int | None = None
    """How much it may hold; None if nobody has said."""


class BlobStore(ABC):
    """Immutable blobs by content identifier. The public methods may be called from several threads."""

    def put(self, data: bytes) -> Cid:
        """Stores `data`, pinned, and returns its identifier. Putting it again is harmless, and mends a damaged copy.

        Raises:
          StorageUnavailableError: the store cannot be reached, has no room, or does not keep what it takes.
          ReadOnlyStoreError: the store only hands out.
        """
        cid = compute_cid(data)
        with self._translated("store", cid):
            self._write(cid, data)
        return cid

    def get(self, cid: Cid, max_bytes: int) -> bytes:
        """The bytes behind `cid`.

        Args:
          cid: the identifier.
          max_bytes: the longest blob that the caller wants; no store reads much further than that.

        Raises:
          BlobNotFoundError: the store does not have it.
          BlobTooLargeError: it is longer than `max_bytes`.
          BlobMismatchError: the store handed out other bytes.
          MalformedBlobError: `cid` itself names something that is no file as Steelyard lays files out. Only stores that
            read block by block can tell.
          StorageUnavailableError: the store cannot be reached, or failed.
        """
        if max_bytes < 0:
            raise ValueError(f"max_bytes is {max_bytes}")
        with self._translated("read", cid):
            data = bytes(memoryview(self._read(cid, max_bytes)))
        if len(data) > max_bytes:
            raise BlobTooLargeError(str(cid), max_bytes)
        got = compute_cid(data)
        if got != cid:
            raise BlobMismatchError(str(cid), str(got))
        return data

    def has(self, cid: Cid) -> bool:
        """Whether the store says that it has `cid`. Only `get` proves it.

        Raises:
          StorageUnavailableError: the store cannot be reached, or failed.
        """
        with self._translated("look for", cid):
            return bool(self._has(cid))

    def pin(self, cid: Cid) -> None:
        """Has the store keep `cid` until it is released, whatever else it clears away. A node fetches it if need be.

        Raises:
          BlobNotFoundError: it is not to be had.
          StorageUnavailableError: the store cannot be reached, or failed.
          ReadOnlyStoreError: the store only hands out.
        """
        with self._translated("pin", cid):
            self._pin(cid)

    def is_pinned(self, cid: Cid) -> bool:
        """Whether the store itself keeps `cid` until it is released. It looks nowhere else.

        Raises:
          StorageUnavailableError: the store cannot be reached, or failed.
        """
        with self._translated("look for", cid):
            return self._is_pinned(cid)

    def release(self, cid: Cid) -> bool:
        """Lets the store forget `cid`, now or later, and returns whether it was keeping it.

        Raises:
          StorageUnavailableError: the store cannot be reached, or failed.
        """
        with self._translated("release", cid):
            return self._release(cid)

    def measure(self) -> Usage | None:
        """What the store holds; None for a store that only hands out.

        Raises:
          StorageUnavailableError: the store cannot be reached, or failed.
        """
        with self._translated("measure"):
            return self._measure()

    @abstractmethod
    def _write(self, cid: Cid, data: bytes) -> None:
        """Stores `data`, all of it or nothing; durable once it returns."""

    @abstractmethod
    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        """The bytes stored for `cid`: at most `max_bytes + 1` of them, so that the caller sees that there are too many.

        Raises:
          BlobNotFoundError: there are none.
        """

    @abstractmethod
    def _has(self, cid: Cid) -> bool:
        """Whether bytes are stored for `cid`."""

    # For a store that keeps everything until it is released:

    def _pin(self, cid: Cid) -> None:
        """Keeps `cid`: there is nothing to do but to look."""
        if not self._has(cid):
            raise BlobNotFoundError(str(cid))

    def _is_pinned(self, cid: Cid) -> bool:
        return self._has(cid)

    def _release(self, cid: Cid) -> bool:  # noqa: ARG002 - who keeps nothing has nothing to let go of
        """Lets go of `cid`, if it is there."""
        return False

    def _measure(self) -> Usage | None:
        return None

    @contextmanager
    def _translated(self, verb: str, cid: Cid | str = "what it holds") -> Iterator[None]:
        """Callers handle `StorageError` only, so whatever else an implementation lets through becomes one here."""
        try:
            yield
        except (StorageError, BlobMismatchError, MalformedBlobError):
            raise
        except Exception as exc:
            raise StorageUnavailableError(f"{type(self).__name__} could not {verb} {cid}: {exc}") from exc
