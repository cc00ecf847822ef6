"""Names for the bytes and integers that cross module borders. Checked where they enter, trusted afterwards."""

import base64
import binascii
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import MalformedCidError

Address = NewType("Address", str)
"""An account, EIP-55 checksummed."""

ProjectId = NewType("ProjectId", bytes)
"""32 bytes: the hash of a project's parameters, chain, contract and owner nonce."""

Digest = NewType("Digest", bytes)
"""32 bytes of keccak-256."""

Seed = NewType("Seed", bytes)
"""32 secret bytes from which a trainer derives the blinders of one round."""

UpdateVector = NDArray[np.int16]
"""A quantised update, shape `(d,)`."""

Gram = NDArray[np.object_]
"""A Gram matrix of Python integers, shape `(n, n)`, symmetric. Exact: no entry ever passes through a float."""

ParameterShapes = Mapping[str, tuple[int, ...]]
"""A model's parameters by name. Their canonical order, wherever they are laid end to end, is that of their names."""

Parameters = Mapping[str, NDArray[np.float32]]
"""A model's parameters as arrays, by name."""

ParameterVector = NDArray[np.float32]
"""A model's parameters laid end to end in the order of their names, shape `(d,)`."""


class Sealing(enum.StrEnum):
    """How messages to an account are encrypted. A project chooses; an account has a key for each."""

    X25519 = "x25519"
    """RFC 9180 HPKE with X25519."""

    HYBRID = "x25519-mlkem768"
    """HPKE with X25519 and ML-KEM-768 together: what is recorded today stays closed to a quantum computer."""


class Codec(enum.IntEnum):
    """What the bytes behind a content identifier are (multicodec table)."""

    RAW = 0x55
    """The content itself: anything of at most one chunk."""

    DAG_PB = 0x70
    """A UnixFS node that links to the content's chunks."""


@dataclass(frozen=True, slots=True)
class Cid:
    """A content identifier: CIDv1 with a sha2-256 digest. On chain it is the pair (digest, codec).

    `str` gives the one text form that `parse` accepts: multibase `b`, lower-case base32 without padding.

    Raises:
      MalformedCidError: the digest is not 32 bytes.
    """

    codec: Codec
    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise MalformedCidError(self.digest.hex(), f"a digest has 32 bytes, this one {len(self.digest)}")

    def __str__(self) -> str:
        return "b" + base64.b32encode(self.to_bytes()).decode().rstrip("=").lower()

    def to_bytes(self) -> bytes:
        """The binary form, 36 bytes: version, codec, hash function, digest length, digest."""
        return bytes((0x01, self.codec, 0x12, 0x20)) + self.digest

    @classmethod
    def from_pair(cls, digest: bytes, codec: int) -> Self:
        """The identifier whose digest and codec byte stand on chain.

        Raises:
          MalformedCidError: the codec is neither raw nor dag-pb, or the digest is not 32 bytes.
        """
        try:
            known = Codec(codec)
        except ValueError:
            raise MalformedCidError(digest.hex(), f"codec {codec:#x} is neither raw nor dag-pb") from None
        return cls(known, digest)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identifier that `text` spells. Another version, base, codec, hash or spelling is refused.

        Raises:
          MalformedCidError: always with the reason.
        """
        if len(text) == 46 and text.startswith("Qm"):
            raise MalformedCidError(text, "it is version 0; add the file again with `--cid-version=1 --raw-leaves`")
        if len(text) != 59 or not text.startswith("b"):
            raise MalformedCidError(text[:80], "it is not a `b` and 58 characters of base32")
        try:
            binary = base64.b32decode(text[1:].upper() + "======")
        except (binascii.Error, ValueError):
            raise MalformedCidError(text, "it is not base32") from None
        version, codec, hash_function, length = binary[:4]
        if (version, hash_function, length) != (0x01, 0x12, 0x20):
            raise MalformedCidError(text, "it is not version 1 with sha2-256")
        cid = cls.from_pair(binary[4:], codec)
        if str(cid) != text:
            raise MalformedCidError(text, f"its canonical spelling is {cid}")
        return cid
