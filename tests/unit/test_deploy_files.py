"""What `deploy/` starts exists: commands, options, settings, files, and everything that its parts say of each other."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from aggregator.settings import Settings as AggregatorSettings
from backend.settings import Settings
from scripts.cli import app, read_settings
from steelyard.settings import load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROGRAMS = {name: service for name, service in SERVICES.items() if "build" in service}
PROJECT = "0x" + "5f" * 32


def list_commands() -> list[list[str]]:
    started = [re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.M)[0].replace("%i", PROJECT) for unit in UNITS]
    commands = [shlex.split(line)[1:] for line in started]
    return commands + [service["command"] for service in PROGRAMS.values() if "command" in service]


@pytest.mark.parametrize("command", list_commands(), ids=lambda command: " ".join(command[:2]))
def test_commands_exist_with_their_options(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0, done.output


def test_services_are_started_in_both_ways() -> None:
    started = sorted(command[0] for command in list_commands())
    assert started == ["aggregator", "aggregator", "backend", "backend", "trainer"]


def test_settings_exist() -> None:
    known = {f"STEELYARD_BACKEND_{name.upper()}" for name in Settings.model_fields}
    known |= {f"STEELYARD_AGGREGATOR_{name.upper()}" for name in AggregatorSettings.model_fields}
    known |= {"STEELYARD_RPC_URL", "STEELYARD_DEPLOYMENT", "STEELYARD_STORE", "STEELYARD_USER"}
    root = typer.main.get_command(app)
    for group in ("backend", "aggregator", "trainer"):
        command = root.get_command(None, group).get_command(None, "run")  # type: ignore[attr-defined]
        known |= {parameter.envvar for parameter in command.params if parameter.envvar}
    files = [*UNITS, DEPLOY / "compose.yaml", DEPLOY / "steelyard.env.example"]
    used = {name for file in files for name in re.findall(r"STEELYARD_[A-Z_]+", file.read_text())}
    assert used <= known, used - known


@pytest.mark.parametrize(
    ("group", "fields"),
    [("backend", Settings.model_fields), ("aggregator", AggregatorSettings.model_fields), ("trainer", {})],
)
def test_every_option_of_a_service_is_a_setting(group: str, fields: dict[str, Any]) -> None:
    """But for the form of its output."""
    command: Any = typer.main.get_command(app).get_command(None, group).get_command(None, "run")  # type: ignore[attr-defined]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    silent = {option.name for option in options if not option.envvar and option.name not in fields}
    assert silent <= {"as_json"}


class TestCompose:
    def test_what_a_service_names_is_there(self) -> None:
        for name, service in SERVICES.items():
            assert ("image" in service) != ("build" in service), name
            for needed, terms in service.get("depends_on", {}).items():
                assert needed in SERVICES, name
                if terms["condition"] == "service_healthy":
                    assert "healthcheck" in SERVICES[needed], f"{name} waits for the health of {needed}"
                if "profiles" in SERVICES[needed] and "profiles" not in service:
                    assert terms["required"] is False, f"{name} needs {needed}, which a profile leaves out"
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                assert source.startswith("./") or source in COMPOSE["volumes"], (name, volume)
        assert all(re.search(r":v?\d", service["image"]) for service in SERVICES.values() if "image" in service)

    def test_only_peers_of_ipfs_reach_a_port_from_elsewhere(self) -> None:
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
        assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["4001:4001"]

    def test_addresses_name_services(self) -> None:
        for name, service in PROGRAMS.items():
            values = " ".join(map(str, service["environment"].values()))
            hosts = re.findall(r"//(?:[\w]+@)?([a-z]+)[:/]", values)
            assert hosts, name
            assert set(hosts) <= set(SERVICES), (name, hosts)

    @pytest.mark.parametrize(("name", "kind"), [("backend", Settings), ("aggregator", AggregatorSettings)])
    def test_programs_take_their_settings(
        self, monkeypatch: pytest.MonkeyPatch, name: str, kind: type[Settings | AggregatorSettings]
    ) -> None:
        for key, value in PROGRAMS[name]["environment"].items():
            monkeypatch.setenv(key, re.sub(r"\$\{\w+:-(.*)}", r"\1", str(value)))
        settings = load_settings(kind)
        (port,) = re.findall(r"127\.0\.0\.1:(\d+)/(?:v1/)?ready", PROGRAMS[name]["healthcheck"]["test"][-1])
        assert int(port) == (settings.port if isinstance(settings, Settings) else settings.monitor_port)

    def test_files_lie_where_they_are_mounted(self) -> None:
        for name, service in PROGRAMS.items():
            assert service["volumes"] == ["./secrets:/etc/steelyard"], name
            words = [*service.get("command", []), *map(str, service["environment"].values())]
            paths = [word for word in words if word.startswith("/")]
            assert paths, name
            assert all(path.startswith("/etc/steelyard/") for path in paths), (name, paths)


def test_the_image_is_made_of_what_is_there_and_passes_its_filter() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    sources = [source for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M) for source in line.split()]
    assert {"steelyard", "backend", "scripts", "web"} <= set(sources)
    allowed = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in allowed, source
    pins = dict(re.findall(r"(torch|numpy)==(\S+)", text))
    assert pins == dict(re.findall(r"(torch|numpy)==(\S+)", (ROOT / "Makefile").read_text()))
    assert (Settings.model_fields["web"].default).relative_to(ROOT) == Path("web/dist")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """But for the program itself, which need not be installed where the tests run."""
    files = []
    for unit in UNITS:
        file = tmp_path / unit.name.replace("@", f"@{PROJECT}")
        file.write_text(unit.read_text().replace("/opt/steelyard/bin/steelyard", "/bin/true"))
        files.append(str(file))
    done = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_file_of_settings_gives_way_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELYARD_BACKEND_PORT", "1")
    text = (DEPLOY / "steelyard.env.example").read_text()
    for name in re.findall(r"^(STEELYARD_\w+)=", text, re.M):
        if name != "STEELYARD_BACKEND_PORT":
            monkeypatch.setenv(name, "before")  # so that what the file sets is taken back afterwards
            monkeypatch.delenv(name)
    monkeypatch.setenv("STEELYARD_BACKEND_DATABASE_URL", "sqlite:///given")
    read_settings(DEPLOY / "steelyard.env.example")
    settings = Settings()
    assert (settings.port, settings.database_url) == (1, "sqlite:///given")
    assert settings.deployment == Path("/etc/steelyard/deployment.json")
    assert AggregatorSettings().monitor_port == 8001


def test_a_file_of_settings_that_has_something_else_is_7(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("PATH=/nowhere\n")
    refused = CliRunner().invoke(app, ["--settings", str(tmp_path / "settings"), "verify", "--help"])
    assert (refused.exit_code, "`PATH` is not a setting" in refused.output) == (7, True)
    missing = CliRunner().invoke(app, ["--settings", str(tmp_path / "none"), "verify", "--help"])
    assert missing.exit_code == 7
