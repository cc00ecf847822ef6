"""`steelyard owner init | validate`: everything that is wrong with a file, at once."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scripts.owner import app
from scripts.owner_draft import EXAMPLE
from scripts.project_check import find_data_faults, find_file_faults
from steelyard.rounds.project_file import load_project_file
from steelyard.storage import open_store


def run(folder: Path, *arguments: str) -> Result:
    nowhere = {"STEELYARD_DEPLOYMENT": str(folder / "none.json"), "STEELYARD_KEYSTORE": str(folder / "no-keys.json")}
    return CliRunner().invoke(app, list(arguments), env=nowhere)


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    text = EXAMPLE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "project.toml").write_text(text)
    return folder / "project.toml"


def test_init_writes_a_file_without_faults_and_its_model(tmp_path: Path) -> None:
    file, model = tmp_path / "project.toml", tmp_path / "model.safetensors"
    assert run(tmp_path, "init", str(file), "--model", str(model)).exit_code == 0
    assert find_file_faults(file) == []
    seeded = load_project_file(file).prepare(open_store("memory:"))
    file.write_text('initial_file = "model.safetensors"\n' + file.read_text())
    assert load_project_file(file).prepare(open_store("memory:")) == seeded
    validated = run(tmp_path, "validate", str(file))
    assert (validated.exit_code, "not asked" in validated.stdout) == (0, True)


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    file = write(tmp_path)
    before = file.read_bytes()
    assert run(tmp_path, "init", str(file)).exit_code == 7
    assert run(tmp_path, "init", str(file), "--model", str(file)).exit_code == 7
    assert file.read_bytes() == before


def test_says_everything_at_once(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        ("rounds = 5", 'rounds = "five"'),
        ("min_trainers = 5", "min_trainers = 2"),
        ("epochs = 3", "epochs = 0"),
        ("classes = 10,", "classes = 1,"),
        ("initial_seed = 1", "initial_seed = -1\ncolour = 3"),
    )
    done = run(tmp_path, "validate", str(file), "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["valid"]) == (7, False)
    for place in ("chain.rounds", "chain.min_trainers", "spec.training.0.epochs", "spec.data.classes", "colour"):
        assert any(fault.startswith(place) for fault in said["faults"]), place
    assert any(fault.startswith("initial_seed") for fault in said["faults"])


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ([("min_trainers = 5", "min_trainers = 11")], ["chain.min_trainers: 11 are more than max_trainers, 10"]),
        ([("1000000000000000000000", "4")], ["chain.budget: 4 units do not give each of 5 rounds one"]),
        ([('budget = "1000000000000000000000"', f'budget = "{2**128}"')], ["chain.budget: more than 2^128 - 1 units"]),
        (
            [("layers = [64, 32, 10]", "layers = [64, 6000, 10]")],
            ["spec.model: 450,010 parameters are 111 blocks, 10 rows of them 1,110 commitments"],
        ),
    ],
)
def test_figures_are_held_against_each_other(tmp_path: Path, changes: list[tuple[str, str]], faults: list[str]) -> None:
    assert [fault.partition(";")[0] for fault in find_file_faults(write(tmp_path, *changes))] == faults


def test_an_initial_model_has_to_be_there_and_fit(tmp_path: Path) -> None:
    file = write(tmp_path, ("initial_seed = 1", 'initial_file = "model.safetensors"\ninitial_seed = 1'))
    assert ["cannot be read" in fault for fault in find_file_faults(file)] == [True]
    (tmp_path / "model.safetensors").write_bytes(b"short")
    assert ["5 bytes" in fault for fault in find_file_faults(file)] == [True]


def test_private_data_are_held_against_the_schema(tmp_path: Path) -> None:
    project = load_project_file(write(tmp_path))
    assert find_data_faults(project, "digits:?shard=0/5") == []
    assert ["no such" in fault or "missing.csv" in fault for fault in find_data_faults(project, "csv:missing.csv")] == [
        True
    ]
    narrow = load_project_file(write(tmp_path, ("maximum = 1.0", "maximum = 0.5")))
    assert ["feature values are not from 0 to 0.5" in fault for fault in find_data_faults(narrow, "digits:")] == [True]
