"""A local Ethereum node for the tests of this folder."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0


@pytest.fixture(scope="session")
def anvil_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node with the rules of Prague on a free port, stopped at the end."""
    program = shutil.which("anvil") or str(ROOT / "node_modules" / ".bin" / "anvil")
    log = tmp_path_factory.mktemp("anvil") / "log"
    with log.open("w") as output:  # a pipe that nobody reads would fill up and stop the node
        node = subprocess.Popen([program, "--hardfork", "prague", "--port", "0", "--accounts", "1"], stdout=output)
    try:
        yield "http://" + wait_for_address(node, log)
    finally:
        node.terminate()
        node.wait(10)


def wait_for_address(node: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and node.poll() is None:
        if found := re.search(r"Listening on (\S+:\d+)", log.read_text()):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"anvil did not start:\n{log.read_text()}")
