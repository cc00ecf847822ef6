"""`steelyard up`: everything starts, works together, stops in order, and goes on where it was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from scripts.cli import app
from steelyard.chain.rpc import connect

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("commands")]

STOP_SECONDS = 60


@contextmanager
def running(folder: Path, number: signal.Signals) -> Iterator[dict[str, Any]]:
    """A stack in a process group of its own, which is told to stop by a signal to its first process."""
    command = [sys.executable, "-m", "scripts.cli", "up", "--folder", str(folder), "--json"]
    process = subprocess.Popen(
        [*command, "--rpc-port", "0", "--backend-port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.communicate()
        yield json.loads(line)
        process.send_signal(number)
        rest, said = process.communicate(timeout=STOP_SECONDS)
        assert (process.returncode, rest, said.strip()) == (0, "", "stopped")
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nobody is left of the group
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_the_stack_starts_works_and_stops(tmp_path: Path) -> None:
    with running(tmp_path, signal.SIGTERM) as stack:
        health = httpx.get(f"{stack['backend']}/v1/health", timeout=30).json()
        assert (health["status"], health["keeper"], health["marketplace"]) == ("ok", "ok", stack["marketplace"])
        assert httpx.get(f"{stack['aggregator']}/ready", timeout=30).status_code == 200
        create_project(tmp_path, stack["environments"]["owner"])
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{stack['backend']}/v1/health", timeout=30)

    (tmp_path / "chain.json").unlink()
    done = CliRunner().invoke(app, ["up", "--folder", str(tmp_path), "--rpc-port", "0", "--backend-port", "0"])
    assert (done.exit_code, "chain was lost" in done.output) == (7, True)


@pytest.mark.deep
def test_the_next_stack_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, signal.SIGTERM) as first:
        project = create_project(tmp_path, first["environments"]["owner"])
        head = connect(first["node"]).eth.block_number
    with running(tmp_path, signal.SIGINT) as second:
        assert second["marketplace"] == first["marketplace"]
        assert connect(second["node"]).eth.block_number >= head
        environment = second["environments"]["owner"]
        done = CliRunner().invoke(app, ["owner", "status", project, "--json"], env=environment)
        assert json.loads(done.stdout)["status"] == "enrolling"
        assert httpx.get(f"{second['backend']}/v1/projects/{project}", timeout=30).status_code == 200


def create_project(folder: Path, environment: dict[str, str]) -> str:
    """Drafted, found right and created by the commands that a reader of the documents would type."""
    file = str(folder / "project.toml")
    for arguments in (["owner", "init", file], ["owner", "validate", file], ["owner", "create", file, "--json"]):
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == 0, done.output
    return str(json.loads(done.stdout)["project"])
