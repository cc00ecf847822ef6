"""Commands answer at once: what is slow to import is imported by those that need it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["steelyard.cli_support", "trainer_client.cli"])
def test_commands_do_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
