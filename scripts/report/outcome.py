"""What is kept of a simulated project: one line of a CSV file."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from simulation.attacks.base import Attack
from simulation.engine import PlayedRound
from simulation.experiment import Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a project ended.

    Attributes:
      plan: the plan that asked for it.
      key: of the scenario; equal keys are equal runs.
      rule: the rule.
      attack: its name.
      setting: its parameters where they are not the defaults.
      knowledge: `own` or `omniscient`.
      split: how the data were dealt.
      dishonest: attackers in per cent of the trainers.
      trainers: how many there were.
      seed: of the run.
      rounds: how many were played.
      accuracy: of the last model on held-out data.
      attack_success: of a backdoor on held-out data, after the last round.
      dishonest_share: what all attackers were paid together, as a part of the budget.
      highest_dishonest: the most that any attacker was paid, as a part of the budget.
      lowest_honest: the least that an honest trainer was paid, in fair shares; a fair share is the budget over `n`.
      highest_honest: the most.
      honest_strikes: strikes of honest trainers.
      honest_slashed: honest trainers that lost stake.
      dishonest_slashed: attackers that lost stake.
      seconds: of processor time.
      worker_momentum: `β` of what honest trainers send.
    """

    plan: str
    key: str
    rule: str
    attack: str
    setting: str
    knowledge: str
    split: str
    dishonest: int
    trainers: int
    seed: int
    rounds: int
    accuracy: float
    attack_success: float | None
    dishonest_share: float
    highest_dishonest: float
    lowest_honest: float
    highest_honest: float
    honest_strikes: int
    honest_slashed: int
    dishonest_slashed: int
    seconds: float
    worker_momentum: float = 0.0

    @classmethod
    def make(
        cls, plan: str, key: str, scenario: Scenario, rounds: Sequence[PlayedRound], accuracy: float, seconds: float
    ) -> Self:
        """The outcome of these rounds, all that were played."""
        last = rounds[-1]
        members, budget = last.market.members, scenario.market.budget
        dishonest, honest = members[: scenario.dishonest], members[scenario.dishonest :]
        fair = [member.pay * len(members) / budget for member in honest]
        return cls(
            plan=plan,
            key=key,
            rule=scenario.rule,
            attack=scenario.attack.name,
            setting=describe_setting(scenario.attack),
            knowledge=scenario.knowledge,
            split=describe_split(scenario),
            dishonest=round(100 * scenario.dishonest / scenario.trainers),
            trainers=scenario.trainers,
            seed=scenario.seed,
            rounds=len(rounds),
            accuracy=round(accuracy, 4),
            attack_success=None if last.attack_success is None else round(last.attack_success, 4),
            dishonest_share=round(sum(member.pay for member in dishonest) / budget, 5),
            highest_dishonest=round(max((member.pay for member in dishonest), default=0) / budget, 5),
            lowest_honest=round(min(fair), 3),
            highest_honest=round(max(fair), 3),
            honest_strikes=sum(member.strikes for member in honest),
            honest_slashed=sum(member.slashed > 0 for member in honest),
            dishonest_slashed=sum(member.slashed > 0 for member in dishonest),
            seconds=round(seconds, 1),
            worker_momentum=scenario.worker_momentum,
        )


def describe_setting(attack: Attack) -> str:
    """The parameters of an attack where they differ from the defaults: `factor=4`."""
    chosen = attack.model_dump(exclude_defaults=True, exclude={"name"})
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in chosen.items()
    )


def describe_split(scenario: Scenario) -> str:
    """How the data were dealt: `IID`, `α=0.3`, `2 classes`."""
    split = scenario.data.split
    match split.name:
        case "iid":
            return "IID"
        case "dirichlet":
            return f"α={split.alpha:g}"
        case _:
            return f"{split.per_trainer} classes"


def dump_csv(rows: Sequence[Any]) -> str:
    """Dataclasses of one kind as CSV, a line each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(rows[0])], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def load_outcomes(path: Path) -> list[Outcome]:
    """The outcomes of a CSV file; none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [Outcome(**read_fields(Outcome, line)) for line in csv.DictReader(file)]


def read_fields(kind: type[Any], line: dict[str, str]) -> dict[str, Any]:
    """A line of CSV with its numbers as numbers."""
    readers = {str: str, int: int, float: float, float | None: lambda text: float(text) if text else None}
    return {field.name: readers[field.type](line[field.name]) for field in fields(kind)}  # type: ignore[index, operator]


def merge(old: Iterable[Outcome], new: Iterable[Outcome]) -> list[Outcome]:
    """Both, one for each plan and key, the newer one where there are two."""
    merged = {(outcome.plan, outcome.key): outcome for outcome in (*old, *new)}
    return sorted(merged.values(), key=_order)


def _order(it: Outcome) -> tuple[str | float, ...]:
    return it.plan, it.split, it.attack, it.setting, it.dishonest, it.rule, it.worker_momentum, it.seed
