"""Settings come from the environment, are checked once, and give way to the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.cli import app
from backend.settings import Settings
from steelyard.errors import ConfigError
from steelyard.settings import load_settings


def test_the_environment_is_read_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELYARD_RPC_URL", "http://shared")
    monkeypatch.setenv("STEELYARD_BACKEND_PORT", "9000")
    monkeypatch.setenv("STEELYARD_BACKEND_DEPLOYMENT", "/there/deployment.json")
    settings = load_settings(Settings, port=None)
    assert (settings.rpc_url, settings.port) == ("http://shared", 9000)
    assert settings.deployment == Path("/there/deployment.json")
    monkeypatch.setenv("STEELYARD_BACKEND_RPC_URL", "http://own")
    assert load_settings(Settings).rpc_url == "http://own"
    given = load_settings(Settings, rpc_url="http://given", port=1, deployment=Path("here.json"))
    assert (given.rpc_url, given.port, given.deployment) == ("http://given", 1, Path("here.json"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "65536"), ("PORT", "x"), ("REORG_DEPTH", "0"), ("POLL_SECONDS", "-1"), ("LOG_LEVEL", "loud")],
)
def test_settings_out_of_range_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"STEELYARD_BACKEND_{name}", value)
    with pytest.raises(ConfigError, match=name.lower()):
        load_settings(Settings)


def test_commands_end_in_the_exit_code_of_their_error() -> None:
    runner = CliRunner()
    silent = runner.invoke(app, ["status", "--port", "1"])
    assert silent.exit_code == 4
    assert "no backend answers" in silent.stderr
    assert runner.invoke(app, ["status", "--port", "99999"]).exit_code == 7
