"""Experiment files: what they stand for, and what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from simulation.data import deal_data, rotate_images
from simulation.experiment import load_experiment
from simulation.results import play_run
from steelyard.errors import ConfigError, DataError, SpecError
from tests.unit.simulation.support import make_experiment, make_scenario

EXAMPLES = sorted(Path("simulation/examples").glob("*.toml"))


def test_a_sweep_is_the_product_of_its_lists_with_seeds_fastest() -> None:
    experiment = make_experiment(
        seeds=[4, 5],
        attack={"name": "ipm"},
        sweep={"attack.epsilon": [0.1, 2.0], "rule": ["mean", "multi-krum"], "data.examples": [10]},
    )
    scenarios = list(experiment.scenarios())
    assert experiment.runs == len(scenarios) == 8
    found = [
        (scenario.attack.model_dump()["epsilon"], scenario.rule, scenario.seed, scenario.data.examples)
        for scenario in scenarios
    ]
    assert found[:3] == [(0.1, "mean", 4, 10), (0.1, "mean", 5, 10), (0.1, "multi-krum", 4, 10)]
    assert len({scenario.compute_key() for scenario in scenarios}) == 8


def test_tables_are_swept_whole() -> None:
    experiment = make_experiment(sweep={"attack": [{"name": "none"}, {"name": "alie", "z": 0.5}]})
    assert [scenario.attack.model_dump() for scenario in experiment.scenarios()] == [
        {"name": "none"},
        {"name": "alie", "z": 0.5},
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainer": 3}, "trainer: Extra inputs"),
        ({"rule": "nonsense"}, "unknown rule"),
        ({"dishonest": 4}, "no minority"),
        ({"data": {"split": {"name": "dirichlet", "alpha": 0.0}}}, "alpha"),
        ({"attack": {"name": "ipm", "strength": 1}}, "strength"),
        ({"seeds": []}, "seeds"),
        ({"training": []}, "training"),
        ({"rounds": "3"}, "rounds"),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_experiment(**changes)


def test_a_sweep_through_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="no table"):
        make_experiment(sweep={"rounds.first": [1]})


def test_files_that_are_no_toml_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    for text in ("rounds = ", "\xff"):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(ConfigError, match="cannot be read as TOML"):
            load_experiment(path)
    with pytest.raises(ConfigError):
        load_experiment(tmp_path / "missing.toml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_experiments(path: Path) -> None:
    assert list(load_experiment(path).scenarios())


def test_there_are_examples() -> None:
    assert EXAMPLES


def test_data_do_not_depend_on_rule_or_training() -> None:
    one = deal_data(make_scenario())
    other = deal_data(make_scenario(rule="mean", worker_momentum=0.5, rounds=9))
    for a, b in zip(one.trainers, other.trainers, strict=True):
        assert (a.features == b.features).all()
        assert (a.labels == b.labels).all()


def test_poison_is_for_attackers_only() -> None:
    clean = deal_data(make_scenario())
    poisoned = deal_data(make_scenario(attack={"name": "label-flip"}))
    for trainer, (a, b) in enumerate(zip(clean.trainers, poisoned.trainers, strict=True)):
        assert (a.labels == (9 - b.labels if trainer < 2 else b.labels)).all()


def test_label_noise_is_exact_and_repeats_over_trainers() -> None:
    clean = deal_data(make_scenario())
    noisy = deal_data(make_scenario(data={"label_noise": [0.0, 0.5]}))
    wrong = [int((a.labels != b.labels).sum()) for a, b in zip(clean.trainers, noisy.trainers, strict=True)]
    assert wrong == [0, 30, 0, 30, 0, 30, 0]


def test_brightness_runs_from_dark_to_bright_and_patterns_are_everyones_own() -> None:
    clean = deal_data(make_scenario())
    shift = {"name": "brightness", "strength": 0.2}
    means = [dataset.features.mean() for dataset in deal_data(make_scenario(data={"shift": shift})).trainers]
    assert means == sorted(means)
    assert means[-1] - means[0] > 0.2
    patterned = deal_data(make_scenario(data={"shift": {"name": "pattern", "strength": 0.2}})).trainers
    differences = [(b.features - a.features).mean(axis=0) for a, b in zip(clean.trainers, patterned, strict=True)]
    assert np.abs(np.corrcoef(differences) - np.eye(7)).max() < 0.6
    assert all(dataset.features.min() >= 0 and dataset.features.max() <= 1 for dataset in patterned)


def test_rotation_turns_images_about_their_centre() -> None:
    image = np.zeros((1, 5, 5), dtype=np.float32)
    image[0, 0, 2] = 1.0
    quarter = rotate_images(image, 90.0)
    assert quarter[0].round(3).tolist() == np.rot90(image[0]).tolist()
    assert rotate_images(image, 0.0) == pytest.approx(image, abs=1e-6)
    with pytest.raises(DataError, match="cannot be rotated"):
        rotate_images(np.zeros((3, 4), dtype=np.float32), 10.0)


def test_test_data_are_limited_the_same_way_for_every_seed() -> None:
    one, other = (deal_data(make_scenario(seeds=[seed], data={"test_examples": 50})).test for seed in (1, 2))
    assert len(one) == 50
    assert (one.features == other.features).all()


def test_tables_and_image_folders_are_data_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = tmp_path / "table.csv"
    lines = ["a,b,label", *(f"{rng.random()},{rng.random()},{row % 2}" for row in range(60))]
    table.write_text("\n".join(lines))
    logistic = {"name": "logistic", "inputs": 2, "classes": 2}
    changes = {"source": f"csv:{table}?label=label", "test": f"csv:{table}?label=label", "examples": 8}
    dealt = deal_data(make_scenario(model=logistic, data=changes))
    assert [dataset.features.shape for dataset in dealt.trainers] == [(8, 2)] * 7

    for row in range(30):
        folder = tmp_path / "images" / f"class{row % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(folder / f"{row}.png")
    cnn = {"name": "cnn", "height": 8, "width": 8, "channels": [2], "classes": 2}
    source = f"images:{tmp_path / 'images'}"
    scenario = make_scenario(model=cnn, rounds=1, data={"source": source, "test": source, "examples": 4})
    assert play_run(scenario).trainers[0].examples == 4


def test_a_model_that_does_not_fit_the_data_is_refused() -> None:
    with pytest.raises(DataError, match="does not take examples of shape"):
        deal_data(make_scenario(model={"name": "mlp", "layers": [63, 4, 10]}))
