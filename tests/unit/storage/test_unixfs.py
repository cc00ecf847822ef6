import hashlib
import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import BlobMismatchError, BlobTooLargeError, MalformedBlobError
from steelyard.storage.cid import CHUNK_BYTES, LINKS_PER_NODE, Subtree, compute_cid, encode_node, lay_out
from steelyard.storage.unixfs import read_file, verify_block
from steelyard.types import Cid, Codec


class Blocks:
    """Genuine blocks by identifier, and how many were asked for."""

    def __init__(self, data: bytes = b"") -> None:
        self.blocks = {cid: bytes(block) for cid, block in lay_out(data)}
        self.asked = 0

    def add(self, block: bytes, codec: Codec = Codec.DAG_PB) -> Cid:
        cid = Cid(codec, hashlib.sha256(block).digest())
        self.blocks[cid] = block
        return cid

    def fetch(self, cids: Sequence[Cid]) -> Iterator[bytes]:
        self.asked += len(cids)
        return (self.blocks[cid] for cid in cids)


def read(blocks: Blocks, cid: Cid, max_bytes: int = 2**40) -> bytes:
    return read_file(cid, blocks.fetch, max_bytes)


def fill(size: int) -> bytes:
    return random.Random(size).randbytes(size)


# One level of nodes above the leaves, and two.
@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES, 175 * CHUNK_BYTES + 3])
def test_a_file_is_read_back_block_by_block(size: int) -> None:
    data = fill(size)
    blocks = Blocks(data)
    assert read(blocks, compute_cid(data), size) == data
    leaves = max(1, -(-size // CHUNK_BYTES))
    assert blocks.asked == leaves + {1: 0}.get(leaves, 1 if leaves <= LINKS_PER_NODE else 3)


def test_a_file_that_is_too_long_costs_its_root_only() -> None:
    blocks = Blocks(fill(1_000_000))
    cid = compute_cid(fill(1_000_000))
    with pytest.raises(BlobTooLargeError):
        read(blocks, cid, 999_999)
    assert blocks.asked == 1
    with pytest.raises(BlobTooLargeError):
        read(Blocks(b"abc"), compute_cid(b"abc"), 2)


def test_another_block_is_a_mismatch() -> None:
    verify_block(compute_cid(b"right"), b"right")
    with pytest.raises(BlobMismatchError):
        verify_block(compute_cid(b"right"), b"wrong")


def leaf(blocks: Blocks, data: bytes) -> Subtree:
    return Subtree(blocks.add(data, Codec.RAW), len(data), len(data))


def test_a_directory_is_not_a_file() -> None:
    # The empty directory, whose identifier every IPFS user has met: QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn.
    blocks = Blocks()
    cid = blocks.add(bytes.fromhex("0a020801"))
    assert cid.digest.hex() == "59948439065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef"
    with pytest.raises(MalformedBlobError, match="it is a directory"):
        read(blocks, cid)


def test_other_layouts_of_the_same_bytes_are_refused() -> None:
    data, blocks = fill(1_000_000), Blocks()
    halves = encode_node([leaf(blocks, data[:500_000]), leaf(blocks, data[500_000:])])
    with pytest.raises(MalformedBlobError, match="layout"):
        read(blocks, blocks.add(halves))
    one = blocks.add(data, Codec.RAW)
    with pytest.raises(MalformedBlobError, match="a leaf of 1,000,000 bytes"):
        read(blocks, one)
    wrapped = encode_node([leaf(blocks, b"short")])
    with pytest.raises(MalformedBlobError, match="more than one chunk"):
        read(blocks, blocks.add(wrapped))


def test_leaves_of_other_lengths_than_their_parent_says_are_refused() -> None:
    blocks = Blocks()
    empty = leaf(blocks, b"").cid
    lie = encode_node([Subtree(empty, CHUNK_BYTES, CHUNK_BYTES), Subtree(empty, 1, 1)])
    with pytest.raises(MalformedBlobError, match="leaf 0 has 0 bytes, its parent says 262,144"):
        read(blocks, blocks.add(lie))


def test_a_false_size_of_a_tree_is_refused_at_every_level() -> None:
    """The same file under another identifier: dag-pb's `Tsize` decides nothing, but is hashed with the rest."""
    blocks = Blocks()
    leaves = [leaf(blocks, fill(CHUNK_BYTES)), leaf(blocks, b"end")]
    lie = Subtree(leaves[1].cid, leaves[1].content_bytes, leaves[1].total_bytes + 1)
    with pytest.raises(MalformedBlobError, match="leaf 1 has 3 bytes"):
        read(blocks, blocks.add(encode_node([leaves[0], lie])))

    full = [leaves[0]] * LINKS_PER_NODE
    first, last = encode_node(full), encode_node([leaves[1]])
    size = LINKS_PER_NODE * CHUNK_BYTES
    nodes = [Subtree(blocks.add(first), size, len(first) + size), Subtree(blocks.add(last), 3, len(last) + 3)]
    assert read(blocks, blocks.add(encode_node(nodes)), 10**8).endswith(b"end")
    nodes[1] = Subtree(nodes[1].cid, 3, len(last) + 4)
    with pytest.raises(MalformedBlobError, match="says that its tree has"):
        read(blocks, blocks.add(encode_node(nodes)), 10**8)


def test_a_tree_that_multiplies_itself_is_bounded_by_the_size_agreed_to() -> None:
    # Each level links 174 times to the same node below: four blocks that say they are 40 terabytes.
    blocks = Blocks()
    node = leaf(blocks, fill(CHUNK_BYTES))
    for _ in range(3):
        block = encode_node([node] * LINKS_PER_NODE)
        node = Subtree(blocks.add(block), LINKS_PER_NODE * node.content_bytes, 1)
    with pytest.raises(BlobTooLargeError):
        read(blocks, node.cid, 10**9)
    assert blocks.asked == 1


@pytest.mark.parametrize(
    "root", [b"", b"\x0a", b"\x0a\xff", b"\x08\x01", b"\x0a\x00", b"\xff" * 40, b"\x12\x00\x0a\x00"]
)
def test_what_is_no_node_is_refused(root: bytes) -> None:
    blocks = Blocks()
    with pytest.raises(MalformedBlobError):
        read(blocks, blocks.add(root))


@given(st.data())
def test_a_node_changed_anywhere_is_refused_or_names_the_same_file(data: st.DataObject) -> None:
    """Whatever bytes stand in a root: an error of the family, or a file that hashes to the root's own identifier."""
    source = fill(2 * CHUNK_BYTES + 10)
    blocks = Blocks(source)
    root = bytearray(blocks.blocks[compute_cid(source)])
    for _ in range(data.draw(st.integers(1, 3))):
        root[data.draw(st.integers(0, len(root) - 1))] = data.draw(st.integers(0, 255))
    cid = blocks.add(bytes(root))
    try:
        got = read(blocks, cid, 10 * CHUNK_BYTES)
    except (MalformedBlobError, BlobTooLargeError, KeyError):  # KeyError: a link to a block that nobody has
        return
    assert compute_cid(got) == cid
