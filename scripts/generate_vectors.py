"""Writes the known answers of the Gram proof to `tests/vectors/gram/{valid,invalid,malformed}.json`.

Every verifier reads them; `README.md` beside them tells their format. All is drawn from fixed seeds: the files come out
the same twice.

    python -m scripts.generate_vectors            writes the files
    python -m scripts.generate_vectors --check    exits with 1 where a file is not what would be written
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from scripts.gram_cases import CONTEXT, REJECTED, Case, add_torsion, locate_fields, make_case, make_updates
from scripts.gram_lies import tamper
from steelyard.constants import BLS12_381_ORDER, UPDATE_MAX, UPDATE_MIN
from steelyard.gram import Srs, load_ethereum_srs
from steelyard.gram.points import POINT_BYTES
from steelyard.gram.proof import gram_length, proof_length

FOLDER: Final = Path(__file__).parents[1] / "tests" / "vectors" / "gram"
CLASSES: Final = ("valid", "invalid", "malformed")
L: Final = 4088

GoodCase = Callable[[Srs], Case]
"""Makes a case when it is asked to: proving all of them takes half a minute."""

TAMPERED: Final = ("n2_d3", f"n2_d{L + 1}")
"""Good cases that are changed in every way: of one block, and of two."""


def list_good_cases() -> dict[str, GoodCase]:
    """Sizes that projects have, block borders, rows at the ends of their range, and true points at infinity."""
    small = [(n, d) for n in (1, 2, 3, 4, 5, 8) for d in (1, 2, 3, 7, 9, 300)]
    large = [(7, 2410), (16, 2410), (32, 2410), (4, L - 1), (4, L), (2, L + 1), (5, L + 1), (3, 2 * L), (4, 2 * L + 1)]
    cases: dict[str, GoodCase] = {}

    def add(name: str, rows: list[list[int]] | np.ndarray, **options: object) -> None:
        updates = np.array(rows, dtype=np.int16)
        cases[name] = lambda srs: make_case(srs, name, updates, **options)  # type: ignore[arg-type]

    for n, d in small + large:
        add(f"n{n}_d{d}", make_updates(n, d, seed=1000 * n + d))
    add("zero_row", [[3, -4, 5], [0, 0, 0], [1, 1, 1]])
    add("zero_rows", np.zeros((3, 5)))
    add("equal_rows", [[7, -8, 9]] * 4)
    add("clone_and_opposite", [[7, -8, 9], [1, 2, 3], [-7, 8, -9], [7, -8, 9]])
    add("orthogonal_rows", np.diag([5, -6, 7, 8]))
    add("least_entries", np.full((3, 300), UPDATE_MIN))
    add("greatest_entries", np.full((2, 300), UPDATE_MAX))
    add("extreme_entries", np.where(np.arange(3)[:, None] == 1, UPDATE_MAX, np.full((3, 300), UPDATE_MIN)))
    add("last_coordinate_of_a_block", [[0] * (L - 1) + [9], [1] + [0] * (L - 1)])
    add("only_in_the_second_block", [[0] * L + [9], [0] * L + [-4]])
    for name, context in (("zero", bytes(32)), ("ones", b"\xff" * 32), ("order", BLS12_381_ORDER.to_bytes(32, "big"))):
        add(f"context_{name}", [[1, 2], [3, 4]], context=context)
    for k in range(3):  # the same statement three times: other masks, other proof
        add(f"proof_{k}_of_one_statement", make_updates(2, 3, seed=77), seeds="one_statement")
    add("no_masks", [[3, -4, 5], [1, 2, 3]], draw=lambda: 0)  # M is infinity, and t0 is zero
    add("no_masks_and_two_coordinates", [[3, -4]], draw=lambda: 0)  # W is infinity as well
    cases["nothing_at_all"] = lambda _: make_zero_case("nothing_at_all", 2, 3)
    cases["nothing_at_all_in_two_blocks"] = lambda _: make_zero_case("nothing_at_all_in_two_blocks", 1, L + 1)
    return cases


def make_zero_case(name: str, n: int, d: int) -> Case:
    """Zero vectors without blinders, proved without masks: all points infinity, all numbers zero, and all is true."""
    blocks = -(-d // L)
    return Case(
        name, CONTEXT, n, d, bytes(POINT_BYTES * n * blocks), bytes(gram_length(n)), bytes(proof_length(blocks))
    )


def make_good_cases(srs: Srs, names: set[str] | None = None) -> list[Case]:
    """All good cases, or the named ones."""
    return [make(srs) for name, make in list_good_cases().items() if names is None or name in names]


def make_lies(good: dict[str, Case]) -> Iterator[Case]:
    """Everything that follows from good cases by changing bytes."""
    for name in TAMPERED:
        yield from tamper(good[name])
    by_k = [good[f"proof_{k}_of_one_statement"] for k in range(3)]
    first, second = by_k[0].proof, by_k[1].proof
    for at in [f.start for f in locate_fields(2, 1) if f.part == "proof"][1:]:  # one proof's head, another's tail
        case = dataclasses.replace(by_k[0], proof=first[:at] + second[at:], expected_error=REJECTED)
        yield dataclasses.replace(case, name=f"two_proofs_joined_at_{at}")
    for name, other in (("n3_d3", "n3_d2"), ("n2_d3", "n2_d2"), ("n8_d9", "n8_d7"), ("zero_row", "zero_rows")):
        foreign = dataclasses.replace(good[name], proof=good[other].proof, expected_error=REJECTED)
        yield dataclasses.replace(foreign, name=f"proof_of_{other}_for_{name}")
    for name in ("n1_d1", "n3_d3", "nothing_at_all"):
        gram = (1).to_bytes(8, "big") + good[name].gram[8:]
        lie = dataclasses.replace(good[name], gram=gram, expected_error=REJECTED)
        yield dataclasses.replace(lie, name=f"{name}/first_entry_is_one")


def make_foreign_cases(srs: Srs) -> Iterator[Case]:
    """Proofs that a prover made, without an error of his own, about what is not so."""
    updates = make_updates(3, 5, seed=10)

    def move(commitments: list[bytes]) -> None:
        commitments[0] = add_torsion(commitments[0][:POINT_BYTES]) + commitments[0][POINT_BYTES:]

    def exchange(commitments: list[bytes]) -> None:
        commitments[0], commitments[1] = commitments[1], commitments[0]

    def name_error(case: Case, error: str) -> Case:
        return dataclasses.replace(case, expected_error=error)

    yield name_error(make_case(srs, "proved_outside_subgroup_C", updates, alter=move), "InvalidPoint")
    yield name_error(make_case(srs, "proved_for_exchanged_rows", updates, alter=exchange), REJECTED)
    shorter = Srs(srs.g1[:2048], srs.g2)
    yield name_error(make_case(shorter, "proved_over_fewer_powers", updates), REJECTED)
    yield name_error(make_case(make_known_srs(srs.powers, tau=5), "proved_over_a_known_secret", updates), REJECTED)


def make_known_srs(powers: int, tau: int) -> Srs:
    """An SRS whose secret everybody knows."""
    scalars = [Scalar(pow(tau, k, BLS12_381_ORDER)) for k in range(powers)]
    return Srs(
        tuple(G1Point() * scalar for scalar in scalars), (G2Point(), G2Point() * scalars[1], G2Point() * scalars[2])
    )


def classify(case: Case) -> str:
    """`valid`, `invalid`: well-formed and false, or `malformed`: refused before anything is computed from it."""
    if case.expected_error is None:
        return "valid"
    return "invalid" if case.expected_error == REJECTED else "malformed"


def build_files(srs: Srs) -> dict[Path, str]:
    """The text of each file."""
    good = make_good_cases(srs)
    cases = [*good, *make_lies({case.name: case for case in good}), *make_foreign_cases(srs)]
    files = {}
    for class_ in CLASSES:
        chosen = [json.dumps(case.to_json()) for case in cases if classify(case) == class_]
        head = f'{{"powers": {srs.powers}, "class": "{class_}", "count": {len(chosen)}, "cases": [\n'
        files[FOLDER / f"{class_}.json"] = head + ",\n".join(chosen) + "\n]}\n"
    return files


def main() -> None:
    """Writes the files, or compares them with `--check`."""
    for path, text in build_files(load_ethereum_srs()).items():
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                raise SystemExit(f"{path.name} is stale: run python -m scripts.generate_vectors")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
