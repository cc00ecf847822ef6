"""Content keys, wrapped for those who may read: as a manifest of its own, or in front of the aggregate it belongs to.

A manifest is canonical JSON, `{"keys":{ROUND:{ADDRESS:WRAP}},"version":1}`, with wraps in base64. A wrap is a content
key encrypted to its reader's registered key by HPKE (`steelyard.updates.encryption`); it is empty for a reader to whose
key nothing can be encrypted. An envelope is `SYE1 ‖ u32 length ‖ manifest of one round ‖ sealed aggregate`.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode as abi_encode
from eth_utils.address import is_checksum_address
from pydantic_core import from_json

from steelyard.errors import PayloadError
from steelyard.types import Address, ProjectId
from steelyard.updates.content import CONTENT_KEY_BYTES
from steelyard.updates.encryption import EncryptionKeyPair, decrypt, encrypt
from steelyard.updates.faults import PayloadFault

MAX_MANIFEST_BYTES: Final = 1 << 20
"""The longest manifest that is read."""

Wraps = Mapping[Address, bytes]
"""One content key for several readers."""

Manifest = Mapping[int, Wraps]
"""Content keys by the round that starts from their model."""

_MAGIC: Final = b"SYE1"
_LABEL: Final = b"steelyard/content-key/v1"


@dataclass(frozen=True, slots=True)
class WrapContext:
    """What a wrap is for. Handed on to another reader, round or project it does not open."""

    chain_id: int
    marketplace: Address
    project_id: ProjectId
    round_index: int
    reader: Address

    def encode(self) -> bytes:
        """A label, so that no payload is taken for a wrap, and `abi.encode(…)` of the fields."""
        return _LABEL + abi_encode(
            ["uint256", "address", "bytes32", "uint256", "address"],
            [self.chain_id, self.marketplace, self.project_id, self.round_index, self.reader],
        )

    def __str__(self) -> str:
        return f"the content key of round {self.round_index} for {self.reader}"


def wrap_key(content_key: bytes, public_key: bytes, context: WrapContext) -> bytes:
    """A content key for one reader.

    Raises:
      PayloadError: nothing can be encrypted to the reader's key.
    """
    return encrypt(content_key, public_key, context)


def unwrap_key(wrap: bytes, key_pair: EncryptionKeyPair, context: WrapContext) -> bytes:
    """The content key in a wrap.

    Raises:
      PayloadError: it is not for this key and context, or holds something else.
    """
    content_key = decrypt(wrap, key_pair, context)
    if len(content_key) != CONTENT_KEY_BYTES:
        raise PayloadError(PayloadFault.WRONG_LENGTH, f"a content key has {CONTENT_KEY_BYTES} bytes")
    return content_key


def encode_manifest(manifest: Manifest) -> bytes:
    """The canonical JSON of a manifest.

    Raises:
      PayloadError: it is longer than anybody reads.
    """
    keys = {
        str(round_index): {reader: base64.b64encode(wrap).decode() for reader, wrap in wraps.items()}
        for round_index, wraps in manifest.items()
    }
    data = json.dumps({"keys": keys, "version": 1}, sort_keys=True, separators=(",", ":")).encode()
    if len(data) > MAX_MANIFEST_BYTES:
        raise PayloadError(PayloadFault.TOO_LARGE, f"a manifest of {len(data):,} bytes, at most {MAX_MANIFEST_BYTES:,}")
    return data


def decode_manifest(data: bytes) -> Manifest:
    """The manifest in canonical JSON.

    Raises:
      PayloadError: it is something else.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise PayloadError(PayloadFault.TOO_LARGE, f"a manifest of {len(data):,} bytes, at most {MAX_MANIFEST_BYTES:,}")
    try:
        # The standard library's parser follows nesting down to the recursion limit, which libraries of ours raise so
        # far that the stack ends before it. This one counts for itself.
        manifest = _parse(from_json(data))
        canonical = encode_manifest(manifest) == data
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise PayloadError(PayloadFault.OUT_OF_RANGE, "it is no manifest of content keys") from exc
    if not canonical:
        raise PayloadError(PayloadFault.OUT_OF_RANGE, "the manifest is not written canonically")
    return manifest


def encode_envelope(round_index: int, wraps: Wraps, sealed: bytes) -> bytes:
    """A sealed aggregate behind the wraps of its key."""
    manifest = encode_manifest({round_index: wraps})
    return _MAGIC + len(manifest).to_bytes(4, "big") + manifest + sealed


def decode_envelope(blob: bytes, round_index: int) -> tuple[Wraps, bytes]:
    """The wraps and the sealed aggregate in an envelope.

    Raises:
      PayloadError: it is of another format, or its wraps are of another round.
    """
    if blob[:4] != _MAGIC:
        raise PayloadError(PayloadFault.WRONG_MAGIC, f"it begins with {blob[:4]!r}, not {_MAGIC!r}")
    end = 8 + int.from_bytes(blob[4:8], "big")
    if end > len(blob):
        raise PayloadError(PayloadFault.TRUNCATED, f"{len(blob):,} bytes, its manifest alone ends at {end:,}")
    manifest = decode_manifest(blob[8:end])
    if list(manifest) != [round_index]:
        raise PayloadError(PayloadFault.OUT_OF_RANGE, f"its keys are of rounds {list(manifest)}, not of {round_index}")
    return manifest[round_index], blob[end:]


def _parse(document: Any) -> Manifest:
    if document["version"] != 1:
        raise ValueError("another version")
    return {int(round_index): dict(map(_parse_wrap, wraps.items())) for round_index, wraps in document["keys"].items()}


def _parse_wrap(item: tuple[str, str]) -> tuple[Address, bytes]:
    reader, wrap = item
    if not is_checksum_address(reader):
        raise ValueError(f"{reader!r} is no address")
    return Address(reader), base64.b64decode(wrap, validate=True)
