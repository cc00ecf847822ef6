"""Fast training takes the very steps of the trainer's own function, up to rounding."""

from typing import Any

import numpy as np
import pytest

from simulation.cohort import ExactCohort
from simulation.convolutions import ConvolutionCohort
from simulation.data import deal_data
from simulation.engine import Engine, Identities, build_cohort, build_spec
from simulation.perceptrons import PerceptronCohort
from steelyard.models.initial import compute_initial_parameters
from steelyard.types import ParameterVector
from tests.unit.simulation.support import DOCUMENT, make_scenario
from trainer_client.data import build_dataset
from trainer_client.training import train_locally

PHASE = DOCUMENT["training"][0]
CNN = {"name": "cnn", "height": 8, "width": 8, "channels": [4, 6], "classes": 10}


def train_both(parameters: ParameterVector | None = None, **changes: Any) -> tuple[Any, Any]:
    scenario = make_scenario(**changes)
    holdings = deal_data(scenario)
    spec = build_spec(scenario, holdings)
    seed_of = Identities.invent(scenario.seed, scenario.trainers).seed_of
    start = compute_initial_parameters(scenario.model, 1) if parameters is None else parameters
    trainers = [6, 0, 3, 4]
    found = []
    for name in ("fast", "exact"):
        cohort = build_cohort(name, spec, holdings.trainers, seed_of)
        assert isinstance(cohort, ExactCohort if name == "exact" else PerceptronCohort | ConvolutionCohort)
        found.append(cohort.train(0, start, trainers))
    return found[0], found[1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data": {"sizes": [1.0, 3.0, 0.2]}},
        {"training": [PHASE | {"epochs": 3, "batch_size": 7, "weight_decay": 0.01}]},
        {"training": [PHASE | {"momentum": 0.0, "batch_size": 500}]},
        {"model": {"name": "logistic", "inputs": 64, "classes": 10}},
        {"model": {"name": "mlp", "layers": [64, 12, 9, 10]}},
        {"model": CNN},
        {"model": CNN, "training": [PHASE | {"epochs": 3, "batch_size": 7, "weight_decay": 0.01}]},
    ],
)
def test_fast_training_equals_exact_training(changes: dict[str, Any]) -> None:
    fast, exact = train_both(**changes)
    assert np.abs(exact).max(axis=1).min() > 0.002
    np.testing.assert_allclose(fast, exact, atol=2e-5)


def test_exact_training_is_the_trainers_own_to_the_bit() -> None:
    scenario = make_scenario(cohort="exact")
    engine = Engine(scenario)
    start = compute_initial_parameters(scenario.model, 1)
    cohort = ExactCohort(engine.spec, engine.holdings.trainers, engine.identities.seed_of)
    updates = cohort.train(1, start, [2, 5])
    for row, trainer in enumerate((2, 5)):
        seed = engine.identities.seed_of(1, trainer)
        local = train_locally(engine.spec, 1, start, engine.holdings.trainers[trainer], seed, threads=1)
        assert (updates[row] == local.delta).all()


@pytest.mark.parametrize("name", ["fast", "exact"])
def test_training_that_diverges_is_a_row_of_nan(name: str) -> None:
    scenario = make_scenario(training=[PHASE | {"learning_rate": 50.0, "epochs": 30}], dishonest=0)
    holdings = deal_data(scenario)
    spec = build_spec(scenario, holdings)
    datasets = [build_dataset(data.features * 1e18, data.labels, 10) for data in holdings.trainers[:2]]
    cohort = build_cohort(name, spec, datasets, Identities.invent(1, 2).seed_of)
    updates = cohort.train(0, compute_initial_parameters(scenario.model, 1), [0, 1])
    assert np.isnan(updates).any(axis=1).all()
