"""The figures to reach, what was measured, and whether that is enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from types import MappingProxyType
from typing import Final

from scripts.report.fidelity import Fidelity
from scripts.report.outcome import Outcome
from scripts.report.tables import (
    NOTHING,
    SCREENED,
    SHORT,
    SPLITS,
    UNSCREENED,
    build_table,
    compute_losses,
    name_attack,
    name_clones,
    select,
    show_spread,
)

VERDICTS: Final[Mapping[bool | None, str]] = MappingProxyType({True: "yes", False: "**no**", None: "not run"})
EXACT: Final = 0.0
"""The noise of clones that have none."""
RIDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "zero": "zero",
        "gaussian": "noise",
        "stale": "stale",
        "disguised": "disguised: noise that fades",
        "free-rider": "random and delta-weight",
        "copied": "copied, omniscient",
    }
)
"""Free riders, and what the page calls them."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure to reach, and one rule's.

    Attributes:
      aim: in words.
      measured: in words, with the spread.
      reached: None if it was not measured.
    """

    aim: str
    measured: str = NOTHING
    reached: bool | None = None


def build_target_table(outcomes: Sequence[Outcome], fidelity: Sequence[Fidelity]) -> str:
    """Every target, and for each of the two rules what was measured and whether that is enough."""
    judged = [judge(rule, outcomes, fidelity) for rule in (SCREENED, UNSCREENED)]
    rows = [
        [pair[0].aim, *(cell for target in pair for cell in (target.measured, VERDICTS[target.reached]))]
        for pair in zip(*judged, strict=True)
    ]
    header = ["target", *(cell for rule in (SCREENED, UNSCREENED) for cell in (SHORT[rule], "reached"))]
    return build_table(header, rows, text_columns=5)


def judge(rule: str, outcomes: Sequence[Outcome], fidelity: Sequence[Fidelity]) -> list[Target]:
    """All targets for one rule, in one order for every rule."""
    own = select(outcomes, rule=rule)
    perceptron = [it for it in own if it.plan in ("grid-clean", "grid-own", "sweeps")]
    network = [it for it in own if it.plan.startswith("full-cnn")]
    return [
        *judge_accuracy("CNN", network),
        *judge_accuracy("MLP", perceptron),
        judge_backdoor("CNN", network),
        judge_backdoor("MLP", select(own, plan="backdoor")),
        *judge_clones("CNN", select(own, plan="full-cnn-clones"), (EXACT, 0.1)),
        *judge_clones("MLP", select(own, plan="clones", split="IID"), (EXACT, 0.01, 0.1, 0.3)),
        *judge_free_riders("CNN", select(own, plan="full-cnn-free-riders"), ("zero", "gaussian", "stale", "copied")),
        *judge_free_riders("MLP", select(own, plan="free-riders", split="IID"), tuple(RIDERS)),
        *judge_slashes(select(own, plan="honest")),
        judge_spread("CNN", select(own, plan="full-cnn-clean")),
        judge_spread("MLP", select(own, plan="honest", split="IID")),
        judge_evaluations([line for line in fidelity if line.rule == rule]),
    ]


def judge_accuracy(network: str, outcomes: Sequence[Outcome]) -> list[Target]:
    """Points of accuracy lost: of each family of attacks the worst, by its mean over seeds."""
    families = (
        (1, "label flip, sign flip, IPM, noise", {"label-flip", "sign-flip", "ipm", "gaussian"}),
        (2, "ALIE, Min-Max, Min-Sum, omniscient", {"alie", "min-max", "min-sum"}),
    )
    clean = select(outcomes, attack="none")
    attacked = select(outcomes, split="IID", dishonest=30)
    targets = []
    for limit, label, attacks in families:
        groups: dict[str, list[float]] = {}
        for it in attacked:
            if it.attack in attacks and (losses := compute_losses([it], clean)):
                groups.setdefault(name_attack(it), []).extend(losses)
        aim = f"{network}, IID, 30 % dishonest: ≤ {limit} points lost on {label}"
        targets.append(judge_worst(aim, groups, limit, "points"))
    return targets


def judge_backdoor(network: str, outcomes: Sequence[Outcome]) -> Target:
    """How often a trigger works."""
    groups: dict[str, list[float]] = {}
    for it in select(outcomes, attack="backdoor", split="IID", dishonest=30):
        if it.attack_success is not None:
            groups.setdefault(name_attack(it), []).append(100 * it.attack_success)
    return judge_worst(f"{network}, IID, 30 % dishonest: backdoor works on ≤ 5 %", groups, 5, "%")


def judge_clones(network: str, outcomes: Sequence[Outcome], noises: Sequence[float]) -> list[Target]:
    """What clones are paid together, by their noise."""
    targets = []
    for noise in noises:
        label = f"noise of {100 * noise:g} %" if noise != EXACT else "exact"
        wanted = f"noisy noise={noise:g}" if noise != EXACT else "exact"
        groups: dict[str, list[float]] = {}
        for it in outcomes:
            if name_clones(name_attack(it)) == wanted:
                groups.setdefault(f"{it.dishonest} % of all", []).append(it.dishonest_share * it.trainers)
        targets.append(
            judge_worst(
                f"{network}: 2, 3 or 5 clones of 20 ({label}) together ≤ 1 fair share", groups, 1, "fair shares"
            )
        )
    return targets


def judge_free_riders(network: str, outcomes: Sequence[Outcome], kinds: Sequence[str]) -> list[Target]:
    """What the best paid of four free riders gets, by kind."""
    targets = []
    for kind in kinds:
        groups: dict[str, list[float]] = {}
        for it in select(outcomes, attack=kind):
            groups.setdefault(name_attack(it), []).append(100 * it.highest_dishonest)
        aim = f"{network}: free riders ({RIDERS[kind]}) ≤ 0.5 % of the budget each"
        targets.append(judge_worst(aim, groups, 0.5, "%"))
    return targets


def judge_slashes(outcomes: Sequence[Outcome]) -> list[Target]:
    """Slashes of honest trainers where nobody attacks, split by split."""
    targets = []
    for split in SPLITS:
        some = select(outcomes, split=split)
        aim = f"no honest trainer slashed in 1,000 rounds, {split}"
        rounds, slashed = sum(it.rounds for it in some), sum(it.honest_slashed for it in some)
        reached = False if slashed else rounds >= 1_000 or None
        targets.append(Target(aim, f"{slashed} in {rounds:,} rounds", reached) if some else Target(aim))
    return targets


def judge_spread(network: str, outcomes: Sequence[Outcome]) -> Target:
    """How far the pay of honest trainers with equal data is apart."""
    aim = f"{network}: honest pay, equal data (IID), in 0.6 to 1.4 fair shares"
    if not outcomes:
        return Target(aim)
    low, high = min(it.lowest_honest for it in outcomes), max(it.highest_honest for it in outcomes)
    projects = "1 project" if len(outcomes) == 1 else f"{len(outcomes)} projects"
    played = f"{low:.2f} to {high:.2f} in {projects} of {outcomes[0].rounds} rounds"
    return Target(aim, played, low >= 0.6 and high <= 1.4)


def judge_evaluations(lines: Sequence[Fidelity]) -> Target:
    """Models that the score evaluates, against GTG-Shapley's."""
    ours = sum(line.evaluations for line in lines if line.score == "pay")
    theirs = [line.evaluations for line in lines if line.score == "GTG, loss"]
    aim = "≥ 1,000 times fewer model evaluations than GTG-Shapley"
    measured = f"{ours} against {mean(theirs):,.0f} a project" if theirs else NOTHING
    return Target(aim, measured, 1_000 * ours <= sum(theirs) if theirs else None)


def build_score_table(fidelity: Sequence[Fidelity]) -> str:
    """The default rule's pay against the quality of the data and against the exact Shapley value of loss."""
    rows = []
    for quality in ("label noise", "data size", "data size, equal steps", "class coverage"):
        for data in ("digits", "mnist"):
            wanted = (SCREENED, quality, data, "pay")
            some = [it for it in fidelity if (it.rule, it.quality, it.data, it.score) == wanted]
            cells = []
            for values in ([it.spearman_quality for it in some], [it.pearson_loss for it in some]):
                reached = mean(values) >= 0.95 if values else None
                cells += [show_spread(values), VERDICTS[reached]]
            rows.append([quality, data, *cells, str(len(some))])
    aims = ("Spearman with the quality ≥ 0.95", "reached", "Pearson with exact Shapley of loss ≥ 0.95", "reached")
    return build_table(["trainers differ in", "data", *aims, "seeds"], rows, text_columns=6)


def judge_worst(aim: str, groups: Mapping[str, Sequence[float]], limit: float, unit: str) -> Target:
    """The group with the largest mean against a limit."""
    if not groups:
        return Target(aim)
    worst = max(groups, key=lambda key: mean(groups[key]))
    values = groups[worst]
    seeds = "1 seed" if len(values) == 1 else f"{len(values)} seeds"
    return Target(aim, f"{show_spread(values)} {unit} ({worst}; {seeds})", mean(values) <= limit)
