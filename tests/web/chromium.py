"""What tests in a real browser need of the machine."""

import shutil
from pathlib import Path
from typing import Final

import pytest

WEB: Final = Path(__file__).parents[2] / "web"
DRIVERS: Final = WEB / "tests" / "browser"


def find_chromium() -> str:
    """The browser's program, or a skipped test that says what is missing."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    if shutil.which("node") is None or not (WEB / "node_modules" / "playwright-core").exists():
        pytest.skip("no driver for the browser: make web")
    if not (WEB / "dist" / "index.html").exists():
        pytest.skip("the page is not built: make web")
    return found
