"""Models and aggregates of confidential projects, encrypted under a key that those who may read are handed.

A blob is `SYC1 ‖ 32-byte commitment to the key ‖ ciphertext`: ChaCha20-Poly1305 with the context as associated data.
Key and commitment are derived from the content key and the context by HKDF (RFC 5869), so a derived key encrypts one
message only and its nonce may be zero: whoever knows the content key gets the same blob from the same content, and can
compare identifiers. ChaCha20-Poly1305 alone does not commit to its key; the commitment in front does, so no blob opens
to one thing for one reader and to another for the next.
"""

import enum
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from eth_abi.abi import encode as abi_encode

from steelyard.errors import PayloadError
from steelyard.types import Address
from steelyard.updates.faults import PayloadFault

CONTENT_KEY_BYTES: Final = 32
CONTENT_OVERHEAD_BYTES: Final = 4 + 32 + 16
"""By how much a blob is longer than its content."""

_MAGIC: Final = b"SYC1"
_LABEL: Final = b"steelyard/content/v1"
_HEAD: Final = 4 + 32
_NONCE: Final = bytes(12)


class ContentKind(enum.StrEnum):
    """What is encrypted."""

    MODEL = "model"
    AGGREGATE = "aggregate"


@dataclass(frozen=True, slots=True)
class ContentContext:
    """What a blob is. It opens as nothing else."""

    chain_id: int
    marketplace: Address
    scope: bytes
    """32 bytes: the project's id. An initial model is older than the project: its owner's address, padded in front."""
    round_index: int
    """The round that starts from the model; of an aggregate, the round after the one that it ended."""
    kind: ContentKind

    def encode(self) -> bytes:
        """`abi.encode(chainId, marketplace, scope, round, kind)`."""
        return abi_encode(
            ["uint256", "address", "bytes32", "uint256", "string"],
            [self.chain_id, self.marketplace, self.scope, self.round_index, self.kind.value],
        )

    def __str__(self) -> str:
        return f"the {self.kind.value} that round {self.round_index} starts from"


def seal_content(content: bytes, content_key: bytes, context: ContentContext) -> bytes:
    """The blob of `content`: always the same one."""
    info = context.encode()
    key, commitment = _derive(content_key, info)
    return _MAGIC + commitment + ChaCha20Poly1305(key).encrypt(_NONCE, content, info)


def fits(blob: bytes, content_key: bytes, context: ContentContext) -> bool:
    """Whether a blob was made with this key, as its commitment says."""
    return hmac.compare_digest(blob[4:_HEAD], _derive(content_key, context.encode())[1])


def open_content(blob: bytes, content_key: bytes, context: ContentContext) -> bytes:
    """The content of a blob.

    Raises:
      PayloadError: it is of another format, was made with another key or for another context, or is damaged.
    """
    if blob[:4] != _MAGIC:
        raise PayloadError(PayloadFault.WRONG_MAGIC, f"it begins with {blob[:4]!r}, not {_MAGIC!r}")
    info = context.encode()
    key, commitment = _derive(content_key, info)
    if not hmac.compare_digest(blob[4:_HEAD], commitment):
        raise PayloadError(PayloadFault.WRONG_KEY, f"it was not encrypted with this key as {context}")
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, blob[_HEAD:], info)
    except InvalidTag as exc:
        raise PayloadError(PayloadFault.UNDECRYPTABLE, f"it is damaged, or not {context}") from exc


def _derive(content_key: bytes, info: bytes) -> tuple[bytes, bytes]:
    if len(content_key) != CONTENT_KEY_BYTES:
        raise ValueError(f"a content key has {CONTENT_KEY_BYTES} bytes, this one {len(content_key)}")
    derived = HKDF(SHA256(), 64, None, _LABEL + info).derive(content_key)
    return derived[:32], derived[32:]
