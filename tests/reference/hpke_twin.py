"""HPKE opened step by step as RFC 9180 writes it: base mode, HKDF-SHA256, ChaCha20-Poly1305.

The key encapsulation is X25519 (section 4.1), or X-Wing, X25519 with ML-KEM-768 (draft-connolly-cfrg-xwing-kem).
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

X25519, XWING = 0x0020, 0x647A
KEM_SUITE = b"KEM" + (0x0020).to_bytes(2, "big")
XWING_LABEL = bytes.fromhex("5c2e2f2f5e5c")


def suite_of(kem: int) -> bytes:
    """Section 5.1: `suite_id`."""
    return b"HPKE" + b"".join(code.to_bytes(2, "big") for code in (kem, 0x0001, 0x0003))


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


def decapsulate_xwing(enc: bytes, private_key: bytes) -> bytes:
    """X-Wing's `Decapsulate`, with the two private keys already expanded: ML-KEM's seed, then X25519's secret."""
    own = X25519PrivateKey.from_private_bytes(private_key[64:])
    post_quantum = MLKEM768PrivateKey.from_seed_bytes(private_key[:64]).decapsulate(enc[:1088])
    diffie_hellman = own.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    public = own.public_key().public_bytes_raw()
    return hashlib.sha3_256(post_quantum + diffie_hellman + enc[1088:] + public + XWING_LABEL).digest()


def derive_key_and_nonce(shared_secret: bytes, info: bytes, kem: int = X25519) -> tuple[bytes, bytes]:
    """Section 5.1: `KeySchedule` in base mode."""
    suite = suite_of(kem)
    context = b"\x00" + labeled_extract(suite, b"", b"psk_id_hash", b"")
    context += labeled_extract(suite, b"", b"info_hash", info)
    secret = labeled_extract(suite, shared_secret, b"secret", b"")
    key = labeled_expand(suite, secret, b"key", context, 32)
    return key, labeled_expand(suite, secret, b"base_nonce", context, 12)


def open_message(message: bytes, private_key: bytes, info: bytes, associated_data: bytes = b"") -> bytes:
    """Section 6.1: `Open` of the first message, which is `enc ‖ ciphertext`."""
    key, nonce = derive_key_and_nonce(decapsulate(message[:32], private_key), info)
    return ChaCha20Poly1305(key).decrypt(nonce, message[32:], associated_data)


def open_hybrid_message(message: bytes, private_key: bytes, info: bytes) -> bytes:
    """The same where X-Wing is the key encapsulation."""
    key, nonce = derive_key_and_nonce(decapsulate_xwing(message[:1120], private_key), info, XWING)
    return ChaCha20Poly1305(key).decrypt(nonce, message[1120:], b"")
