"""What every blob store promises, whoever runs it: the bytes asked for, or one of five errors.

A store is never trusted. Everything that it hands out is hashed again and is no longer than the caller agreed to.
A new store is one file with the three underscored methods, plus a line in `open_store` and in the conformance tests.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from steelyard.errors import BlobMismatchError, BlobTooLargeError, StorageError, StorageUnavailableError
from steelyard.storage.cid import compute_cid
from steelyard.types import Cid


class BlobStore(ABC):
    """Immutable blobs by content identifier. The public methods may be called from several threads."""

    def put(self, data: bytes) -> Cid:
        """Stores `data` and returns its identifier. Putting the same bytes again is harmless, and mends a damaged copy.

        Raises:
          StorageUnavailableError: the store cannot be reached, or has no room.
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

    @contextmanager
    def _translated(self, verb: str, cid: Cid) -> Iterator[None]:
        """Callers handle `StorageError` only, so whatever else an implementation lets through becomes one here."""
        try:
            yield
        except StorageError:
            raise
        except Exception as exc:
            raise StorageUnavailableError(f"{type(self).__name__} could not {verb} {cid}: {exc}") from exc
