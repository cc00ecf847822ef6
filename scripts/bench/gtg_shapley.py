"""GTG-Shapley: the Shapley value by permutations that are guided, truncated within and between rounds, and memoised."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.bench.game import Coalition, Game


@dataclass(frozen=True, slots=True)
class GtgSettings:
    """When to stop. The defaults are those of the authors' program.

    Attributes:
      round_threshold: a round that moved the worth by no more than this is skipped: every value is 0.
      within_threshold: a permutation ends where the rest could change the worth by less than this.
      min_permutations: how many are walked at least, and then one more.
      window: how many of the last running means must agree.
      tolerance: how far they may differ from the newest, relative to it, on average over the players.
      max_permutations: where it ends even without agreement.
    """

    round_threshold: float = 0.01
    within_threshold: float = 0.001
    min_permutations: int = 30
    window: int = 10
    tolerance: float = 0.05
    max_permutations: int = 10_000


def compute_gtg_shapley(
    game: Game, rng: np.random.Generator, settings: GtgSettings | None = None
) -> NDArray[np.float64]:
    """An estimate of the Shapley value, shape `(n,)`; `game.evaluations` tells at what cost.

    References:
      Z. Liu, Y. Chen, H. Yu, Y. Liu, L. Cui, `GTG-Shapley: Efficient and Accurate Participant Contribution Evaluation
      in Federated Learning <https://arxiv.org/abs/2109.02053>`_, ACM TIST 2022, algorithm 1. Deviation from their
      program: a worth that was truncated is not remembered as if it had been evaluated.
    """
    settings = settings or GtgSettings()
    before, after = game(0), game(game.everyone)
    if abs(after - before) <= settings.round_threshold:
        return np.zeros(game.n)

    total = np.zeros(game.n)
    means: list[NDArray[np.float64]] = []
    while len(means) < settings.max_permutations:
        for first in range(game.n):  # guided: each player leads as often as any other
            rest = rng.permutation([player for player in range(game.n) if player != first]).tolist()
            total += _walk(game, (first, *rest), settings.within_threshold)
            means.append(total / (len(means) + 1))
            if _have_converged(means, settings):
                return means[-1]
    return means[-1]


def _walk(game: Game, order: Iterable[int], threshold: float) -> NDArray[np.float64]:
    """The marginal worths along one order, 0 from where it is truncated."""
    after, worth = game(game.everyone), game(0)
    marginals = np.zeros(game.n)
    coalition: Coalition = 0
    for player in order:
        coalition |= 1 << player
        if abs(after - worth) < threshold:
            continue
        marginals[player] = game(coalition) - worth
        worth += marginals[player]
    return marginals


def _have_converged(means: list[NDArray[np.float64]], settings: GtgSettings) -> bool:
    if len(means) <= max(settings.min_permutations, settings.window):
        return False
    newest = means[-1]
    differences = np.abs(np.array(means[-settings.window - 1 : -1]) - newest) / (np.abs(newest) + 1e-12)
    return bool(differences.mean(axis=1).max() <= settings.tolerance)
