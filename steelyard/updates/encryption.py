"""Messages for one pair of eyes: RFC 9180 HPKE, base mode, HKDF-SHA256, ChaCha20-Poly1305.

The key encapsulation is X25519, or X25519 with ML-KEM-768 (X-Wing, HPKE's KEM 0x647a): whoever records messages today
must then break both. A key says by its length which it is for, and so does a private key.

What a message is for is HPKE's `info`. The library's interface takes no associated data, and none is needed: `info`
enters the key schedule (RFC 9180, section 5.1), so a ciphertext that is sent again under another sender, round, project
or chain meets another key, and does not open. A message is `enc ‖ ciphertext`: the encapsulated key, then the encrypted
plaintext and a tag of 16 bytes.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from eth_abi.abi import encode as abi_encode

from steelyard.errors import PayloadError
from steelyard.types import Address, ProjectId, Sealing
from steelyard.updates.faults import PayloadFault

PUBLIC_KEY_BYTES: Final = {Sealing.X25519: 32, Sealing.HYBRID: 1184 + 32}
"""ML-KEM's encapsulation key first, then X25519's."""

OVERHEAD_BYTES: Final = {Sealing.X25519: 32 + 16, Sealing.HYBRID: 1088 + 32 + 16}
"""By how much a message is longer than its plaintext."""

_PRIVATE_KEY_BYTES: Final = {Sealing.X25519: 32, Sealing.HYBRID: 64 + 32}
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_SEED_BYTES: Final = 64

_SUITES: Final = {
    Sealing.X25519: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305),
    Sealing.HYBRID: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305),
}


@dataclass(frozen=True, slots=True)
class EncryptionKeyPair:
    """A key pair in raw bytes.

    X25519: 32 bytes each. Hybrid: ML-KEM-768's seed (FIPS 203, `d ‖ z`, 64 bytes) and the X25519 secret; the public key
    is `PUBLIC_KEY_BYTES` long.
    """

    private_key: bytes = field(repr=False)
    public_key: bytes

    @classmethod
    def generate(cls, sealing: Sealing = Sealing.X25519) -> Self:
        """A new pair from the operating system's generator."""
        return cls.from_private_key(secrets.token_bytes(_PRIVATE_KEY_BYTES[sealing]))

    @classmethod
    def from_private_key(cls, private_key: bytes) -> Self:
        """The pair that belongs to 32 or 96 secret bytes.

        Raises:
          ValueError: there are fewer or more of them.
        """
        own = _load_private_key(private_key)
        if isinstance(own, X25519PrivateKey):
            return cls(private_key, own.public_key().public_bytes_raw())
        mlkem, x25519 = _split_private_key(private_key)
        return cls(private_key, mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    @property
    def sealing(self) -> Sealing:
        """What the pair is for."""
        return _find_sealing(self.public_key, PUBLIC_KEY_BYTES)

    @property
    def registered(self) -> bytes:
        """The 32 bytes that stand on chain for the public key: itself, or the sha2-256 of a hybrid one."""
        return self.public_key if self.sealing is Sealing.X25519 else hashlib.sha256(self.public_key).digest()


class Context(Protocol):
    """What a message is for."""

    def encode(self) -> bytes:
        """The same bytes for the same purpose, others for any other."""
        ...


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

    def __str__(self) -> str:
        return f"round {self.round_index} of 0x{self.project_id.hex()} from {self.trainer}"


def encrypt(plaintext: bytes, recipient_public_key: bytes, context: Context) -> bytes:
    """`plaintext` for the holder of `recipient_public_key`, and for `context` only.

    Raises:
      PayloadError: the recipient registered a key that no secret can be shared with (RFC 7748, section 6.1; FIPS 203,
        section 7.2).
    """
    try:
        sealing = _find_sealing(recipient_public_key, PUBLIC_KEY_BYTES)
        recipient = _load_public_key(recipient_public_key, sealing)
        return _SUITES[sealing].encrypt(plaintext, recipient, info=context.encode())
    except ValueError as exc:
        name = f"0x{recipient_public_key[:32].hex()}"
        raise PayloadError(PayloadFault.BAD_KEY, f"{name} is no usable public key") from exc


def decrypt(message: bytes, key_pair: EncryptionKeyPair, context: Context) -> bytes:
    """The plaintext of a message that was encrypted to `key_pair` for `context`.

    Raises:
      PayloadError: it was not, or it is damaged.
    """
    private_key = _load_private_key(key_pair.private_key)
    try:
        return _SUITES[key_pair.sealing].decrypt(message, private_key, info=context.encode())
    except InvalidTag as exc:
        raise PayloadError(PayloadFault.UNDECRYPTABLE, f"it does not open as {context}") from exc


def _find_sealing(key: bytes, lengths: dict[Sealing, int]) -> Sealing:
    for sealing, length in lengths.items():
        if len(key) == length:
            return sealing
    raise ValueError(f"no key has {len(key)} bytes")


def _load_public_key(key: bytes, sealing: Sealing) -> X25519PublicKey | MLKEM768X25519PublicKey:
    if sealing is Sealing.X25519:
        return X25519PublicKey.from_public_bytes(key)
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key[:_MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(key[_MLKEM_PUBLIC_BYTES:]),
    )


def _load_private_key(key: bytes) -> X25519PrivateKey | MLKEM768X25519PrivateKey:
    if _find_sealing(key, _PRIVATE_KEY_BYTES) is Sealing.X25519:
        return X25519PrivateKey.from_private_bytes(key)
    return MLKEM768X25519PrivateKey(*_split_private_key(key))


def _split_private_key(key: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    return (
        MLKEM768PrivateKey.from_seed_bytes(key[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(key[_MLKEM_SEED_BYTES:]),
    )
