"""The report's plots, as SVG files that are equal to the byte whenever the figures in them are."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from scripts.report.effort import Effort
from scripts.report.outcome import Outcome
from scripts.report.tables import (
    RULES,
    SCREENED,
    SHORT,
    SPLITS,
    UNSCREENED,
    count_dishonest,
    name_attack,
    name_clones,
    select,
)

_STYLE: Final[Any] = {  # matplotlib's own type lists every key that there is
    "svg.hashsalt": "steelyard",
    "svg.fonttype": "none",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
"""Okabe and Ito's, which colour-blind readers can tell apart."""


def draw_accuracy(outcomes: Sequence[Outcome], path: Path) -> None:
    """Accuracy against the part of dishonest trainers: a split a column, a rule a row, an attack a line."""
    splits = [split for split in SPLITS if select(outcomes, split=split)]
    attacks = sorted({(it.knowledge, name_attack(it)) for it in outcomes if it.attack != "none"}, reverse=True)
    with mpl.rc_context(_STYLE):
        figure = Figure((9.5, 7.5), layout="constrained")
        axes = figure.subplots(len(RULES), len(splits), sharex=True, sharey=True, squeeze=False)
        for row, rule in enumerate(RULES):
            for column, split in enumerate(splits):
                panel, here = axes[row][column], select(outcomes, rule=rule, split=split)
                clean = [it.accuracy for it in here if it.attack == "none"]
                for (knowledge, attack), colour in zip(attacks, _COLOURS, strict=False):
                    points = {0: clean} if clean else {}
                    for it in here:
                        if (it.knowledge, name_attack(it)) == (knowledge, attack):
                            points.setdefault(it.dishonest, []).append(it.accuracy)
                    label = f"{attack}, {knowledge}"
                    levels = sorted(points)
                    panel.plot(
                        levels, [mean(points[level]) for level in levels], "o-", ms=2.5, lw=1, color=colour, label=label
                    )
                if not row:
                    panel.set_title(split)
                if not column:
                    panel.set_ylabel(f"{SHORT[rule]}\naccuracy")
                if row == len(RULES) - 1:
                    panel.set_xlabel("dishonest, %")
                panel.set_ylim(0, 1)
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        _save(figure, path)


def draw_effort(lines: Sequence[Effort], path: Path) -> None:
    """Pay against effort: label noise on the left, amount of data on the right."""
    with mpl.rc_context(_STYLE):
        figure = Figure((7.5, 2.8), layout="constrained")
        for panel, effort in zip(figure.subplots(1, 2, sharey=True), ("label noise", "data size"), strict=True):
            for data, colour in zip(dict.fromkeys(it.data for it in lines), _COLOURS, strict=False):
                points: dict[float, list[float]] = {}
                for it in lines:
                    if (it.data, it.effort) == (data, effort):
                        points.setdefault(it.value, []).append(it.pay)
                values = sorted(points)
                panel.plot(values, [mean(points[value]) for value in values], "o-", ms=3, color=colour, label=data)
                low, high = ([pick(points[value]) for value in values] for pick in (min, max))
                panel.fill_between(values, low, high, color=colour, alpha=0.15, lw=0)
            panel.axhline(1, color="black", lw=0.7, ls=":")
        left, right = figure.axes
        left.set_xlabel("its wrong labels (the others: 0.2)")
        left.set_ylabel("pay, fair shares")
        left.set_ylim(bottom=0)
        right.set_xscale("log", base=2)
        right.set_xlabel("its examples, in multiples of the others'")
        right.legend()
        _save(figure, path)


def draw_clones(outcomes: Sequence[Outcome], path: Path) -> None:
    """What clones are paid together against their number, IID: a rule a panel."""
    attacks = list(dict.fromkeys(name_attack(it) for it in outcomes))
    with mpl.rc_context(_STYLE):
        figure = Figure((7.5, 2.8), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for panel, rule in zip(panels, (SCREENED, UNSCREENED), strict=True):
            here = select(outcomes, split="IID", rule=rule)
            for attack, colour in zip(attacks, _COLOURS, strict=False):
                points: dict[int, list[float]] = {}
                for it in here:
                    if name_attack(it) == attack:
                        points.setdefault(count_dishonest(it), []).append(it.dishonest_share * it.trainers)
                counts = sorted(points)
                means = [mean(points[count]) for count in counts]
                panel.plot(counts, means, "o-", ms=3, color=colour, label=name_clones(attack))
            panel.axhline(1, color="black", lw=0.7, ls=":")
            panel.set_xticks(sorted({count_dishonest(it) for it in outcomes}))
            panel.set_title(SHORT[rule])
            panel.set_xlabel("names of one trainer, of 20")
        panels[0].set_ylabel("pay together, fair shares")
        panels[0].set_ylim(bottom=0)
        panels[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    text = path.read_text()
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")
