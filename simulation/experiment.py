"""An experiment as one TOML file, and the scenarios that it stands for.

```toml
title = "IPM in three strengths, with and without heterogeneity"
seeds = [1, 2, 3]
trainers = 20
dishonest = 6
rounds = 15

[data]
source = "digits:?holdout=0.2&use=train"
test = "digits:?holdout=0.2&use=holdout"

[model]
name = "mlp"
layers = [64, 32, 10]

[[training]]
first_round = 0
epochs = 1
batch_size = 16
learning_rate = 0.1
momentum = 0.0
weight_decay = 0.0

[attack]
name = "ipm"

[sweep]
"attack.epsilon" = [0.1, 0.5, 2.0]
"data.split" = [{ name = "iid" }, { name = "dirichlet", alpha = 0.3 }]
```

Every field of a scenario can be swept by its path; one run is made for each combination and seed.
"""

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from simulation.attacks import AnyAttack, Knowledge
from simulation.attacks.none import NoAttack
from simulation.split import AnySplit, IidSplit
from steelyard.errors import ConfigError
from steelyard.rules.market import Terms
from steelyard.rules.registry import DEFAULT_RULE, get_rule
from steelyard.spec import ModelSpec, QuantisationSpec, TrainingPhase
from steelyard.spec.strict import StrictModel, validate_json

MAX_FILE_BYTES: Final = 1_000_000
MAX_RUNS: Final = 1_000_000

Count = Annotated[int, Field(ge=0)]
Bps = Annotated[int, Field(ge=0, le=10_000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class FeatureShift(StrictModel):
    """How the features of trainers differ, `strength` apart from the first trainer to the last."""

    name: Literal["brightness", "rotation", "pattern"]
    strength: Annotated[float, Field(gt=0)]
    """`brightness`: from minus to plus this much of the range; `rotation`: from minus to plus so many degrees;
    `pattern`: a random pattern of each trainer's own, of this standard deviation."""


class DataPlan(StrictModel):
    """Which data, and who gets what of them. Lists run over the trainers and are repeated."""

    source: str
    """Where the training data come from (`trainer_client.data.source`)."""
    test: str
    """Held-out data for accuracy."""
    split: AnySplit = IidSplit()
    examples: Annotated[int, Field(ge=1)] | None = None
    """A trainer's examples on average; all that there are if not given."""
    test_examples: Annotated[int, Field(ge=1)] | None = None
    sizes: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (1.0,)
    """Relative sizes."""
    label_noise: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.0,)
    """Fractions of labels that are wrong."""
    shift: FeatureShift | None = None
    root_examples: Count = 0
    """What the owner keeps for a root update, from the same source, disjoint from everybody's."""


class MarketPlan(StrictModel):
    """What the contract enforces; names as in an owner's project file."""

    budget: Annotated[int, Field(ge=1, lt=2**128)] = 1_000_000_000_000
    min_trainers: Annotated[int, Field(ge=3)] = 3
    min_stake: Count = 1_000_000_000
    byzantine_bps: Annotated[int, Field(ge=0, le=5_000)] = 3_000
    aggregator_fee_bps: Bps = 0
    slash_bps: Bps = 5_000
    max_strikes: Annotated[int, Field(ge=1)] = 3
    max_absences: Annotated[int, Field(ge=1)] = 3


class Scenario(StrictModel):
    """One project, played once."""

    seed: Seed
    trainers: Annotated[int, Field(ge=3, le=180)]
    """A chain takes 32; beyond 180 the aggregate's exact sums would not fit."""
    dishonest: Count = 0
    """How many of them attack: the first ones, which ties favour."""
    attack: AnyAttack = NoAttack()
    knowledge: Literal["own", "omniscient"] = "own"
    data: DataPlan
    model: ModelSpec
    training: Annotated[tuple[TrainingPhase, ...], Field(min_length=1, max_length=64)]
    quantisation: QuantisationSpec = QuantisationSpec(scale=8192, l2_norm_clip=4.0)
    rounds: Annotated[int, Field(ge=1, le=65_535)]
    rule: str = DEFAULT_RULE.name
    worker_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """`β` of `m ← β·m + (1 − β)·Δ`, which a trainer sends instead of `Δ`; 0 sends `Δ`."""
    market: MarketPlan = MarketPlan()
    initial_seed: Seed = 1
    evaluate_every: Annotated[int, Field(ge=1)] = 1
    """Rounds between two looks at the test data; the last round is always looked at."""
    cosines_of: Count = 1
    """The round whose updates' cosines are kept for a heat map."""
    cohort: Literal["fast", "exact"] = "fast"
    """`exact` trains as the trainer's program does, to the bit; `fast` takes the same steps, to rounding."""

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        get_rule(self.rule)
        if 2 * self.dishonest >= self.trainers:
            raise ValueError(f"{self.dishonest} of {self.trainers} trainers are no minority")
        return self

    @property
    def terms(self) -> Terms:
        """The contract's part."""
        return Terms(rounds=self.rounds, **self.market.model_dump())

    @property
    def known(self) -> Knowledge:
        """What attackers read."""
        return Knowledge(self.knowledge)

    def compute_key(self) -> str:
        """An identifier of the run: scenarios that differ in any field have different ones."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class Experiment(StrictModel):
    """Many scenarios in one file: what they share, what is swept, and the seeds."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    base: dict[str, Any]
    """The fields of a scenario without its seed."""

    @property
    def runs(self) -> int:
        """How many there are."""
        count = len(self.seeds)
        for values in self.sweep.values():
            count *= len(values)
        return count

    def scenarios(self) -> Iterator[Scenario]:
        """Every scenario, seeds running fastest.

        Raises:
          SpecError: a combination breaks the schema; the message has the path of each wrong field.
        """
        adapter: TypeAdapter[Scenario] = TypeAdapter(Scenario)
        for values in itertools.product(*self.sweep.values()):
            fields = deepcopy(self.base)
            for path, value in zip(self.sweep, values, strict=True):
                _set(fields, path, value)
            for seed in self.seeds:
                yield validate_json(adapter, json.dumps(fields | {"seed": seed}))


def build_experiment(document: Mapping[str, Any]) -> Experiment:
    """The experiment in a TOML document, with its first scenario checked.

    Raises:
      SpecError: a field is unknown, missing or wrong.
      ConfigError: there are too many runs.
    """
    own = {key: document[key] for key in ("title", "seeds", "sweep") if key in document}
    base = {key: value for key, value in document.items() if key not in own}
    experiment = validate_json(TypeAdapter(Experiment), json.dumps(own | {"base": base}, default=str))
    if experiment.runs > MAX_RUNS:
        raise ConfigError(f"{experiment.runs:,} runs are too many, the most is {MAX_RUNS:,}")
    next(experiment.scenarios())
    return experiment


def load_experiment(path: Path) -> Experiment:
    """Reads an experiment file.

    Raises:
      ConfigError: it cannot be read or is not TOML.
      SpecError: it breaks the schema; the message has the path of each wrong field.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_FILE_BYTES:
            raise ConfigError(f"{path} has {len(data):,} bytes, an experiment file has {MAX_FILE_BYTES:,} at most")
        document = tomllib.loads(data.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    return build_experiment(document)


def _set(fields: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"the sweep's path `{path}` runs through `{name}`, which is no table")
        fields = inner
    fields[last] = deepcopy(value)
