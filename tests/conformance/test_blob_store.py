"""What every blob store must do. A new store adds one line to `STORES`."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from steelyard.errors import BlobNotFoundError, BlobTooLargeError
from steelyard.storage import (
    BlobStore,
    CompositeBlobStore,
    GatewayBlobStore,
    KuboBlobStore,
    LocalBlobStore,
    MemoryBlobStore,
    compute_cid,
)
from steelyard.types import Cid
from tests.fake_ipfs import FakeIpfs


class FilledGateways(GatewayBlobStore):
    """Gateways of a node that somebody puts things into."""

    def __init__(self, node: FakeIpfs) -> None:
        super().__init__([node.url, node.url], allow_private=True)
        self._node = node

    def _write(self, cid: Cid, data: bytes) -> None:
        self._node.add(data)


# A store that needs a node gets one.
STORES: dict[str, Callable[[Path, FakeIpfs], BlobStore]] = {
    "memory": lambda _path, _node: MemoryBlobStore(),
    "local": lambda path, _node: LocalBlobStore(path / "blobs"),
    "kubo": lambda _path, node: KuboBlobStore(node.url),
    "gateway": lambda _path, node: FilledGateways(node),
    "composite": lambda path, node: CompositeBlobStore([LocalBlobStore(path / "blobs"), KuboBlobStore(node.url)]),
}

BLOBS = {
    "empty": b"",
    "one byte": b"\x00",
    "one chunk": random.Random(1).randbytes(262_144),
    "two chunks": random.Random(2).randbytes(262_145),
    "a megabyte": random.Random(3).randbytes(1_000_003),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    with FakeIpfs() as node:
        yield STORES[request.param](tmp_path, node)


def test_absent_content_is_not_found(store: BlobStore) -> None:
    store.put(b"present")
    absent = compute_cid(b"absent")
    assert not store.has(absent)
    with pytest.raises(BlobNotFoundError) as raised:
        store.get(absent, 100)
    assert raised.value.cid == str(absent)


@pytest.mark.parametrize("excess", [1, 2, 999_999])
def test_content_longer_than_agreed_is_refused(store: BlobStore, excess: int) -> None:
    data = BLOBS["a megabyte"]
    cid = store.put(data)
    with pytest.raises(BlobTooLargeError) as raised:
        store.get(cid, len(data) - excess)
    assert raised.value.limit == len(data) - excess
    assert store.get(cid, len(data)) == data


def test_a_negative_limit_is_the_callers_mistake(store: BlobStore) -> None:
    cid = store.put(b"something")
    with pytest.raises(ValueError, match="-5"):
        store.get(cid, -5)


@pytest.mark.parametrize("name", BLOBS)
def test_what_is_put_is_got(store: BlobStore, name: str) -> None:
    data = BLOBS[name]
    cid = store.put(data)
    assert cid == compute_cid(data)
    assert store.has(cid)
    assert store.get(cid, max_bytes=len(data)) == data
    assert store.get(cid, max_bytes=2**40) == data


def test_putting_twice_changes_nothing(store: BlobStore) -> None:
    assert store.put(b"twice") == store.put(b"twice")
    assert store.get(compute_cid(b"twice"), 5) == b"twice"


def test_threads_share_a_store(store: BlobStore) -> None:
    blobs = [bytes([i % 10]) * 50_000 for i in range(80)]
    with ThreadPoolExecutor(8) as pool:
        cids = list(pool.map(store.put, blobs))
        assert list(pool.map(lambda cid: store.get(cid, 50_000), cids)) == blobs


def test_what_is_released_is_let_go_of_and_may_be_put_again(store: BlobStore) -> None:
    cid = store.put(b"released")
    assert store.release(cid) == (not isinstance(store, GatewayBlobStore))
    assert not store.is_pinned(cid)
    assert not store.release(cid)
    assert not store.release(compute_cid(b"never there"))
    assert store.put(b"released") == cid
    assert store.get(cid, 8) == b"released"
