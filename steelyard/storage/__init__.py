"""Where payloads, aggregates, models and specifications lie: content-addressed blob stores."""

from pathlib import Path

from steelyard.errors import ConfigError
from steelyard.storage.base import BlobStore
from steelyard.storage.cid import compute_cid
from steelyard.storage.local import LocalBlobStore
from steelyard.storage.memory import MemoryBlobStore
from steelyard.types import Cid

__all__ = ["BlobStore", "Cid", "LocalBlobStore", "MemoryBlobStore", "compute_cid", "open_store"]


def open_store(url: str) -> BlobStore:
    """The store that `url` names: `local:PATH` for a directory, `memory:` for a new one that lives with the process.

    Raises:
      ConfigError: the scheme is unknown, a path is missing, or the directory cannot be used.
    """
    scheme, _, rest = url.partition(":")
    match scheme, rest:
        case "memory", "":
            return MemoryBlobStore()
        case "local", path if path:
            try:
                return LocalBlobStore(Path(path).expanduser())
            except OSError as exc:
                raise ConfigError(f"the storage directory {path} cannot be used: {exc.strerror}") from exc
    raise ConfigError(f"{url!r} names no blob store: use `local:PATH` or `memory:`")
