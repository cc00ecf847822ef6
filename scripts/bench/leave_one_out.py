"""Leave-one-out: what would be missing without a player."""

import numpy as np
from numpy.typing import NDArray

from scripts.bench.game import Game


def compute_leave_one_out(game: Game) -> NDArray[np.float64]:
    """`v(N) − v(N∖{i})`, shape `(n,)`, by `n + 1` evaluations. Two copies hide each other."""
    everyone = game(game.everyone)
    return np.array([everyone - game(game.everyone ^ 1 << player) for player in range(game.n)])
