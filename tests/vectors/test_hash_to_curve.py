"""Hashing to the curve against RFC 9380, appendix J.9.1, for both implementations that `H` comes from."""

import hashlib

import pytest
from py_arkworks_bls12381 import G1Point
from py_ecc.bls.hash_to_curve import hash_to_G1

from steelyard.gram import reference
from steelyard.gram.points import encode_point
from steelyard.gram.srs import get_blinding_generator

DST = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
POINTS = {
    b"": (
        "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
        "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
    ),
    b"abc": (
        "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
        "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
    ),
    b"abcdef0123456789": (
        "11e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57a6a27200a784cbc248e84f357ce82d98",
        "03a87ae2caf14e8ee52e51fa2ed8eefe80f02457004ba4d486d6aa1f517c0889501dc7413753f9599b099ebcbbd2d709",
    ),
    b"q128_" + b"q" * 128: (
        "15f68eaa693b95ccb85215dc65fa81038d69629f70aeee0d0f677cf22285e7bf58d7cb86eefe8f2e9bc3f8cb84fac488",
        "1807a1d50c29f430b8cafc4f8638dfeeadf51211e1602a5f184443076715f91bb90a48ba1e370edce6ae1062f5e6dd38",
    ),
    b"a512_" + b"a" * 512: (
        "082aabae8b7dedb0e78aeb619ad3bfd9277a2f77ba7fad20ef6aabdc6c31d19ba5a6d12283553294c1825c4b3ca2dcfe",
        "05b84ae5a942248eea39e1d91030458c40153f3b654ab7872d779ad1e942856a20c438e8d99bc8abfbf74729ce1f7ac8",
    ),
}


@pytest.mark.parametrize("message", POINTS, ids=lambda message: message[:16].decode() or "empty")
def test_both_implementations_hash_a_message_to_the_published_point(message: bytes) -> None:
    x, y = POINTS[message]
    published = bytes(16) + bytes.fromhex(x) + bytes(16) + bytes.fromhex(y)
    assert encode_point(G1Point.hash_to_curve(message, DST)) == published
    twin = hash_to_G1(message, DST, hashlib.sha256)  # type: ignore[arg-type]  # py-ecc names a hash, not its constructor
    assert reference.encode(twin) == published


def test_both_implementations_derive_the_same_blinding_generator_from_its_name() -> None:
    message, dst = b"steelyard/blinding-generator/v1", b"STEELYARD-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
    twin = hash_to_G1(message, dst, hashlib.sha256)  # type: ignore[arg-type]
    assert reference.encode(twin) == encode_point(get_blinding_generator())
    assert encode_point(G1Point.hash_to_curve(message, dst + b"x")) != encode_point(get_blinding_generator())
