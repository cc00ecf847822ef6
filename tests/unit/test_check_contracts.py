"""The comparison of slither's findings with the answers of docs/security.md."""

from typing import Any

from scripts.check_contracts import PAGE, find_differences, find_symbolic_contracts, read_answers, read_findings


def element(kind: str, name: str, parent: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": kind, "name": name, "type_specific_fields": {"parent": parent} if parent else {}}


def test_findings_are_named_by_contract_and_function() -> None:
    contract = element("contract", "Vault")
    function = element("function", "withdraw", contract)
    report = {
        "results": {
            "detectors": [
                {"check": "reentrancy-eth", "elements": [function]},
                {"check": "timestamp", "elements": [element("node", "a < b", function)]},
                {"check": "uninitialized-local", "elements": [element("variable", "x", function)]},
                {"check": "unused-state", "elements": [element("variable", "_keys", contract)]},
            ]
        }
    }
    assert read_findings(report) == {
        ("reentrancy-eth", "Vault.withdraw"),
        ("timestamp", "Vault.withdraw"),
        ("uninitialized-local", "Vault.withdraw"),
        ("unused-state", "Vault._keys"),
    }
    assert read_findings({"results": {}}) == set()


def test_answers_are_rows_with_one_or_more_places() -> None:
    page = (
        "| detector | where | answer |\n|---|---|---|\n| `a-b` | `C.f`, `D.g` | Fine. |\n| `c` | everywhere | Fine. |\n"
    )
    assert read_answers(page) == {("a-b", "C.f"), ("a-b", "D.g"), ("c", "everywhere")}


def test_what_is_not_answered_and_what_is_not_found_are_named() -> None:
    answered = {("a", "C.f"), ("b", "everywhere"), ("c", "everywhere")}
    assert find_differences({("a", "C.f"), ("b", "C.g"), ("c", "D.h")}, answered) == []
    assert find_differences({("a", "C.f"), ("a", "C.g"), ("b", "C.g")}, answered) == [
        "not answered: a in C.g",
        "answered, but not found: c in everywhere",
    ]


def test_the_page_answers_and_there_are_checks() -> None:
    assert ("assembly", "everywhere") in read_answers(PAGE.read_text())
    assert find_symbolic_contracts() == ["RewardsSymbolic", "RulesSymbolic", "ScalarFieldSymbolic"]
