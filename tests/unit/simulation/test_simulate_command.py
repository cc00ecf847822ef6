"""`steelyard simulate`: results on disk, continued after a kill, drawn."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from simulation.cli import app
from simulation.experiment import load_experiment
from simulation.results import RUNS_FILE, Run, RunStore, play_run
from steelyard.errors import ConfigError, DataError, SpecError
from tests.unit.simulation.support import make_scenario

EXPERIMENT = """
title = "Small"
seeds = [1, 2]
trainers = 5
dishonest = 1
rounds = {rounds}

[data]
source = "digits:?holdout=0.2&use=train"
test = "digits:?holdout=0.2&use=holdout"
examples = 40

[model]
name = "mlp"
layers = [64, 8, 10]

[[training]]
first_round = 0
epochs = 1
batch_size = 16
learning_rate = 0.1
momentum = 0.0
weight_decay = 0.0

[sweep]
attack = [{{ name = "none" }}, {{ name = "ipm", epsilon = 2.0 }}]
"""


def write_experiment(folder: Path, rounds: int = 2) -> Path:
    path = folder / "small.toml"
    path.write_text(EXPERIMENT.format(rounds=rounds))
    return path


def strip(run: Run) -> dict[str, object]:
    return {name: value for name, value in run.to_json().items() if name != "seconds"}


def read_runs(folder: Path) -> dict[str, dict[str, object]]:
    return {run.key: strip(run) for run in RunStore(folder).read()}


def test_a_run_comes_back_from_its_line() -> None:
    run = play_run(make_scenario())
    again = Run.from_json(json.loads(json.dumps(run.to_json())))
    assert again == run


def test_results_tables_and_pictures(tmp_path: Path) -> None:
    path, out = write_experiment(tmp_path), tmp_path / "out"
    result = CliRunner().invoke(app, [str(path), "--out", str(out), "--jobs", "1", "--json"])
    assert result.exit_code == 0, result.output
    summaries = [json.loads(line) for line in result.stdout.splitlines()]
    scenarios = list(load_experiment(path).scenarios())
    assert [summary["key"] for summary in summaries] == [scenario.compute_key() for scenario in scenarios]
    runs = list(RunStore(out).read())
    assert [strip(run) for run in runs] == [strip(play_run(scenario)) for scenario in scenarios]

    with (out / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["attack.name"], row["attack.epsilon"]) for row in rows] == [
        ("1", "none", ""),
        ("2", "none", ""),
        ("1", "ipm", "2.0"),
        ("2", "ipm", "2.0"),
    ]
    assert [float(row["accuracy"]) for row in rows] == [run.accuracy for run in runs]
    with (out / "trainers.csv").open() as file:
        pay = [int(row["pay"]) for row in csv.DictReader(file)]
    assert pay == [trainer.pay for run in runs for trainer in run.trainers]
    with (out / "rounds.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4 * 2

    pictures = sorted(found.name for found in out.glob("*.png"))
    assert pictures == ["accuracy.png"] + [
        f"{kind}-{number:02}.png" for kind in ("cosines", "shares", "split") for number in range(2)
    ]
    for name in pictures:
        with Image.open(out / name) as image:
            assert np.asarray(image.convert("L")).std() > 10, f"{name} is empty"


def test_every_split_is_drawn_and_shifted_features_too(tmp_path: Path) -> None:
    path, out = write_experiment(tmp_path, rounds=1), tmp_path / "out"
    splits = ('{ name = "iid" }', '{ name = "dirichlet", alpha = 0.1 }', '{ name = "classes", per_trainer = 2 }')
    text = path.read_text()
    shift = 'shift = { name = "pattern", strength = 0.3 }\nlabel_noise = [0.0, 0.5]\n'
    text = text[: text.index("[sweep]")].replace("examples = 40\n", f"examples = 40\n{shift}").replace("1, 2", "1")
    path.write_text(f'{text}[sweep]\n"data.split" = [{", ".join(splits)}]\n')
    result = CliRunner().invoke(app, [str(path), "--out", str(out), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    for kind in ("split", "features"):
        pictures = [np.asarray(Image.open(out / f"{kind}-{number:02}.png").convert("L")) for number in range(3)]
        assert all(picture.std() > 10 for picture in pictures), kind
        assert all((a != b).any() for a, b in pairwise(pictures)), f"{kind} shows the same for two splits"


def test_a_project_that_fails_before_its_first_round_has_results(tmp_path: Path) -> None:
    """Everybody's training diverges: nobody submits anything."""
    path, out = write_experiment(tmp_path), tmp_path / "out"
    text = path.read_text().replace("learning_rate = 0.1", "learning_rate = 100.0").replace("epochs = 1", "epochs = 10")
    path.write_text(text.replace("weight_decay = 0.0", "weight_decay = 1.0"))
    result = CliRunner().invoke(app, [str(path), "--out", str(out), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    assert "no round was played" in result.output
    assert [(run.status, run.rounds, run.accuracy) for run in RunStore(out).read()] == [("failed", [], None)] * 4
    assert not list(out.glob("cosines*.png"))


def test_results_are_not_overwritten(tmp_path: Path) -> None:
    path, out = write_experiment(tmp_path), tmp_path / "out"
    arguments = [str(path), "--out", str(out), "--jobs", "1", "--no-plots"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    before = (out / RUNS_FILE).read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == ConfigError.exit_code
    assert "--resume" in again.stderr
    resumed = CliRunner().invoke(app, [*arguments, "--resume", "--json"])
    assert (resumed.exit_code, resumed.stdout) == (0, "")
    assert (out / RUNS_FILE).read_bytes() == before


def test_a_line_without_an_end_is_played_again(tmp_path: Path) -> None:
    path, out = write_experiment(tmp_path), tmp_path / "out"
    arguments = [str(path), "--out", str(out), "--jobs", "1", "--no-plots", "--resume"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    expected = read_runs(out)
    data = (out / RUNS_FILE).read_bytes()
    (out / RUNS_FILE).write_bytes(data[: data.index(b"\n") + 300])
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert read_runs(out) == expected
    (out / RUNS_FILE).write_bytes(b'{"key": 1}\n')
    assert CliRunner().invoke(app, arguments).exit_code == ConfigError.exit_code


def test_a_killed_call_goes_on_with_two_processes(tmp_path: Path) -> None:
    path, out = write_experiment(tmp_path, rounds=40), tmp_path / "out"
    arguments = [str(path), "--out", str(out), "--no-plots"]
    command = [sys.executable, "-m", "scripts.cli", "simulate", *arguments, "--jobs", "1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / RUNS_FILE).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = read_runs(out)
    assert 0 < len(there) < 4, "the test was too slow or too fast for its kill to matter"
    done = CliRunner().invoke(app, [*arguments, "--jobs", "2", "--resume", "--json"])
    assert done.exit_code == 0, done.output
    resumed = [json.loads(line)["key"] for line in done.stdout.splitlines()]
    assert len(resumed) == 4 - len(there)
    assert not set(resumed) & set(there)
    expected = {scenario.compute_key(): strip(play_run(scenario)) for scenario in load_experiment(path).scenarios()}
    assert read_runs(out) == expected


def test_mistakes_end_with_their_exit_code(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "out"), "--no-plots"]
    assert CliRunner().invoke(app, ["missing.toml", *arguments]).exit_code == ConfigError.exit_code
    path = write_experiment(tmp_path)
    path.write_text(path.read_text().replace("digits:?holdout=0.2&use=train", "idx:nowhere"))
    result = CliRunner().invoke(app, [str(path), *arguments, "--jobs", "1"])
    assert result.exit_code == DataError.exit_code
    assert "nowhere" in result.stderr
    path.write_text(path.read_text().replace("trainers = 5", "traners = 5"))
    result = CliRunner().invoke(app, [str(path), *arguments])
    assert result.exit_code == SpecError.exit_code
    assert "traners" in result.stderr
