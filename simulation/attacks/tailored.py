"""Rule-tailored: as strong against this very rule as a line search can make it."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulation.attacks.base import CraftedAttack, Knowledge, Updates, View

_WEAKEST: Final = 0.05
_STRONGEST: Final = 20.0


class RuleTailored(CraftedAttack):
    """`μ − λ·p` from every attacker, with the `λ` that moves the rule's outcome farthest: `max_λ ‖A(λ) − μ‖`.

    Each strength that is tried is weighed by the project's own rule. Half of the trials are spread evenly in the
    logarithm, half close in on the best one. `p` is the mean (`mean`), or the standard deviation or the mean's sign,
    made as long as the mean. Attackers that know only themselves suppose honest updates with the mean and the
    covariance of their own.

    References:
      Fang et al., `Local Model Poisoning Attacks to Byzantine-Robust Federated Learning
      <https://arxiv.org/abs/1911.11815>`_, USENIX Security 2020; the objective and the search in one dimension are
      those of Allouah et al., `Fixing by Mixing <https://arxiv.org/abs/2302.01772>`_, AISTATS 2023, section 5.
    """

    name: Literal["tailored"]
    perturbation: Literal["mean", "std", "sign"] = "mean"
    trials: Annotated[int, Field(ge=4, le=200)] = 16

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        honest = view.honest if view.knowledge is Knowledge.OMNISCIENT else suppose_honest(view, rng)
        mean, direction = view.mean, self.get_direction(view)

        def measure(strength: float) -> float:
            moved = view.aggregate(view.repeat(mean - strength * direction), honest)
            return float(np.linalg.norm(moved - mean))

        return view.repeat(mean - maximise(measure, self.trials) * direction)

    def get_direction(self, view: View) -> NDArray[np.float64]:
        """`p`, shape `(d,)`."""
        if self.perturbation == "mean":
            return view.mean
        direction = view.std if self.perturbation == "std" else view.sign
        norm, length = float(np.linalg.norm(direction)), float(np.linalg.norm(view.mean))
        return direction * (length / norm) if norm else direction


def suppose_honest(view: View, rng: np.random.Generator) -> Updates:
    """Updates of as many honest trainers as there are, with the attackers' own mean and covariance."""
    centred = view.own - view.own.mean(axis=0)
    mixture = rng.normal(size=(view.n - view.k, view.k)) / np.sqrt(max(1, view.k - 1))
    supposed: Updates = view.own.mean(axis=0) + mixture @ centred
    return supposed


def maximise(measure: Callable[[float], float], trials: int) -> float:
    """The best of so many strengths between the weakest and the strongest."""
    coarse = np.geomspace(_WEAKEST, _STRONGEST, trials - trials // 2)
    tried = {float(strength): measure(float(strength)) for strength in coarse}
    for _ in range(trials // 2):
        order = sorted(tried)
        best = max(order, key=lambda strength: tried[strength])
        place = order.index(best)
        # Into the wider of the two gaps beside the best one.
        below = order[place - 1] if place else best
        above = order[place + 1] if place + 1 < len(order) else best
        strength = float(np.sqrt(best * (below if best / below > above / best else above)))
        tried[strength] = measure(strength)
    return max(tried, key=lambda strength: tried[strength])
