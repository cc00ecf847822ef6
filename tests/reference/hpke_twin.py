"""HPKE opened step by step as RFC 9180 writes it: base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305."""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEM_SUITE = b"KEM" + (0x0020).to_bytes(2, "big")
HPKE_SUITE = b"HPKE" + b"".join(code.to_bytes(2, "big") for code in (0x0020, 0x0001, 0x0003))


def labeled_extract(suite: bytes, salt: bytes, label: bytes, key_material: bytes) -> bytes:
    """Section 4: `LabeledExtract`."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + key_material, hashlib.sha256)


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """Section 4: `LabeledExpand`, for at most one block of output."""
    assert length <= 32
    return hmac.digest(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01", "sha256")[:length]


def decapsulate(enc: bytes, private_key: bytes) -> bytes:
    """Section 4.1: `Decap`, the shared secret of DHKEM(X25519, HKDF-SHA256)."""
    own = X25519PrivateKey.from_private_bytes(private_key)
    diffie_hellman = own.exchange(X25519PublicKey.from_public_bytes(enc))
    extracted = labeled_extract(KEM_SUITE, b"", b"eae_prk", diffie_hellman)
    return labeled_expand(KEM_SUITE, extracted, b"shared_secret", enc + own.public_key().public_bytes_raw(), 32)


def derive_key_and_nonce(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Section 5.1: `KeySchedule` in base mode."""
    context = b"\x00" + labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    context += labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    secret = labeled_extract(HPKE_SUITE, shared_secret, b"secret", b"")
    key = labeled_expand(HPKE_SUITE, secret, b"key", context, 32)
    return key, labeled_expand(HPKE_SUITE, secret, b"base_nonce", context, 12)


def open_message(message: bytes, private_key: bytes, info: bytes, associated_data: bytes = b"") -> bytes:
    """Section 6.1: `Open` of the first message, which is `enc ‖ ciphertext`."""
    key, nonce = derive_key_and_nonce(decapsulate(message[:32], private_key), info)
    return ChaCha20Poly1305(key).decrypt(nonce, message[32:], associated_data)
