"""The tables that compare every rule there is: under every attack, and where labels are skewed."""

from collections.abc import Sequence
from statistics import mean
from types import MappingProxyType

from scripts.report.outcome import Outcome
from scripts.report.tables import (
    NOTHING,
    SHORT,
    SPLITS,
    build_table,
    list_attacks,
    name_attack,
    select,
    show_mean,
    show_spread,
)

ALL = MappingProxyType(
    {
        **SHORT,
        "nna": "NNA",
        "geometric-median": "geometric median",
        "clip-nnm-geometric-median": "clip, NNM, geometric median",
        "centred-clipping": "centred clipping",
        "flag": "Flag",
        "foolsgold": "FoolsGold",
        "fltrust": "FLTrust",
    }
)
"""Every rule, and what the tables call it."""


def build_rules_table(outcomes: Sequence[Outcome], split: str, *, spread: bool) -> str:
    """Every rule under every attack: accuracy, and what the dishonest were paid; of a backdoor, how often it works."""
    here = select(outcomes, split=split)
    attacks = list_attacks(here)
    rows = []
    for rule, label in ALL.items():
        clean = [it.accuracy for it in select(here, rule=rule, attack="none")]
        groups = [select(attack, rule=rule) for attack, _ in attacks]
        if not clean and not any(groups):
            continue
        accuracies = [mean(it.accuracy for it in group) for group in groups if group]
        worst = f"{min(accuracies):.2f}" if accuracies else NOTHING
        show = show_spread if spread else show_mean
        rows.append([label, show(clean, 2) if clean else NOTHING, *(_show_group(it, spread) for it in groups), worst])
    header = ["rule", "none", *(f"{name_attack(attack[0])}, {knowledge}" for attack, knowledge in attacks), "worst"]
    return build_table(header, rows)


def build_skew_table(outcomes: Sequence[Outcome], *, spread: bool) -> str:
    """Rules with and without worker momentum where labels are skewed: accuracy, and what the dishonest were paid."""
    splits = [split for split in SPLITS if select(outcomes, split=split)]
    attacks = list_attacks(outcomes)
    clean = select(outcomes, attack="none")
    momenta = sorted({it.worker_momentum for it in outcomes})
    rows = []
    for rule, label in ALL.items():
        for momentum in momenta:
            own = select(outcomes, rule=rule, worker_momentum=momentum)
            if not own:
                continue
            cells = []
            for split in splits:
                alone = [it.accuracy for it in select(own, split=split, attack="none")]
                cells += [show_spread(alone) if spread else show_mean(alone)] if clean else []
                cells += [
                    _show_group(select(attack, rule=rule, worker_momentum=momentum, split=split), spread)
                    for attack, _ in attacks
                ]
            rows.append([label, f"{momentum:g}", *cells])
    names = [*(["none"] if clean else []), *(name_attack(attack[0]) for attack, _ in attacks)]
    header = ["rule", "momentum", *(f"{split}: {name}" for split in splits for name in names)]
    return build_table(header, rows, text_columns=2)


def _show_group(group: Sequence[Outcome], spread: bool) -> str:
    """`accuracy / paid, %`, or of a backdoor `it works on so many per cent / paid, %`."""
    if not group:
        return NOTHING
    paid = [it.dishonest_share for it in group]
    successes = [it.attack_success for it in group if it.attack_success is not None]
    if spread:
        first = show_spread(successes, 1, 100) + " %" if successes else show_spread([it.accuracy for it in group])
        return f"{first} / {show_spread(paid, 1, 100)}"
    first = show_mean(successes, 0, 100) + " %" if successes else show_mean([it.accuracy for it in group])
    return f"{first} / {show_mean(paid, 1, 100)}"
