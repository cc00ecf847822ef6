"""Blobs in a directory, one file each, named by identifier. Any number of processes may share it.

A blob appears under its name in one rename, after its bytes have reached the disk. So a process killed half-way, a full
disk or a power cut leave at most a partial file under another name; a store that opens the directory later removes it.
"""

import os
import secrets
import time
from pathlib import Path
from typing import Final

from steelyard.errors import BlobNotFoundError
from steelyard.storage.base import BlobStore, Usage
from steelyard.types import Cid

_PARTIAL: Final = ".partial-"
_ABANDONED_AFTER: Final = 3_600  # seconds; no honest write takes that long


class LocalBlobStore(BlobStore):
    """Keeps blobs in `root`, which is made where it does not exist.

    Raises:
      OSError: `root` cannot be made or read. `open_store` says it as a `ConfigError`.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._remove_abandoned()

    def _write(self, cid: Cid, data: bytes) -> None:
        partial = self._root / f"{_PARTIAL}{secrets.token_hex(16)}"
        try:
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path(cid))
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self._sync_directory()

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        try:
            with self._path(cid).open("rb") as file:
                # The read buffer is as long as asked for, so never ask for more than the file has.
                return file.read(min(os.fstat(file.fileno()).st_size, max_bytes) + 1)
        except FileNotFoundError:
            raise BlobNotFoundError(str(cid)) from None

    def _has(self, cid: Cid) -> bool:
        return self._path(cid).is_file()

    def _release(self, cid: Cid) -> bool:
        try:
            self._path(cid).unlink()
        except FileNotFoundError:
            return False
        return True

    def _measure(self) -> Usage:
        sizes = [entry.stat().st_size for entry in os.scandir(self._root) if not entry.name.startswith(_PARTIAL)]
        return Usage(len(sizes), sum(sizes))

    def _path(self, cid: Cid) -> Path:
        # A `Cid` spells itself in base32 only: its text cannot leave the directory.
        return self._root / str(cid)

    def _sync_directory(self) -> None:
        # Without this the rename itself may not survive a power cut.
        directory = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _remove_abandoned(self) -> None:
        for partial in self._root.glob(f"{_PARTIAL}*"):
            try:
                if time.time() - partial.stat().st_mtime > _ABANDONED_AFTER:
                    partial.unlink()
            except OSError:
                continue  # another process was faster, or it is another user's to remove
