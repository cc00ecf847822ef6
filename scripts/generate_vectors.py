"""Writes Gram proofs, good and tampered, to `tests/vectors/gram/evm.json`, for both verifiers.

The format is in `tests/vectors/gram/README.md`. All is drawn from fixed seeds: the file comes out the same twice.

    python -m scripts.generate_vectors            writes the file
    python -m scripts.generate_vectors --check    exits with 1 where the file is not what would be written
"""

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from eth_utils.crypto import keccak
from numpy.typing import NDArray
from py_arkworks_bls12381 import G1Point
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import add, multiply, normalize

from steelyard.constants import BLS12_381_ORDER, UPDATE_MAX, UPDATE_MIN
from steelyard.gram import (
    GramStatement,
    Srs,
    commit,
    compute_gram,
    derive_blinders,
    load_ethereum_srs,
)
from steelyard.gram.field import SCALAR_BYTES, RandomScalar
from steelyard.gram.points import FIELD_MODULUS, POINT_BYTES
from steelyard.gram.proof import ENTRY_BYTES, proof_length
from steelyard.gram.prover import _prove
from steelyard.types import Digest, Seed

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "gram" / "evm.json"
CONTEXT: Final = Digest(keccak(b"steelyard/test-context"))
L: Final = 4088


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
        """The case as in the file."""
        return {
            "name": self.name,
            "context": "0x" + self.context.hex(),
            "n": self.n,
            "d": self.d,
            "commitments": "0x" + self.commitments.hex(),
            "gram": "0x" + self.gram.hex(),
            "proof": "0x" + self.proof.hex(),
            "valid": self.expected_error is None,
            "expectedError": self.expected_error or "",
        }


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


def make_case(srs: Srs, name: str, updates: NDArray[np.int16], *, torsion: bool = False) -> Case:
    """A good proof about these updates. `torsion` moves the first commitment out of the subgroup before proving."""
    n, d = updates.shape
    seeds = [Seed(keccak(f"{name}/{i}".encode())) for i in range(n)]
    commitments = [commit(srs, row, seed) for row, seed in zip(updates, seeds, strict=True)]
    if torsion:
        commitments[0] = add_torsion(commitments[0][:POINT_BYTES]) + commitments[0][POINT_BYTES:]
    statement = GramStatement.make(CONTEXT, d, commitments, compute_gram(updates))
    blinders = [derive_blinders(seed, srs.count_blocks(d)) for seed in seeds]
    proof = _prove(srs, statement, updates, blinders, make_draw(name))
    error = "InvalidPoint" if torsion else None
    return Case(name, CONTEXT, n, d, statement.commitments, statement.gram, proof.encode(), error)


def add_torsion(encoding: bytes) -> bytes:
    """Adds a point whose order divides the cofactor. The pairing cannot tell: only a subgroup check notices."""
    x = 0
    while True:
        x += 1
        square = (x**3 + 4) % FIELD_MODULUS
        y = pow(square, (FIELD_MODULUS + 1) // 4, FIELD_MODULUS)
        if y * y % FIELD_MODULUS == square:
            torsion = multiply((FQ(x), FQ(y), FQ(1)), BLS12_381_ORDER)
            if torsion[2] != FQ(0):
                break
    point = (FQ(int.from_bytes(encoding[:64], "big")), FQ(int.from_bytes(encoding[64:], "big")), FQ(1))
    moved_x, moved_y = normalize(add(point, torsion))
    return int(moved_x).to_bytes(64, "big") + int(moved_y).to_bytes(64, "big")


def make_good_cases(srs: Srs) -> Iterator[Case]:
    """Sizes that projects have, block borders, and rows at the ends of their range."""
    sizes = [(1, 1), (3, 5), (7, 2410), (16, 2410), (32, 2410), (4, L), (5, L + 1), (3, 2 * L), (4, 2 * L + 1)]
    for n, d in sizes:
        yield make_case(srs, f"n{n}_d{d}", make_updates(n, d, seed=1000 * n + d))
    zero = make_updates(4, 300, seed=1)
    zero[2] = 0
    yield make_case(srs, "zero_row", zero)
    clones = make_updates(4, 300, seed=2)
    clones[3], clones[1] = clones[0], -clones[0]
    yield make_case(srs, "clone_and_opposite", clones)
    extremes = np.full((3, 300), UPDATE_MIN, dtype=np.int16)
    extremes[1] = UPDATE_MAX
    yield make_case(srs, "extreme_entries", extremes)


def tamper(case: Case) -> Iterator[Case]:
    """Every way to lie with one good proof over at least two rows. The offsets are those of the proof's layout."""
    B = (len(case.proof) - proof_length(0)) // (proof_length(1) - proof_length(0))
    t0 = POINT_BYTES * B
    s_hat = t0 + SCALAR_BYTES
    a = s_hat + POINT_BYTES
    a_prime = a + SCALAR_BYTES * B
    s = a_prime + SCALAR_BYTES * B
    witness = s + SCALAR_BYTES
    omega = witness + POINT_BYTES
    scalars = {"t0": t0, "a": a, "a_prime": a_prime, "s": s, "omega": omega}
    points = {"M": 0, "S": s_hat, "W": witness}

    def lie(what: str, error: str, **changes: object) -> Case:
        return dataclasses.replace(case, name=f"{case.name}/{what}", expected_error=error, **changes)  # type: ignore[arg-type]

    def splice(data: bytes, at: int, new: bytes) -> bytes:
        return data[:at] + new + data[at + len(new) :]

    for name, at in scalars.items():
        x = int.from_bytes(case.proof[at : at + SCALAR_BYTES], "big")
        above = (x + BLS12_381_ORDER).to_bytes(SCALAR_BYTES, "big")
        other = ((x + 1) % BLS12_381_ORDER).to_bytes(SCALAR_BYTES, "big")
        yield lie(f"scalar_not_canonical_{name}", "NonCanonicalScalar", proof=splice(case.proof, at, above))
        yield lie(f"scalar_changed_{name}", "ProofRejected", proof=splice(case.proof, at, other))

    generator = bytes(16) + G1Point().to_xy_bytes_be()[:48] + bytes(16) + G1Point().to_xy_bytes_be()[48:]
    for field, data, places in (("commitments", case.commitments, {"C": 0}), ("proof", case.proof, points)):
        for name, at in places.items():
            point = data[at : at + POINT_BYTES]
            x = int.from_bytes(point[:64], "big")
            off_curve = splice(point, 63, bytes([point[63] ^ 1]))
            not_canonical = (x + FIELD_MODULUS).to_bytes(64, "big") + point[64:]
            for what, new, error in (
                ("outside_subgroup", add_torsion(point), "InvalidPoint"),
                ("off_curve", off_curve, "InvalidPoint"),
                ("not_canonical", not_canonical, "InvalidPoint"),
                ("padding_set", b"\x01" + point[1:], "InvalidPoint"),
                ("infinity", bytes(POINT_BYTES), "ProofRejected"),
                ("another", generator, "ProofRejected"),
            ):
                yield lie(f"point_{what}_{name}", error, **{field: splice(data, at, new)})

    row = len(case.commitments) // case.n
    swapped = case.commitments[row : 2 * row] + case.commitments[:row] + case.commitments[2 * row :]
    entries = [case.gram[k : k + ENTRY_BYTES] for k in range(0, len(case.gram), ENTRY_BYTES)]
    for name, k in (("first", 0), ("off_diagonal", 1), ("last", len(entries) - 1)):
        changed = (int.from_bytes(entries[k], "big", signed=True) + 1).to_bytes(ENTRY_BYTES, "big", signed=True)
        gram = b"".join([*entries[:k], changed, *entries[k + 1 :]])
        yield lie(f"gram_entry_changed_{name}", "ProofRejected", gram=gram)
    yield lie("gram_all_zero", "ProofRejected", gram=bytes(len(case.gram)))
    yield lie("gram_short", "InvalidLength", gram=case.gram[:-ENTRY_BYTES])
    yield lie("gram_long", "InvalidLength", gram=case.gram + bytes(ENTRY_BYTES))
    yield lie("rows_swapped", "ProofRejected", commitments=swapped)
    yield lie("row_missing", "InvalidLength", commitments=case.commitments[:-row])
    fewer = case.n - 1
    yield lie(
        "row_missing_everywhere",
        "ProofRejected",
        n=fewer,
        commitments=case.commitments[row:],
        gram=b"".join(entries[case.n :]),
    )
    yield lie("commitments_short", "InvalidLength", commitments=case.commitments[:-1])
    yield lie("commitments_long", "InvalidLength", commitments=case.commitments + b"\x00")
    yield lie("wrong_context", "ProofRejected", context=keccak(b"another round"))
    yield lie("context_bit_flipped", "ProofRejected", context=case.context[:-1] + bytes([case.context[-1] ^ 1]))
    yield lie("proof_empty", "InvalidLength", proof=b"")
    yield lie("proof_short", "InvalidLength", proof=case.proof[:-1])
    yield lie("proof_long", "InvalidLength", proof=case.proof + b"\x00")
    yield lie("proof_all_zero", "ProofRejected", proof=bytes(len(case.proof)))
    yield lie("no_rows", "InvalidSize", n=0)
    yield lie("no_coordinates", "InvalidSize", d=0)
    yield lie("another_n", "InvalidLength", n=case.n + 1)
    yield lie("another_d_same_blocks", "ProofRejected", d=case.d - 1)
    yield lie("another_d_more_blocks", "InvalidLength", d=case.d + L)


def make_foreign_case(srs: Srs) -> Case:
    """The good proof of one statement, sent with another statement of the same size."""
    one = make_case(srs, "foreign_proof", make_updates(3, 5, seed=8))
    other = make_case(srs, "foreign_proof/other", make_updates(3, 5, seed=9))
    return dataclasses.replace(one, proof=other.proof, expected_error="ProofRejected")


def make_cases(srs: Srs) -> list[Case]:
    """All cases of the file."""
    good = list(make_good_cases(srs))
    by_name = {case.name: case for case in good}
    bad = [*tamper(by_name["n3_d5"]), *tamper(by_name[f"n3_d{2 * L}"]), make_foreign_case(srs)]
    bad.append(make_case(srs, "proved_outside_subgroup_C", make_updates(3, 5, seed=10), torsion=True))
    return good + bad


def main() -> None:
    """Writes the file, or compares it with `--check`."""
    srs = load_ethereum_srs()
    cases = [case.to_json() for case in make_cases(srs)]
    text = json.dumps({"powers": srs.powers, "count": len(cases), "cases": cases}, indent=1) + "\n"
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            raise SystemExit(f"{TARGET.name} is stale: run python -m scripts.generate_vectors")
        return
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
