"""The services of `deploy/compose.yaml`, each by its own command, settings and health check, but without containers.

Here are other addresses, and a directory instead of IPFS and SQLite instead of PostgreSQL: those two are images of
their makers, and other tests run the programs against them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.demo.processes import find_free_port
from steelyard.chain.devnet import Devnet
from steelyard.keystore import LIGHT_SCRYPT_N, generate_identity, write_keystore

pytestmark = [pytest.mark.chain, pytest.mark.deep]

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
PATIENCE_SECONDS = 90.0


class Host:
    """Stands in for the container engine: everything that a service says, with this machine's addresses."""

    def __init__(self, devnet: Devnet, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self._here = {
            "${STEELYARD_RPC_URL:-http://chain:8545}": devnet.url,
            "kubo:http://ipfs:5001": f"local:{folder / 'blobs'}",
            "postgresql://steelyard@database/steelyard": f"sqlite:///{folder / 'index.sqlite3'}",
            "/etc/steelyard": str(self.secrets),
            "0.0.0.0": "127.0.0.1",  # noqa: S104
            "8000": str(find_free_port()),
            "8001": str(find_free_port()),
            "$$": "$",
        }

    def translate(self, word: object) -> str:
        text = str(word)
        for there, here in self._here.items():
            text = text.replace(there, here)
        return text

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        said = {name: self.translate(value) for name, value in service["environment"].items()}
        port = {"STEELYARD_BACKEND_PORT": self.translate("8000")}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
        python = str(Path(sys.executable).parent)
        return inherited | {"PATH": f"{python}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)} | port | said

    def start(self, name: str) -> "subprocess.Popen[str]":
        service = SERVICES[name]
        words = (
            service["entrypoint"] if "entrypoint" in service else ["python", "-m", "scripts.cli", *service["command"]]
        )
        return subprocess.Popen(
            [self.translate(word) for word in words],
            env=self.environment(service),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def is_healthy(self, name: str) -> bool:
        kind, *words = SERVICES[name]["healthcheck"]["test"]
        assert kind == "CMD"
        command = [self.translate(word) for word in words]
        return (
            subprocess.run(command, env=self.environment(SERVICES[name]), capture_output=True, check=False).returncode
            == 0
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Devnet() as devnet:
        host = Host(devnet, tmp_path)
        host.secrets.mkdir()
        for name in ("keeper", "aggregator"):
            identity = generate_identity()
            write_keystore(host.secrets / f"{name}.json", identity, "horse", scrypt_n=LIGHT_SCRYPT_N)
            devnet.request("anvil_setBalance", [identity.address, hex(10**19)])
        (host.secrets / "passphrase").write_text("horse")
        (host.secrets / "passphrase").chmod(0o600)
        yield host


def test_the_services_come_up_and_go_down(host: Host) -> None:
    for _ in range(2):  # a second start leaves the deployment as it is
        with host.start("contracts") as contracts:
            said = contracts.communicate(timeout=PATIENCE_SECONDS)[1]
        assert contracts.returncode == 0, said
    with ExitStack() as stack:
        running = {}
        for name in ("backend", "aggregator"):
            assert not host.is_healthy(name)
            running[name] = stack.enter_context(host.start(name))
            stack.callback(running[name].kill)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(host.is_healthy(name) for name in running):
            assert time.monotonic() < deadline
            assert {process.poll() for process in running.values()} == {None}
        for process in running.values():
            process.terminate()
            said = process.communicate(timeout=60)[1]
            assert process.returncode == 0, said
