"""Blobs in a dictionary: for tests, and for programs that run together in one process."""

from steelyard.errors import BlobNotFoundError
from steelyard.storage.base import BlobStore, Usage
from steelyard.types import Cid


class MemoryBlobStore(BlobStore):
    """Keeps blobs for as long as it lives."""

    def __init__(self) -> None:
        self._blobs: dict[Cid, bytes] = {}

    def _write(self, cid: Cid, data: bytes) -> None:
        self._blobs[cid] = bytes(data)

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        try:
            return self._blobs[cid][: max_bytes + 1]
        except KeyError:
            raise BlobNotFoundError(str(cid)) from None

    def _has(self, cid: Cid) -> bool:
        return cid in self._blobs

    def _release(self, cid: Cid) -> bool:
        return self._blobs.pop(cid, None) is not None

    def _measure(self) -> Usage:
        return Usage(len(self._blobs), sum(map(len, list(self._blobs.values()))))
