"""Known answers of the rules: what is published is what the code gives, and the plain twin says the same."""

import json
from typing import Any

import pytest

from scripts.generate_rule_vectors import FILE, build_document
from steelyard.gram import decode_gram
from steelyard.rules import ON_CHAIN_RULES
from tests.reference import rules_twin

DOCUMENT = json.loads(FILE.read_text())
CASES: list[dict[str, Any]] = DOCUMENT["cases"]


def test_the_file_is_what_the_script_writes() -> None:
    assert build_document() == DOCUMENT


def test_names_are_unique_and_every_rule_is_there() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) == DOCUMENT["count"]
    assert DOCUMENT["rules"] == list(ON_CHAIN_RULES)
    assert {name for case in CASES for name in case["rules"]} == set(ON_CHAIN_RULES)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_twin_gives_the_same(case: dict[str, Any]) -> None:
    gram = decode_gram(bytes.fromhex(case["gram"][2:]), case["n"]).tolist()
    for name, expected in case["rules"].items():
        twin = rules_twin.weigh(name, gram, case["f"], case["d"])
        total = sum(twin.contributions)
        assert {
            "weights": [str(weight) for weight in twin.weights],
            "normaliser": str(twin.normaliser),
            "contributions": [str(contribution) for contribution in twin.contributions],
            "opposed": list(twin.opposed),
            "hints": "0x" + twin.hints.hex(),
            "shares": [str(int(DOCUMENT["budget"]) * phi // total if total else 0) for phi in twin.contributions],
        } == {key: value for key, value in expected.items() if key != "verdicts"}, name


def test_the_rounds_are_of_many_kinds() -> None:
    """Payments, strikes and screening happen, and rules differ."""
    outcomes = [(case, case["rules"]["screen-clip-nnm-multi-krum"]) for case in CASES]
    assert any(outcome["opposed"] for _, outcome in outcomes)
    assert any(len(outcome["hints"]) < 2 + 8 * (2 * case["n"] + 1) for case, outcome in outcomes)
    assert any(outcome["weights"] != case["rules"]["clip-nnm-multi-krum"]["weights"] for case, outcome in outcomes)
    assert {verdict for _, outcome in outcomes for verdict in outcome["verdicts"]} >= {
        *("paid", "zero update", "opposed", "clipped away", "screened out", "outlier"),
        *("below the noise floor", "no quorum"),
    }
    assert all(
        any(int(phi) for case in CASES for phi in case["rules"].get(n, {}).get("contributions", ()))
        for n in ON_CHAIN_RULES
    )
