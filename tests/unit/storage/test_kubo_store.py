from collections.abc import Iterator

import pytest

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    MalformedBlobError,
    StorageError,
    StorageUnavailableError,
)
from steelyard.storage import KuboBlobStore, compute_cid
from steelyard.storage.kubo import KuboPatience
from steelyard.types import Cid, Codec
from tests.fake_ipfs import (
    BARE_HEAD,
    FakeIpfs,
    Misbehaviour,
    announce,
    drip,
    hang_up,
    message,
    send,
    send_for_ever,
    status,
    times,
)

BLOB = bytes(range(256)) * 2_000  # two leaves
PATIENCE = KuboPatience(find_seconds=0.3, answer_seconds=0.3, attempts=3, first_pause_seconds=0.01)


@pytest.fixture
def node() -> Iterator[FakeIpfs]:
    with FakeIpfs() as fake:
        yield fake


@pytest.fixture
def store(node: FakeIpfs) -> KuboBlobStore:
    return KuboBlobStore(node.url, PATIENCE)


def add_directory(node: FakeIpfs) -> Cid:
    cid = Cid(Codec.DAG_PB, bytes.fromhex("59948439065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef"))
    node.blocks[cid] = bytes.fromhex("0a020801")
    return cid


class TestPutting:
    def test_what_is_put_survives_garbage_collection(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        cid = store.put(BLOB)
        node.add(b"of somebody else", pin=False)
        assert store.collect_garbage() == 1
        assert store.get(cid, len(BLOB)) == BLOB

    def test_a_node_that_reports_before_it_pins_is_asked_to_pin(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        node.forgets_pins = True
        cid = store.put(BLOB)
        assert node.pins == {cid}

    def test_a_put_that_cannot_be_pinned_has_failed(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        node.forgets_pins = True
        node.misbehaviours["pin/add"] = message("pin: disk quota exceeded")
        with pytest.raises(StorageUnavailableError, match="disk quota exceeded"):
            store.put(BLOB)

    def test_a_full_disk_is_said(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        node.misbehaviours["add"] = message("write /data/ipfs/blocks: no space left on device")
        with pytest.raises(StorageUnavailableError, match="no space left on device"):
            store.put(BLOB)
        assert node.count("add") == 1, "asked again, although the answer was clear"

    def test_a_failure_after_the_identifier_is_a_failure(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        """Kubo reports what it has added before it pins it; what fails then stands in the last line of a success."""
        failure = b'{"Message": "no space left on device", "Code": 0, "Type": "error"}'
        node.misbehaviours["add"] = send(b'{"Hash": "%s"}\n%s\n' % (str(compute_cid(BLOB)).encode(), failure))
        with pytest.raises(StorageUnavailableError, match="no space left on device"):
            store.put(BLOB)

    @pytest.mark.parametrize("answer", [b"", b"[]", b"7", b"{", b"null", b"[" * 60_000])
    def test_an_answer_that_is_something_else_is_a_failure(
        self, node: FakeIpfs, store: KuboBlobStore, answer: bytes
    ) -> None:
        node.misbehaviours["add"] = send(answer)
        with pytest.raises(StorageUnavailableError):
            store.put(BLOB)

    @pytest.mark.parametrize(
        "hash_", [str(compute_cid(b"other")), "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "None"]
    )
    def test_a_node_with_another_layout_is_refused(self, node: FakeIpfs, store: KuboBlobStore, hash_: str) -> None:
        node.misbehaviours["add"] = send(b'{"Hash": "%s"}' % hash_.encode())
        with pytest.raises(StorageUnavailableError, match=hash_) as raised:
            store.put(BLOB)
        assert "layout" in str(raised.value) or raised.value.hint

    def test_two_trainers_that_store_the_same_bytes_share_them(self, node: FakeIpfs) -> None:
        first, second = KuboBlobStore(node.url, PATIENCE), KuboBlobStore(node.url, PATIENCE)
        assert first.put(BLOB) == second.put(BLOB)
        first.release(compute_cid(BLOB))
        second.release(compute_cid(BLOB))
        assert node.pins == set()


class TestTryingAgain:
    @pytest.mark.parametrize("failure", [status(503), status(429), status(502), hang_up], ids=lambda f: f.__name__)
    def test_what_passes_is_waited_out(self, node: FakeIpfs, store: KuboBlobStore, failure: Misbehaviour) -> None:
        node.misbehaviours["/api"] = times(2, failure)
        cid = store.put(BLOB)
        node.misbehaviours["/api"] = times(2, failure)
        assert store.get(cid, len(BLOB)) == BLOB

    def test_what_stays_is_said(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        node.misbehaviours["/api"] = status(503)
        with pytest.raises(StorageUnavailableError, match="busy: HTTP 503"):
            store.put(BLOB)
        assert node.count("add") == PATIENCE.attempts

    def test_a_node_that_is_not_there_is_said(self) -> None:
        with FakeIpfs() as gone:
            url = gone.url
        store = KuboBlobStore(url, PATIENCE)
        for call in (
            lambda: store.put(BLOB),
            lambda: store.get(compute_cid(BLOB), 10),
            lambda: store.has(compute_cid(BLOB)),
            lambda: store.pin(compute_cid(BLOB)),
            lambda: store.release(compute_cid(BLOB)),
            store.measure,
        ):
            with pytest.raises(StorageUnavailableError, match=f"no answer from the IPFS node at {url}") as raised:
                call()
            assert "running" in raised.value.hint

    def test_something_else_at_that_address_is_said(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        node.misbehaviours["/api"] = status(404)
        with pytest.raises(StorageUnavailableError, match="is no RPC API of an IPFS node: HTTP 404"):
            store.put(BLOB)


class TestGetting:
    def test_absent_content_is_not_found_in_time(self, store: KuboBlobStore) -> None:
        with pytest.raises(BlobNotFoundError):
            store.get(compute_cid(b"nobody has it"), 100)

    def test_the_node_is_told_how_long_to_look(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        with pytest.raises(BlobNotFoundError):
            store.get(compute_cid(b"nobody has it"), 100)
        assert ("cat", {"timeout": "0.3s", "length": "101"}.items()) in [
            (command, {key: query[key] for key in ("timeout", "length")}.items()) for command, query in node.requests
        ]

    def test_a_directory_is_no_file(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        with pytest.raises(MalformedBlobError, match="it is a directory"):
            store.get(add_directory(node), 1_000)

    @pytest.mark.parametrize("path", ["cat", "cat|block"])
    def test_a_file_that_is_too_long_is_so_by_its_root(self, node: FakeIpfs, store: KuboBlobStore, path: str) -> None:
        cid = store.put(BLOB)
        with pytest.raises(BlobTooLargeError):
            store.get(cid, len(BLOB) - 1)

    def test_other_bytes_are_read_again_block_by_block(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        cid = store.put(BLOB)
        node.misbehaviours["cat"] = send(BLOB[:-1] + b"\xff\xff")
        assert store.get(cid, len(BLOB)) == BLOB

    @pytest.mark.parametrize(
        "misbehave",
        [send(b"other bytes"), send(b""), announce(10 * 1024**3), send_for_ever, drip(BARE_HEAD), drip(b"HTTP/1.1 200"),
         message("it broke"), status(500), status(403), hang_up],
        ids=["other", "nothing", "10 GB", "endless", "slow body", "slow head", "message", "500", "403", "hang up"],
    )  # fmt: skip
    def test_a_node_that_misbehaves_is_at_fault(
        self, node: FakeIpfs, store: KuboBlobStore, misbehave: Misbehaviour
    ) -> None:
        """Never `BlobTooLargeError`, `BlobNotFoundError` or `MalformedBlobError`: those are said of the content."""
        cid = store.put(BLOB)
        node.misbehaviours |= {"cat": misbehave, "block": misbehave}
        with pytest.raises((StorageUnavailableError, BlobMismatchError)):
            store.get(cid, len(BLOB))

    def test_a_lost_block_is_not_found(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        cid = store.put(BLOB)
        del node.blocks[compute_cid(BLOB[:262_144])]
        with pytest.raises(BlobNotFoundError):
            store.get(cid, len(BLOB))


class TestPinning:
    def test_pins_are_set_taken_away_and_counted(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        cid = node.add(BLOB, pin=False)
        usage = store.measure()
        assert usage is not None
        assert (usage.pinned, usage.limit_bytes) == (0, 1_000_000)
        store.pin(cid)
        assert store.is_pinned(cid)
        assert list(store.list_pins()) == [str(cid)]
        assert store.release(cid)
        assert not store.release(cid)
        assert not store.is_pinned(cid)
        assert store.has(cid), "still there until garbage is collected"
        assert store.collect_garbage() == 3
        assert not store.has(cid)

    def test_what_is_nowhere_cannot_be_pinned(self, store: KuboBlobStore) -> None:
        with pytest.raises(BlobNotFoundError):
            store.pin(compute_cid(b"nowhere"))

    def test_a_failure_to_release_is_said(self, node: FakeIpfs, store: KuboBlobStore) -> None:
        cid = store.put(BLOB)
        node.misbehaviours["pin/rm"] = message("repo is locked")
        with pytest.raises(StorageError, match="repo is locked"):
            store.release(cid)
