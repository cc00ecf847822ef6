"""Random changes of good calls of a Gram verifier, by the hundred thousand, and the check that refuses each."""

import dataclasses
import functools
import random
from collections import Counter
from collections.abc import Callable
from typing import Final
from unittest import mock

from py_arkworks_bls12381 import G1Point, Scalar

from scripts.gram_cases import Case, Field, locate_fields
from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram import GramProof, Srs, load_ethereum_srs, verify_gram
from steelyard.gram.points import decode_point, encode_point
from tests.gram_proofs import make_round, make_srs, make_updates

PARTS: Final[dict[str, int]] = {"context": 1, "commitments": 3, "gram": 2, "proof": 4}
"""The parts of a call, and how often in ten one is drawn: the more, the more checks look at it."""
ACCEPTED: Final = "accepted"
SIZES: Final = ((1, 1), (2, 3), (2, 5), (3, 9))  # over 12 powers: one, one, two and three blocks
PROOFS: Final = 4

Draw = random.Random


@dataclasses.dataclass(frozen=True)
class Pool:
    """Good proofs of one statement, and points to put in their place."""

    srs: Srs
    good: tuple[Case, ...]
    foreign: Case
    """Another statement of the same size, with its proof."""
    fields: tuple[Field, ...]
    points: tuple[G1Point, ...]

    def of_kind(self, *kinds: str) -> list[Field]:
        return [field for field in self.fields if field.kind in kinds]


def make_pool(srs: Srs, n: int, d: int) -> Pool:
    """Several proofs of one statement. They differ from run to run; the changes of them do not."""
    round_, other = make_round(srs, make_updates(n, d, seed=1)), make_round(srs, make_updates(n, d, seed=2))
    s = round_.statement
    good = tuple(
        Case(f"n{n}_d{d}", s.context, n, d, s.commitments, s.gram, round_.prove().encode()) for _ in range(PROOFS)
    )
    o = other.statement
    foreign = Case(f"n{n}_d{d}", o.context, n, d, o.commitments, o.gram, other.prove().encode())
    points = tuple(G1Point() * Scalar(pow(3, k, BLS12_381_ORDER)) for k in range(64))
    return Pool(srs, good, foreign, tuple(locate_fields(n, srs.count_blocks(d))), points)


@functools.cache
def make_small_pools() -> tuple[Pool, ...]:
    """Over 12 powers of a known secret: the cheapest statements with every shape."""
    return tuple(make_pool(make_srs(12), n, d) for n, d in SIZES)


@functools.cache
def make_ethereum_pools() -> tuple[Pool, ...]:
    """Over the ceremony, where the contract verifies too."""
    return tuple(make_pool(load_ethereum_srs(), n, d) for n, d in ((1, 1), (2, 3), (2, 4089)))


def judge(srs: Srs, case: Case) -> str:
    """`ACCEPTED`, or the check that refused the call."""
    try:
        verify_gram(srs, case.statement, GramProof.decode(case.proof, srs.count_blocks(case.d)))
    except ProofRejectedError as error:
        for check in ("pairing equation", "invalid point", "non-canonical scalar", "degenerate"):
            if check in error.reason:
                return check
        return "shape"
    return ACCEPTED


def draw_part(rng: Draw) -> str:
    (part,) = rng.choices(list(PARTS), list(PARTS.values()))
    return part


def flip_bits(rng: Draw, pool: Pool, case: Case) -> Case:
    part = draw_part(rng)
    data = bytearray(getattr(case, part))
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return replace(case, part, bytes(data))


def overwrite_bytes(rng: Draw, pool: Pool, case: Case) -> Case:
    part = draw_part(rng)
    data: bytes = getattr(case, part)
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 2, 4, 8, 32, 128)))
    return replace(case, part, data[:start] + rng.randbytes(end - start) + data[end:])


def draw_scalar(rng: Draw, pool: Pool, case: Case, field: Field) -> bytes:
    x = int.from_bytes(field.read(case), "big")
    other = int.from_bytes(rng.choice(pool.of_kind("scalar")).read(case), "big")
    near = x + rng.choice((-1, 1)) * 2 ** rng.randrange(255)
    y = rng.choice((rng.randrange(BLS12_381_ORDER), near, -x, 2 * x, other, x + other, 0))
    return (y % BLS12_381_ORDER).to_bytes(32, "big")


def draw_point(rng: Draw, pool: Pool, case: Case, field: Field) -> bytes:
    point, other = decode_point(field.read(case)), decode_point(rng.choice(pool.of_kind("point")).read(case))
    some = rng.choice(pool.points)
    return encode_point(rng.choice((some, -point, point + point, other, point + other, point + some, point + -point)))


def draw_entry(rng: Draw, pool: Pool, case: Case, field: Field) -> bytes:
    x = int.from_bytes(field.read(case), "big", signed=True)
    y = rng.choice((x + rng.choice((-1, 1)) * 2 ** rng.randrange(60), rng.randrange(-(2**63), 2**63), -x, 0))
    return (y % 2**64).to_bytes(8, "big")


DRAWS: Final[dict[str, Callable[[Draw, Pool, Case, Field], bytes]]] = {
    "scalar": draw_scalar,
    "point": draw_point,
    "entry": draw_entry,
}


def replace_fields(rng: Draw, pool: Pool, case: Case, count: int) -> Case:
    for field in rng.sample(pool.fields, min(count, len(pool.fields))):
        case = replace(case, field.part, field.write(case, DRAWS[field.kind](rng, pool, case, field)))
    return case


def replace_one_field(rng: Draw, pool: Pool, case: Case) -> Case:
    return replace_fields(rng, pool, case, 1)


def replace_several_fields(rng: Draw, pool: Pool, case: Case) -> Case:
    return replace_fields(rng, pool, case, rng.randrange(2, 6))


def draw_whole_proof(rng: Draw, pool: Pool, case: Case) -> Case:
    for field in pool.fields:
        if field.part == "proof":
            new = encode_point(rng.choice(pool.points)) if field.kind == "point" else None
            new = new or rng.randrange(BLS12_381_ORDER).to_bytes(32, "big")
            case = replace(case, "proof", field.write(case, new))
    return case


def draw_bytes(rng: Draw, pool: Pool, case: Case) -> Case:
    return replace(case, "proof", rng.randbytes(len(case.proof)))


def exchange_fields(rng: Draw, pool: Pool, case: Case) -> Case:
    field = rng.choice(pool.fields)
    other = rng.choice(pool.of_kind(field.kind))
    first, second = field.read(case), other.read(case)
    case = replace(case, field.part, field.write(case, second))
    return replace(case, other.part, other.write(case, first))


def join_proofs(rng: Draw, pool: Pool, case: Case) -> Case:
    others = [other for other in pool.good if other is not case]
    for field in pool.fields:
        if field.part == "proof" and rng.random() < 0.5:
            case = replace(case, "proof", field.write(case, field.read(rng.choice(others))))
    return case


def take_foreign_parts(rng: Draw, pool: Pool, case: Case) -> Case:
    for part in rng.sample(("commitments", "gram", "proof"), rng.choice((1, 2))):
        case = replace(case, part, getattr(pool.foreign, part))
    return case


def cut_or_extend(rng: Draw, pool: Pool, case: Case) -> Case:
    part = rng.choice(("commitments", "gram", "proof"))
    data: bytes = getattr(case, part)
    longer = data + rng.randbytes(rng.randrange(1, 200))
    return replace(case, part, rng.choice((data[: rng.randrange(len(data))], longer)))


MUTATIONS: Final[dict[Callable[[Draw, Pool, Case], Case], int]] = {
    flip_bits: 30,
    overwrite_bytes: 20,
    replace_one_field: 10,
    replace_several_fields: 7,
    draw_whole_proof: 5,
    draw_bytes: 10,
    exchange_fields: 5,
    join_proofs: 4,
    take_foreign_parts: 4,
    cut_or_extend: 5,
}
"""What is done to a good case, and how often in a hundred."""


def replace(case: Case, part: str, data: bytes) -> Case:
    return dataclasses.replace(case, **{part: data})  # type: ignore[arg-type]


def mutate(rng: Draw, pool: Pool) -> tuple[str, Case]:
    """One call that is none of the good ones, and what was done to make it."""
    while True:
        (change,) = rng.choices(list(MUTATIONS), list(MUTATIONS.values()))
        case = change(rng, pool, rng.choice(pool.good))
        if case not in pool.good and case != pool.foreign:
            return change.__name__, case


def count_verdicts(seed: int, count: int, *, ethereum: bool) -> Counter[tuple[str, str]]:
    """Makes `count` changed calls, verifies each, and counts `(change, verdict)`. A worker of the long test.

    Most points of a changed call are those of a good one. What they decode to is kept; the verdicts are each its own.
    """
    pools = make_ethereum_pools() if ethereum else make_small_pools()
    rng = random.Random(seed)
    verdicts: Counter[tuple[str, str]] = Counter()
    with mock.patch("steelyard.gram.verifier.decode_point", functools.lru_cache(maxsize=1024)(decode_point)):
        for _ in range(count):
            pool = rng.choice(pools)
            change, case = mutate(rng, pool)
            verdicts[change, judge(pool.srs, case)] += 1
    return verdicts
