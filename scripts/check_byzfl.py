"""Runs ByzFL's own unit tests against our rules.

    git clone https://github.com/LPD-EPFL/byzfl /somewhere/else
    python -m scripts.check_byzfl /somewhere/else

The tests `import byzfl` and get `scripts.byzfl_adapter` instead. Those about rules that are no functions of the Gram
matrix, or that we do not have, are left out. Of version 0.0.11 that leaves 32, of which two fail, and are bound to:
those that ask centred clipping for a mean that is right to the last bit of a float64. Weights have 32 fractional bits.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import pytest

from scripts import byzfl_adapter

FILES: Final = ("tests/unit_test_aggregators.py", "tests/unit_test_preaggregators.py")
RULES: Final = ("Average", "Krum", "GeometricMedian", "CenteredClipping", "MoNNA", "NNM", "TestClipping")


class _Impostor:
    """Puts the adapter in ByzFL's place before the tests are collected."""

    def pytest_configure(self) -> None:
        sys.modules["byzfl"] = byzfl_adapter


def main() -> int:
    """Runs the tests, returns pytest's exit code."""
    parser = argparse.ArgumentParser(description="Run ByzFL's unit tests against our rules.")
    parser.add_argument("checkout", type=Path, help="where ByzFL's repository is")
    checkout: Path = parser.parse_args().checkout.resolve()
    files = [str(checkout / file) for file in FILES]
    missing = [file for file in files if not Path(file).exists()]
    if missing:
        parser.error(f"{', '.join(missing)} not found")
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(checkout), "-k", " or ".join(RULES)]
    return int(pytest.main([*options, *files], plugins=[_Impostor()]))


if __name__ == "__main__":
    sys.exit(main())
