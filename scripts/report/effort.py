"""Pay against effort: what one trainer is paid as its labels or its amount of data get better, the others' fixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from scripts.report.fidelity import N, build_scenario
from simulation.engine import Engine

RULE: Final = "screen-clip-nnm-multi-krum"
SEEDS: Final = (1, 2, 3)
NOISES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
SIZES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
OTHERS_NOISE: Final = 0.2
EXAMPLES: Final[Mapping[str, int]] = MappingProxyType({"digits": 60, "mnist": 300})
"""What everybody else has where the size varies."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What the first trainer of a project was paid.

    Attributes:
      data: `digits` or `mnist`.
      effort: what it varies: `label noise`, or `data size` as a multiple of everybody else's.
      value: how much.
      seed: of the run.
      pay: in fair shares.
    """

    data: str
    effort: str
    value: float
    seed: int
    pay: float


PLANS: Final[Mapping[str, Sequence[float]]] = MappingProxyType({"label noise": NOISES, "data size": SIZES})


def measure_effort(mnist: Path | None) -> list[Effort]:
    """Every point of the curves."""
    return [
        measure(data, effort, value, seed, mnist)
        for data in (("digits", "mnist") if mnist else ("digits",))
        for effort, values in PLANS.items()
        for value in values
        for seed in SEEDS
    ]


def measure(data: str, effort: str, value: float, seed: int, mnist: Path | None) -> Effort:
    """One project of honest trainers, of which the first differs."""
    if effort == "label noise":
        plan: dict[str, Any] = {"label_noise": [value] + [OTHERS_NOISE] * (N - 1)}
    else:
        # The others keep what they have: sizes are relative, and `examples` is the average.
        plan = {"sizes": [value] + [1.0] * (N - 1), "examples": round(EXAMPLES[data] * (value + N - 1) / N)}
    engine = Engine(build_scenario(data, RULE, seed, plan, mnist))
    *_, last = engine.play()
    pay = last.market.members[0].pay / engine.scenario.market.budget
    return Effort(data, effort, value, seed, round(pay * N, 4))
