"""Holds the pay against scores of contribution from the literature, over trainers whose data differ in quality."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from scripts.bench.cgsv import compute_cgsv
from scripts.bench.game import Game
from scripts.bench.gtg_shapley import compute_gtg_shapley
from scripts.bench.leave_one_out import compute_leave_one_out
from scripts.bench.shapley import compute_shapley
from scripts.report.coalitions import evaluate_coalitions
from scripts.report.runs import MNIST
from simulation.data import Holdings, deal_data
from simulation.engine import Engine, PlayedRound
from simulation.experiment import Scenario, build_experiment
from steelyard.gram import compute_gram
from steelyard.rules import DEFAULT_RULE
from steelyard.updates.quantise import dequantise
from trainer_client.data import Dataset

N: Final = 10
ROUNDS: Final = 10
SEEDS: Final = (1, 2, 3)
MORE_SEEDS: Final = tuple(range(4, 11))
"""For the default rule and label noise, where the figures come close to what is asked for."""
RULES: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {"digits": ("screen-clip-nnm-multi-krum", "clip-nnm-multi-krum", "mean"), "mnist": ("screen-clip-nnm-multi-krum",)}
)
"""By which rules projects on which data are weighed."""
COPIES: Final = 4
"""How many trainers hold the same data where data are duplicated."""

Scores = NDArray[np.float64]
"""One number a trainer, shape `(n,)`."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How well one score agrees with the exact values and with the quality of the data, in one project.

    Attributes:
      data: `digits` or `mnist`.
      quality: in what the data of trainers differ.
      rule: by which the project was weighed.
      seed: of the run.
      score: which one.
      pearson_loss: correlation with the exact Shapley value of held-out loss.
      spearman_loss: of the ranks.
      pearson_accuracy: correlation with the exact Shapley value of held-out accuracy.
      spearman_accuracy: of the ranks.
      spearman_quality: of the ranks of score and quality.
      evaluations: models that it built and tested, in all rounds.
      seconds: of processor time that it took, in all rounds.
    """

    data: str
    quality: str
    rule: str
    seed: int
    score: str
    pearson_loss: float
    spearman_loss: float
    pearson_accuracy: float
    spearman_accuracy: float
    spearman_quality: float
    evaluations: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """A score over the rounds of a project."""

    values: Scores
    evaluations: int = 0
    seconds: float = 0.0

    def add(self, values: Scores, evaluations: int, seconds: float) -> None:
        """Adds a round."""
        self.values = self.values + values
        self.evaluations += evaluations
        self.seconds += seconds


# Data that differ


def vary_label_noise(holdings: Holdings) -> tuple[Holdings, Scores]:
    """Data as dealt: the scenario has put more and more wrong labels in."""
    return holdings, -np.arange(N, dtype=np.float64)


def vary_size(holdings: Holdings) -> tuple[Holdings, Scores]:
    """Data as dealt: the scenario gives each trainer two thirds of what the one before it has."""
    return holdings, -np.arange(N, dtype=np.float64)


def vary_distinct(holdings: Holdings) -> tuple[Holdings, Scores]:
    """As `vary_size`, but who has less goes through it so much oftener that everybody takes equally many steps."""
    longest = max(len(dataset) for dataset in holdings.trainers)
    repeated = tuple(dataset.take(np.resize(np.arange(len(dataset)), longest)) for dataset in holdings.trainers)
    return Holdings(repeated, holdings.test, None), -np.arange(N, dtype=np.float64)


def vary_classes(holdings: Holdings) -> tuple[Holdings, Scores]:
    """Trainer `i` keeps `i + 1` classes, each trainer beginning with another one."""
    kept = []
    for trainer, dataset in enumerate(holdings.trainers):
        place = (dataset.labels + trainer) % dataset.num_classes
        kept.append(dataset.take(np.flatnonzero(place <= trainer)))
    return Holdings(tuple(kept), holdings.test, None), np.arange(N, dtype=np.float64)


def duplicate(holdings: Holdings) -> tuple[Holdings, Scores]:
    """The last trainers all have the data of the first of them; the quality is what would be lost without it."""
    unique = holdings.trainers[: N - COPIES + 1]
    datasets: Sequence[Dataset] = (*unique, *(unique[-1],) * (COPIES - 1))
    return Holdings(tuple(datasets), holdings.test, None), np.array([1.0] * (N - COPIES) + [1 / COPIES] * COPIES)


_SIZES: Final = {"sizes": [round(1.5**-trainer, 4) for trainer in range(N)]}
QUALITIES: Final[Mapping[str, tuple[Callable[[Holdings], tuple[Holdings, Scores]], Mapping[str, Any]]]] = (
    MappingProxyType(
        {
            "label noise": (vary_label_noise, {"label_noise": [round(0.1 * trainer, 1) for trainer in range(N)]}),
            "data size": (vary_size, _SIZES),
            "data size, equal steps": (vary_distinct, _SIZES),
            "class coverage": (vary_classes, {}),
            "duplicates": (duplicate, {}),
        }
    )
)
"""How to make data differ, and the part of it that a scenario can say."""


def build_scenario(data: str, rule: str, seed: int, plan: Mapping[str, Any], mnist: Path | None) -> Scenario:
    """A project of honest trainers."""
    if data == "digits":
        source = "digits:?holdout=0.28&use={}"
        sources = {"source": source.format("train"), "test": source.format("holdout")}
        layers, sizes = [64, 32, 10], {}
    else:
        folder = f"idx:{mnist}" if mnist else MNIST
        sources = {"source": f"{folder}?part=train", "test": f"{folder}?part=test"}
        layers, sizes = [784, 32, 10], {"examples": 600, "test_examples": 500}
    document = {
        "title": "fidelity",
        "seeds": [seed],
        "trainers": N,
        "rounds": ROUNDS,
        "rule": rule,
        "evaluate_every": ROUNDS,
        "data": {**sources, **sizes, **plan},
        "model": {"name": "mlp", "layers": layers},
        "training": [
            {
                "first_round": 0,
                "epochs": 2,
                "batch_size": 20,
                "learning_rate": 0.1,
                "momentum": 0.0,
                "weight_decay": 0.0,
            }
        ],
        # Nobody is removed: a trainer that has been could not be scored.
        "market": {"byzantine_bps": 2_000, "max_strikes": ROUNDS + 1},
    }
    return next(build_experiment(document).scenarios())


# Scores


def score_project(engine: Engine, test: Dataset) -> dict[str, Tally]:
    """Plays a project and scores its trainers in every way."""
    rng = np.random.default_rng(engine.scenario.seed)
    names = (
        "pay",
        "exact, loss",
        "exact, accuracy",
        "GTG, loss",
        "GTG, accuracy",
        "LOO, loss",
        "LOO, accuracy",
        "CGSV",
    )
    tallies = {name: Tally(np.zeros(N)) for name in names}
    grams = []
    for played in engine.play():
        gram = played.weighing.gram.astype(np.float64)
        grams.append(gram)
        tallies["pay"].add(np.array(played.shares, dtype=np.float64), 0, _time_weighing(engine, played))
        updates = dequantise(played.updates, engine.spec.quantisation.scale)
        start = time.process_time()
        worths = evaluate_coalitions(engine.scenario.model, played.parameters, updates, test)
        each = (time.process_time() - start) / (1 << N)
        for kind, table in (("loss", worths.loss), ("accuracy", worths.accuracy)):
            tallies[f"exact, {kind}"].add(compute_shapley(table), (1 << N) - 1, each * (1 << N))
            for name, compute in (("GTG", lambda game: compute_gtg_shapley(game, rng)), ("LOO", compute_leave_one_out)):
                game = Game(N, lambda coalition, table=table: float(table[coalition]))  # type: ignore[misc]
                start = time.process_time()
                values = compute(game)
                seconds = time.process_time() - start + each * game.evaluations
                tallies[f"{name}, {kind}"].add(values, game.evaluations, seconds)
    start = time.process_time()
    tallies["CGSV"].add(compute_cgsv(grams), 0, time.process_time() - start)
    return tallies


def _time_weighing(engine: Engine, played: PlayedRound) -> float:
    """Seconds for what the score needs beyond training: the Gram matrix and the rule."""
    start = time.process_time()
    engine.rule.weigh(compute_gram(played.updates), played.weighing.f, played.updates.shape[1])
    return time.process_time() - start


def measure(data: str, quality: str, rule: str, seed: int, mnist: Path | None) -> list[Fidelity]:
    """One project, and how every score agrees with the exact values."""
    change, plan = QUALITIES[quality]
    scenario = build_scenario(data, rule, seed, plan, mnist)
    holdings, worth = change(deal_data(scenario))
    tallies = score_project(Engine(scenario, holdings), holdings.test)
    loss, accuracy = tallies["exact, loss"].values, tallies["exact, accuracy"].values
    return [
        Fidelity(
            data=data,
            quality=quality,
            rule=rule,
            seed=seed,
            score=name,
            pearson_loss=_correlate(pearsonr, tally.values, loss),
            spearman_loss=_correlate(spearmanr, tally.values, loss),
            pearson_accuracy=_correlate(pearsonr, tally.values, accuracy),
            spearman_accuracy=_correlate(spearmanr, tally.values, accuracy),
            spearman_quality=_correlate(spearmanr, tally.values, worth),
            evaluations=tally.evaluations,
            seconds=round(tally.seconds, 4),
        )
        for name, tally in tallies.items()
    ]


def measure_all(mnist: Path | None, known: set[tuple[str, str, str, int]]) -> Iterator[list[Fidelity]]:
    """Every project that is not known yet: digits, and MNIST if there is a folder."""
    sources = ("digits", "mnist") if mnist else ("digits",)
    wanted = [
        *(
            (data, quality, rule, seed)
            for seed in SEEDS
            for data in sources
            for quality in QUALITIES
            for rule in RULES[data]
        ),
        *((data, "label noise", DEFAULT_RULE.name, seed) for seed in MORE_SEEDS for data in sources),
    ]
    for project in wanted:
        if project not in known:
            yield measure(*project, mnist)


def _correlate(measure_of: Callable[[Scores, Scores], Any], a: Scores, b: Scores) -> float:
    """A correlation; 0 if one side does not vary at all, as the pay of a project in which nobody was paid."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return round(float(measure_of(a, b).statistic), 4)
