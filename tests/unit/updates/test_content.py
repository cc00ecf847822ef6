"""Sealed models and aggregates, and the wraps of their keys: they open for what they are for, and for nothing else."""

import json
from dataclasses import replace

import pytest

from steelyard.errors import PayloadError
from steelyard.types import Address, ProjectId, Sealing
from steelyard.updates.content import (
    CONTENT_OVERHEAD_BYTES,
    ContentContext,
    ContentKind,
    fits,
    open_content,
    seal_content,
)
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext, encrypt
from steelyard.updates.faults import PayloadFault
from steelyard.updates.manifest import (
    MAX_MANIFEST_BYTES,
    WrapContext,
    decode_envelope,
    decode_manifest,
    encode_envelope,
    encode_manifest,
    unwrap_key,
    wrap_key,
)

KEY = b"\x0c" * 32
CONTENT = b"a model" * 100
MARKETPLACE = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
READER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
OTHER = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
CONTEXT = ContentContext(31_337, MARKETPLACE, b"\xab" * 32, 3, ContentKind.MODEL)
ELSEWHERE = {
    "another chain": replace(CONTEXT, chain_id=1),
    "another marketplace": replace(CONTEXT, marketplace=OTHER),
    "another project": replace(CONTEXT, scope=b"\xac" * 32),
    "another round": replace(CONTEXT, round_index=4),
    "another kind": replace(CONTEXT, kind=ContentKind.AGGREGATE),
}
WRAP = WrapContext(31_337, MARKETPLACE, ProjectId(b"\xab" * 32), 3, READER)
WRAPPED_ELSEWHERE = {
    "another chain": replace(WRAP, chain_id=1),
    "another marketplace": replace(WRAP, marketplace=OTHER),
    "another project": replace(WRAP, project_id=ProjectId(b"\xac" * 32)),
    "another round": replace(WRAP, round_index=4),
    "another reader": replace(WRAP, reader=OTHER),
}


def test_content_comes_back_and_the_same_blob_is_made_again() -> None:
    blob = seal_content(CONTENT, KEY, CONTEXT)
    assert blob == seal_content(CONTENT, KEY, CONTEXT), "members compare identifiers"
    assert len(blob) == len(CONTENT) + CONTENT_OVERHEAD_BYTES
    assert open_content(blob, KEY, CONTEXT) == CONTENT
    assert CONTENT[:14] not in blob
    assert KEY not in blob


@pytest.mark.parametrize("place", ELSEWHERE)
def test_content_does_not_open_as_something_else(place: str) -> None:
    blob = seal_content(CONTENT, KEY, CONTEXT)
    assert blob[36:] != seal_content(CONTENT, KEY, ELSEWHERE[place])[36:], "no nonce serves twice under one key"
    assert not fits(blob, KEY, ELSEWHERE[place])
    with pytest.raises(PayloadError) as raised:
        open_content(blob, KEY, ELSEWHERE[place])
    assert raised.value.reason == PayloadFault.WRONG_KEY


def test_another_key_does_not_open_it_and_is_told_beforehand() -> None:
    blob = seal_content(CONTENT, KEY, CONTEXT)
    assert fits(blob, KEY, CONTEXT)
    assert not fits(blob, b"\x0d" * 32, CONTEXT)
    with pytest.raises(PayloadError, match="wrong-key"):
        open_content(blob, b"\x0d" * 32, CONTEXT)
    with pytest.raises(ValueError, match="31"):
        open_content(blob, bytes(31), CONTEXT)


def test_a_blob_that_fits_two_keys_cannot_be_put_together() -> None:
    """Two commitments cannot stand in one place: whoever holds the other key refuses before decrypting."""
    mine, theirs = seal_content(CONTENT, KEY, CONTEXT), seal_content(CONTENT, b"\x0d" * 32, CONTEXT)
    for commitment, ciphertext in ((mine, theirs), (theirs, mine)):
        chimera = commitment[:36] + ciphertext[36:]
        for key in (KEY, b"\x0d" * 32):
            with pytest.raises(PayloadError):
                open_content(chimera, key, CONTEXT)


@pytest.mark.parametrize("place", [0, 4, 35, 36, -1])
def test_a_flipped_bit_is_noticed(place: int) -> None:
    blob = bytearray(seal_content(CONTENT, KEY, CONTEXT))
    blob[place] ^= 1
    with pytest.raises(PayloadError):
        open_content(bytes(blob), KEY, CONTEXT)


@pytest.mark.parametrize("length", [0, 3, 4, 35, 36, 51])
def test_a_stump_is_refused(length: int) -> None:
    with pytest.raises(PayloadError):
        open_content(seal_content(CONTENT, KEY, CONTEXT)[:length], KEY, CONTEXT)


@pytest.mark.parametrize("sealing", Sealing)
def test_a_wrap_opens_for_its_reader_only(sealing: Sealing) -> None:
    pair = EncryptionKeyPair.generate(sealing)
    wrap = wrap_key(KEY, pair.public_key, WRAP)
    assert unwrap_key(wrap, pair, WRAP) == KEY
    for elsewhere in WRAPPED_ELSEWHERE.values():
        with pytest.raises(PayloadError, match="undecryptable"):
            unwrap_key(wrap, pair, elsewhere)
    with pytest.raises(PayloadError, match="undecryptable"):
        unwrap_key(wrap, EncryptionKeyPair.generate(sealing), WRAP)


def test_a_payload_is_no_wrap_although_it_names_the_same() -> None:
    pair = EncryptionKeyPair.generate()
    context = PayloadContext(WRAP.chain_id, WRAP.marketplace, WRAP.project_id, WRAP.round_index, WRAP.reader)
    with pytest.raises(PayloadError, match="undecryptable"):
        unwrap_key(encrypt(KEY, pair.public_key, context), pair, WRAP)


def test_a_wrap_of_something_else_is_refused() -> None:
    pair = EncryptionKeyPair.generate()
    with pytest.raises(PayloadError, match="32 bytes"):
        unwrap_key(encrypt(b"short", pair.public_key, WRAP), pair, WRAP)


def test_manifests_and_envelopes_come_back() -> None:
    manifest = {3: {READER: b"one", OTHER: b""}, 10: {READER: b"two"}}
    assert decode_manifest(encode_manifest(manifest)) == manifest
    assert decode_envelope(encode_envelope(3, manifest[3], b"sealed"), 3) == (manifest[3], b"sealed")


BAD_MANIFESTS = {
    "nothing": b"",
    "no JSON": b"{",
    "another kind": b"[]",
    "no version": b'{"keys":{}}',
    "another version": b'{"keys":{},"version":2}',
    "spaces": b'{"keys": {},"version":1}',
    "a field more": b'{"extra":1,"keys":{},"version":1}',
    "repeated keys": b'{"keys":{},"keys":{},"version":1}',
    "no round": b'{"keys":{"one":{}},"version":1}',
    "a round spelt otherwise": b'{"keys":{"03":{}},"version":1}',
    "a list of wraps": b'{"keys":{"3":[]},"version":1}',
    "no address": b'{"keys":{"3":{"0x12":""}},"version":1}',
    "an address of another case": json.dumps(
        {"keys": {"3": {READER.lower(): ""}}, "version": 1}, separators=(",", ":")
    ).encode(),
    "no base64": json.dumps({"keys": {"3": {READER: "*"}}, "version": 1}, separators=(",", ":")).encode(),
    "a number": json.dumps({"keys": {"3": {READER: 1}}, "version": 1}, separators=(",", ":")).encode(),
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("case", BAD_MANIFESTS)
def test_a_malformed_manifest_is_refused(case: str) -> None:
    with pytest.raises(PayloadError):
        decode_manifest(BAD_MANIFESTS[case])


def test_a_manifest_has_a_longest_size() -> None:
    with pytest.raises(PayloadError, match="too-large"):
        decode_manifest(b" " * (MAX_MANIFEST_BYTES + 1))
    with pytest.raises(PayloadError, match="too-large"):
        encode_manifest({3: {READER: bytes(MAX_MANIFEST_BYTES)}})


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", PayloadFault.WRONG_MAGIC),
        (b"SYC1" + bytes(100), PayloadFault.WRONG_MAGIC),
        (b"SYE1" + (2**32 - 1).to_bytes(4, "big"), PayloadFault.TRUNCATED),
        (encode_envelope(4, {}, b""), PayloadFault.OUT_OF_RANGE),
        (b"SYE1" + (27).to_bytes(4, "big") + b'{"keys":{},"version":1}' + b"    ", PayloadFault.OUT_OF_RANGE),
    ],
)
def test_a_malformed_envelope_is_refused(blob: bytes, reason: PayloadFault) -> None:
    with pytest.raises(PayloadError) as raised:
        decode_envelope(blob, 3)
    assert raised.value.reason == reason
