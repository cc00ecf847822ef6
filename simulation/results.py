"""What is kept of a run, and where: one line of JSON a run, and tables for a spreadsheet.

A run is on disk once its line ends, so a folder can be continued after a kill at any moment: a line without an end is
cut off and its run played again.
"""

import csv
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from simulation.engine import Engine, PlayedRound
from simulation.experiment import Scenario
from steelyard.errors import ConfigError
from steelyard.rules import Verdict

RUNS_FILE: Final = "runs.jsonl"


@dataclass(frozen=True, slots=True)
class RoundResult:
    """A round in figures. Lists by trainer have None where one did not take part."""

    index: int
    accuracy: float | None
    """Of the model after the round; None if it was not looked at."""
    loss: float | None
    attack_success: float | None
    weights: list[float | None]
    """Each trainer's part of all weights."""
    shares: list[int | None]
    verdicts: list[str | None]
    dishonest_weight: float
    has_quorum: bool


@dataclass(frozen=True, slots=True)
class TrainerResult:
    """A trainer at the end. Amounts in the token's smallest unit."""

    dishonest: bool
    examples: int
    class_counts: list[int]
    label_noise: float
    earned: int
    pool_split: int
    reputation: int
    strikes: int
    slashed: int
    active: bool

    @property
    def pay(self) -> int:
        """All that it was credited."""
        return self.earned + self.pool_split


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario that was played."""

    key: str
    scenario: dict[str, Any]
    rounds: list[RoundResult]
    trainers: list[TrainerResult]
    cosines: list[list[float]]
    """Of the updates of the scenario's `cosines_of` round, by row."""
    cosine_trainers: list[int]
    status: str
    refund: int
    seconds: float

    @property
    def accuracy(self) -> float | None:
        """Of the last model that was looked at; None if there was no round to look at."""
        return next((found.accuracy for found in reversed(self.rounds) if found.accuracy is not None), None)

    @property
    def attack_success(self) -> float | None:
        """The last that was measured."""
        return next((found.attack_success for found in reversed(self.rounds) if found.attack_success is not None), None)

    @property
    def dishonest_pay(self) -> float:
        """The part of all pay that attackers got; 0 if nobody was paid."""
        total = sum(trainer.pay for trainer in self.trainers)
        return sum(trainer.pay for trainer in self.trainers if trainer.dishonest) / total if total else 0.0

    @property
    def dishonest_weight(self) -> float:
        """The part of the weights that attackers had, over all rounds."""
        return float(np.mean([found.dishonest_weight for found in self.rounds])) if self.rounds else 0.0

    @property
    def honest_spread(self) -> tuple[float, float]:
        """The smallest and the largest pay of an honest trainer, in fair shares of what the honest got."""
        pay = [trainer.pay for trainer in self.trainers if not trainer.dishonest]
        fair = sum(pay) / len(pay)
        return (min(pay) / fair, max(pay) / fair) if fair else (0.0, 0.0)

    @property
    def honest_slashed(self) -> int:
        """How many honest trainers were struck out."""
        return sum(trainer.slashed > 0 for trainer in self.trainers if not trainer.dishonest)

    @property
    def honest_strikes(self) -> int:
        """Strikes that honest trainers got."""
        return sum(trainer.strikes for trainer in self.trainers if not trainer.dishonest)

    def to_json(self) -> dict[str, Any]:
        """Nested dictionaries of primitives."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        rounds = [RoundResult(**found) for found in fields["rounds"]]
        trainers = [TrainerResult(**found) for found in fields["trainers"]]
        return cls(**{**fields, "rounds": rounds, "trainers": trainers})

    def summarise(self) -> dict[str, object]:
        """The figures that matter, on one line."""
        lowest, highest = self.honest_spread
        return {
            "key": self.key,
            "seed": self.scenario["seed"],
            "status": self.status,
            "rounds": len(self.rounds),
            "accuracy": self.accuracy,
            "attack_success": self.attack_success,
            "dishonest_pay": self.dishonest_pay,
            "dishonest_weight": self.dishonest_weight,
            "honest_lowest": lowest,
            "honest_highest": highest,
            "honest_strikes": self.honest_strikes,
            "honest_slashed": self.honest_slashed,
            "seconds": self.seconds,
        }


def play_run(scenario: Scenario) -> Run:
    """Plays a scenario and keeps its figures. The seconds are of the processor, without reading data.

    Raises:
      DataError: the data cannot be read or dealt.
      SpecError: the model does not fit the data.
    """
    engine = Engine(scenario)
    began = time.process_time()
    rounds: list[RoundResult] = []
    cosines: list[list[float]] = []
    cosine_trainers: list[int] = []
    for played in engine.play():
        rounds.append(_describe_round(played, scenario))
        if played.index == min(scenario.cosines_of, scenario.rounds - 1):
            n = len(played.trainers)
            cosine_trainers = list(played.trainers)
            cosines = [[round(played.weighing.get_cosine(i, j), 4) for j in range(n)] for i in range(n)]
    return Run(
        key=scenario.compute_key(),
        scenario=scenario.model_dump(mode="json"),
        rounds=rounds,
        trainers=_describe_trainers(engine),
        cosines=cosines,
        cosine_trainers=cosine_trainers,
        status=engine.market.status.value,
        refund=engine.market.refund,
        seconds=time.process_time() - began,
    )


def _describe_round(played: PlayedRound, scenario: Scenario) -> RoundResult:
    n = len(played.trainers)
    total = sum(played.weighing.weights[:n]) or 1
    parts = [weight / total for weight in played.weighing.weights[:n]]
    weights: list[float | None] = [None] * scenario.trainers
    shares: list[int | None] = [None] * scenario.trainers
    verdicts: list[str | None] = [None] * scenario.trainers
    for row, trainer in enumerate(played.trainers):
        weights[trainer] = parts[row]
        shares[trainer] = played.shares[row]
        verdict: Verdict = played.weighing.get_verdict(row)
        verdicts[trainer] = verdict.value
    evaluation = played.evaluation
    return RoundResult(
        index=played.index,
        accuracy=None if evaluation is None else evaluation.accuracy,
        loss=None if evaluation is None else evaluation.loss,
        attack_success=played.attack_success,
        weights=weights,
        shares=shares,
        verdicts=verdicts,
        dishonest_weight=sum(
            part for part, trainer in zip(parts, played.trainers, strict=True) if trainer < scenario.dishonest
        ),
        has_quorum=played.weighing.has_quorum,
    )


def _describe_trainers(engine: Engine) -> list[TrainerResult]:
    scenario, noise = engine.scenario, engine.scenario.data.label_noise
    return [
        TrainerResult(
            dishonest=trainer < scenario.dishonest,
            examples=len(dataset),
            class_counts=np.bincount(dataset.labels, minlength=dataset.num_classes).tolist(),
            label_noise=noise[trainer % len(noise)],
            earned=member.earned,
            pool_split=member.pool_split,
            reputation=member.reputation,
            strikes=member.strikes,
            slashed=member.slashed,
            active=member.active,
        )
        for trainer, (dataset, member) in enumerate(zip(engine.holdings.trainers, engine.market.members, strict=True))
    ]


class RunStore:
    """The runs of an experiment, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / RUNS_FILE

    def open(self, *, resume: bool) -> set[str]:
        """Prepares the folder and returns the keys of the runs that are there.

        Raises:
          ConfigError: there are runs, and they are not to be continued; or the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            data = self.path.read_bytes() if self.path.exists() else b""
            if data and not resume:
                error = ConfigError(f"{self.path} has runs already")
                error.hint = "Continue with `--resume`, or choose another folder."
                raise error
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:
                self.path.write_bytes(whole)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written: {error}") from error
        return {run.key for run in self.read()}

    def add(self, run: Run) -> None:
        """Appends a run, in one write."""
        line = json.dumps(run.to_json(), separators=(",", ":")) + "\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())
            os.fsync(file.fileno())

    def read(self) -> Iterator[Run]:
        """All runs, in the order in which they ended.

        Raises:
          ConfigError: a line is not a run of this version.
        """
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield Run.from_json(json.loads(line))
                except (ValueError, TypeError, KeyError) as error:
                    raise ConfigError(f"line {number} of {self.path} is not a run of this version: {error}") from error


def write_tables(folder: Path, runs: Iterable[Run]) -> None:
    """Writes `runs.csv`, `rounds.csv` and `trainers.csv`; what is swept stands in columns of its own."""
    runs = list(runs)
    varied = find_varied(runs)
    _write(folder / "runs.csv", (_pick(run, varied) | run.summarise() for run in runs))
    _write(
        folder / "rounds.csv",
        (
            {"key": run.key, **_pick(run, varied), "round": found.index, "accuracy": found.accuracy}
            | {"loss": found.loss, "attack_success": found.attack_success, "dishonest_weight": found.dishonest_weight}
            for run in runs
            for found in run.rounds
        ),
    )
    _write(
        folder / "trainers.csv",
        (
            {"key": run.key, **_pick(run, varied), "trainer": number, "pay": trainer.pay}
            | {name: value for name, value in asdict(trainer).items() if name != "class_counts"}
            for run in runs
            for number, trainer in enumerate(run.trainers)
        ),
    )


def find_varied(runs: Iterable[Run]) -> list[str]:
    """The paths of a scenario's fields in which the runs differ."""
    flat = [_flatten(run.scenario) for run in runs]
    names = dict.fromkeys(name for fields in flat for name in fields)
    return [name for name in names if len({json.dumps(fields.get(name)) for fields in flat}) > 1]


def _pick(run: Run, names: Iterable[str]) -> dict[str, object]:
    fields = _flatten(run.scenario)
    return {name: fields.get(name) for name in names}


def _flatten(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        path = f"{prefix}{name}"
        flat |= _flatten(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return flat


def _write(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    rows = list(records)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)
