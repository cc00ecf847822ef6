"""Every way to change one good call of a Gram verifier: each field in each manner, and the statement as a whole."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point, Scalar

from scripts.gram_cases import REJECTED, Case, Field, add_torsion, locate_fields
from steelyard.constants import BLS12_381_ORDER
from steelyard.gram.field import SCALAR_BYTES
from steelyard.gram.points import FIELD_MODULUS, POINT_BYTES, decode_point, encode_point
from steelyard.gram.proof import ENTRY_BYTES
from steelyard.gram.srs import get_blinding_generator

Change = tuple[str, bytes, str]
"""What was done to a value, the new value, and the error that must come of it."""

R: Final = BLS12_381_ORDER
U32_END: Final = 2**32


def tamper(case: Case) -> Iterator[Case]:
    """Every lie about one good case. Values that a change would leave as they are, are left out."""
    yield from tamper_fields(case)
    yield from tamper_statement(case)


def tamper_fields(case: Case) -> Iterator[Case]:
    """Each field alone: other values, other encodings of the same value, the neighbour's value."""
    fields = list(locate_fields(case.n, case.blocks))
    for field in fields:
        value = field.read(case)
        changes = {"point": change_point, "scalar": change_scalar, "entry": change_entry}[field.kind]
        for what, new, error in changes(value):
            if new != value:
                yield lie(case, f"{field.name}/{what}", error, **{field.part: field.write(case, new)})
        yield from swap(case, field, next((f for f in fields if f.kind == field.kind and after(field, f)), None))


def after(field: Field, other: Field) -> bool:
    """Whether `other` is behind `field` in the call."""
    return (field.part, field.start) < (other.part, other.start)


def swap(case: Case, field: Field, other: Field | None) -> Iterator[Case]:
    """Two values of a kind in one another's place."""
    if other is None or field.read(case) == other.read(case):
        return
    first = dataclasses.replace(case, **{field.part: field.write(case, other.read(case))})  # type: ignore[arg-type]
    both = {other.part: other.write(first, field.read(case))}
    yield lie(first, f"{field.name}/swapped_with_{other.name}", REJECTED, **both)


def change_scalar(value: bytes) -> Iterator[Change]:
    """Of 32 bytes below the group order."""
    x = int.from_bytes(value, "big")
    for what, y in (("plus_r", x + R), ("r", R), ("all_ones", 2**256 - 1)):
        yield what, y.to_bytes(SCALAR_BYTES, "big"), "NonCanonicalScalar"
    random = int.from_bytes(keccak(value), "big")
    for what, y in (("plus_one", x + 1), ("negated", -x), ("zero", 0), ("doubled", 2 * x), ("random", random)):
        yield what, (y % R).to_bytes(SCALAR_BYTES, "big"), REJECTED


def change_entry(value: bytes) -> Iterator[Change]:
    """Of an int64 of the Gram matrix."""
    x = int.from_bytes(value, "big", signed=True)
    changes = {
        "plus_one": x + 1,
        "minus_one": x - 1,
        "negated": -x,
        "zero": 0,
        "least": -(2**63),
        "greatest": 2**63 - 1,
    }
    for what, y in changes.items():
        if -(2**63) <= y < 2**63:
            yield what, y.to_bytes(ENTRY_BYTES, "big", signed=True), REJECTED
    yield "bytes_reversed", value[::-1], REJECTED


def change_point(value: bytes) -> Iterator[Change]:
    """Of 128 bytes that encode a point of the subgroup."""
    yield from _malform_point(value)
    point = decode_point(value)
    random = G1Point() * Scalar(int.from_bytes(keccak(value), "big") % R)
    for what, other in (
        ("infinity", G1Point.identity()),
        ("negated", -point),
        ("doubled", point + point),
        ("plus_generator", point + G1Point()),
        ("plus_blinding", point + get_blinding_generator()),
        ("generator", G1Point()),
        ("random", random),
    ):
        yield what, encode_point(other), REJECTED


def _malform_point(value: bytes) -> Iterator[Change]:
    x, y = int.from_bytes(value[:64], "big"), int.from_bytes(value[64:], "big")
    for what, new in (
        ("outside_subgroup", add_torsion(value)),
        ("torsion_alone", add_torsion(bytes(POINT_BYTES))),
        ("off_curve", value[:63] + bytes([value[63] ^ 1]) + value[64:]),
        ("coordinates_swapped", value[64:] + value[:64]),
        ("x_plus_p", (x + FIELD_MODULUS).to_bytes(64, "big") + value[64:]),
        ("y_plus_p", value[:64] + (y + FIELD_MODULUS).to_bytes(64, "big")),
        ("p_and_p", 2 * FIELD_MODULUS.to_bytes(64, "big")),
        ("padding_of_x", b"\x01" + value[1:]),
        ("padding_of_y", value[:79] + b"\x01" + value[80:]),
        ("compression_flag", value[:16] + bytes([value[16] | 0x80]) + value[17:]),
        ("infinity_flag", bytes(16) + b"\x40" + bytes(111)),
        ("all_ones", b"\xff" * POINT_BYTES),
    ):
        if what != "coordinates_swapped" or x != y:
            yield what, new, "InvalidPoint"


def tamper_statement(case: Case) -> Iterator[Case]:
    """The call as a whole: context, sizes, lengths, order of rows."""
    yield lie(case, "context/first_bit", REJECTED, context=bytes([case.context[0] ^ 0x80]) + case.context[1:])
    yield lie(case, "context/last_bit", REJECTED, context=case.context[:-1] + bytes([case.context[-1] ^ 1]))
    yield lie(case, "context/zero", REJECTED, context=bytes(32))
    yield lie(case, "context/another", REJECTED, context=keccak(b"another round"))
    yield lie(case, "n/zero", "InvalidSize", n=0)
    yield lie(case, "n/one_more", "InvalidLength", n=case.n + 1)
    yield lie(case, "n/one_less", "InvalidLength" if case.n > 1 else "InvalidSize", n=case.n - 1)
    yield lie(case, "d/zero", "InvalidSize", d=0)
    yield lie(case, "d/beyond_u32", "InvalidSize", d=U32_END + case.d)
    yield lie(case, "d/one_block_more", "InvalidLength", d=case.d + 4088)
    yield lie(case, "d/one_more", REJECTED, d=case.d + 1)
    for part in ("commitments", "gram", "proof"):
        data: bytes = getattr(case, part)
        unit = {"commitments": POINT_BYTES, "gram": ENTRY_BYTES, "proof": SCALAR_BYTES}[part]
        for what, new in (
            ("empty", b""),
            ("byte_missing", data[:-1]),
            ("byte_added", data + b"\x00"),
            ("unit_missing", data[:-unit]),
            ("unit_added", data + bytes(unit)),
            ("first_byte_missing", data[1:]),
            ("twice", data + data),
        ):
            yield lie(case, f"{part}/{what}", "InvalidLength", **{part: new})
        if any(data):
            yield lie(case, f"{part}/all_zero", REJECTED, **{part: bytes(len(data))})
    if case.n > 1:
        yield from _tamper_rows(case)


def _tamper_rows(case: Case) -> Iterator[Case]:
    n, row = case.n, len(case.commitments) // case.n
    entries = [case.gram[k : k + ENTRY_BYTES] for k in range(0, len(case.gram), ENTRY_BYTES)]
    commitments = [case.commitments[k : k + row] for k in range(0, len(case.commitments), row)]
    swapped = b"".join([commitments[1], commitments[0], *commitments[2:]])
    yield lie(case, "rows/swapped", REJECTED, commitments=swapped)
    order = [1, 0, *range(2, n)]
    at = {(i, j): k for k, (i, j) in enumerate((i, j) for i in range(n) for j in range(i, n))}
    gram = b"".join(entries[at[tuple(sorted((order[i], order[j])))]] for i, j in at)
    yield lie(case, "rows/swapped_with_their_entries", REJECTED, commitments=swapped, gram=gram)
    yield lie(case, "rows/first_twice", REJECTED, commitments=b"".join([commitments[0], *commitments[:-1]]))
    yield lie(case, "rows/last_left_out", "InvalidLength", commitments=case.commitments[:-row])
    yield lie(
        case,
        "rows/first_left_out_everywhere",
        REJECTED,
        n=n - 1,
        commitments=case.commitments[row:],
        gram=b"".join(entries[n:]),
    )


def lie(case: Case, what: str, error: str, **changes: Any) -> Case:
    """The case with changes that must lead to this error."""
    return dataclasses.replace(case, name=f"{case.name}/{what}", expected_error=error, **changes)
