"""Where payloads, aggregates, models and specifications lie: content-addressed blob stores."""

import ipaddress
import re
from pathlib import Path

import httpx

from steelyard.errors import ConfigError
from steelyard.storage.base import BlobStore, Usage
from steelyard.storage.cid import compute_cid
from steelyard.storage.composite import CompositeBlobStore
from steelyard.storage.gateway import GatewayBlobStore
from steelyard.storage.http import is_public
from steelyard.storage.kubo import KuboBlobStore
from steelyard.storage.local import LocalBlobStore
from steelyard.storage.memory import MemoryBlobStore
from steelyard.types import Cid

__all__ = [
    "BlobStore",
    "Cid",
    "CompositeBlobStore",
    "GatewayBlobStore",
    "KuboBlobStore",
    "LocalBlobStore",
    "MemoryBlobStore",
    "Usage",
    "compute_cid",
    "open_store",
]


def open_store(url: str) -> BlobStore:
    """The store that `url` names.

    - `local:PATH`: a directory.
    - `kubo:http://HOST:PORT`: an IPFS node, by its RPC API.
    - `gateway:https://HOST,https://HOST`: public gateways, read only. `gateway+private:` allows private addresses.
    - `memory:`: a new one that lives with the process.
    - `URL + URL`: several as one, the nearest first, for example `local:blobs + kubo:http://127.0.0.1:5001`.

    Raises:
      ConfigError: the scheme is unknown, a path is missing, an address is none or not allowed, or the directory cannot
        be used.
    """
    parts = [part for part in re.split(r"\s+\+\s+", url.strip()) if part]
    if len(parts) > 1:
        return CompositeBlobStore([open_store(part) for part in parts])
    scheme, _, rest = url.strip().partition(":")
    match scheme, rest:
        case "memory", "":
            return MemoryBlobStore()
        case "local", path if path:
            try:
                return LocalBlobStore(Path(path).expanduser())
            except OSError as exc:
                raise ConfigError(f"the storage directory {path} cannot be used: {exc.strerror}") from exc
        case "kubo", address if address:
            return KuboBlobStore(_check_address(address))
        case (("gateway" | "gateway+private"), addresses) if addresses:
            allow_private = scheme == "gateway+private"
            urls = [_check_address(address, allow_private=allow_private) for address in addresses.split(",")]
            return GatewayBlobStore(urls, allow_private=allow_private)
    raise ConfigError(
        f"{url!r} names no blob store: use `local:PATH`, `kubo:http://HOST:PORT`, `gateway:https://HOST`, `memory:`, "
        "or several joined by ` + `"
    )


def _check_address(text: str, *, allow_private: bool = True) -> str:
    """An HTTP address without path, query or credentials, as the clients want it."""
    try:
        url = httpx.URL(text.strip())
        host = ipaddress.ip_address(url.host)
    except httpx.InvalidURL as exc:
        raise ConfigError(f"`{text}` is no URL: {exc}") from None
    except ValueError:
        host = None  # a name: looked at when it is connected to
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        raise ConfigError(f"`{text}` is not `http://HOST:PORT` or `https://HOST`")
    if host is not None and not allow_private and not is_public(str(host)):
        error = ConfigError(f"`{text}` is not a public address")
        error.hint = "If the gateway is your own, write `gateway+private:` instead of `gateway:`."
        raise error
    return str(url).rstrip("/")
