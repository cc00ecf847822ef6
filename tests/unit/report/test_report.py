"""The learning report's own arithmetic: what it plays, keeps, compares and says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.report import fidelity
from scripts.report.coalitions import evaluate_coalitions
from scripts.report.comparison import build_rules_table, build_skew_table
from scripts.report.outcome import Outcome, dump_csv, load_outcomes, merge
from scripts.report.page import write_page
from scripts.report.runs import Cache, compute_key, load_plans, locate_data, play_plan
from scripts.report.tables import (
    SCREENED,
    build_grid_summary,
    build_table,
    compute_losses,
    name_clones,
    show_spread,
)
from scripts.report.targets import Target, judge, judge_worst
from simulation.data import deal_data
from simulation.engine import Engine
from steelyard.updates.quantise import dequantise
from trainer_client.training import evaluate

TINY = """
title = "Two rounds of digits"
seeds = [1]
trainers = 5
dishonest = 1
rounds = 2
evaluate_every = 2

[data]
source = "digits:?holdout=0.5&use=train"
test = "digits:?holdout=0.5&use=holdout"
examples = 20

[model]
name = "mlp"
layers = [64, 8, 10]

[[training]]
first_round = 0
epochs = 1
batch_size = 10
learning_rate = 0.1
momentum = 0.0
weight_decay = 0.0

[sweep]
attack = [{ name = "none" }, { name = "ipm", epsilon = 2.0 }]
"""

OUTCOME = Outcome(
    plan="grid-own",
    key="0",
    rule=SCREENED,
    attack="ipm",
    setting="",
    knowledge="own",
    split="IID",
    dishonest=30,
    trainers=20,
    seed=1,
    rounds=12,
    accuracy=0.88,
    attack_success=None,
    dishonest_share=0.0,
    highest_dishonest=0.0,
    lowest_honest=0.5,
    highest_honest=1.5,
    honest_strikes=0,
    honest_slashed=0,
    dishonest_slashed=6,
    seconds=1.0,
)
CLEAN = replace(OUTCOME, plan="grid-clean", key="1", attack="none", dishonest=0, accuracy=0.90)


# Playing and keeping


def test_a_plan_is_played_once_and_its_outcomes_survive(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    plan = load_plans(tmp_path)["tiny"]
    path = tmp_path / "build" / "runs.jsonl"
    played = list(play_plan(plan, Cache(path), None))
    assert [outcome.attack for outcome in played] == ["none", "ipm"]
    assert [outcome.setting for outcome in played] == ["", "epsilon=2"]
    assert all(outcome.rounds == 2 and 0 < outcome.accuracy < 1 for outcome in played)

    with path.open("a") as file:
        file.write('{"plan": "cut o')  # the machine stopped here
    cache = Cache(path)
    assert cache.outcomes == played
    assert list(play_plan(plan, cache, None)) == []

    csv = tmp_path / "runs.csv"
    csv.write_text(dump_csv(played))
    assert load_outcomes(csv) == played
    committed = Cache(tmp_path / "empty.jsonl", load_outcomes(csv))
    assert list(play_plan(plan, committed, None)) == []


def test_newer_outcomes_replace_older_ones() -> None:
    newer = replace(OUTCOME, accuracy=0.5)
    assert merge([OUTCOME, CLEAN], [newer]) == [CLEAN, newer]


def test_keys_do_not_depend_on_where_the_data_lie() -> None:
    scenario = next(load_plans()["grid-own"].experiment.scenarios())
    located = locate_data(scenario, Path("/somewhere"))
    assert located.data.source == "idx:/somewhere?part=train"
    assert "somewhere" not in scenario.model_dump_json()
    assert compute_key(scenario) != compute_key(located)
    assert locate_data(scenario, None) == scenario


def test_plans_are_experiments_whose_runs_differ() -> None:
    plans = load_plans()
    kinds = ("clean", "clones", "free-riders", "omniscient", "own")
    full = {name for name, plan in plans.items() if not plan.core}
    assert full == {"full-grid", *(f"full-cnn-{name}" for name in kinds)}
    for name in ("clones", "free-riders", "honest", "full-cnn-own", "weak-spot-own"):
        scenarios = list(plans[name].experiment.scenarios())
        assert len({compute_key(scenario) for scenario in scenarios}) == len(scenarios)
        assert all(scenario.data.source.startswith("idx:MNIST?") for scenario in scenarios)


# Comparing


def test_losses_are_against_the_clean_run_of_the_same_seed() -> None:
    other = replace(CLEAN, seed=2, accuracy=0.80)
    runs = [OUTCOME, replace(OUTCOME, seed=2, accuracy=0.81), replace(OUTCOME, seed=3)]
    assert compute_losses(runs, [CLEAN, other]) == pytest.approx([2.0, -1.0])


def test_the_worst_attack_decides() -> None:
    groups = {"harmless": [0.0, 0.1], "harmful": [0.5, 1.7]}
    assert judge_worst("aim", groups, 1.0, "points") == Target(
        "aim", "1.10 (0.50–1.70) points (harmful; 2 seeds)", reached=False
    )
    assert judge_worst("aim", groups, 1.2, "points").reached is True
    assert judge_worst("aim", {}, 1.0, "points").reached is None


def test_nothing_is_judged_that_was_not_played() -> None:
    assert {target.reached for target in judge(SCREENED, [], [])} == {None}
    judged = {target.aim: target for target in judge(SCREENED, [OUTCOME, CLEAN], [])}
    label = "MLP, IID, 30 % dishonest: ≤ 1 points lost on label flip, sign flip, IPM, noise"
    assert judged[label] == Target(label, "2.00 points (ipm; 1 seed)", reached=False)


def test_a_thousand_rounds_are_asked_for_before_nobody_is_said_to_be_slashed() -> None:
    honest = replace(CLEAN, plan="honest", split="α=0.1")
    for rounds, slashed, expected in ((999, 0, None), (1_000, 0, True), (10, 1, False)):
        runs = [replace(honest, rounds=rounds, honest_slashed=slashed), replace(honest, split="IID", rounds=5)]
        judged = {it.aim.rpartition(", ")[2]: it.reached for it in judge(SCREENED, runs, []) if "slashed" in it.aim}
        assert judged == {"IID": None, "α=1": None, "α=0.3": None, "α=0.1": expected}


def test_tables_show_means_and_spreads() -> None:
    assert show_spread([0.5, 0.7]) == "0.60 (0.50–0.70)"
    assert show_spread([0.5]) == "0.50"
    assert show_spread([]) == "–"
    assert build_table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |\n"
    assert [name_clones(name) for name in ("clones", "clones variant=noisy noise=0.1")] == ["exact", "noisy noise=0.1"]


def test_the_summary_shows_the_worst_attack() -> None:
    harmless = replace(OUTCOME, attack="zero", accuracy=0.90, dishonest_share=0.2)
    (row,) = (line for line in build_grid_summary([CLEAN, OUTCOME, harmless]).splitlines() if "IID | screened" in line)
    assert row == "| IID | screened | 0.90 | 0.88 | 20.0 |"


def test_rules_are_compared_by_accuracy_and_pay() -> None:
    clean = replace(CLEAN, plan="rules-own")
    attacked = replace(OUTCOME, plan="rules-own", dishonest_share=0.013)
    door = replace(attacked, attack="backdoor", attack_success=0.25)
    runs = [
        clean,
        attacked,
        replace(attacked, seed=2, accuracy=0.84),
        door,
        replace(attacked, rule="nna", accuracy=0.5),
    ]
    assert build_rules_table(runs, "IID", spread=False).splitlines()[2:] == [
        "| screened | 0.90 | 0.86 / 1.3 | 25 % / 1.3 | 0.86 |",
        "| NNA | – | 0.50 / 1.3 | – | 0.50 |",
    ]
    assert "0.86 (0.84–0.88) / 1.3" in build_rules_table(runs, "IID", spread=True)


def test_momentum_stands_beside_none() -> None:
    clean = replace(CLEAN, plan="weak-spot-own", split="α=0.1")
    attacked = replace(clean, attack="ipm", accuracy=0.5)
    runs = [clean, attacked, replace(attacked, worker_momentum=0.9, accuracy=0.7)]
    assert build_skew_table(runs, spread=False).splitlines() == [
        "| rule | momentum | α=0.1: none | α=0.1: ipm |",
        "| --- | --- | --: | --: |",
        "| screened | 0 | 0.90 | 0.50 / 0.0 |",
        "| screened | 0.9 | – | 0.70 / 0.0 |",
    ]


def test_the_page_is_equal_to_the_byte_if_its_figures_are(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        clone = replace(OUTCOME, plan="clones", attack="clones")
        clones = [replace(clone, dishonest=level, key=str(level)) for level in (10, 15)]
        (folder / "runs.csv").write_text(dump_csv([CLEAN, OUTCOME, *clones]))
        write_page(load_plans(), folder)
        pages.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert pages[0] == pages[1]
    assert {"robustness.md", "robustness-tables.md", "accuracy.svg", "clones.svg"} <= pages[0].keys()


# Contribution


def test_a_coalition_is_worth_what_its_mean_makes_of_the_model() -> None:
    scenario = fidelity.build_scenario("digits", SCREENED, 1, {}, None)
    engine = Engine(scenario)
    test = deal_data(scenario).test
    played = next(engine.play())
    updates = dequantise(played.updates, engine.spec.quantisation.scale)
    worths = evaluate_coalitions(scenario.model, played.parameters, updates, test)
    before = evaluate(scenario.model, played.parameters, test)
    assert worths.accuracy[0] == worths.loss[0] == 0.0
    for members in ([3], [0, 1, 9], list(range(10))):
        mask = sum(1 << member for member in members)
        moved = (played.parameters + updates[members].mean(axis=0)).astype(np.float32)
        after = evaluate(scenario.model, moved, test)
        assert worths.accuracy[mask] == pytest.approx(after.accuracy - before.accuracy, abs=0.005)
        assert worths.loss[mask] == pytest.approx(before.loss - after.loss, abs=1e-4)


def test_scores_are_held_against_the_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "ROUNDS", 1)
    lines = {line.score: line for line in fidelity.measure("digits", "label noise", SCREENED, 1, None)}
    assert lines["exact, loss"].pearson_loss == pytest.approx(1.0)
    assert lines["pay"].evaluations == lines["CGSV"].evaluations == 0
    assert lines["exact, loss"].evaluations == 1_023
    assert lines["LOO, loss"].evaluations == 11
    assert 11 < lines["GTG, loss"].evaluations <= 1_023
    assert lines["pay"].spearman_quality > 0.5


def test_data_differ_as_they_are_said_to() -> None:
    holdings = deal_data(fidelity.build_scenario("digits", SCREENED, 1, {}, None))
    classes, _ = fidelity.vary_classes(holdings)
    assert [len(np.unique(dataset.labels)) for dataset in classes.trainers] == list(range(1, 11))
    copied, worth = fidelity.duplicate(holdings)
    assert len({id(dataset) for dataset in copied.trainers}) == fidelity.N - fidelity.COPIES + 1
    assert worth.sum() == pytest.approx(fidelity.N - fidelity.COPIES + 1)
    alike, _ = fidelity.vary_distinct(fidelity.vary_classes(holdings)[0])
    assert len({len(dataset) for dataset in alike.trainers}) == 1
    assert [len(np.unique(dataset.labels)) for dataset in alike.trainers] == list(range(1, 11))
    sizes = fidelity.QUALITIES["data size"][1]
    lengths = [len(it) for it in deal_data(fidelity.build_scenario("digits", SCREENED, 1, sizes, None)).trainers]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] / lengths[9] > 30
