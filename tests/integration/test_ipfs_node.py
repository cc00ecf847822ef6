"""The same clients as in the unit tests against real nodes: two of js-ipfs that are each other's only peer."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.ipfs.node import IpfsNode, connected_nodes
from steelyard.errors import (
    BlobNotFoundError,
    BlobTooLargeError,
    ConfigError,
    MalformedBlobError,
    StorageUnavailableError,
)
from steelyard.storage import GatewayBlobStore, KuboBlobStore, LocalBlobStore, compute_cid
from steelyard.storage.cid import lay_out
from steelyard.storage.kubo import KuboPatience
from steelyard.types import Cid, Codec

pytestmark = [pytest.mark.xdist_group("ipfs")]

PATIENCE = KuboPatience(attempts=2)
HURRIED = KuboPatience(find_seconds=1.0, attempts=2)
CHUNK = 262_144

# Around one chunk, one node of 174 links, two levels, and fifty million bytes.
SIZES = [0, 1, 1_000, CHUNK - 1, CHUNK, CHUNK + 1, 1_000_000, 174 * CHUNK + 1, 50_000_000]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[IpfsNode]]:
    folder = tmp_path_factory.mktemp("ipfs")
    with connected_nodes([folder / "first", folder / "second"]) as nodes:
        yield nodes


@pytest.fixture
def first(nodes: list[IpfsNode]) -> KuboBlobStore:
    return KuboBlobStore(nodes[0].url, PATIENCE)


@pytest.fixture
def second(nodes: list[IpfsNode]) -> KuboBlobStore:
    return KuboBlobStore(nodes[1].url, PATIENCE)


def fill(size: int, seed: int = 0) -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)


@pytest.mark.parametrize("size", [1_000, 300_000, 5_000_000])
def test_a_peer_has_it_by_bitswap(first: KuboBlobStore, second: KuboBlobStore, size: int) -> None:
    data = fill(size, seed=1)
    assert second.get(first.put(data), size) == data


@pytest.mark.parametrize("size", [1_000, 5_000_000])
def test_a_gateway_hands_out_block_by_block(
    nodes: list[IpfsNode], first: KuboBlobStore, second: KuboBlobStore, size: int
) -> None:
    """Also what its node has to fetch from a peer first."""
    store = GatewayBlobStore([nodes[0].gateway_url], allow_private=True)
    for writer in (first, second):
        data = fill(size, seed=id(writer))
        assert store.get(writer.put(data), size) == data


def test_absent_content_is_not_found_in_time(nodes: list[IpfsNode]) -> None:
    absent, store = compute_cid(b"nobody has this"), KuboBlobStore(nodes[0].url, HURRIED)
    assert not store.has(absent)
    with pytest.raises(BlobNotFoundError):
        store.get(absent, 100)
    with pytest.raises(BlobNotFoundError):
        store.pin(absent)
    with pytest.raises(BlobNotFoundError):
        GatewayBlobStore([nodes[0].gateway_url], allow_private=True).get(absent, 100)


def test_garbage_collection_takes_what_is_released_and_nothing_else(
    nodes: list[IpfsNode], first: KuboBlobStore
) -> None:
    kept, released = first.put(fill(600_000, seed=2)), first.put(fill(700_000, seed=2))
    first.release(released)
    first.release(released)
    first.collect_garbage()
    assert first.get(kept, 600_000) == fill(600_000, seed=2)
    assert not first.has(released)
    with pytest.raises(BlobNotFoundError):
        KuboBlobStore(nodes[0].url, HURRIED).get(released, 700_000)
    usage = first.measure()
    assert usage is not None
    assert usage.pinned == sum(1 for _ in first.list_pins())
    assert str(kept) in set(first.list_pins())


def test_what_a_reader_did_not_pin_goes_and_what_it_pinned_outlives_the_writer(
    first: KuboBlobStore, second: KuboBlobStore
) -> None:
    data = fill(600_000, seed=3)
    cid = first.put(data)
    assert second.get(cid, len(data)) == data
    second.collect_garbage()
    second.pin(cid)
    first.release(cid)
    first.collect_garbage()
    second.collect_garbage()
    assert second.get(cid, len(data)) == data


def test_what_is_no_file_of_ours_is_told_from_what_is_absent(nodes: list[IpfsNode], first: KuboBlobStore) -> None:
    nodes[0].call("block/put", {"format": "dag-pb", "version": "1", "mhtype": "sha2-256"}, bytes.fromhex("0a020801"))
    empty_directory = Cid(
        Codec.DAG_PB, bytes.fromhex("59948439065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef")
    )
    with pytest.raises(MalformedBlobError, match="it is a directory"):
        first.get(empty_directory, 1_000)

    small_chunks = {"cid-version": "1", "raw-leaves": "true", "chunker": "size-1000"}
    added = nodes[0].call("add", small_chunks, fill(5_000))
    with pytest.raises(MalformedBlobError):
        first.get(Cid.parse(added["Hash"]), 5_000)


def test_a_node_gets_over_a_search_for_several_blocks_that_runs_out_of_time(nodes: list[IpfsNode]) -> None:
    """Left alone, js-ipfs ends then. The root is there, and nobody has the leaves."""
    *_, (cid, root) = lay_out(fill(1_000_000, seed=4))
    nodes[1].call("block/put", {"format": "dag-pb", "version": "1", "mhtype": "sha2-256"}, bytes(root))
    with pytest.raises(BlobNotFoundError):
        KuboBlobStore(nodes[1].url, HURRIED).get(cid, 1_000_000)
    assert nodes[1].call("id", {})


def test_a_node_that_was_killed_has_kept_what_it_confirmed(tmp_path: Path) -> None:
    node = IpfsNode(tmp_path / "repository")
    data = fill(1_000_000)
    with socket.create_server(("127.0.0.1", int(node.url.rpartition(":")[2]))), node:  # it has to take another port
        store = KuboBlobStore(node.url, PATIENCE)
        cid = store.put(data)
        node.kill()
        with pytest.raises(StorageUnavailableError, match="no answer"):
            store.get(cid, len(data))
        node.start()
        store.collect_garbage()
        assert store.get(cid, len(data)) == data


def test_a_repository_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="ended at once"):
        IpfsNode(tmp_path / "file").start()


# Last, as much data makes garbage collection slow.
@pytest.mark.parametrize("size", SIZES)
def test_the_same_bytes_have_the_same_identifier_here_and_there(
    first: KuboBlobStore, tmp_path: Path, size: int
) -> None:
    data = fill(size)
    cid = first.put(data)
    assert cid == compute_cid(data) == LocalBlobStore(tmp_path).put(data)
    assert first.is_pinned(cid)
    assert first.has(cid)
    assert first.get(cid, size) == data
    if size:
        with pytest.raises(BlobTooLargeError):
            first.get(cid, size - 1)
