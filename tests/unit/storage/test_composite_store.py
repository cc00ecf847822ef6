import errno
import os
from pathlib import Path

import pytest

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    ReadOnlyStoreError,
    StorageUnavailableError,
)
from steelyard.storage import (
    BlobStore,
    CompositeBlobStore,
    GatewayBlobStore,
    KuboBlobStore,
    LocalBlobStore,
    MemoryBlobStore,
    Usage,
    compute_cid,
    open_store,
)
from steelyard.storage.kubo import KuboPatience
from steelyard.types import Cid
from tests.fake_ipfs import FakeIpfs

BLOB = b"a blob"
CID = compute_cid(BLOB)


class ReadOnly(MemoryBlobStore):
    def _write(self, cid: Cid, data: bytes) -> None:
        raise ReadOnlyStoreError("only hands out")

    def _pin(self, cid: Cid) -> None:
        raise ReadOnlyStoreError("only hands out")

    def _measure(self) -> Usage:
        return Usage(0, 0)


class Down(MemoryBlobStore):
    """Does not answer."""

    def _fail(self, *_: object) -> None:
        raise StorageUnavailableError("down")

    _write = _read = _has = _pin = _is_pinned = _release = _fail  # type: ignore[assignment]


class Lying(MemoryBlobStore):
    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        return b"a lie"


class Full(LocalBlobStore):
    def _write(self, cid: Cid, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def filled(store: MemoryBlobStore) -> MemoryBlobStore:
    store._blobs[CID] = BLOB
    return store


def test_what_is_put_lies_in_every_store_that_writes() -> None:
    near, far = MemoryBlobStore(), MemoryBlobStore()
    CompositeBlobStore([near, ReadOnly(), far]).put(BLOB)
    assert near.get(CID, 10) == far.get(CID, 10) == BLOB


def test_a_put_that_one_of_them_does_not_take_has_failed() -> None:
    with pytest.raises(StorageUnavailableError):
        CompositeBlobStore([MemoryBlobStore(), Down()]).put(BLOB)


def test_without_a_store_that_writes_nothing_is_put_or_pinned() -> None:
    store = CompositeBlobStore([ReadOnly(), ReadOnly()])
    with pytest.raises(ReadOnlyStoreError):
        store.put(BLOB)
    with pytest.raises(ReadOnlyStoreError):
        store.pin(CID)


def test_the_nearest_is_read_and_filled_from_farther_ones() -> None:
    near, far = MemoryBlobStore(), filled(MemoryBlobStore())
    store = CompositeBlobStore([near, far])
    assert store.get(CID, 10) == BLOB
    far.release(CID)
    assert store.get(CID, 10) == BLOB
    assert near.has(CID)


@pytest.mark.parametrize("bad", [Down(), Lying(), MemoryBlobStore()], ids=["down", "lying", "without it"])
def test_a_nearer_one_that_fails_is_passed_over(bad: BlobStore) -> None:
    assert CompositeBlobStore([bad, filled(MemoryBlobStore())]).get(CID, 10) == BLOB


def test_a_damaged_copy_at_home_is_mended(tmp_path: Path) -> None:
    near = LocalBlobStore(tmp_path)
    (tmp_path / str(CID)).write_bytes(b"dam@ge")
    assert CompositeBlobStore([near, filled(MemoryBlobStore())]).get(CID, 10) == BLOB
    assert near.get(CID, 10) == BLOB


def test_a_cache_without_room_keeps_nobody_from_a_blob(tmp_path: Path) -> None:
    store = CompositeBlobStore([Full(tmp_path), filled(MemoryBlobStore())])
    assert store.get(CID, 10) == BLOB
    with pytest.raises(StorageUnavailableError, match="No space left on device"):
        store.put(b"new")


@pytest.mark.parametrize(
    ("stores", "error"),
    [
        ([MemoryBlobStore(), MemoryBlobStore()], BlobNotFoundError),
        ([MemoryBlobStore(), Down()], StorageUnavailableError),
        ([Down(), Down()], StorageUnavailableError),
        ([Lying(), MemoryBlobStore()], BlobMismatchError),
        ([Lying(), Down()], StorageUnavailableError),
    ],
    ids=["nowhere", "one down", "all down", "one lies", "a liar and one down"],
)
def test_absent_is_what_all_call_absent(stores: list[BlobStore], error: type[Exception]) -> None:
    with pytest.raises(error):
        CompositeBlobStore(stores).get(CID, 10)


def test_what_is_too_large_everywhere_is_too_large() -> None:
    with pytest.raises(BlobTooLargeError):
        CompositeBlobStore([filled(MemoryBlobStore()), filled(MemoryBlobStore())]).get(CID, 2)


def test_somebody_having_it_is_enough() -> None:
    assert CompositeBlobStore([Down(), filled(MemoryBlobStore())]).has(CID)
    assert not CompositeBlobStore([MemoryBlobStore(), MemoryBlobStore()]).has(CID)
    with pytest.raises(StorageUnavailableError):
        CompositeBlobStore([Down(), MemoryBlobStore()]).has(CID)


def test_pinned_is_what_one_keeps_and_released_is_what_none_does() -> None:
    near, far = MemoryBlobStore(), filled(MemoryBlobStore())
    store = CompositeBlobStore([near, far, ReadOnly()])
    store.pin(CID)
    with pytest.raises(BlobNotFoundError):
        store.pin(compute_cid(b"absent"))
    assert store.is_pinned(CID)
    store.get(CID, 10)
    assert store.release(CID)
    assert not store.is_pinned(CID)
    assert not near.has(CID)
    assert not far.has(CID)


def test_urls_are_joined_by_plus_signs(tmp_path: Path) -> None:
    with FakeIpfs() as node:
        store = open_store(f"local:{tmp_path}/a+b + kubo:{node.url} + gateway+private:{node.url}")
        assert isinstance(store, CompositeBlobStore)
        assert [type(part) for part in store._stores] == [LocalBlobStore, KuboBlobStore, GatewayBlobStore]
        store.put(BLOB)
        assert node.pins == {CID}
        assert (tmp_path / "a+b" / str(CID)).read_bytes() == BLOB
        usage = store.measure()
        assert usage is not None
        assert usage.total_bytes == len(BLOB)


def test_a_node_that_is_down_is_no_matter_for_who_has_it_at_home(tmp_path: Path) -> None:
    local = LocalBlobStore(tmp_path)
    local.put(BLOB)
    with FakeIpfs() as gone:
        url = gone.url
    store = CompositeBlobStore([local, KuboBlobStore(url, KuboPatience(attempts=1))])
    assert store.get(CID, 10) == BLOB
    with pytest.raises(StorageUnavailableError, match="no answer"):
        store.put(b"new")
