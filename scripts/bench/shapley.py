"""The exact Shapley value, by all `2^n` coalitions."""

from math import comb

import numpy as np
from numpy.typing import NDArray


def compute_shapley(worths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each player's mean marginal worth over all orders of joining, shape `(n,)`.

    Args:
      worths: shape `(2^n,)`, the worth of each coalition at the index that is its mask.

    References:
      L. S. Shapley, "A Value for n-Person Games", 1953: `φ_i = Σ_{S∌i} |S|!·(n−|S|−1)!/n! · (v(S∪{i}) − v(S))`.

    >>> compute_shapley(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
    [2.0, 3.0]
    """
    n = (len(worths) - 1).bit_length()
    if len(worths) != 1 << n:
        raise ValueError(f"{len(worths)} worths are not one for each coalition of some players")
    masks = np.arange(1 << n)
    chances = np.array([1 / (n * comb(n - 1, size)) for size in range(n)])
    values = []
    for player in range(n):
        without = masks[(masks >> player) & 1 == 0]
        values.append(chances[np.bitwise_count(without)] @ (worths[without | 1 << player] - worths[without]))
    return np.array(values)
