"""Calls of a Gram verifier, made repeatably: statements with their proofs, and where each field of them lies."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from eth_utils.crypto import keccak
from numpy.typing import NDArray
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import add, multiply, normalize

from steelyard.constants import BLS12_381_ORDER, UPDATE_MAX, UPDATE_MIN
from steelyard.gram import GramStatement, Srs, commit, compute_gram, derive_blinders
from steelyard.gram.field import SCALAR_BYTES, RandomScalar
from steelyard.gram.points import FIELD_MODULUS, POINT_BYTES
from steelyard.gram.proof import ENTRY_BYTES, proof_length
from steelyard.gram.prover import _prove
from steelyard.types import Digest, Seed

CONTEXT: Final = Digest(keccak(b"steelyard/test-context"))

REJECTED: Final = "ProofRejected"
"""The custom error of a call that is well-formed and false. Every other one names a fault of form."""


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One call of a verifier. `expected_error` is the custom error of `IGramVerifier`, or None where it must accept."""

    name: str
    context: bytes
    n: int
    d: int
    commitments: bytes
    gram: bytes
    proof: bytes
    expected_error: str | None = None

    def to_json(self) -> dict[str, object]:
        """The case as in a file."""
        return {
            "name": self.name,
            "context": "0x" + self.context.hex(),
            "n": self.n,
            "d": self.d,
            "commitments": "0x" + self.commitments.hex(),
            "gram": "0x" + self.gram.hex(),
            "proof": "0x" + self.proof.hex(),
            "expectedError": self.expected_error or "",
        }

    @property
    def statement(self) -> GramStatement:
        """What a verifier in Python takes."""
        return GramStatement(self.context, self.n, self.d, self.commitments, self.gram)

    @property
    def blocks(self) -> int:
        """`B`, by the proof's length."""
        return (len(self.proof) - proof_length(0)) // (proof_length(1) - proof_length(0))


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """Where one value lies: its name in the specification, the part of the call, the kind of value, the first byte."""

    name: str
    part: str
    kind: str
    start: int

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return {"point": POINT_BYTES, "scalar": SCALAR_BYTES, "entry": ENTRY_BYTES}[self.kind]

    def read(self, case: Case) -> bytes:
        """The value in this case."""
        part: bytes = getattr(case, self.part)
        return part[self.start : self.start + self.size]

    def write(self, case: Case, value: bytes) -> bytes:
        """The part of the call with another value."""
        part: bytes = getattr(case, self.part)
        return part[: self.start] + value + part[self.start + self.size :]


def locate_fields(n: int, blocks: int) -> Iterator[Field]:
    """Every point, Gram entry and scalar of a call, in the order of the layout (docs/proof.md, section 2)."""
    for i in range(n):
        for b in range(blocks):
            yield Field(f"C{i}.{b}", "commitments", "point", POINT_BYTES * (i * blocks + b))
    places = ((i, j) for i in range(n) for j in range(i, n))
    for k, (i, j) in enumerate(places):
        yield Field(f"G{i}.{j}", "gram", "entry", ENTRY_BYTES * k)
    layout = [
        *((f"M{b}", "point") for b in range(blocks)),
        ("t0", "scalar"),
        ("S", "point"),
        *((f"a{b}", "scalar") for b in range(blocks)),
        *((f"a'{b}", "scalar") for b in range(blocks)),
        ("s", "scalar"),
        ("W", "point"),
        ("omega", "scalar"),
    ]
    start = 0
    for name, kind in layout:
        field = Field(name, "proof", kind, start)
        yield field
        start += field.size


def make_updates(n: int, d: int, seed: int) -> NDArray[np.int16]:
    """Updates as training makes them: a common direction and noise of each trainer's own. int16, shape `(n, d)`."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 400, d)
    return np.clip(np.rint(common + rng.normal(0, 500, (n, d))), UPDATE_MIN, UPDATE_MAX).astype(np.int16)


def make_draw(label: str) -> RandomScalar:
    """A repeatable stream of scalars. For vectors only: a proof made with it hides nothing."""
    count = 0

    def draw() -> int:
        nonlocal count
        count += 1
        wide = keccak(f"{label}/{count}/a".encode()) + keccak(f"{label}/{count}/b".encode())
        return int.from_bytes(wide, "big") % BLS12_381_ORDER

    return draw


def make_case(
    srs: Srs,
    name: str,
    updates: NDArray[np.int16],
    *,
    context: bytes = CONTEXT,
    seeds: str = "",
    draw: RandomScalar | None = None,
    alter: Callable[[list[bytes]], None] | None = None,
) -> Case:
    """A good proof about these updates.

    Args:
        srs: The reference string.
        name: Also the seed of all randomness.
        updates: int16, shape `(n, d)`.
        context: `ctx`.
        seeds: What the trainers' seeds come from, by default the name.
        draw: The prover's randomness, by default drawn from the name.
        alter: Changes the commitments of the rows before anything is proved about them.
    """
    n, d = updates.shape
    secrets = [Seed(keccak(f"{seeds or name}/{i}".encode())) for i in range(n)]
    commitments = [commit(srs, row, secret) for row, secret in zip(updates, secrets, strict=True)]
    if alter:
        alter(commitments)
    statement = GramStatement.make(Digest(context), d, commitments, compute_gram(updates))
    blinders = [derive_blinders(secret, srs.count_blocks(d)) for secret in secrets]
    proof = _prove(srs, statement, updates, blinders, draw or make_draw(name))
    return Case(name, context, n, d, statement.commitments, statement.gram, proof.encode())


@functools.cache
def find_torsion() -> tuple[FQ, FQ, FQ]:
    """A point on the curve whose order divides the cofactor. The pairing cannot tell it from infinity."""
    x = 0
    while True:
        x += 1
        square = (x**3 + 4) % FIELD_MODULUS
        y = pow(square, (FIELD_MODULUS + 1) // 4, FIELD_MODULUS)
        if y * y % FIELD_MODULUS == square:
            torsion = multiply((FQ(x), FQ(y), FQ(1)), BLS12_381_ORDER)
            if torsion[2] != FQ(0):
                return torsion


def add_torsion(encoding: bytes) -> bytes:
    """Adds a point whose order divides the cofactor: outside the subgroup, and equal under the pairing."""
    torsion = find_torsion()
    if encoding != bytes(POINT_BYTES):
        point = (FQ(int.from_bytes(encoding[:64], "big")), FQ(int.from_bytes(encoding[64:], "big")), FQ(1))
        torsion = add(point, torsion)
    x, y = normalize(torsion)
    return int(x).to_bytes(64, "big") + int(y).to_bytes(64, "big")
