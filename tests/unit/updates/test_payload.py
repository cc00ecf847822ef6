import numpy as np
import pytest
import zstandard

from steelyard.errors import PayloadError
from steelyard.types import Sealing, Seed
from steelyard.updates.compression import compress, compute_compress_bound
from steelyard.updates.encryption import EncryptionKeyPair, encrypt
from steelyard.updates.faults import PayloadFault
from steelyard.updates.payload import (
    UpdatePayload,
    decode_payload,
    encode_payload,
    max_payload_bytes,
    open_payload,
    seal_payload,
)
from tests.unit.updates.test_encryption import AGGREGATOR, CONTEXT, ELSEWHERE

D = 1_000
SEED = Seed(bytes(range(32)))
UPDATE = np.random.default_rng(5).integers(-(2**15), 2**15, D).astype(np.int16)
PLAINTEXT = encode_payload(UpdatePayload(UPDATE, SEED))
FRAME = PLAINTEXT[40:]


def with_frame(frame: bytes, dimension: int = D) -> bytes:
    return b"SYU1" + dimension.to_bytes(4, "big") + SEED + frame


def lie_about_length(content: bytes, announced: int) -> bytes:
    """A valid zstd frame of `content` that announces another length."""
    frame = bytearray(compress(content))
    field, offset = {0: (1, 0), 1: (2, 256), 2: (4, 0), 3: (8, 0)}[frame[4] >> 6]
    start = 5 if frame[4] & 0x20 else 6  # after the window descriptor, which a frame of one segment lacks
    frame[start : start + field] = (announced - offset).to_bytes(field, "little")
    assert zstandard.frame_content_size(bytes(frame)) == announced
    return bytes(frame)


def test_the_format_is_the_documented_one() -> None:
    assert PLAINTEXT[:40] == b"SYU1" + b"\x00\x00\x03\xe8" + bytes(range(32))
    assert zstandard.decompress(FRAME) == b"".join(int(u).to_bytes(2, "little", signed=True) for u in UPDATE)


BAD_PLAINTEXTS: dict[str, tuple[bytes, PayloadFault]] = {
    "empty": (b"", PayloadFault.TRUNCATED),
    "half the magic": (b"SY", PayloadFault.TRUNCATED),
    "no frame and half a seed": (PLAINTEXT[:39], PayloadFault.TRUNCATED),
    "a content key short": (b"SYU2" + PLAINTEXT[4:40] + bytes(31), PayloadFault.TRUNCATED),
    "a seed for a content key": (b"SYU2" + PLAINTEXT[4:], PayloadFault.BAD_COMPRESSION),
    "another magic": (b"SYU9" + PLAINTEXT[4:], PayloadFault.WRONG_MAGIC),
    "half of another magic": (b"PK", PayloadFault.WRONG_MAGIC),
    "d one less": (with_frame(FRAME, D - 1), PayloadFault.WRONG_DIMENSION),
    "d one more": (with_frame(FRAME, D + 1), PayloadFault.WRONG_DIMENSION),
    "d in little-endian": (b"SYU1" + D.to_bytes(4, "little") + SEED + FRAME, PayloadFault.WRONG_DIMENSION),
    "vector one entry short": (with_frame(compress(bytes(2 * D - 2))), PayloadFault.WRONG_LENGTH),
    "vector one entry long": (with_frame(compress(bytes(2 * D + 2))), PayloadFault.WRONG_LENGTH),
    "bomb of 64 MiB": (with_frame(compress(bytes(2**26))), PayloadFault.WRONG_LENGTH),
    "bomb that lies": (with_frame(lie_about_length(bytes(2**26), 2 * D)), PayloadFault.BAD_COMPRESSION),
    "frame that holds less": (with_frame(lie_about_length(bytes(1_500), 2 * D)), PayloadFault.BAD_COMPRESSION),
    "frame that tells no length": (
        with_frame(zstandard.ZstdCompressor(write_content_size=False).compress(UPDATE.tobytes())),
        PayloadFault.WRONG_LENGTH,
    ),
    "no frame": (with_frame(b""), PayloadFault.BAD_COMPRESSION),
    "uncompressed": (with_frame(UPDATE.tobytes()), PayloadFault.BAD_COMPRESSION),
    "frame cut": (with_frame(FRAME[:-1]), PayloadFault.BAD_COMPRESSION),
    "byte after the frame": (with_frame(FRAME + b"\0"), PayloadFault.BAD_COMPRESSION),
    "frame after the frame": (with_frame(FRAME + FRAME), PayloadFault.BAD_COMPRESSION),
    "skippable frame": (
        with_frame(b"\x50\x2a\x4d\x18" + (2 * D).to_bytes(4, "little") + bytes(2 * D)),
        PayloadFault.BAD_COMPRESSION,
    ),
    "two frames that together have the length": (
        with_frame(compress(bytes(D)) + compress(bytes(D))),
        PayloadFault.WRONG_LENGTH,
    ),
}


@pytest.mark.parametrize("case", BAD_PLAINTEXTS)
def test_a_malformed_plaintext_is_refused_with_its_reason(case: str) -> None:
    plaintext, fault = BAD_PLAINTEXTS[case]
    with pytest.raises(PayloadError) as raised:
        decode_payload(plaintext, D)
    assert raised.value.reason == fault
    assert raised.value.reason in str(raised.value)


def test_a_frame_that_needs_a_dictionary_is_refused() -> None:
    dictionary = zstandard.train_dictionary(512, [UPDATE[i : i + 40].tobytes() for i in range(0, D - 40, 5)])
    frame = zstandard.ZstdCompressor(dict_data=dictionary).compress(UPDATE.tobytes())
    with pytest.raises(PayloadError) as raised:
        decode_payload(with_frame(frame), D)
    assert raised.value.reason == PayloadFault.BAD_COMPRESSION


def test_a_message_longer_than_any_honest_one_is_refused_unopened() -> None:
    with pytest.raises(PayloadError) as raised:
        open_payload(bytes(max_payload_bytes(D) + 1), D, AGGREGATOR, CONTEXT)
    assert raised.value.reason == PayloadFault.TOO_LARGE


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_payload_copied_elsewhere_does_not_open(place: str) -> None:
    message = seal_payload(UpdatePayload(UPDATE, SEED), AGGREGATOR.public_key, CONTEXT)
    with pytest.raises(PayloadError) as raised:
        open_payload(message, D, AGGREGATOR, ELSEWHERE[place])
    assert raised.value.reason == PayloadFault.UNDECRYPTABLE


def test_a_sealed_bomb_is_refused() -> None:
    message = encrypt(with_frame(lie_about_length(bytes(2**22), 2 * D)), AGGREGATOR.public_key, CONTEXT)
    assert len(message) <= max_payload_bytes(D), "small enough to be opened at all"
    with pytest.raises(PayloadError) as raised:
        open_payload(message, D, AGGREGATOR, CONTEXT)
    assert raised.value.reason == PayloadFault.BAD_COMPRESSION


def test_a_seed_of_another_length_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="31"):
        encode_payload(UpdatePayload(UPDATE, Seed(bytes(31))))


def test_a_sealed_payload_opens_and_hides_its_seed() -> None:
    payload = UpdatePayload(UPDATE, SEED)
    message = seal_payload(payload, AGGREGATOR.public_key, CONTEXT)
    opened = open_payload(message, D, AGGREGATOR, CONTEXT)
    assert opened.seed == SEED
    assert opened.update.dtype == np.int16
    np.testing.assert_array_equal(opened.update, UPDATE)
    assert repr(SEED) not in repr(payload)


@pytest.mark.parametrize("sealing", Sealing)
def test_a_content_key_travels_with_the_payload(sealing: Sealing) -> None:
    pair = EncryptionKeyPair.generate(sealing)
    payload = UpdatePayload(UPDATE, SEED, b"\x0c" * 32)
    message = seal_payload(payload, pair.public_key, CONTEXT)
    opened = open_payload(message, D, pair, CONTEXT)
    assert (opened.seed, opened.content_key) == (SEED, b"\x0c" * 32)
    np.testing.assert_array_equal(opened.update, UPDATE)
    assert len(message) <= max_payload_bytes(D, sealing)
    assert repr(b"\x0c" * 32) not in repr(payload)
    with pytest.raises(ValueError, match="31"):
        encode_payload(UpdatePayload(UPDATE, SEED, bytes(31)))


@pytest.mark.parametrize("dimension", [1, 2, 100, 2_410, 60_000, 70_000, 500_000])
def test_incompressible_updates_stay_within_the_cap(dimension: int) -> None:
    noise = np.random.default_rng(dimension).integers(-(2**15), 2**15, dimension).astype(np.int16)
    message = seal_payload(UpdatePayload(noise, SEED), AGGREGATOR.public_key, CONTEXT)
    assert 2 * dimension < len(message) <= max_payload_bytes(dimension)
    assert max_payload_bytes(dimension) <= 1.01 * 2 * dimension + 200, "the cap is close to what honest senders need"


@pytest.mark.parametrize("size", [0, 1, 131_071, 131_072, 131_073, 10**7])
def test_the_compression_bound_is_that_of_zstd(size: int) -> None:
    # zstd.h writes ZSTD_COMPRESSBOUND with the same two terms; an independent spelling of it:
    assert compute_compress_bound(size) == size + size // 256 + max(131_072 - size, 0) // 2_048
