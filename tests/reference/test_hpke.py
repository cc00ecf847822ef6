"""Our messages are HPKE: an independent reading of RFC 9180 opens them, and that reading meets the RFC's own vector."""

from cryptography.hazmat.bindings._rust import openssl as rust_openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from steelyard.types import Address, ProjectId
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext, encrypt
from tests.reference import hpke_twin

# RFC 9180, appendix A.2.1.
PRIVATE_KEY = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
ENC = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
INFO = b"Ode on a Grecian Urn"
SHARED_SECRET = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7"
KEY = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91"
NONCE = "5c4d98150661b848853b547f"
CIPHERTEXT = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"


def test_the_twin_meets_the_vector_of_the_rfc() -> None:
    shared_secret = hpke_twin.decapsulate(ENC, PRIVATE_KEY)
    assert shared_secret.hex() == SHARED_SECRET
    key, nonce = hpke_twin.derive_key_and_nonce(shared_secret, INFO)
    assert (key.hex(), nonce.hex()) == (KEY, NONCE)
    opened = hpke_twin.open_message(ENC + bytes.fromhex(CIPHERTEXT), PRIVATE_KEY, INFO, b"Count-0")
    assert opened == b"Beauty is truth, truth beauty"


def test_the_library_meets_the_vector_of_the_rfc() -> None:
    # The vector has associated data, which the library's public interface leaves out.
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    private_key = X25519PrivateKey.from_private_bytes(PRIVATE_KEY)
    opened = rust_openssl.hpke._decrypt_with_aad(suite, ENC + bytes.fromhex(CIPHERTEXT), private_key, INFO, b"Count-0")
    assert opened == b"Beauty is truth, truth beauty"


def test_the_twin_opens_our_messages_with_the_context_as_info() -> None:
    key_pair = EncryptionKeyPair.from_private_key(PRIVATE_KEY)
    context = PayloadContext(
        chain_id=31_337,
        marketplace=Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"),
        project_id=ProjectId(b"\xab" * 32),
        round_index=3,
        trainer=Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    )
    info = bytes.fromhex(
        "0000000000000000000000000000000000000000000000000000000000007a69"
        "0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3"
        + "ab"
        * 32
        + "0000000000000000000000000000000000000000000000000000000000000003"
        "00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"
    )
    message = encrypt(b"plaintext", key_pair.public_key, context)
    assert hpke_twin.open_message(message, PRIVATE_KEY, info) == b"plaintext"
    hybrid = EncryptionKeyPair.from_private_key(bytes(range(96)))
    message = encrypt(b"plaintext", hybrid.public_key, context)
    assert hpke_twin.open_hybrid_message(message, hybrid.private_key, info) == b"plaintext"
