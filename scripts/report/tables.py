"""The report's tables, as Markdown, from outcomes."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from types import MappingProxyType
from typing import Final

from scripts.report.effort import Effort
from scripts.report.fidelity import Fidelity
from scripts.report.outcome import Outcome

SCREENED: Final = "screen-clip-nnm-multi-krum"
UNSCREENED: Final = "clip-nnm-multi-krum"
SHORT: Final[Mapping[str, str]] = MappingProxyType(
    {SCREENED: "screened", UNSCREENED: "unscreened", "multi-krum": "Multi-Krum", "mean": "mean"}
)
"""The rules compared, and what the tables call them."""
RULES: Final = tuple(SHORT)
SPLITS: Final = ("IID", "α=1", "α=0.3", "α=0.1")
NOTHING: Final = "–"
QUALITIES: Final = ("label noise", "data size", "data size, equal steps", "class coverage", "duplicates")
SCORES: Final = (
    "pay",
    "exact, loss",
    "exact, accuracy",
    "GTG, loss",
    "GTG, accuracy",
    "LOO, loss",
    "LOO, accuracy",
    "CGSV",
)


def build_table(header: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1) -> str:
    """A Markdown table. Columns from `text_columns` on are numbers, flush right."""
    marks = ["---" if column < text_columns else "--:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, marks, *rows)) + "\n"


def show_spread(values: Sequence[float], digits: int = 2, factor: float = 1.0) -> str:
    """The mean, and from the least to the largest if they differ: `0.87 (0.85–0.89)`."""
    if not values:
        return NOTHING
    low, middle, high = (f"{factor * value:.{digits}f}" for value in (min(values), mean(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def show_mean(values: Sequence[float], digits: int = 2, factor: float = 1.0) -> str:
    """The mean alone."""
    return f"{factor * mean(values):.{digits}f}" if values else NOTHING


def select(outcomes: Iterable[Outcome], **wanted: object) -> list[Outcome]:
    """The outcomes with these fields."""
    return [outcome for outcome in outcomes if all(getattr(outcome, name) == value for name, value in wanted.items())]


def name_attack(outcome: Outcome) -> str:
    """The attack with its parameters: `alie z=2`."""
    return f"{outcome.attack} {outcome.setting}".strip()


# The grid


def build_cells_table(outcomes: Sequence[Outcome], rule: str, split: str) -> str:
    """One rule on one split, an attack a row: accuracy, then what the dishonest were paid, by how many they are."""
    clean = [it.accuracy for it in select(outcomes, attack="none", rule=rule, split=split)]
    levels = sorted({it.dishonest for it in outcomes if it.dishonest})
    rows = []
    for attack, knowledge in list_attacks(outcomes):
        groups = [select(attack, rule=rule, split=split, dishonest=level) for level in levels]
        accuracies = [show_spread([it.accuracy for it in group]) for group in groups]
        shares = [show_spread([it.dishonest_share for it in group], 1, 100) for group in groups]
        rows.append([f"{name_attack(attack[0])}, {knowledge}", show_spread(clean), *accuracies, *shares])
    header = [f"{level} %" for level in levels]
    return build_table(["attack, knowledge", "0 %", *header, *(f"paid, {level}" for level in header)], rows)


def build_grid_summary(outcomes: Sequence[Outcome]) -> str:
    """The mean accuracy over seeds under the worst attack, and the largest mean share that any attack earned."""
    levels = sorted({it.dishonest for it in outcomes})
    rows = []
    for split in SPLITS:
        for rule in RULES:
            accuracies, shares = [], []
            for level in levels:
                groups = [
                    select(attack, rule=rule, split=split, dishonest=level) for attack, _ in list_attacks(outcomes)
                ]
                if not level:
                    groups = [select(outcomes, attack="none", rule=rule, split=split)]
                groups = [group for group in groups if group]
                if not groups:
                    accuracies.append(NOTHING)
                    shares.append(NOTHING)
                    continue
                worst = min(groups, key=lambda group: mean(it.accuracy for it in group))
                accuracies.append(f"{mean(it.accuracy for it in worst):.2f}")
                richest = max(mean(it.dishonest_share for it in group) for group in groups)
                shares.append(f"{100 * richest:.1f}" if level else "")
            rows.append([split, SHORT[rule], *accuracies, *shares[1:]])
    header = ["split", "rule", *(f"{level} %" for level in levels), *(f"paid, {level} %" for level in levels if level)]
    return build_table(header, rows, text_columns=2)


def list_attacks(outcomes: Sequence[Outcome]) -> list[tuple[list[Outcome], str]]:
    """The outcomes of each attack with each knowledge, without the projects that nobody attacked."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.attack != "none":
            groups.setdefault((outcome.knowledge, name_attack(outcome)), []).append(outcome)
    return [(groups[key], key[0]) for key in sorted(groups, reverse=True)]


# Single tables


def build_sweep_table(outcomes: Sequence[Outcome], clean: Sequence[Outcome]) -> str:
    """Accuracy lost, in points against the clean runs of the same seeds, for each strength of each attack."""
    columns = [(split, rule) for split in SPLITS for rule in RULES if select(outcomes, split=split, rule=rule)]
    rows = []
    for attack in dict.fromkeys(name_attack(it) for it in outcomes):
        group = [it for it in outcomes if name_attack(it) == attack]
        cells = []
        for split, rule in columns:
            chosen = select(group, split=split, rule=rule)
            cells += [
                show_spread(compute_losses(chosen, clean), 1),
                show_mean([it.dishonest_share for it in chosen], 1, 100),
            ]
        rows.append([attack, *cells])
    return build_table(
        ["attack", *(cell for split, rule in columns for cell in (f"{SHORT[rule]}, {split}", "paid, %"))], rows
    )


def compute_losses(outcomes: Iterable[Outcome], clean: Iterable[Outcome]) -> list[float]:
    """Points of accuracy lost against the clean run of the same rule, split and seed, where there is one."""
    reference = {(it.rule, it.split, it.seed): it.accuracy for it in clean}
    return [
        100 * (reference[key] - it.accuracy) for it in outcomes if (key := (it.rule, it.split, it.seed)) in reference
    ]


def build_backdoor_table(outcomes: Sequence[Outcome]) -> str:
    """How often the trigger works, and the accuracy on other examples."""
    rows = []
    for split in (split for split in SPLITS if select(outcomes, split=split)):
        for attack in dict.fromkeys(name_attack(it) for it in outcomes):
            for level in sorted({it.dishonest for it in outcomes}):
                cells = []
                for rule in RULES:
                    group = [
                        it
                        for it in select(outcomes, split=split, dishonest=level, rule=rule)
                        if name_attack(it) == attack
                    ]
                    successes = [it.attack_success for it in group if it.attack_success is not None]
                    cells += [show_spread(successes, 1, 100), show_mean([it.accuracy for it in group])]
                rows.append([split, attack, f"{level} %", *cells])
    columns = [cell for rule in RULES for cell in (f"{SHORT[rule]}: success, %", "accuracy")]
    header = ["split", "attack", "dishonest", *columns]
    return build_table(header, rows, text_columns=3)


def build_free_rider_table(outcomes: Sequence[Outcome]) -> str:
    """What the best paid free rider gets, in per cent of the budget. A fair share is 5 %."""
    rules = [rule for rule in RULES if select(outcomes, rule=rule)]
    rows = []
    for split in (split for split in SPLITS if select(outcomes, split=split)):
        for attack in dict.fromkeys(name_attack(it) for it in outcomes):
            group = [it for it in select(outcomes, split=split) if name_attack(it) == attack]
            cells = [show_spread([it.highest_dishonest for it in select(group, rule=rule)], 2, 100) for rule in rules]
            rows.append([split, attack, *cells])
    return build_table(["split", "free rider", *(SHORT[rule] for rule in rules)], rows, text_columns=2)


def build_clone_table(outcomes: Sequence[Outcome]) -> str:
    """What `k` clones are paid together, in fair shares."""
    rules = [rule for rule in RULES if select(outcomes, rule=rule)]
    counts = sorted({count_dishonest(it) for it in outcomes})
    rows = []
    for split in (split for split in SPLITS if select(outcomes, split=split)):
        for attack in dict.fromkeys(name_attack(it) for it in outcomes):
            group = [it for it in select(outcomes, split=split) if name_attack(it) == attack]
            cells = [
                show_spread(
                    [it.dishonest_share * it.trainers for it in select(group, rule=rule) if count_dishonest(it) == k]
                )
                for rule in rules
                for k in counts
            ]
            rows.append([split, name_clones(attack), *cells])
    header = ["split", "clones", *(f"{SHORT[rule]}, k = {k}" for rule in rules for k in counts)]
    return build_table(header, rows, text_columns=2)


def count_dishonest(outcome: Outcome) -> int:
    """How many attackers there were."""
    return round(outcome.dishonest * outcome.trainers / 100)


def name_clones(attack: str) -> str:
    """In words what clones did: `noisy noise=0.1`."""
    name = attack.removeprefix("clones").strip().removeprefix("variant=") or "exact"
    return "noisy noise=0.01" if name == "noisy" else name


def build_honest_table(outcomes: Sequence[Outcome]) -> str:
    """Honest trainers alone: what they were paid and how often they were struck."""
    rows = []
    pairs = [(split, rule) for split in SPLITS for rule in RULES if select(outcomes, split=split, rule=rule)]
    for split, rule in pairs:
        group = select(outcomes, split=split, rule=rule)
        rows.append(
            [
                split,
                SHORT[rule],
                f"{sum(it.rounds for it in group):,}",
                str(sum(it.honest_strikes for it in group)),
                str(sum(it.honest_slashed for it in group)),
                show_mean([it.lowest_honest for it in group]),
                f"{min(it.lowest_honest for it in group):.2f}",
                show_mean([it.highest_honest for it in group]),
                f"{max(it.highest_honest for it in group):.2f}",
            ]
        )
    header = ["split", "rule", "rounds", "strikes", "slashed", "least paid", "worst", "most paid", "worst"]
    return build_table(header, rows, text_columns=2)


def build_network_table(outcomes: Sequence[Outcome]) -> str:
    """The convolutional network: accuracy, points lost and what was paid, for each rule and attack."""
    clean = select(outcomes, attack="none")
    rows = []
    for rule in RULES:
        for attack in dict.fromkeys(name_attack(it) for it in outcomes):
            group = [it for it in select(outcomes, rule=rule) if name_attack(it) == attack]
            if not group:
                continue
            attacked = attack != "none"
            rows.append(
                [
                    SHORT[rule],
                    attack,
                    show_spread([it.accuracy for it in group], 4),
                    show_spread(compute_losses(group, clean), 2) if attacked else NOTHING,
                    show_spread([it.dishonest_share for it in group], 2, 100) if attacked else NOTHING,
                    show_spread([it.attack_success for it in group if it.attack_success is not None], 1, 100),
                    f"{mean(it.dishonest_slashed for it in group):g}" if attacked else NOTHING,
                    str(len(group)),
                ]
            )
    header = ["rule", "attack", "accuracy", "points lost", "paid, %", "trigger works, %", "attackers slashed", "seeds"]
    return build_table(header, rows, text_columns=2)


# Fidelity


def build_fidelity_table(lines: Sequence[Fidelity], data: str, rule: str) -> str:
    """How scores agree with the exact Shapley value of loss, and with the quality: means over seeds."""
    chosen = [line for line in lines if (line.data, line.rule) == (data, rule)]
    rows = []
    for score in (score for score in SCORES if any(line.score == score for line in chosen)):
        group = [line for line in chosen if line.score == score]
        cells = [_show_agreement([line for line in group if line.quality == quality]) for quality in QUALITIES]
        cost = [f"{mean(line.evaluations for line in group):,.0f}", f"{mean(line.seconds for line in group):.3f}"]
        rows.append([score, *cells, *cost])
    return build_table(["score", *QUALITIES, "evaluations", "seconds"], rows)


def build_pay_table(lines: Sequence[Fidelity]) -> str:
    """How the pay by each rule agrees with the exact Shapley value of loss, and with the quality."""
    rows = []
    chosen = [line for line in lines if line.score == "pay"]
    for data, rule in sorted({(line.data, line.rule) for line in chosen}, key=lambda it: (it[0], RULES.index(it[1]))):
        some = [line for line in chosen if (line.data, line.rule) == (data, rule)]
        cells = [_show_agreement([line for line in some if line.quality == quality]) for quality in QUALITIES]
        rows.append([data, SHORT[rule], *cells])
    return build_table(["data", "rule", *QUALITIES], rows, text_columns=2)


def _show_agreement(lines: Sequence[Fidelity]) -> str:
    """`P / S / S(q)`, each a mean over seeds."""
    if not lines:
        return NOTHING
    pearson, spearman = mean(line.pearson_loss for line in lines), mean(line.spearman_loss for line in lines)
    return f"{pearson:.2f} / {spearman:.2f} / {mean(line.spearman_quality for line in lines):.2f}"


def build_effort_table(lines: Sequence[Effort], effort: str) -> str:
    """What one trainer is paid, in fair shares, as its effort varies."""
    chosen = [line for line in lines if line.effort == effort]
    values = sorted({line.value for line in chosen})
    rows = [
        [data, *(show_spread([it.pay for it in chosen if (it.data, it.value) == (data, value)]) for value in values)]
        for data in dict.fromkeys(line.data for line in chosen)
    ]
    return build_table([effort, *(f"{value:g}" for value in values)], rows)
