"""A cooperative game whose coalitions are evaluated at most once each, and counted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Coalition: TypeAlias = int
"""Bit `i` is set if player `i` is in."""


@dataclass(slots=True)
class Game:
    """`n` players and the worth of each coalition.

    Attributes:
      n: number of players.
      value: the worth of a coalition; expensive, as a rule.
      known: the worths asked for so far.
    """

    n: int
    value: Callable[[Coalition], float]
    known: dict[Coalition, float] = field(default_factory=dict)

    def __call__(self, coalition: Coalition) -> float:
        """The worth of a coalition, evaluated only if it is not known."""
        if coalition not in self.known:
            self.known[coalition] = self.value(coalition)
        return self.known[coalition]

    @property
    def everyone(self) -> Coalition:
        """The grand coalition."""
        return (1 << self.n) - 1

    @property
    def evaluations(self) -> int:
        """How many coalitions of at least one player were evaluated: models that had to be built and tested.

        The empty coalition is the model before the round, whose worth everybody knows.
        """
        return len(self.known) - (0 in self.known)


def tabulate(game: Game) -> NDArray[np.float64]:
    """The worth of every coalition, shape `(2^n,)`, at the index that is its mask."""
    return np.array([game(coalition) for coalition in range(1 << game.n)])
