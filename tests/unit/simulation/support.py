"""Small scenarios on the bundled digits."""

from typing import Any

from simulation.experiment import Experiment, Scenario, build_experiment

DOCUMENT: dict[str, Any] = {
    "title": "Digits",
    "seeds": [1],
    "trainers": 7,
    "dishonest": 2,
    "rounds": 3,
    "data": {
        "source": "digits:?holdout=0.2&use=train",
        "test": "digits:?holdout=0.2&use=holdout",
        "examples": 60,
    },
    "model": {"name": "mlp", "layers": [64, 16, 10]},
    "training": [
        {
            "first_round": 0,
            "epochs": 1,
            "batch_size": 16,
            "learning_rate": 0.1,
            "momentum": 0.9,
            "weight_decay": 0.0,
        }
    ],
}


def make_experiment(**changes: Any) -> Experiment:
    """The document with changed fields; those of `data` are merged."""
    data = DOCUMENT["data"] | changes.pop("data", {})
    return build_experiment(DOCUMENT | {"data": data} | changes)


def make_scenario(**changes: Any) -> Scenario:
    """The first scenario of such an experiment."""
    return next(make_experiment(**changes).scenarios())
