"""What the documents name exists: commands with their options, settings, make targets, modules, files and sections."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from aggregator.settings import Settings as AggregatorSettings
from backend.settings import Settings as BackendSettings
from scripts.cli import GROUPS, app
from simulation.attacks import AnyAttack
from steelyard.rules.registry import RULES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
READ = {page: page.read_text() for page in PAGES}
CODE = re.compile(r"^```[^\n]*\n(?P<block>.*?)^```|`(?P<words>[^`\n]+)`", re.M | re.S)
SHORTHAND = {"CHANGELOG.md"}
"""Documents that name several commands at once, as in `owner grant|revoke`."""


def find_code(text: str) -> Iterator[str]:
    """Lines of code blocks, and what stands between backticks."""
    for match in CODE.finditer(text):
        yield from (match["block"] or match["words"]).replace("\\\n", " ").splitlines()


def find_commands() -> list[Any]:
    found = []
    for page, text in READ.items():
        if page.name in SHORTHAND:
            continue
        for line in find_code(text):
            commands = re.findall(r"(?:^|[\s;&|(])steelyard ([^#;&|)`]+)", line)
            found += [pytest.param(command.strip(), id=f"{page.name}: {command.strip()[:60]}") for command in commands]
    return found


@pytest.mark.parametrize("line", find_commands())
def test_commands_exist_with_their_options(line: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in shlex.split(line.replace("…", "")):
        if word.startswith("-"):
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            assert word.split("=")[0] in {*options, "--help"}, f"`{command.name}` has no {word}"
        elif hasattr(command, "list_commands") and (following := command.get_command(None, word)) is not None:
            command = following
        else:
            takes_more = any(parameter.param_type_name == "argument" for parameter in command.params)
            is_value = not hasattr(command, "list_commands") or takes_more or command.invoke_without_command
            assert is_value or word.isupper() or word == "FILE", f"`{command.name}` has no command `{word}`"


def test_there_are_commands_to_check() -> None:
    assert len(find_commands()) > 60
    named = {parameter.values[0].split()[0] for parameter in find_commands()}
    assert set(GROUPS) <= named, "a group of commands is in no document"


def list_settings() -> set[str]:
    known = {f"STEELYARD_BACKEND_{name.upper()}" for name in BackendSettings.model_fields}
    known |= {f"STEELYARD_AGGREGATOR_{name.upper()}" for name in AggregatorSettings.model_fields}
    known |= set(re.findall(r'"(STEELYARD_[A-Z_]+)"', "".join(path.read_text() for path in find_sources())))
    return known | {"STEELYARD_BACKEND_", "STEELYARD_AGGREGATOR_", "STEELYARD_USER"}


def find_sources() -> Iterator[Path]:
    for folder in ("steelyard", "trainer_client", "aggregator", "backend", "simulation", "scripts", "tests"):
        yield from (ROOT / folder).rglob("*.py")


def test_settings_exist() -> None:
    known = list_settings()
    named = {(page.name, name) for page, text in READ.items() for name in re.findall(r"STEELYARD_[A-Z_]+", text)}
    assert {(page, name) for page, name in named if name not in known} == set()


def test_make_targets_and_modules_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page, text in READ.items():
        for line in find_code(text):
            for target in re.findall(r"(?:^|[\s;&(])make ([a-z][a-z-]*)", line):
                assert target in targets, f"{page.name}: make {target}"
            for module in re.findall(r"python -m ((?:scripts|tests)[\w.]*)", line):
                path = ROOT / module.replace(".", "/")
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{page.name}: {module}"


def find_sections(text: str) -> set[str]:
    """What a link may name after `#`: headings as GitHub names them, and anchors."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def test_links_lead_somewhere() -> None:
    for page, text in READ.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.S)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, section = target.partition("#")
            file = page if not path else (page.parent / path).resolve()
            assert file.exists(), f"{page.name}: {target}"
            if section and file.suffix == ".md":
                assert section in find_sections(file.read_text()), f"{page.name}: {target}"


def test_files_that_are_named_exist() -> None:
    folders = "steelyard|trainer_client|aggregator|backend|simulation|scripts|tests|contracts|deploy|web|docs"
    for page, text in READ.items():
        for line in find_code(text):
            for name in re.findall(rf"(?:^|[\s(])((?:{folders})/[\w./-]+\.\w+)(?=$|[\s,:;)])", line):
                assert (ROOT / name).exists() or "web/dist" in name or "DIGEST" in name, f"{page.name}: {name}"


def test_the_page_on_simulation_has_every_attack_with_its_parameters() -> None:
    kinds = get_args(get_args(AnyAttack)[0])
    fields = {get_args(kind.model_fields["name"].annotation)[0]: set(kind.model_fields) - {"name"} for kind in kinds}
    table = READ[ROOT / "docs" / "howto" / "simulate.md"].split("### Attacks")[1].split("Each is one file")[0]
    described: dict[str, set[str]] = {}
    for row in re.findall(r"^\| (`[a-z].*?) \|(.*?)\| .* \|$", table.split("|---|---|---|")[1], re.M):
        names = re.findall(r"`([a-z-]+)`", row[0])
        parameters = set(re.findall(r"`(\w+)`", re.sub(r"= [^;]*", "", row[1])))  # without the values after `=`
        described |= dict.fromkeys(names, parameters)
    assert set(described) == set(fields) - {"none"}
    for name, parameters in described.items():
        assert parameters <= fields[name], name


def test_the_page_on_rules_has_every_rule() -> None:
    named = set(re.findall(r"`([a-z-]+)`", READ[ROOT / "docs" / "rules.md"]))
    assert set(RULES) <= named
