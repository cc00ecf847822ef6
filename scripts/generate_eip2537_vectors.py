"""Writes vectors of the BLS12-381 precompiles to `tests/vectors/eip2537/`, in the format of EIP-2537's own.

Computed by py-ecc, which no node uses. `README.md` there tells the format.

    python -m scripts.generate_eip2537_vectors            writes the files
    python -m scripts.generate_eip2537_vectors --check    exits with 1 where a file is not what would be written
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak
from py_ecc.bls.hash_to_curve import clear_cofactor_G1, clear_cofactor_G2, map_to_curve_G1, map_to_curve_G2
from py_ecc.bls.point_compression import modular_squareroot_in_FQ2
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.fields import optimized_bls12_381_FQ2 as FQ2
from py_ecc.optimized_bls12_381.optimized_curve import (
    G1,
    G2,
    Z1,
    Z2,
    add,
    b2,
    curve_order,
    field_modulus,
    is_inf,
    multiply,
    neg,
    normalize,
)
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing

FOLDER: Final = Path(__file__).parents[1] / "tests" / "vectors" / "eip2537"

Point = Any  # py-ecc's projective triples
Vector = dict[str, str | int]

p: Final = field_modulus
r: Final = curve_order
G1_DISCOUNTS: Final = (1000, 949, 848, 797, 764, 750, 738, 728)
G2_DISCOUNTS: Final = (1000, 1000, 923, 884)
PAIR_BYTES: Final = 384

OUTSIDE_G1: Final[Point] = (FQ(0), FQ(2), FQ(1))
"""On the curve, of order three."""


def find_outside_g2() -> Point:
    """On the twist, outside the subgroup: the first with a small `x`."""
    for k in range(1, 100):
        x = FQ2([k, 0])
        y = modular_squareroot_in_FQ2(x**3 + b2)
        if y is not None and not is_inf(multiply((x, y, FQ2.one()), r)):
            return x, y, FQ2.one()
    raise AssertionError("no such point")


def seeded(label: str) -> int:
    """A number below 2^256 that a label fixes."""
    return int.from_bytes(keccak(label.encode()), "big")


def number(x: int, size: int = 64) -> bytes:
    """Big-endian."""
    return x.to_bytes(size, "big")


def encode_g1(point: Point) -> bytes:
    """128 bytes."""
    if is_inf(point):
        return bytes(128)
    return b"".join(number(int(c)) for c in normalize(point))


def encode_g2(point: Point) -> bytes:
    """256 bytes: the real part of a coordinate, then its other one."""
    if is_inf(point):
        return bytes(256)
    return b"".join(number(int(c)) for coordinate in normalize(point) for c in coordinate.coeffs)


def accept(name: str, data: bytes, expected: bytes, gas: int) -> Vector:
    """A call that succeeds."""
    return {"Input": data.hex(), "Expected": expected.hex(), "Name": name, "Gas": gas}


def refuse(name: str, data: bytes, error: str) -> Vector:
    """A call that fails. The words of an error are this file's: nodes have none in common."""
    return {"Input": data.hex(), "ExpectedError": error, "Name": name}


def malform(prefix: str, good: bytes, *, start: int, coordinates: int) -> Iterator[Vector]:
    """A good input with one coordinate made wrong, for each coordinate of the point at `start`."""
    for k in range(coordinates):
        at = start + 64 * k
        x = int.from_bytes(good[at : at + 64], "big")
        for what, value in (
            ("is_p", p),
            ("plus_p", x + p),
            ("is_2_to_384_minus_1", 2**384 - 1),
            ("has_its_top_byte_set", x + (1 << 511)),
            ("has_its_last_padding_bit_set", x + (1 << 384)),
        ):
            error = "not below the modulus" if value < 2**384 else "padding is not zero"
            yield refuse(f"{prefix}_coordinate_{k}_{what}", good[:at] + number(value) + good[at + 64 :], error)
        off = good[:at] + number((x + 1) % p) + good[at + 64 :]
        yield refuse(f"{prefix}_coordinate_{k}_off_the_curve", off, "not on the curve")


def missize(prefix: str, good: bytes) -> Iterator[Vector]:
    """Inputs of a wrong length."""
    for what, data in (
        ("empty", b""),
        ("short", good[:-1]),
        ("long", good + b"\x00"),
        ("half", good[: len(good) // 2]),
    ):
        yield refuse(f"{prefix}_{what}", data, "wrong length")


class Group:
    """What the operations of G1 and G2 have in common."""

    def __init__(
        self,
        name: str,
        one: Point,
        zero: Point,
        outside: Point,
        encode: Callable[[Point], bytes],
        prices: tuple[int, int, Sequence[int]],
    ) -> None:
        self.name, self.one, self.zero, self.outside, self.encode = name, one, zero, outside, encode
        self.add_gas, self.mul_gas, self.discounts = prices
        self.coordinates = len(encode(one)) // 64
        self.some = [multiply(one, seeded(f"{name}/{k}") % r) for k in range(8)]

    def make_additions(self) -> Iterator[Vector]:
        """G1ADD or G2ADD. The subgroup is not checked there."""
        P, Q, T = self.some[0], self.some[1], self.outside
        pairs = {
            "two_points": (P, Q),
            "exchanged": (Q, P),
            "generator_twice": (self.one, self.one),
            "doubling": (P, P),
            "opposites": (P, neg(P)),
            "plus_infinity": (P, self.zero),
            "infinity_plus": (self.zero, P),
            "infinity_twice": (self.zero, self.zero),
            "outside_the_subgroup_plus_infinity": (T, self.zero),
            "outside_the_subgroup_plus_inside": (T, P),
            "outside_the_subgroup_doubled": (T, T),
            "outside_the_subgroup_opposites": (T, neg(T)),
        }
        for what, (first, second) in pairs.items():
            data = self.encode(first) + self.encode(second)
            yield accept(f"{self.name}add_{what}", data, self.encode(add(first, second)), self.add_gas)

    def refuse_additions(self) -> Iterator[Vector]:
        """Both summands are checked."""
        good = self.encode(self.some[0]) + self.encode(self.some[1])
        size = len(good) // 2
        yield from missize(f"{self.name}add", good)
        yield from malform(f"{self.name}add_first", good, start=0, coordinates=self.coordinates)
        yield from malform(f"{self.name}add_second", good, start=size, coordinates=self.coordinates)

    def make_sums(self) -> Iterator[Vector]:
        """G1MSM or G2MSM: one to as many terms as there are discounts here, and every kind of scalar."""
        P, random = self.some[0], seeded(f"{self.name}/scalar")
        scalars = {
            "0": 0,
            "1": 1,
            "2": 2,
            "r_minus_1": r - 1,
            "r": r,
            "r_plus_1": r + 1,
            "2_to_256_minus_1": 2**256 - 1,
        }
        for what, scalar in (scalars | {"random": random}).items():
            yield self._sum(f"scalar_{what}", [(P, scalar)])
        yield self._sum("infinity", [(self.zero, random)])
        yield self._sum("opposites", [(P, 7), (neg(P), 7)])
        yield self._sum("infinity_among_others", [(P, 3), (self.zero, 5)])
        for k in range(2, len(self.discounts) + 1):
            yield self._sum(f"{k}_terms", [(self.some[i], seeded(f"{self.name}/{k}/{i}")) for i in range(k)])

    def _sum(self, what: str, terms: Sequence[tuple[Point, int]]) -> Vector:
        total, data = self.zero, b""
        for point, scalar in terms:
            total = add(total, multiply(point, scalar % r))
            data += self.encode(point) + number(scalar, 32)
        gas = len(terms) * self.mul_gas * self.discounts[len(terms) - 1] // 1000
        return accept(f"{self.name}msm_{what}", data, self.encode(total), gas)

    def refuse_sums(self) -> Iterator[Vector]:
        """The last of two terms is checked like the first, and for its subgroup, whatever its scalar."""
        term = self.encode(self.some[0]) + number(3, 32)
        yield from missize(f"{self.name}msm", term)
        yield from malform(f"{self.name}msm", term, start=0, coordinates=self.coordinates)
        yield from malform(f"{self.name}msm_second", term + term, start=len(term), coordinates=self.coordinates)
        outside = self.encode(self.outside)
        mixed = self.encode(add(self.outside, self.some[0]))
        for what, data in (
            ("times_1", outside + number(1, 32)),
            ("times_0", outside + number(0, 32)),
            ("times_r", outside + number(r, 32)),
            ("plus_inside", mixed + number(1, 32)),
            ("in_the_second_term", term + outside + number(1, 32)),
        ):
            yield refuse(f"{self.name}msm_outside_the_subgroup_{what}", data, "not in the subgroup")


G1_GROUP: Final = Group("g1", G1, Z1, OUTSIDE_G1, encode_g1, (375, 12_000, G1_DISCOUNTS))
G2_GROUP: Final = Group("g2", G2, Z2, find_outside_g2(), encode_g2, (600, 22_500, G2_DISCOUNTS))


def make_pairings() -> Iterator[Vector]:
    """Products of one to three pairings."""
    a, b = seeded("a") % r, seeded("b") % r
    aP, bQ = multiply(G1, a), multiply(G2, b)
    products: dict[str, list[tuple[Point, Point]]] = {
        "one_pair": [(G1, G2)],
        "infinity_in_g1": [(Z1, bQ)],
        "infinity_in_g2": [(aP, Z2)],
        "infinity_twice": [(Z1, Z2)],
        "opposites_in_g1": [(G1, G2), (neg(G1), G2)],
        "opposites_in_g2": [(aP, bQ), (aP, neg(bQ))],
        "bilinear": [(aP, bQ), (neg(multiply(G1, a * b % r)), G2)],
        "almost_bilinear": [(aP, bQ), (neg(multiply(G1, (a * b + 1) % r)), G2)],
        "the_same_pair_twice": [(aP, bQ), (aP, bQ)],
        "three_pairs": [(aP, G2), (multiply(G1, 5), G2), (neg(multiply(G1, (a + 5) % r)), G2)],
        "three_pairs_and_infinity": [(aP, bQ), (Z1, G2), (neg(aP), bQ)],
    }
    for what, pairs in products.items():
        product = pairing(pairs[0][1], pairs[0][0], final_exponentiate=False)
        for P, Q in pairs[1:]:
            product *= pairing(Q, P, final_exponentiate=False)
        holds = final_exponentiate(product) == product.one()
        data = b"".join(encode_g1(P) + encode_g2(Q) for P, Q in pairs)
        yield accept(f"pairing_{what}", data, number(int(holds), 32), 37_700 + 32_600 * len(pairs))


def refuse_pairings() -> Iterator[Vector]:
    """Either point of either pair."""
    good = encode_g1(G1) + encode_g2(G2)
    outside = {"g1": encode_g1(OUTSIDE_G1) + encode_g2(G2), "g2": encode_g1(G1) + encode_g2(G2_GROUP.outside)}
    yield from missize("pairing", good)
    yield from malform("pairing_g1", good, start=0, coordinates=2)
    yield from malform("pairing_g2", good, start=128, coordinates=4)
    for group, pair in outside.items():
        for what, data in (("first", pair), ("second", good + pair)):
            yield refuse(f"pairing_{group}_of_the_{what}_pair_outside_the_subgroup", data, "not in the subgroup")
    for group, pair in (("g1", bytes(128) + outside["g2"][128:]), ("g2", outside["g1"][:128] + bytes(256))):
        yield refuse(f"pairing_infinity_in_{group}_and_outside_the_subgroup", pair, "not in the subgroup")


def make_maps_to_g1() -> Iterator[Vector]:
    """MAP_FP_TO_G1."""
    for what, u in (("0", 0), ("1", 1), ("p_minus_1", p - 1), ("random", seeded("u") % p), ("large", p - 12_345)):
        yield accept(f"map_fp_{what}", number(u), encode_g1(clear_cofactor_G1(map_to_curve_G1(FQ(u)))), 5_500)


def make_maps_to_g2() -> Iterator[Vector]:
    """MAP_FP2_TO_G2."""
    for what, u in (("0", (0, 0)), ("1", (1, 0)), ("i", (0, 1)), ("random", (seeded("v") % p, seeded("w") % p))):
        point = clear_cofactor_G2(map_to_curve_G2(FQ2(list(u))))
        yield accept(f"map_fp2_{what}", number(u[0]) + number(u[1]), encode_g2(point), 23_800)


def refuse_maps(name: str, coordinates: int) -> Iterator[Vector]:
    """Numbers of a wrong length or not below `p`."""
    good = number(7) * coordinates
    yield from missize(name, good)
    for vector in malform(name, good, start=0, coordinates=coordinates):
        if "off_the_curve" not in str(vector["Name"]):
            yield vector


MAKERS: Final[dict[str, Callable[[], Iterator[Vector]]]] = {
    "add_G1_bls": G1_GROUP.make_additions,
    "add_G2_bls": G2_GROUP.make_additions,
    "msm_G1_bls": G1_GROUP.make_sums,
    "msm_G2_bls": G2_GROUP.make_sums,
    "pairing_check_bls": make_pairings,
    "map_fp_to_G1_bls": make_maps_to_g1,
    "map_fp2_to_G2_bls": make_maps_to_g2,
    "fail-add_G1_bls": G1_GROUP.refuse_additions,
    "fail-add_G2_bls": G2_GROUP.refuse_additions,
    "fail-msm_G1_bls": G1_GROUP.refuse_sums,
    "fail-msm_G2_bls": G2_GROUP.refuse_sums,
    "fail-pairing_check_bls": refuse_pairings,
    "fail-map_fp_to_G1_bls": lambda: refuse_maps("map_fp", 1),
    "fail-map_fp2_to_G2_bls": lambda: refuse_maps("map_fp2", 2),
}
"""The files, named as the EIP names its own."""


def build_text(name: str) -> str:
    """The text of one file."""
    return "[\n" + ",\n".join(json.dumps(vector) for vector in MAKERS[name]()) + "\n]\n"


def main() -> None:
    """Writes the files, or compares them with `--check`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MAKERS:
        path, text = FOLDER / f"{name}.json", build_text(name)
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                raise SystemExit(f"{path.name} is stale: run python -m scripts.generate_eip2537_vectors")
            continue
        path.write_text(text)


if __name__ == "__main__":
    main()
