"""`steelyard simulate`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from steelyard.cli_support import AsJson, create_app, print_json, print_lines, stderr
from steelyard.errors import ConfigError

app = create_app("")


@app.callback(
    invoke_without_command=True,
    no_args_is_help=True,
    subcommand_metavar="",
    context_settings={"allow_interspersed_args": True},
)
def simulate(
    file: Annotated[Path, typer.Argument(help="The experiment, a TOML file.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Takes the results.", metavar="FOLDER")],
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for one a core.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier call ended.")] = False,
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="Draw pictures of the results.")] = True,
    as_json: AsJson = False,
) -> None:
    """Play whole projects without a chain, as many as an experiment file asks for.

    The updates, rules and rewards are those of a real project. The file says what everybody's data are, who attacks and
    how, which rule weighs, and what is varied: docs/howto/simulate.md.

    FOLDER gets `runs.jsonl` with everything about each run, the tables `runs.csv`, `rounds.csv` and `trainers.csv`, and
    pictures. A call that was ended goes on with `--resume`.

    Example: `steelyard simulate attacks.toml --out build/attacks`.
    """
    from simulation.experiment import load_experiment  # noqa: PLC0415 - torch and more, not wanted for `--help`
    from simulation.pool import count_cores, play_all  # noqa: PLC0415
    from simulation.results import RunStore, write_tables  # noqa: PLC0415

    experiment = load_experiment(file)
    if plots:
        require_matplotlib()
    scenarios = {scenario.compute_key(): scenario for scenario in experiment.scenarios()}
    store = RunStore(out)
    there = store.open(resume=resume)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr) as progress:
        task = progress.add_task(experiment.title, total=len(scenarios), completed=len(there & scenarios.keys()))
        due = [scenario for key, scenario in scenarios.items() if key not in there]
        for run in play_all(due, jobs or count_cores()):
            store.add(run)
            progress.advance(task)
            if as_json:
                print_json(run.summarise())
    runs = [run for run in store.read() if run.key in scenarios]
    write_tables(out, runs)
    if plots:
        from simulation.plots import draw_all  # noqa: PLC0415

        draw_all(out, experiment.title, runs)
    if not as_json:
        accuracies = [run.accuracy for run in runs if run.accuracy is not None]
        print_lines(
            {
                "runs": f"{len(runs):,}",
                "accuracy": f"{min(accuracies):.1%} to {max(accuracies):.1%}" if accuracies else "no round was played",
                "dishonest pay": f"at most {max(run.dishonest_pay for run in runs):.2%}",
                "results": str(out),
            }
        )


def require_matplotlib() -> None:
    """Checks that pictures can be drawn, before hours are spent on what they would show.

    Raises:
      ConfigError: matplotlib is not installed.
    """
    import importlib.util  # noqa: PLC0415

    if importlib.util.find_spec("matplotlib") is None:
        error = ConfigError("pictures need matplotlib, which is not installed")
        error.hint = "Install `steelyard[simulate]`, or add `--no-plots`."
        raise error
