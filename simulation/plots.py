"""Pictures of an experiment: accuracy by round, pay by trainer, cosines of a round, who has which classes, and
how features differ.

Runs that differ in their seed only are one line, with a band from the lowest to the highest.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydantic import TypeAdapter

from simulation.data import deal_data
from simulation.experiment import Scenario
from simulation.results import Run, find_varied
from steelyard.spec.strict import validate_json

MAX_LINES: Final = 16
"""The most settings that one picture of lines shows."""

MAX_PICTURES: Final = 12
"""The most settings that get pictures of their own."""

MAX_EXAMPLES: Final = 10
"""The most trainers whose examples are shown, from the first to the last."""

MAX_LABELS: Final = 25
"""The most trainers that are named along an axis."""

HONEST: Final = "#0072b2"
DISHONEST: Final = "#d55e00"
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c564b", "#7f7f7f")
"""Okabe and Ito's, which colour-blind readers can tell apart."""


def draw_all(folder: Path, title: str, runs: Sequence[Run]) -> list[Path]:
    """Draws everything and returns the files."""
    settings = group_by_setting(runs)
    drawn = [draw_accuracy(folder / "accuracy.png", title, settings)]
    for number, (name, group) in enumerate(list(settings.items())[:MAX_PICTURES]):
        label = f"{title}: {name}" if name else title
        suffix = f"-{number:02}" if len(settings) > 1 else ""
        drawn.append(draw_shares(folder / f"shares{suffix}.png", label, group))
        if group[0].cosines:
            drawn.append(draw_cosines(folder / f"cosines{suffix}.png", label, group[0]))
        drawn.append(draw_split(folder / f"split{suffix}.png", label, group[0]))
        if group[0].scenario["data"]["shift"] is not None:
            drawn.append(draw_features(folder / f"features{suffix}.png", label, group[0]))
    return drawn


def group_by_setting(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by what distinguishes them beside their seed, in words."""
    names = [name for name in find_varied(runs) if name != "seed"]
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        values = {_shorten(name): _get(run.scenario, name) for name in names}
        label = ", ".join(f"{name} {_show(value)}" for name, value in values.items() if value is not None)
        groups[label].append(run)
    return dict(sorted(groups.items()))


def draw_accuracy(path: Path, title: str, settings: dict[str, list[Run]]) -> Path:
    """Accuracy on held-out data by round: the mean over seeds, and the band between the lowest and the highest."""
    shown = list(settings.items())[:MAX_LINES]
    figure = Figure((9, 5 + 0.2 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for number, (name, runs) in enumerate(shown):
        rounds, values = _collect_accuracies(runs)
        colour = _COLOURS[number % len(_COLOURS)]
        style = ("-", "--")[number // len(_COLOURS) % 2]
        axes.plot(rounds, values.mean(axis=0), style, color=colour, label=name or "accuracy", marker=".")
        axes.fill_between(rounds, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("round")
    axes.set_ylabel("accuracy on held-out data")
    axes.grid(alpha=0.3)
    axes.set_title(title if len(settings) <= MAX_LINES else f"{title} (the first {MAX_LINES} of {len(settings)})")
    figure.legend(fontsize="small", loc="outside lower center")
    return _save(figure, path)


def draw_shares(path: Path, title: str, runs: Sequence[Run]) -> Path:
    """Each trainer's part of all pay, and its weight, as means over seeds; the line is a fair share."""
    figure = Figure((9, 4.5), layout="constrained")
    axes = figure.subplots()
    pay = np.mean([_normalise([trainer.pay for trainer in run.trainers]) for run in runs], axis=0)
    weight = np.mean([_compute_weights(run) for run in runs], axis=0)
    trainers = np.arange(len(pay))
    colours = [DISHONEST if trainer.dishonest else HONEST for trainer in runs[0].trainers]
    axes.bar(trainers, 100 * pay, color=colours, width=0.8)
    axes.plot(trainers, 100 * weight, "o", color="black", markersize=4, label="part of the weights")
    axes.axhline(100 / len(pay), color="grey", linewidth=1, linestyle="--", label="fair share")
    axes.bar([0], [0], color=HONEST, label="pay, honest")
    if any(trainer.dishonest for trainer in runs[0].trainers):
        axes.bar([0], [0], color=DISHONEST, label="pay, dishonest")
    axes.set_xlabel("trainer")
    axes.set_ylabel("per cent")
    axes.set_title(title, fontsize="medium")
    figure.legend(fontsize="small", loc="outside lower center", ncols=4)
    return _save(figure, path)


def draw_cosines(path: Path, title: str, run: Run) -> Path:
    """The cosines of the updates of one round; attackers are marked on the axes."""
    figure = Figure((6.5, 5.5), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(np.array(run.cosines), cmap="RdBu", vmin=-1, vmax=1)
    figure.colorbar(image, ax=axes, label="cosine")
    _mark_trainers(axes, run, run.cosine_trainers, "x")
    _mark_trainers(axes, run, run.cosine_trainers, "y")
    round_index = min(run.scenario["cosines_of"], run.scenario["rounds"] - 1)
    caption = f"{title}\nupdates of round {round_index}, seed {run.scenario['seed']}"
    axes.set_title(caption, fontsize="small", wrap=True)
    return _save(figure, path)


def draw_split(path: Path, title: str, run: Run) -> Path:
    """How many examples of each class each trainer has, as it labels them."""
    counts = np.array([trainer.class_counts for trainer in run.trainers])
    figure = Figure((9, 4.5), layout="constrained")
    axes = figure.subplots()
    below = np.zeros(len(counts))
    palette = colormaps["tab20" if counts.shape[1] > 10 else "tab10"]
    for label in range(counts.shape[1]):
        axes.bar(np.arange(len(counts)), counts[:, label], bottom=below, color=palette(label % palette.N), label=label)
        below = below + counts[:, label]
    _mark_trainers(axes, run, range(len(counts)), "x")
    axes.set_ylabel("examples")
    axes.set_ylim(0, 1.05 * below.max())
    axes.set_title(f"{title}\nseed {run.scenario['seed']}", fontsize="medium")
    if counts.shape[1] <= 20:
        axes.legend(title="class", fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _save(figure, path)


def draw_features(path: Path, title: str, run: Run) -> Path:
    """The mean example of the trainers, as they see it, where the plan makes features differ; flat ones as bands."""
    scenario = validate_json(TypeAdapter(Scenario), json.dumps(run.scenario))
    trainers = deal_data(scenario).trainers
    shown = sorted(set(np.linspace(0, len(trainers) - 1, min(len(trainers), MAX_EXAMPLES)).astype(int).tolist()))
    means = [_flatten_image(trainers[trainer].features.mean(axis=0)) for trainer in shown]
    columns = min(len(shown), 5)
    figure = Figure((9, 1 + 2 * -(-len(shown) // columns)), layout="constrained")
    panels = figure.subplots(-(-len(shown) // columns), columns, squeeze=False).ravel()
    low, high = min(mean.min() for mean in means), max(mean.max() for mean in means)
    for axes in panels:
        axes.set_axis_off()
    for axes, trainer, mean in zip(panels, shown, means, strict=False):
        axes.imshow(mean, cmap="gray", vmin=low, vmax=high)
        colour = DISHONEST if run.trainers[trainer].dishonest else "black"
        axes.set_title(f"trainer {trainer}", fontsize="small", color=colour)
    shift = scenario.data.shift
    figure.suptitle(f"{title}\n{shift.name if shift else ''}: mean example, seed {scenario.seed}", fontsize="medium")
    return _save(figure, path)


def _flatten_image(example: NDArray[np.float32]) -> NDArray[np.float32]:
    """The example in two dimensions: of several channels the mean, of flat values a square if they fill one."""
    if example.ndim > 1:
        picture: NDArray[np.float32] = example.reshape(-1, *example.shape[-2:]).mean(axis=0)
        return picture
    side = isqrt(example.size)
    return example.reshape(side, side) if side * side == example.size else example[None, :]


def _mark_trainers(axes: Any, run: Run, trainers: Sequence[int], side: str) -> None:
    axis = axes.xaxis if side == "x" else axes.yaxis
    # Labels that would run into each other are left out.
    shown = range(0, len(trainers), -(-len(trainers) // MAX_LABELS))
    axis.set_ticks(shown, [str(trainers[place]) for place in shown], fontsize="x-small")
    axis.set_label_text("trainer (attackers in orange)" if run.scenario["dishonest"] else "trainer")
    for place, label in zip(shown, axis.get_ticklabels(), strict=True):
        label.set_color(DISHONEST if run.trainers[trainers[place]].dishonest else "black")


def _collect_accuracies(runs: Sequence[Run]) -> tuple[list[int], NDArray[np.float64]]:
    """The rounds that every run was looked at after, and the accuracies, shape `(runs, rounds)`."""
    by_run = [{found.index: found.accuracy for found in run.rounds if found.accuracy is not None} for run in runs]
    rounds = sorted(set.intersection(*(set(found) for found in by_run)))
    return [index + 1 for index in rounds], np.array([[found[index] for index in rounds] for found in by_run])


def _compute_weights(run: Run) -> Sequence[float]:
    """Each trainer's part of the weights, over all rounds."""
    sums = [sum(found.weights[trainer] or 0.0 for found in run.rounds) for trainer in range(len(run.trainers))]
    return _normalise(sums)


def _normalise(values: Sequence[float]) -> Sequence[float]:
    total = sum(values)
    return [value / total if total else 0.0 for value in values]


def _get(fields: Any, path: str) -> Any:
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields


def _shorten(path: str) -> str:
    """The last word of a path; a table's name stands for the table."""
    return path.removesuffix(".name").rpartition(".")[2]


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=110)
    return path
