"""Reference strings in files: three formats to read, one to write. Source: docs/srs.md.

A file is untrusted until `decode_checked` has looked at every point of it, or until its digest is a pinned one.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from py_arkworks_bls12381 import G1Point, G2Point

from steelyard.constants import MASK_SLOTS
from steelyard.errors import SrsError
from steelyard.gram.srs import Srs, check_srs

MAX_POWERS: Final = 2**16
"""The most G1 powers that this version reads."""

MAX_FILE_BYTES: Final = 512 * 2**20
"""The whole transcript of the Ethereum ceremony, with its 140,000 contributions, has about half of that."""

Progress = Callable[[int, int], None]
"""Told how many points are checked, and how many there are."""

_FORMAT: Final = "steelyard-srs"
_VERSION: Final = 1
_G1_BYTES: Final = 48
_G2_BYTES: Final = 96
_G2_POINTS: Final = 3
_MAX_BRACKETS: Final = 1000
_REPORT_EVERY: Final = 256


@dataclass(frozen=True, slots=True)
class EncodedSrs:
    """The compressed points of a string, as a file has them: right in number and length, else unchecked.

    Raises:
        SrsError: too few or too many powers, not three G2 points, or a point of a wrong length.
    """

    g1: tuple[bytes, ...]
    g2: tuple[bytes, bytes, bytes]

    def __post_init__(self) -> None:
        if not MASK_SLOTS < len(self.g1) <= MAX_POWERS:
            raise SrsError(f"a reference string has {MASK_SLOTS + 1} to {MAX_POWERS:,} powers, not {len(self.g1):,}")
        if any(len(point) != _G1_BYTES for point in self.g1) or any(len(point) != _G2_BYTES for point in self.g2):
            raise SrsError(f"a compressed point has {_G1_BYTES} bytes in G1 and {_G2_BYTES} in G2")

    def compute_digest(self) -> str:
        """What the string is known and pinned by: SHA-256, in hex, of its G1 points, then of its three G2 points."""
        return hashlib.sha256(b"".join((*self.g1, *self.g2))).hexdigest()


def encode_srs(srs: Srs) -> EncodedSrs:
    """The compressed points of a string."""
    one, tau, tau_squared = (point.to_compressed_bytes() for point in srs.g2)
    return EncodedSrs(tuple(point.to_compressed_bytes() for point in srs.g1), (one, tau, tau_squared))


def read_srs_file(path: Path, powers: int | None = None) -> EncodedSrs:
    """Reads a string in the format of Steelyard, of a ceremony's transcript, or of c-kzg.

    Args:
        path: The file.
        powers: How many powers the string must have. Of a transcript, which has several strings, this chooses one.

    Raises:
        SrsError: unreadable, too large, malformed, or without a string of that many powers.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise SrsError(f"{path} has {size:,} bytes, more than {MAX_FILE_BYTES:,}")
        text = path.read_text("ascii")
        encoded = _parse_json(text, powers) if text.startswith("{") else _parse_c_kzg(text)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SrsError(f"{path} cannot be read as a reference string: {error}") from error
    if powers is not None and len(encoded.g1) != powers:
        raise SrsError(f"{path} has {len(encoded.g1):,} powers, not {powers:,}: a part of a string is not offered")
    return encoded


def _parse_json(text: str, powers: int | None) -> EncodedSrs:
    # A library of ours lifts Python's recursion limit: deep nesting would overflow the stack, not raise.
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        raise ValueError(f"it nests or lists more than {_MAX_BRACKETS} arrays and objects")
    document = json.loads(text)
    if "transcripts" in document:
        return _choose_transcript(document["transcripts"], powers)
    if document["format"] != _FORMAT or document["version"] != _VERSION:
        raise ValueError(f"it is neither `{_FORMAT}` in version {_VERSION} nor a ceremony's transcript")
    encoded = _collect(document["g1"], document["g2"])
    if len(document["g2"]) != _G2_POINTS or document["powers"] != len(encoded.g1):
        raise ValueError("it does not hold the number of points that it announces")
    return encoded


def _choose_transcript(transcripts: Sequence[Mapping[str, Any]], powers: int | None) -> EncodedSrs:
    sizes = [transcript["numG1Powers"] for transcript in transcripts]
    wanted = sizes[0] if powers is None and len(sizes) == 1 else powers
    if sizes.count(wanted) != 1:
        raise ValueError(f"it has strings of {', '.join(map(str, sizes))} powers: say which one")
    transcript = transcripts[sizes.index(wanted)]
    g1, g2 = transcript["powersOfTau"]["G1Powers"], transcript["powersOfTau"]["G2Powers"]
    if len(g1) != transcript["numG1Powers"] or len(g2) != transcript["numG2Powers"]:
        raise ValueError("it does not hold the number of points that it announces")
    return _collect(g1, g2)


def _parse_c_kzg(text: str) -> EncodedSrs:
    """Two counts, then Lagrange points in G1, points in G2 and monomial points in G1."""
    words = text.split(maxsplit=4 * MAX_POWERS)
    count_g1, count_g2 = int(words[0]), int(words[1])
    points = words[2:]
    if count_g1 < 1 or count_g2 < 1 or len(points) != 2 * count_g1 + count_g2:
        raise ValueError("it does not hold the number of points that its first lines announce")
    return _collect(points[count_g1 + count_g2 :], points[count_g1 : count_g1 + count_g2])


def _collect(g1: Sequence[str], g2: Sequence[str]) -> EncodedSrs:
    if len(g1) > MAX_POWERS or len(g2) < _G2_POINTS:
        raise ValueError(f"it has {len(g1):,} points in G1 and {len(g2):,} in G2")
    one, tau, tau_squared = (bytes.fromhex(point.removeprefix("0x")) for point in g2[:_G2_POINTS])
    return EncodedSrs(tuple(bytes.fromhex(point.removeprefix("0x")) for point in g1), (one, tau, tau_squared))


def decode_checked(encoded: EncodedSrs, digest: str, progress: Progress | None = None) -> Srs:
    """The points of a string that nobody vouches for: each on its curve, in its subgroup, not infinity, canonical.

    The relations among them are checked as well, as `check_srs` does.

    Raises:
        SrsError: another digest, a point that is not so, with its number, or the relations do not hold.
    """
    _check_digest(encoded, digest)
    g1 = []
    for k, data in enumerate(encoded.g1):
        g1.append(_decode_g1(data, k))
        if progress is not None and (k % _REPORT_EVERY == 0 or k + 1 == len(encoded.g1)):
            progress(k + 1, len(encoded.g1))
    one, tau, tau_squared = (_decode_g2(data, k) for k, data in enumerate(encoded.g2))
    srs = Srs(tuple(g1), (one, tau, tau_squared))
    check_srs(srs)
    return srs


def decode_pinned(encoded: EncodedSrs, digest: str) -> Srs:
    """The points of a string whose digest is pinned: what was checked when it was pinned is not checked again.

    Raises:
        SrsError: it has another digest, or points that are on no curve.
    """
    _check_digest(encoded, digest)
    try:
        one, tau, tau_squared = map(G2Point.from_compressed_bytes, encoded.g2)
        return Srs(tuple(map(G1Point.from_compressed_bytes_unchecked, encoded.g1)), (one, tau, tau_squared))
    except ValueError as error:
        raise SrsError("the file holds a malformed point") from error


def _check_digest(encoded: EncodedSrs, digest: str) -> None:
    actual = encoded.compute_digest()
    if actual != digest:
        raise SrsError(f"the reference string is not the pinned one: its digest is {actual}, not {digest}")


def _decode_g1(data: bytes, k: int) -> G1Point:
    try:
        point = G1Point.from_compressed_bytes(data)
    except ValueError as error:
        raise SrsError(f"power {k} in G1 is malformed, off the curve or outside the subgroup") from error
    if point == G1Point.identity() or point.to_compressed_bytes() != data:
        raise SrsError(f"power {k} in G1 is infinity, or not encoded canonically")
    return point


def _decode_g2(data: bytes, k: int) -> G2Point:
    try:
        point = G2Point.from_compressed_bytes(data)
    except ValueError as error:
        raise SrsError(f"power {k} in G2 is malformed, off the curve or outside the subgroup") from error
    if point == G2Point.identity() or point.to_compressed_bytes() != data:
        raise SrsError(f"power {k} in G2 is infinity, or not encoded canonically")
    return point


def dump_srs(srs: Srs, warning: str | None = None) -> str:
    """The text of a file in Steelyard's format. `warning` is for people: programs look at the points."""
    head: dict[str, object] = {"format": _FORMAT, "version": _VERSION, "powers": srs.powers}
    if warning is not None:
        head["warning"] = warning
    encoded = encode_srs(srs)
    g1, g2 = (",\n".join(f'  "0x{point.hex()}"' for point in points) for points in (encoded.g1, encoded.g2))
    lines = chain((f' "{key}": {json.dumps(value)},' for key, value in head.items()), (f' "g2": [\n{g2}\n ],',))
    return "{\n" + "\n".join(lines) + f'\n "g1": [\n{g1}\n ]\n}}\n'
