"""Writes the known answers of the weighing rules to `tests/vectors/rules/weighings.json`.

`README.md` beside it tells the format. All is drawn from fixed seeds: the file comes out the same twice.

    python -m scripts.generate_rule_vectors            writes the file
    python -m scripts.generate_rule_vectors --check    exits with 1 if it is not what would be written
"""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steelyard.gram import encode_gram
from steelyard.rules import ON_CHAIN_RULES, Rule, compute_shares, encode_hints
from steelyard.types import Gram

FILE: Final = Path(__file__).parents[1] / "tests" / "vectors" / "rules" / "weighings.json"
DIMENSION: Final = 400
SPREADS: Final = (0.5, 3.0)
LARGEST: Final = 2**63 - 1
BUDGET: Final = 10**21 + 7
"""What the rows of each round share."""

Rows = NDArray[np.float64]


def _make_rows(n: int, seed: int, spread: float) -> Rows:
    """Rows that share a direction; at a spread of 3 their cosines are about 0.1, as where data differ much."""
    rng = np.random.default_rng(seed)
    return 1000 * (rng.normal(size=DIMENSION) + spread * rng.normal(size=(n, DIMENSION)))


def _attack(name: str, rows: Rows, f: int) -> Rows:
    """What the first `f` send, shape `(f, d)`."""
    mean = rows[f:].mean(axis=0)
    attacks: dict[str, Rows] = {
        "reversed": -4 * rows[:f],
        "short_copies": np.tile(-0.5 * mean, (f, 1)),
        "long_copies": np.tile(-5 * mean, (f, 1)),
        "noise": np.random.default_rng(1).normal(0, 3000, (f, DIMENSION)),
        "zero": np.zeros((f, DIMENSION)),
        "clones": np.tile(rows[0], (f, 1)),
        "scaled": 10 * rows[:f],
    }
    return attacks[name]


def _list_rounds() -> Iterator[tuple[str, Rows, int]]:
    """A name, the rows, and how many of them, the first, are dishonest."""
    for n, spread in itertools.product((3, 5, 7, 10, 16, 24, 32), SPREADS):
        yield f"honest_{n}_{spread}", _make_rows(n, n, spread), (n - 3) // 2
    attacks = ("reversed", "short_copies", "long_copies", "noise", "zero", "clones", "scaled")
    for name, spread in itertools.product(attacks, SPREADS):
        rows, f = _make_rows(13, 13, spread), 4
        rows[:f] = _attack(name, rows, f)
        yield f"{name}_{spread}", rows, f
    yield "all_alike", np.full((9, DIMENSION), 700.0), 3
    yield "all_zero", np.zeros((9, DIMENSION)), 3
    yield "mostly_zero", np.vstack([np.zeros((5, DIMENSION)), _make_rows(4, 4, 0.5)]), 3
    unlike = _make_rows(9, 9, 3.0) - _make_rows(9, 9, 0.0)
    unlike[0] = -unlike[1:].sum(axis=0)
    yield "one_against_all", unlike, 3
    yield "camps", np.where(np.arange(9)[:, None] < 4, -700.0, 700.0) * np.ones(DIMENSION), 3


def list_cases() -> Iterator[tuple[str, Gram, int, int]]:
    """`(name, G, f, d)`."""
    for name, rows, f in _list_rounds():
        whole = np.rint(rows).astype(np.int64).astype(object)
        for chosen in sorted({0, f}):
            yield f"{name}_f{chosen}", whole @ whole.T, chosen, DIMENSION
    signs = np.array([1, -1, 1, 1, 1], dtype=object)
    yield "largest_entries", np.outer(signs, signs) * LARGEST, 1, 2**32 - 1
    yield "no_gram_matrix", np.where(np.eye(6, dtype=bool), 1, LARGEST).astype(object), 1, 1


def weigh(rule: Rule, gram: Gram, f: int, d: int) -> dict[str, object]:
    """What the rule gives, as the file has it."""
    weighing = rule.weigh(gram, f, d)
    return {
        "weights": [str(weight) for weight in weighing.weights],
        "normaliser": str(weighing.normaliser),
        "contributions": [str(contribution) for contribution in weighing.contributions],
        "opposed": list(weighing.opposed),
        "hints": "0x" + encode_hints(weighing).hex(),
        "shares": [str(share) for share in compute_shares(BUDGET, weighing.contributions).shares],
        "verdicts": [weighing.get_verdict(row).value for row in range(len(gram))],
    }


def build_document() -> dict[str, Any]:
    """All cases, each by every rule that can weigh it."""
    cases = [
        {
            "name": name,
            "n": len(gram),
            "f": f,
            "d": d,
            "gram": "0x" + encode_gram(gram).hex(),
            "rules": {
                rule.name: weigh(rule, gram, f, d)
                for rule in ON_CHAIN_RULES.values()
                if len(gram) - rule.rooted >= 2 * f + 3
            },
        }
        for name, gram, f, d in list_cases()
    ]
    return {"rules": list(ON_CHAIN_RULES), "budget": str(BUDGET), "count": len(cases), "cases": cases}


def main() -> int:
    """Writes or checks the file; returns the exit code."""
    document = build_document()
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in document.pop("cases"))
    text = f'{json.dumps(document)[:-1]}, "cases": [\n{lines}\n]}}\n'
    if "--check" in sys.argv[1:]:
        if FILE.read_text() != text:
            print(f"{FILE.name} is stale: python -m scripts.generate_rule_vectors", file=sys.stderr)
            return 1
        return 0
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
