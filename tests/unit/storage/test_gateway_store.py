import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from steelyard.errors import (
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    ConfigError,
    MalformedBlobError,
    ReadOnlyStoreError,
    StorageError,
    StorageUnavailableError,
)
from steelyard.storage import GatewayBlobStore, compute_cid, open_store
from steelyard.storage.gateway import GatewayPatience
from steelyard.storage.http import ForbiddenAddressError
from steelyard.types import Cid, Codec
from tests.fake_ipfs import (
    BARE_HEAD,
    FakeIpfs,
    announce,
    delay,
    drip,
    hang_up,
    redirect,
    send,
    send_for_ever,
    status,
)

BLOB = bytes(range(256)) * 4_000  # four leaves and a node
CID = compute_cid(BLOB)
PATIENCE = GatewayPatience(hedge_seconds=0.1, block_seconds=0.6)

MISBEHAVIOURS = {
    "other bytes": send(b"other bytes"),
    "the whole file": send(BLOB),
    "nothing": send(b""),
    "10 GB announced": announce(10 * 1024**3),
    "endless": send_for_ever,
    "slow body": drip(BARE_HEAD),
    "slow head": drip(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000),
    "hangs up": hang_up,
    "500": status(500),
    "429": status(429),
    "says that it is absent": status(404),
    "points to nowhere": redirect("http://gateway.invalid/"),
    "points to a file": redirect("file:///etc/passwd"),
}


@pytest.fixture
def gateways() -> Iterator[list[FakeIpfs]]:
    """Three that serve the same blocks."""
    blocks: dict[Cid, bytes] = {}
    with ExitStack() as stack:
        yield [stack.enter_context(FakeIpfs(blocks)) for _ in range(3)]


def open_gateways(*gateways: FakeIpfs, patience: GatewayPatience = PATIENCE) -> GatewayBlobStore:
    return GatewayBlobStore([gateway.url for gateway in gateways], allow_private=True, patience=patience)


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_one_that_misbehaves_does_not_keep_anybody_from_the_file(gateways: list[FakeIpfs], name: str) -> None:
    bad, good, _ = gateways
    good.add(BLOB)
    bad.misbehaviours["/ipfs"] = MISBEHAVIOURS[name]
    store = open_gateways(bad, good)
    assert store.get(CID, len(BLOB)) == BLOB
    assert store.has(CID)


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_where_all_misbehave_the_gateways_are_at_fault(gateways: list[FakeIpfs], name: str) -> None:
    """Nothing that gateways do makes content look too large or malformed, and only all of them make it look absent."""
    for gateway in gateways:
        gateway.add(BLOB)
        gateway.misbehaviours["/ipfs"] = MISBEHAVIOURS[name]
    store = open_gateways(*gateways)
    if name == "says that it is absent":
        with pytest.raises(BlobNotFoundError):
            store.get(CID, len(BLOB))
        gateways[0].misbehaviours["/ipfs"] = hang_up
    with pytest.raises(StorageUnavailableError):
        store.get(CID, len(BLOB))


def test_a_liar_is_caught_at_its_first_bad_block_and_not_asked_again(gateways: list[FakeIpfs]) -> None:
    liar, honest, _ = gateways
    honest.add(BLOB)
    liar.misbehaviours[str(CID)] = send(b"a lie")  # its root only; the leaves it would hand out
    store = open_gateways(liar, honest)
    assert store.get(CID, len(BLOB)) == BLOB
    assert store.get(CID, len(BLOB)) == BLOB
    assert len(liar.requests) == 1


def test_a_liar_gets_another_chance_later(gateways: list[FakeIpfs]) -> None:
    (gateway, *_), patience = gateways, GatewayPatience(shun_seconds=0.2)
    gateway.add(BLOB)
    gateway.misbehaviours["/ipfs"] = send(b"a lie")
    store = open_gateways(gateway, patience=patience)
    with pytest.raises(BlobMismatchError):
        store.get(CID, len(BLOB))
    gateway.misbehaviours.clear()
    with pytest.raises(StorageUnavailableError, match="handed out other bytes lately"):
        store.get(CID, len(BLOB))
    time.sleep(0.2)
    assert store.get(CID, len(BLOB)) == BLOB


def test_the_slow_one_is_overtaken_and_asked_last_afterwards(gateways: list[FakeIpfs]) -> None:
    slow, quick, _ = gateways
    quick.add(b"a"), quick.add(b"b")
    slow.misbehaviours["/ipfs"] = delay(0.4)
    store = open_gateways(slow, quick)
    assert store.get(compute_cid(b"a"), 1) == b"a"
    time.sleep(0.5)  # until the slow one has answered, and its time is known
    assert store.get(compute_cid(b"b"), 1) == b"b"
    assert len(slow.requests) == 1


def test_absent_is_what_all_call_absent(gateways: list[FakeIpfs]) -> None:
    store = open_gateways(*gateways)
    assert not store.has(CID)
    with pytest.raises(BlobNotFoundError):
        store.get(CID, 10)
    assert all(gateway.requests for gateway in gateways)


def test_a_file_that_is_too_long_costs_one_block(gateways: list[FakeIpfs]) -> None:
    gateways[0].add(BLOB)
    store = open_gateways(gateways[0])
    with pytest.raises(BlobTooLargeError):
        store.get(CID, len(BLOB) - 1)
    assert len(gateways[0].requests) == 1


def test_a_directory_is_no_file(gateways: list[FakeIpfs]) -> None:
    directory = Cid(Codec.DAG_PB, bytes.fromhex("59948439065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef"))
    gateways[0].blocks[directory] = bytes.fromhex("0a020801")
    with pytest.raises(MalformedBlobError, match="it is a directory"):
        open_gateways(*gateways).get(directory, 1_000)


def test_gateways_only_hand_out(gateways: list[FakeIpfs]) -> None:
    store = open_gateways(*gateways)
    with pytest.raises(ReadOnlyStoreError):
        store.put(BLOB)
    with pytest.raises(ReadOnlyStoreError):
        store.pin(CID)
    assert not store.is_pinned(CID)
    assert not store.release(CID)
    assert store.measure() is None


def test_a_name_that_takes_for_ever_to_look_up_is_not_waited_for(
    gateways: list[FakeIpfs], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        done.wait(30)
        raise OSError("no such host")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    monkeypatch.setattr("steelyard.storage.gateway.MAX_BLOCK_BYTES", 1)
    store = GatewayBlobStore(["http://slow.example"], patience=GatewayPatience(block_seconds=0.3))
    with pytest.raises(StorageUnavailableError, match="did not answer at all"):
        store.get(CID, 10)
    done.set()


class TestPrivateAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]"])
    def test_they_are_refused_at_once(self, host: str) -> None:
        with pytest.raises(ConfigError, match="not a public address") as raised:
            open_store(f"gateway:https://ipfs.example,http://{host}:8080")
        assert "gateway+private:" in raised.value.hint

    def test_names_that_lead_there_are_refused_when_they_are_used(self, gateways: list[FakeIpfs]) -> None:
        gateways[0].add(BLOB)
        store = open_store(f"gateway:http://localhost:{gateways[0].port}")
        with pytest.raises(ForbiddenAddressError, match="localhost is at"):
            store.get(CID, len(BLOB))
        assert gateways[0].requests == []

    def test_redirects_that_lead_there_are_refused(
        self, gateways: list[FakeIpfs], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A gateway that counts as public here sends its callers to one that does not."""
        public, internal, _ = gateways
        internal.add(BLOB)
        public.misbehaviours["/ipfs"] = redirect(f"http://127.0.0.2:{internal.port}/ipfs/{CID}?format=raw")
        monkeypatch.setattr("steelyard.storage.http.is_public", lambda address: address == "127.0.0.1")
        store = GatewayBlobStore([public.url], patience=PATIENCE)
        with pytest.raises(ForbiddenAddressError, match=r"127\.0\.0\.2"):
            store.get(CID, len(BLOB))
        assert public.requests
        assert internal.requests == []

    def test_they_are_used_where_that_is_allowed(self, gateways: list[FakeIpfs]) -> None:
        gateways[0].add(BLOB)
        assert open_store(f"gateway+private:{gateways[0].url}").get(CID, len(BLOB)) == BLOB


@pytest.mark.parametrize(
    "address", ["ftp://ipfs.example", "ipfs.example", "https://", "https://a.example/?x=1", "https://u:p@a.example", "http://0177.0.0.1"]
)  # fmt: skip
def test_what_is_no_address_of_a_gateway_is_refused(address: str) -> None:
    with pytest.raises(ConfigError):
        open_store(f"gateway:{address}")


def test_several_gateways_in_one_url() -> None:
    store = open_store("gateway:https://ipfs.io,https://dweb.link")
    assert isinstance(store, GatewayBlobStore)


def test_errors_are_of_the_stores_family(gateways: list[FakeIpfs]) -> None:
    gateways[0].misbehaviours["/ipfs"] = hang_up
    with pytest.raises(StorageError):
        open_gateways(gateways[0]).has(CID)
