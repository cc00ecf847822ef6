"""Plays the projects that the plans ask for, each at most once, and keeps what came out."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from scripts.report.outcome import Outcome
from simulation.engine import Engine, PlayedRound
from simulation.experiment import Experiment, Scenario, load_experiment
from steelyard.errors import MalformedUpdateError
from trainer_client.training import evaluate

PLANS: Final = Path(__file__).parent / "plans"
MNIST: Final = "idx:MNIST"
"""What plans write for the folder of MNIST, which is nobody's but the caller's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment file.

    Attributes:
      name: of the file.
      experiment: what it asks for.
      core: whether it is played without `--full`.
    """

    name: str
    experiment: Experiment
    core: bool

    @property
    def needs_mnist(self) -> bool:
        """Whether its data are MNIST."""
        return str(self.experiment.base["data"]["source"]).startswith(MNIST)


def load_plans(folder: Path = PLANS) -> Mapping[str, Plan]:
    """Every plan by name, core plans first. A file whose name begins with `full-` is no core plan."""
    files = sorted(folder.glob("*.toml"), key=lambda path: (path.stem.startswith("full-"), path.stem))
    return {path.stem: Plan(path.stem, load_experiment(path), not path.stem.startswith("full-")) for path in files}


class Cache:
    """Outcomes as JSON lines, written as they come, so that nothing is lost if the machine stops."""

    def __init__(self, path: Path, known: Iterable[Outcome] = ()) -> None:
        """Reads a file, if there is one, beside what is known anyway: the outcomes of the committed CSV file."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        # The last line may have been cut off.
        self.outcomes = [Outcome(**json.loads(line)) for line in lines if line.endswith("}")]
        self._keys = {(outcome.plan, outcome.key) for outcome in (*known, *self.outcomes)}

    def has(self, plan: str, key: str) -> bool:
        """Whether that run is known."""
        return (plan, key) in self._keys

    def add(self, outcome: Outcome) -> None:
        """Keeps an outcome."""
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")
        self.outcomes.append(outcome)
        self._keys.add((outcome.plan, outcome.key))


def play_plan(plan: Plan, cache: Cache, mnist: Path | None) -> Iterator[Outcome]:
    """Plays what is not known yet of a plan, seed by seed, so that a run that is stopped has whole seeds."""
    for scenario in sorted(plan.experiment.scenarios(), key=lambda scenario: scenario.seed):
        key = compute_key(scenario)
        if not cache.has(plan.name, key):
            outcome = play_scenario(plan.name, key, locate_data(scenario, mnist))
            cache.add(outcome)
            yield outcome


def compute_key(scenario: Scenario) -> str:
    """An identifier of a run, by the fields that its plan sets: new fields with defaults leave it as it is."""
    return hashlib.sha256(scenario.model_dump_json(exclude_unset=True).encode()).hexdigest()[:16]


def play_scenario(plan: str, key: str, scenario: Scenario) -> Outcome:
    """Plays one project from beginning to end, or until nobody is left whose updates could be attacked.

    That happens where a rule strikes honest trainers until all of them are removed: the project is the attackers'.
    """
    start = time.process_time()
    engine = Engine(scenario)
    rounds: list[PlayedRound] = []
    try:
        rounds.extend(engine.play())
    except MalformedUpdateError:
        if all(member.active for member in engine.market.members[scenario.dishonest :]):
            raise
    last = rounds[-1].evaluation or evaluate(scenario.model, engine.parameters, engine.holdings.test, threads=1)
    return Outcome.make(plan, key, scenario, rounds, last.accuracy, time.process_time() - start)


def locate_data(scenario: Scenario, mnist: Path | None) -> Scenario:
    """The scenario with the folder in its place. The key of a run is that of the scenario without it."""
    if mnist is None:
        return scenario
    data = scenario.data
    places = {"source": data.source.replace(MNIST, f"idx:{mnist}"), "test": data.test.replace(MNIST, f"idx:{mnist}")}
    return scenario.model_copy(update={"data": data.model_copy(update=places)})
