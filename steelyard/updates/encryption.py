"""Payloads for one pair of eyes: RFC 9180 HPKE, base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305.

What a payload is for (chain, marketplace, project, round, trainer) is HPKE's `info`. The library's interface takes no
associated data, and none is needed: `info` enters the key schedule (RFC 9180, section 5.1), so a ciphertext that is
sent again under another sender, round, project or chain meets another key, and does not open. A message is
`enc ‖ ciphertext`: 32 bytes of ephemeral key, then the encrypted plaintext and a tag of 16 bytes.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from eth_abi.abi import encode as abi_encode

from steelyard.errors import PayloadError
from steelyard.types import Address, ProjectId
from steelyard.updates.faults import PayloadFault

OVERHEAD_BYTES: Final = 32 + 16
"""By how much a message is longer than its plaintext."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class EncryptionKeyPair:
    """An X25519 key pair, 32 raw bytes each. `public_key` is what an account registers on chain."""

    private_key: bytes = field(repr=False)
    public_key: bytes

    @classmethod
    def generate(cls) -> Self:
        """A new pair from the operating system's generator."""
        return cls.from_private_key(X25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_private_key(cls, private_key: bytes) -> Self:
        """The pair that belongs to 32 secret bytes."""
        return cls(private_key, X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class PayloadContext:
    """What a payload is for. It opens for nothing else."""

    chain_id: int
    marketplace: Address
    project_id: ProjectId
    round_index: int
    trainer: Address

    def encode(self) -> bytes:
        """`abi.encode(chainId, marketplace, projectId, round, trainer)`: 160 bytes."""
        return abi_encode(
            ["uint256", "address", "bytes32", "uint256", "address"],
            [self.chain_id, self.marketplace, self.project_id, self.round_index, self.trainer],
        )


def encrypt(plaintext: bytes, recipient_public_key: bytes, context: PayloadContext) -> bytes:
    """`plaintext` for the holder of `recipient_public_key`, and for `context` only.

    Raises:
      PayloadError: the recipient registered a key that no secret can be shared with (RFC 7748, section 6.1).
    """
    try:
        recipient = X25519PublicKey.from_public_bytes(recipient_public_key)
        return _SUITE.encrypt(plaintext, recipient, info=context.encode())
    except ValueError as exc:
        raise PayloadError(PayloadFault.BAD_KEY, f"0x{recipient_public_key.hex()} is no usable X25519 key") from exc


def decrypt(message: bytes, key_pair: EncryptionKeyPair, context: PayloadContext) -> bytes:
    """The plaintext of a message that was encrypted to `key_pair` for `context`.

    Raises:
      PayloadError: it was not, or it is damaged.
    """
    private_key = X25519PrivateKey.from_private_bytes(key_pair.private_key)
    try:
        return _SUITE.decrypt(message, private_key, info=context.encode())
    except InvalidTag as exc:
        raise PayloadError(
            PayloadFault.UNDECRYPTABLE,
            f"it does not open as round {context.round_index} of 0x{context.project_id.hex()} from {context.trainer}",
        ) from exc
