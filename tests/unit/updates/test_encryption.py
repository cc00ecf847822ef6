from collections.abc import Callable
from dataclasses import replace

import pytest

from steelyard.errors import PayloadError
from steelyard.types import Address, ProjectId
from steelyard.updates.encryption import OVERHEAD_BYTES, EncryptionKeyPair, PayloadContext, decrypt, encrypt
from steelyard.updates.faults import PayloadFault

AGGREGATOR = EncryptionKeyPair.from_private_key(b"\x07" * 32)
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


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_message_sent_again_elsewhere_does_not_open(place: str) -> None:
    message = encrypt(b"secret", AGGREGATOR.public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        decrypt(message, AGGREGATOR, ELSEWHERE[place])
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


def test_another_key_does_not_open_it() -> None:
    message = encrypt(b"secret", AGGREGATOR.public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        decrypt(message, EncryptionKeyPair.generate(), CONTEXT)
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_message_does_not_open(damage: str) -> None:
    message = encrypt(b"secret", AGGREGATOR.public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        decrypt(DAMAGE[damage](message), AGGREGATOR, CONTEXT)
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"short", b""])
def test_a_recipients_unusable_key_is_named(key: bytes) -> None:
    with pytest.raises(PayloadError, match=f"0x{key.hex()}") as raised:
        encrypt(b"secret", key, CONTEXT)
    assert raised.value.reason == PayloadFault.BAD_KEY


def test_a_message_opens_for_its_context_and_is_never_the_same_twice() -> None:
    messages = {encrypt(b"secret", AGGREGATOR.public_key, CONTEXT) for _ in range(3)}
    assert len(messages) == 3
    for message in messages:
        assert len(message) == len(b"secret") + OVERHEAD_BYTES
        assert decrypt(message, AGGREGATOR, CONTEXT) == b"secret"


def test_key_pairs_keep_their_secret_out_of_sight() -> None:
    pair = EncryptionKeyPair.generate()
    assert EncryptionKeyPair.from_private_key(pair.private_key) == pair
    assert pair.private_key.hex() not in repr(pair)
    assert repr(pair.private_key) not in repr(pair)
