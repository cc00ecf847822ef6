import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import MalformedCidError
from steelyard.storage.cid import CHUNK_BYTES, LINKS_PER_NODE, compute_cid
from steelyard.types import Cid, Codec

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def fill(size: int) -> bytes:
    """The deterministic content that the known answers below are of."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


# Made with another implementation, which was compared with a js-ipfs node, Kubo 0.22 and helia at sizes like these.
KNOWN = {
    0: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    1: "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
    1_000: "bafkreicojquuwmy7piqjti3zx3buxh47ya64i2vumxmzr5gwqpnfgsd6nu",
    262_143: "bafkreiagptg6ztonoojy4wflk3wwusl5xt4vcy6uult4wa7oemsjtxhjsu",
    262_144: "bafkreibruh455iawsviqslif5c7uurdcfdemh22mtnytyzvnzn75kpejxy",
    262_145: "bafybeiexg2oqkfnj56l7fcmawswqbijt5shq4b5rg6a546uwpkqqzwjioi",
    300_000: "bafybeih7gz5kvvg2zafb7vue6izhy6c4tglvwpi3rgunwdag2fidn2y6eq",
    5_000_000: "bafybeidfagp5g7jk2l7mfjtwwrgu3zkn2vkfhicaxrdybm6k2ymijmjjd4",
    45_613_056: "bafybeihpe5snhzneq7xs53nivmsopto5lrogo3wjynauqylqeym5a3irbm",
    45_613_057: "bafybeib4y7ghw2rq7bracc4xwtxrbzo7cfvagdpte2tmrkgwl6dyard3cm",
    45_875_200: "bafybeie73j3heycdgkdsehpoe6cxh2y3iywtf6djpi3dzqrywevvjmazny",
}


@pytest.mark.parametrize(("size", "cid"), KNOWN.items())
def test_identifiers_are_those_of_an_ipfs_node(size: int, cid: str) -> None:
    assert str(compute_cid(fill(size))) == cid


def test_well_known_texts_have_their_well_known_identifiers() -> None:
    assert str(compute_cid(b"")) == EMPTY
    assert str(compute_cid(b"hello world")) == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    assert str(compute_cid(b"hello world\n")) == "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"


def test_one_chunk_is_its_own_leaf_and_more_is_a_node() -> None:
    chunk = random.Random(0).randbytes(CHUNK_BYTES)
    assert compute_cid(chunk) == Cid(Codec.RAW, hashlib.sha256(chunk).digest())
    assert compute_cid(chunk + b"\0").codec is Codec.DAG_PB


def test_every_byte_counts() -> None:
    data = bytearray(2 * CHUNK_BYTES)
    plain = compute_cid(bytes(data))
    for position in (0, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES - 1):
        data[position] = 1
        assert compute_cid(bytes(data)) != plain, position
        data[position] = 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "characters"),
        ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "version 0; add the file again"),
        (EMPTY.upper(), "characters"),
        (EMPTY + "=", "characters"),
        (EMPTY[:-1], "characters"),
        ("z" + EMPTY[1:], "characters"),  # base58btc
        ("b" + EMPTY[1:].upper(), "spelling"),
        (EMPTY[:-1] + "v", "spelling"),  # bits beyond the 36 bytes
        ("b" + "1" * 58, "base32"),
        (EMPTY[:-1] + "é", "base32"),
        (EMPTY[:-1] + " ", "base32"),
        ("bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "codec 0x71"),  # dag-cbor
        ("bafkrmihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "sha2-256"),  # keccak-256
    ],
)
def test_other_spellings_are_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedCidError, match=reason):
        Cid.parse(text)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_digests_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(MalformedCidError, match="32 bytes"):
        Cid(Codec.RAW, bytes(length))


def test_an_unknown_codec_byte_from_chain_is_refused() -> None:
    with pytest.raises(MalformedCidError, match="0x71"):
        Cid.from_pair(bytes(32), 0x71)


@given(st.sampled_from(Codec), st.binary(min_size=32, max_size=32))
def test_identifiers_round_trip(codec: Codec, digest: bytes) -> None:
    cid = Cid(codec, digest)
    assert Cid.parse(str(cid)) == cid
    assert Cid.from_pair(cid.digest, int(cid.codec)) == cid


def test_links_of_a_node_are_as_many_as_kubo_puts_there() -> None:
    # One node of 174 links has another parent than 175 chunks have: the known answers above sit on both sides.
    assert {LINKS_PER_NODE * CHUNK_BYTES, (LINKS_PER_NODE + 1) * CHUNK_BYTES} < KNOWN.keys()
