"""The content identifier of a file: the same one that an IPFS node gives it.

UnixFS as `ipfs add --cid-version=1 --raw-leaves` lays it out: chunks of 262,144 bytes are the raw leaves of a balanced
tree whose nodes hold up to 174 links each. A file of at most one chunk is its own leaf. So a project may move between a
directory and an IPFS node, and every identifier on chain stays valid.

    >>> str(compute_cid(b"steelyard"))
    'bafkreihna4ylke3sh7lqkgrpnuva2lhmi3ku6y37ofhnis3cgxh4q4u3ey'
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from steelyard.types import Cid, Codec

CHUNK_BYTES: Final = 262_144
LINKS_PER_NODE: Final = 174


@dataclass(frozen=True, slots=True)
class Subtree:
    """A node and all that is below it."""

    cid: Cid
    content_bytes: int
    """Of the file's own bytes below this node."""
    total_bytes: int
    """Of all blocks from this node down, itself included: what dag-pb calls `Tsize`."""


def compute_cid(data: bytes) -> Cid:
    """The identifier of `data`.

    References:
      UnixFS and dag-pb specifications, https://specs.ipfs.tech/unixfs/ and https://ipld.io/specs/codecs/dag-pb/spec/
    """
    *_, (cid, _root) = lay_out(data)
    return cid


def lay_out(data: bytes) -> Iterator[tuple[Cid, bytes | memoryview]]:
    """Every block of the file with its identifier, leaves first and the root last."""
    chunks = memoryview(data)
    level = []
    for start in range(0, max(len(data), 1), CHUNK_BYTES):
        chunk = chunks[start : start + CHUNK_BYTES]
        leaf = Cid(Codec.RAW, hashlib.sha256(chunk).digest())
        level.append(Subtree(leaf, len(chunk), len(chunk)))
        yield leaf, chunk
    while len(level) > 1:
        parents = []
        for i in range(0, len(level), LINKS_PER_NODE):
            children = level[i : i + LINKS_PER_NODE]
            block = encode_node(children)
            cid = Cid(Codec.DAG_PB, hashlib.sha256(block).digest())
            total_bytes = len(block) + sum(child.total_bytes for child in children)
            parents.append(Subtree(cid, sum(child.content_bytes for child in children), total_bytes))
            yield cid, block
        level = parents


def encode_node(children: Sequence[Subtree]) -> bytes:
    """The dag-pb block of a file's inner node, in the one encoding that it has."""
    # UnixFS message: field 1 the type (2: file), 3 the file's size, 4 the size below each link.
    unixfs = _encode_integer(1, 2) + _encode_integer(3, sum(child.content_bytes for child in children))
    unixfs += b"".join(_encode_integer(4, child.content_bytes) for child in children)
    # dag-pb puts the links (field 2: hash, empty name, size) before the data (field 1).
    links = (
        _encode_bytes(1, child.cid.to_bytes()) + _encode_bytes(2, b"") + _encode_integer(3, child.total_bytes)
        for child in children
    )
    return b"".join(_encode_bytes(2, link) for link in links) + _encode_bytes(1, unixfs)


# Protocol buffers, as much of them as two messages need.


def _encode_varint(value: int) -> bytes:
    low_first = bytearray()
    while value >= 0x80:
        low_first.append(value & 0x7F | 0x80)
        value >>= 7
    low_first.append(value)
    return bytes(low_first)


def _encode_integer(field: int, value: int) -> bytes:
    return _encode_varint(field << 3) + _encode_varint(value)


def _encode_bytes(field: int, value: bytes) -> bytes:
    return _encode_varint(field << 3 | 2) + _encode_varint(len(value)) + value
