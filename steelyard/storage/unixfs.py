"""Reads a file block by block. Each block proves itself by its hash, so it does not matter who hands it out.

The layout of `steelyard.storage.cid` follows from a file's size alone: which nodes there are, how many links each has
and how long each leaf is. So a root that names its size leaves nothing open, and everything is asked for once. What
deviates (directories, other chunk sizes, links to nothing, a size that is not true) is refused at the first such block,
and it is refused for good: the identifier itself names something that is no file here.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from steelyard.errors import BlobMismatchError, BlobTooLargeError, MalformedBlobError, MalformedCidError
from steelyard.storage.cid import CHUNK_BYTES, LINKS_PER_NODE, Subtree, encode_node
from steelyard.types import Cid, Codec

MAX_BLOCK_BYTES: Final = 2 * 1024 * 1024
"""The longest block that IPFS nodes exchange. Ours have at most `CHUNK_BYTES`."""

FetchBlocks = Callable[[Sequence[Cid]], Iterable[bytes]]
"""Hands out genuine blocks (`verify_block`), in the order asked for."""

_OTHER_KINDS: Final = {1: "a directory", 4: "a symbolic link", 5: "a sharded directory"}


def verify_block(cid: Cid, block: bytes) -> None:
    """Checks that a block is the one that `cid` names.

    Raises:
      BlobMismatchError: it is another.
    """
    digest = hashlib.sha256(block).digest()
    if digest != cid.digest:
        raise BlobMismatchError(str(cid), str(Cid(cid.codec, digest)))


def read_file(cid: Cid, fetch: FetchBlocks, max_bytes: int) -> bytes:
    """The file that `cid` names.

    Args:
      cid: the identifier of its root.
      fetch: hands out its blocks. It is asked for one level of the tree after the other.
      max_bytes: the longest file wanted. A longer one costs no more than its root.

    Raises:
      BlobTooLargeError: the file is longer than `max_bytes`.
      MalformedBlobError: what `cid` names is no file as `compute_cid` lays them out.
    """
    (root,) = fetch([cid])
    if cid.codec is Codec.RAW:
        if len(root) > max_bytes:
            raise BlobTooLargeError(str(cid), max_bytes)
        if len(root) > CHUNK_BYTES:
            raise MalformedBlobError(str(cid), f"a leaf of {len(root):,} bytes, chunks have {CHUNK_BYTES:,}")
        return root
    size = _decode_size(cid, root)
    if size > max_bytes:
        raise BlobTooLargeError(str(cid), max_bytes)
    level, blocks = [Subtree(cid, size, 0)], [root]
    for height in range(_compute_height(size), 0, -1):
        children: list[Subtree] = []
        for node, block in zip(level, blocks, strict=True):
            below = _open_node(node.cid, block, node.content_bytes, height)
            # Nobody says how long the root's tree is. Of every other node its parent does, and must not lie.
            if node.cid != cid and node.total_bytes != len(block) + sum(child.total_bytes for child in below):
                raise MalformedBlobError(str(cid), f"a node says that its tree has {node.total_bytes:,} bytes")
            children += below
        level, blocks = children, list(fetch([child.cid for child in children]))
    for i, (leaf, block) in enumerate(zip(level, blocks, strict=True)):
        if not len(block) == leaf.content_bytes == leaf.total_bytes:
            raise MalformedBlobError(
                str(cid), f"leaf {i} has {len(block):,} bytes, its parent says {leaf.content_bytes:,}"
            )
    return b"".join(blocks)


def _compute_height(size: int) -> int:
    """Levels of nodes above the leaves of a file. A file of one chunk has none, so its root is never dag-pb."""
    height, capacity = 0, CHUNK_BYTES
    while capacity < size:
        height, capacity = height + 1, capacity * LINKS_PER_NODE
    return height


def _open_node(cid: Cid, block: bytes, size: int, height: int) -> list[Subtree]:
    """The children of a node with `size` bytes of content, `height` levels above the leaves."""
    capacity = CHUNK_BYTES * LINKS_PER_NODE ** (height - 1)
    ends = [*range(0, size, capacity), size]
    sizes = [end - start for start, end in pairwise(ends)]
    try:
        links = [_decode_link(value) for number, value in _decode_fields(block) if number == 2]
    except _WireError as exc:
        raise MalformedBlobError(str(cid), f"a node cannot be read: {exc}") from None
    children = [Subtree(link, part, total) for (link, total), part in zip(links, sizes, strict=False)]
    codec = Codec.RAW if height == 1 else Codec.DAG_PB
    # The encoding is unique: a node that says the same otherwise would give the same file another identifier.
    if any(child.cid.codec is not codec for child in children) or encode_node(children) != block:
        raise MalformedBlobError(str(cid), "its layout is another than chunks of 262,144 bytes and 174 links give")
    return children


# Protocol buffers, as much of them as two messages need. Whatever else stands there is caught by encoding it again.


class _WireError(Exception):
    """These bytes are not such a message."""


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise _WireError("an integer without an end")


def _decode_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        match key & 7:
            case 0:
                yield key >> 3, value
            case 2 if at + value <= len(data):
                yield key >> 3, data[at : at + value]
                at += value
            case _:
                raise _WireError("a field that neither message has, or one without an end")


def _decode_message(value: int | bytes | None) -> dict[int, int | bytes]:
    if not isinstance(value, bytes):
        raise _WireError("no message where one belongs")
    return dict(_decode_fields(value))


def _decode_link(value: int | bytes) -> tuple[Cid, int]:
    match _decode_message(value):
        case {1: bytes() as cid, 3: int() as total_bytes} if len(cid) == 36 and cid[0::2][:2] == b"\x01\x12":
            try:
                return Cid.from_pair(cid[4:], cid[1]), total_bytes
            except MalformedCidError as exc:
                raise _WireError(str(exc)) from exc
    raise _WireError("a link without size, or to no CIDv1 of sha2-256")


def _decode_size(cid: Cid, block: bytes) -> int:
    """The size that a root says the file has."""
    try:
        unixfs = _decode_message(_decode_message(block).get(1))
    except _WireError as exc:
        raise MalformedBlobError(str(cid), f"its root cannot be read: {exc}") from None
    match unixfs:
        case {1: 2, 3: int() as size} if size > CHUNK_BYTES:
            return size
        case {1: int() as kind} if kind in _OTHER_KINDS:
            raise MalformedBlobError(str(cid), f"it is {_OTHER_KINDS[kind]}")
    raise MalformedBlobError(str(cid), "its root is not that of a file of more than one chunk")
