from collections.abc import Callable
from dataclasses import replace

import pytest

from steelyard.errors import PayloadError
from steelyard.storage import compute_cid
from steelyard.types import Address, Cid, Codec, ProjectId, Sealing
from steelyard.updates.encryption import (
    OVERHEAD_BYTES,
    PUBLIC_KEY_BYTES,
    EncryptionKeyPair,
    PayloadContext,
    decrypt,
    encrypt,
)
from steelyard.updates.faults import PayloadFault

PAIRS = {
    Sealing.X25519: EncryptionKeyPair.from_private_key(b"\x07" * 32),
    Sealing.HYBRID: EncryptionKeyPair.from_private_key(b"\x07" * 96),
}
CONTEXT = PayloadContext(
    chain_id=31_337,
    marketplace=Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"),
    project_id=ProjectId(b"\xab" * 32),
    round_index=3,
    trainer=Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
)
ELSEWHERE: dict[str, PayloadContext] = {
    "another sender": replace(CONTEXT, trainer=Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")),
    "another round": replace(CONTEXT, round_index=4),
    "another project": replace(CONTEXT, project_id=ProjectId(b"\xab" * 31 + b"\xac")),
    "another marketplace": replace(CONTEXT, marketplace=Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")),
    "another chain": replace(CONTEXT, chain_id=1),
}
AGGREGATOR = PAIRS[Sealing.X25519]
SEALINGS = pytest.mark.parametrize("sealing", Sealing)
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _message: b"",
    "only the key": lambda message: message[:32],
    "half a key": lambda message: message[:16],
    "one byte short": lambda message: message[:-1],
    "one byte more": lambda message: message + b"\0",
    "first bit flipped": lambda message: bytes((message[0] ^ 1,)) + message[1:],
    "bit of the text flipped": lambda message: message[:32] + bytes((message[32] ^ 1,)) + message[33:],
    "last bit flipped": lambda message: message[:-1] + bytes((message[-1] ^ 1,)),
    "ephemeral key of low order": lambda message: bytes(32) + message[32:],
}


@SEALINGS
@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_message_sent_again_elsewhere_does_not_open(place: str, sealing: Sealing) -> None:
    message = encrypt(b"secret", PAIRS[sealing].public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        decrypt(message, PAIRS[sealing], ELSEWHERE[place])
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


@SEALINGS
def test_another_key_does_not_open_it(sealing: Sealing) -> None:
    message = encrypt(b"secret", PAIRS[sealing].public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        decrypt(message, EncryptionKeyPair.generate(sealing), CONTEXT)
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


@SEALINGS
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_message_does_not_open(damage: str, sealing: Sealing) -> None:
    message = encrypt(b"secret", PAIRS[sealing].public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        decrypt(DAMAGE[damage](message), PAIRS[sealing], CONTEXT)
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


UNUSABLE = {
    "zero": bytes(32),
    "low order": b"\x01" + bytes(31),
    "short": b"short",
    "empty": b"",
    "ML-KEM key beyond its modulus": b"\xff" * 1184 + PAIRS[Sealing.X25519].public_key,
    "ML-KEM with X25519 of low order": PAIRS[Sealing.HYBRID].public_key[:1184] + bytes(32),
    "half of a hybrid key": PAIRS[Sealing.HYBRID].public_key[:1184],
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_recipients_unusable_key_is_named(name: str) -> None:
    key = UNUSABLE[name]
    with pytest.raises(PayloadError, match=f"0x{key[:32].hex()}") as raised:
        encrypt(b"secret", key, CONTEXT)
    assert raised.value.reason == PayloadFault.BAD_KEY


@SEALINGS
def test_a_message_opens_for_its_context_and_is_never_the_same_twice(sealing: Sealing) -> None:
    messages = {encrypt(b"secret", PAIRS[sealing].public_key, CONTEXT) for _ in range(3)}
    assert len(messages) == 3
    for message in messages:
        assert len(message) == len(b"secret") + OVERHEAD_BYTES[sealing]
        assert decrypt(message, PAIRS[sealing], CONTEXT) == b"secret"


@SEALINGS
def test_a_key_pair_is_known_by_32_bytes_on_chain(sealing: Sealing) -> None:
    pair = EncryptionKeyPair.generate(sealing)
    assert (pair.sealing, len(pair.public_key)) == (sealing, PUBLIC_KEY_BYTES[sealing])
    if sealing is Sealing.X25519:
        assert pair.registered == pair.public_key
    else:
        assert compute_cid(pair.public_key) == Cid(Codec.RAW, pair.registered), "any store finds the key by its digest"


def test_a_message_of_the_other_sealing_does_not_open() -> None:
    for ours, theirs in ((Sealing.X25519, Sealing.HYBRID), (Sealing.HYBRID, Sealing.X25519)):
        message = encrypt(b"secret" * 200, PAIRS[theirs].public_key, CONTEXT)
        with pytest.raises(PayloadError):
            decrypt(message, PAIRS[ours], CONTEXT)


@pytest.mark.parametrize("length", [0, 31, 33, 64, 95, 97])
def test_a_private_key_of_another_length_is_none(length: int) -> None:
    with pytest.raises(ValueError, match=f"no key has {length} bytes"):
        EncryptionKeyPair.from_private_key(bytes(length))


@SEALINGS
def test_key_pairs_keep_their_secret_out_of_sight(sealing: Sealing) -> None:
    pair = EncryptionKeyPair.generate(sealing)
    assert EncryptionKeyPair.from_private_key(pair.private_key) == pair
    assert pair.private_key.hex() not in repr(pair)
    assert repr(pair.private_key) not in repr(pair)
