"""What `deploy/` starts exists: every command and option, and every setting by its name."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from aggregator.settings import Settings as AggregatorSettings
from backend.settings import Settings
from scripts.cli import app, read_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = (DEPLOY / "compose.yaml").read_text()


def list_commands() -> list[list[str]]:
    started = [re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.M)[0] for unit in UNITS]
    commands = [shlex.split(line)[1:] for line in started]
    commands += [
        re.split(r",\s*", found) for found in re.findall(r"command: \[((?:backend|aggregator)[^]]*)]", COMPOSE)
    ]
    return commands


@pytest.mark.parametrize("command", list_commands(), ids=lambda command: " ".join(command[:2]))
def test_commands_exist_with_their_options(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0, done.output


def test_both_programs_are_started_in_both_ways() -> None:
    assert sorted(command[0] for command in list_commands()) == ["aggregator", "aggregator", "backend", "backend"]


def test_settings_exist() -> None:
    known = {f"STEELYARD_BACKEND_{name.upper()}" for name in Settings.model_fields} | {"STEELYARD_USER"}
    known |= {f"STEELYARD_AGGREGATOR_{name.upper()}" for name in AggregatorSettings.model_fields}
    root = typer.main.get_command(app)
    for group in ("backend", "aggregator"):
        command = root.get_command(None, group).get_command(None, "run")  # type: ignore[attr-defined]
        known |= {parameter.envvar for parameter in command.params if parameter.envvar}
    known |= {"STEELYARD_RPC_URL", "STEELYARD_DEPLOYMENT", "STEELYARD_STORE"}
    files = [*UNITS, DEPLOY / "compose.yaml", DEPLOY / "steelyard.env.example"]
    used = {name for file in files for name in re.findall(r"STEELYARD_[A-Z_]+", file.read_text())}
    assert used <= known, used - known


def test_a_file_of_settings_gives_way_to_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STEELYARD_BACKEND_PORT", "1")
    for name in ("STEELYARD_RPC_URL", "STEELYARD_DEPLOYMENT", "STEELYARD_STORE", "STEELYARD_BACKEND_DATABASE_URL"):
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)
    monkeypatch.delenv("STEELYARD_BACKEND_HOST", raising=False)
    monkeypatch.setenv("STEELYARD_BACKEND_DATABASE_URL", "sqlite:///given")
    read_settings(DEPLOY / "steelyard.env.example")
    settings = Settings()
    assert (settings.port, settings.database_url) == (1, "sqlite:///given")
    assert settings.deployment == Path("/etc/steelyard/deployment.json")
    monkeypatch.undo()


def test_a_file_of_settings_that_has_something_else_is_7(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("PATH=/nowhere\n")
    refused = CliRunner().invoke(app, ["--settings", str(tmp_path / "settings"), "verify", "--help"])
    assert (refused.exit_code, "`PATH` is not a setting" in refused.output) == (7, True)
    missing = CliRunner().invoke(app, ["--settings", str(tmp_path / "none"), "verify", "--help"])
    assert missing.exit_code == 7
