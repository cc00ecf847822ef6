"""Runs slither and halmos over the contracts and compares with docs/security.md: `make security`.

The page answers slither's findings: a table of detector, place and answer. A finding without an answer fails, and
so does an answer without a finding. Of halmos every `check_…` has to pass; a timeout is a failure.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "security.md"
TOOLS: Final = ROOT / ".venv-sec" / "bin"
EVERYWHERE: Final = "everywhere"
EXCLUDED: Final = "node_modules|contracts/test|contracts/src/mocks"
SECONDS: Final = 120
"""For one assertion of halmos."""

_ANSWER: Final = re.compile(r"^\| `(?P<detector>[a-z0-9-]+)` \| (?P<places>[^|]+) \|", re.MULTILINE)

Finding = tuple[str, str]
"""A detector's name, and a contract's function or variable."""


def read_answers(page: str) -> set[Finding]:
    """The findings that the page answers; the place may be `everywhere`."""
    return {
        (row["detector"], place.strip().strip("`"))
        for row in _ANSWER.finditer(page)
        for place in row["places"].split(",")
    }


def read_findings(report: dict[str, Any]) -> set[Finding]:
    """What slither reports, each finding once for the function or variable that it is about."""
    detectors = report["results"].get("detectors", [])
    return {(found["check"], _name_place(found["elements"][0])) for found in detectors}


def _name_place(element: dict[str, Any]) -> str:
    """`Contract.function`, of a node or a local variable the function that it is in."""
    parent = element.get("type_specific_fields", {}).get("parent")
    if element["type"] in {"node", "variable"} and parent and parent["type"] == "function":
        return _name_place(parent)
    return f"{parent['name']}.{element['name']}" if parent and parent["type"] == "contract" else element["name"]


def find_differences(found: set[Finding], answered: set[Finding]) -> list[str]:
    """Findings without an answer, and answers without a finding."""
    lines = [
        f"not answered: {detector} in {place}"
        for detector, place in sorted(found)
        if (detector, place) not in answered and (detector, EVERYWHERE) not in answered
    ]
    seen = found | {(detector, EVERYWHERE) for detector, _ in found}
    return lines + [f"answered, but not found: {detector} in {place}" for detector, place in sorted(answered - seen)]


def run_slither() -> dict[str, Any]:
    """Slither's report.

    Raises:
      RuntimeError: it could not analyse the contracts.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "report.json")
        command = [str(TOOLS / "slither"), str(ROOT), "--filter-paths", EXCLUDED, "--json", str(target)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        report: dict[str, Any] = json.loads(target.read_text()) if target.exists() else {"success": False}
    if not report["success"]:
        raise RuntimeError(f"slither failed:\n{done.stderr[-2_000:]}")
    return report


def run_halmos(contracts: Iterable[str]) -> bool:
    """Whether every check of these contracts is proved. Prints halmos's own account."""
    options = ["--loop", "40", "--no-status", "--solver-timeout-assertion", f"{SECONDS}s"]
    codes = [
        subprocess.run([str(TOOLS / "halmos"), *options, "--contract", name], cwd=ROOT, check=False).returncode
        for name in contracts
    ]
    return not any(codes)


def find_symbolic_contracts() -> list[str]:
    """The contracts with checks for halmos."""
    sources = sorted((ROOT / "contracts" / "test" / "symbolic").glob("*.sym.sol"))
    return [name for source in sources for name in re.findall(r"^contract (\w+)", source.read_text(), re.MULTILINE)]


def main() -> int:
    """Both, and what is wrong."""
    differences = find_differences(read_findings(run_slither()), read_answers(PAGE.read_text()))
    print("\n".join(differences) or "slither: every finding is answered in docs/security.md")
    proved = run_halmos(find_symbolic_contracts())
    return 0 if proved and not differences else 1


if __name__ == "__main__":
    sys.exit(main())
