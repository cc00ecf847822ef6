"""Plays what the report needs and is not known yet, and writes docs/reports/robustness.md.

    python -m scripts.report --mnist FOLDER          the core: about an hour of one processor core
    python -m scripts.report --mnist FOLDER --full   every plan: many hours
    python -m scripts.report --plan clones           some plans only; without a folder, those that need none
    python -m scripts.report --render                nothing played, the page from the committed CSV files
    python -m scripts.report --fresh ...             plays again what the committed CSV files have: after a rule changed

Outcomes are kept in build/report as they come, and the CSV files beside the page are written from them at the end, so
that a run that was stopped goes on where it stood.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scripts.report.effort import measure_effort
from scripts.report.fidelity import Fidelity, measure_all
from scripts.report.outcome import dump_csv, load_outcomes, merge
from scripts.report.page import EFFORT, FIDELITY, REPORTS, RUNS, load_fidelity, write_page
from scripts.report.runs import Cache, Plan, compute_key, load_plans, play_plan

BUILD: Final = Path("build/report")


def main(arguments: Sequence[str] | None = None) -> None:
    """Plays and writes."""
    options = parse(arguments)
    plans = choose_plans(options)
    if not options.render:
        play(plans, options)
    write_page(load_plans())


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.report", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mnist", type=Path, help="folder with the four files of MNIST")
    parser.add_argument("--full", action="store_true", help="the plans whose names begin with full-, too")
    parser.add_argument("--plan", action="append", default=[], help="play this plan only; may be given again")
    parser.add_argument("--render", action="store_true", help="play nothing")
    parser.add_argument("--fresh", action="store_true", help="do not believe the committed CSV files")
    parser.add_argument("--build", type=Path, default=BUILD, help="where outcomes are kept meanwhile")
    return parser.parse_args(arguments)


def choose_plans(options: argparse.Namespace) -> list[Plan]:
    """What is to be played.

    Raises:
      SystemExit: a plan does not exist.
    """
    plans = load_plans()
    if unknown := set(options.plan) - plans.keys() - {FIDELITY.stem, EFFORT.stem}:
        sys.exit(f"there is no plan {', '.join(sorted(unknown))}; there are {', '.join(plans)}")
    named = [plan for plan in plans.values() if plan.name in options.plan]
    chosen = named if options.plan else [plan for plan in plans.values() if plan.core or options.full]
    left_out = [plan.name for plan in chosen if plan.needs_mnist and options.mnist is None]
    if left_out and not options.render:
        print(f"without --mnist, left out: {', '.join(left_out)}", file=sys.stderr)
    return [plan for plan in chosen if options.mnist or not plan.needs_mnist]


def play(plans: Sequence[Plan], options: argparse.Namespace) -> None:
    """Plays the plans, then the projects of the fidelity tables, and brings the CSV files up to date."""
    cache = Cache(options.build / "runs.jsonl", () if options.fresh else load_outcomes(RUNS))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for plan in plans:
            scenarios = list(plan.experiment.scenarios())
            done = sum(cache.has(plan.name, compute_key(scenario)) for scenario in scenarios)
            task = progress.add_task(plan.name, total=len(scenarios), completed=done)
            for _ in play_plan(plan, cache, options.mnist):
                progress.advance(task)
            write(RUNS, dump_csv(merge(load_outcomes(RUNS), cache.outcomes)))
    if not options.plan or FIDELITY.stem in options.plan:
        play_fidelity(options.build / "fidelity.jsonl", options.mnist, () if options.fresh else load_fidelity())
    # The committed curves are whole, or not there.
    if EFFORT.stem in options.plan or (not options.plan and (options.fresh or not EFFORT.exists())):
        write(EFFORT, dump_csv(measure_effort(options.mnist)))


def play_fidelity(path: Path, mnist: Path | None, known: Sequence[Fidelity]) -> None:
    """Plays the projects of the fidelity tables that are not known yet."""
    lines = [Fidelity(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    for measured in measure_all(mnist, {(it.data, it.quality, it.rule, it.seed) for it in (*known, *lines)}):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.writelines(json.dumps(asdict(line)) + "\n" for line in measured)
        lines += measured
        print(f"fidelity: {measured[0].data}, {measured[0].quality}, {measured[0].rule}", file=sys.stderr)
    new = {(line.data, line.quality, line.rule, line.seed, line.score): line for line in (*load_fidelity(), *lines)}
    write(FIDELITY, dump_csv([new[key] for key in sorted(new)]))


def write(path: Path, text: str) -> None:
    """Writes a file of the report."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main()
