"""docs/reports/robustness.md, from the CSV files beside it and from `page.md`, which says by hand what they mean."""

import csv
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

from scripts.report import comparison, figures, tables
from scripts.report.effort import Effort
from scripts.report.fidelity import Fidelity
from scripts.report.outcome import Outcome, load_outcomes, read_fields
from scripts.report.runs import Plan
from scripts.report.targets import build_score_table, build_target_table

REPORTS: Final = Path("docs/reports")
RUNS: Final = REPORTS / "runs.csv"
FIDELITY: Final = REPORTS / "fidelity.csv"
EFFORT: Final = REPORTS / "effort.csv"
PAGE: Final = REPORTS / "robustness.md"
TABLES: Final = REPORTS / "robustness-tables.md"
TEMPLATE: Final = Path(__file__).parent / "page.md"


def load_fidelity(path: Path = FIDELITY) -> list[Fidelity]:
    """The lines of the fidelity tables; none if there is no file."""
    return [Fidelity(**line) for line in _load(Fidelity, path)]


def load_effort(path: Path = EFFORT) -> list[Effort]:
    """The points of the effort curves; none if there is no file."""
    return [Effort(**line) for line in _load(Effort, path)]


def _load(kind: type[Any], path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [read_fields(kind, line) for line in csv.DictReader(file)]


def write_page(plans: Mapping[str, Plan], reports: Path = REPORTS) -> None:
    """Writes page and plots from the CSV files of a folder."""
    outcomes = load_outcomes(reports / RUNS.name)
    fidelity, effort = load_fidelity(reports / FIDELITY.name), load_effort(reports / EFFORT.name)
    text = build_page(plans, outcomes, fidelity, effort)
    grid = choose(outcomes, "grid-")
    if grid:
        figures.draw_accuracy(grid, reports / "accuracy.svg")
    if clones := choose(outcomes, "clones"):
        figures.draw_clones(clones, reports / "clones.svg")
    if effort:
        figures.draw_effort(effort, reports / "effort.svg")
    (reports / PAGE.name).write_text(text)
    (reports / TABLES.name).write_text(build_details(outcomes))


def choose(outcomes: Sequence[Outcome], plan: str) -> list[Outcome]:
    """The outcomes of the plans whose names begin like this."""
    return [outcome for outcome in outcomes if outcome.plan.startswith(plan)]


def build_page(
    plans: Mapping[str, Plan], outcomes: Sequence[Outcome], fidelity: Sequence[Fidelity], effort: Sequence[Effort]
) -> str:
    """The page: the hand-written text with every table in its place."""
    grid = choose(outcomes, "grid-")
    network = [it for name in ("clean", "own", "omniscient") for it in choose(outcomes, f"full-cnn-{name}")]
    parts = {
        "versions": describe_versions(),
        "cost": describe_cost(outcomes),
        "targets": build_target_table(outcomes, fidelity),
        "scores": build_score_table(fidelity),
        "summary": tables.build_grid_summary(grid),
        "sweeps": tables.build_sweep_table(choose(outcomes, "sweeps"), choose(outcomes, "grid-clean")),
        "backdoor": tables.build_backdoor_table(choose(outcomes, "backdoor")),
        "network": tables.build_network_table(network),
        "network_riders": tables.build_free_rider_table(choose(outcomes, "full-cnn-free-riders")),
        "network_clones": tables.build_clone_table(choose(outcomes, "full-cnn-clones")),
        "rules_iid": comparison.build_rules_table(choose(outcomes, "rules-"), "IID", spread=False),
        "rules_skew": comparison.build_rules_table(choose(outcomes, "rules-"), "α=0.3", spread=False),
        "weak_spot": comparison.build_skew_table(choose(outcomes, "weak-spot-own"), spread=False),
        "riders": tables.build_free_rider_table(choose(outcomes, "free-riders")),
        "clones": tables.build_clone_table(choose(outcomes, "clones")),
        "honest": tables.build_honest_table(choose(outcomes, "honest")),
        "fidelity_digits": tables.build_fidelity_table(fidelity, "digits", tables.SCREENED),
        "fidelity_mnist": tables.build_fidelity_table(fidelity, "mnist", tables.SCREENED),
        "fidelity_rules": tables.build_pay_table(fidelity),
        "effort_noise": tables.build_effort_table(effort, "label noise"),
        "effort_size": tables.build_effort_table(effort, "data size"),
        "missing": describe_missing(plans, outcomes),
    }
    return Template(TEMPLATE.read_text()).substitute(parts)


def build_details(outcomes: Sequence[Outcome]) -> str:
    """The page with every cell."""
    grid, rules = choose(outcomes, "grid-"), choose(outcomes, "rules-")
    head = (
        "# Under attack, cell by cell\n\n"
        "Written by `python -m scripts.report`; [robustness.md](robustness.md) says what was played and what the words "
        "mean. Means over seeds, from the least to the largest.\n\n"
        "Columns of the grid: accuracy, then what the dishonest were paid in per cent of the budget, by how many of "
        "the trainers are dishonest.\n"
    )
    cells = [
        (f"{split}, {tables.SHORT[rule]}", tables.build_cells_table(grid, rule, split))
        for split in tables.SPLITS
        for rule in tables.RULES
    ]
    every_rule = [
        (f"Every rule, {split}, 30 % dishonest", comparison.build_rules_table(rules, split, spread=True))
        for split in ("IID", "α=0.3")
    ]
    skew = [
        (f"Label skew with IPM, {knowledge}", comparison.build_skew_table(choose(outcomes, plan), spread=True))
        for plan, knowledge in (("weak-spot-own", "own"), ("weak-spot-omniscient", "omniscient"))
    ]
    return "\n".join([head, *(f"## {title}\n\n{table}" for title, table in (*cells, *every_rule, *skew))])


def describe_versions() -> str:
    """What the figures depend on."""
    names = ("torch", "numpy", "scipy", "scikit-learn")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"Python {platform.python_version()}, {versions}"


def describe_cost(outcomes: Sequence[Outcome]) -> str:
    """Runs and minutes."""
    return f"{len(outcomes):,} projects, {sum(it.seconds for it in outcomes) / 60:.0f} minutes of processor time"


def describe_missing(plans: Mapping[str, Plan], outcomes: Sequence[Outcome]) -> str:
    """Every plan that was not played to its end, or not at all."""
    played = {name: len(choose_exactly(outcomes, name)) for name in plans}
    lines = [
        f"- `{name}`: {plan.experiment.title}. {played[name]:,} of {plan.experiment.runs:,} projects played."
        for name, plan in plans.items()
        if played[name] < plan.experiment.runs
    ]
    return "\n".join(lines) or "Nothing."


def choose_exactly(outcomes: Sequence[Outcome], plan: str) -> list[Outcome]:
    """The outcomes of one plan."""
    return [outcome for outcome in outcomes if outcome.plan == plan]
