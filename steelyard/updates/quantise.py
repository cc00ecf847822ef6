"""Between a trainer's floating-point update and the integers that everybody agrees on.

Floats end here: from `quantise` on, through commitments, Gram matrix, weights and pay, all arithmetic is on integers.
"""

import math

import numpy as np
from numpy.typing import NDArray

from steelyard.constants import UPDATE_MAX, UPDATE_MIN
from steelyard.errors import NonFiniteUpdateError, ZeroUpdateError
from steelyard.types import UpdateVector


def clip_to_norm(delta: NDArray[np.floating], l2_norm_clip: float) -> NDArray[np.float64]:
    """Scales `delta` down to the L2 norm `l2_norm_clip` if it is longer, and leaves it alone if not.

    Args:
      delta: what local training changed, shape `(d,)`.
      l2_norm_clip: the project's bound, positive.

    Raises:
      NonFiniteUpdateError: an entry is NaN or infinite.
    """
    exact = delta.astype(np.float64)
    if not (finite := np.isfinite(exact)).all():
        raise NonFiniteUpdateError(int(np.count_nonzero(~finite)), exact.size, int(np.argmin(finite)))
    largest = float(np.abs(exact).max(initial=0.0))
    if largest == 0.0:
        return exact
    # Dividing by the largest entry first keeps the squares of huge or tiny entries inside float64.
    norm_in_largest = math.sqrt(float(np.square(exact / largest).sum()))
    if norm_in_largest <= l2_norm_clip / largest:
        return exact
    return exact / largest * (l2_norm_clip / norm_in_largest)


def quantise(delta: NDArray[np.floating], scale: int, l2_norm_clip: float) -> UpdateVector:
    """The integers that a trainer commits to.

    `u = clip(round(Δ · scale), −2^15, 2^15 − 1)`, after `Δ` is clipped to the L2 norm `l2_norm_clip`. Halves
    are rounded to the even neighbour (IEEE 754 `roundTiesToEven`).

    Args:
      delta: what local training changed, shape `(d,)`.
      scale: the project's quantisation scale, positive.
      l2_norm_clip: the project's bound on the L2 norm of `delta`, positive.

    Returns:
      `u`, shape `(d,)`, int16.

    Raises:
      NonFiniteUpdateError: an entry is NaN or infinite; carries the count and the first index.
      ZeroUpdateError: every entry rounds to zero, so there would be nothing to weigh.
    """
    clipped = clip_to_norm(delta, l2_norm_clip)
    update = np.clip(np.rint(clipped * scale), UPDATE_MIN, UPDATE_MAX).astype(np.int16)
    if not update.any():
        raise ZeroUpdateError(update.size, float(np.abs(clipped).max(initial=0.0)), scale)
    return update


def dequantise(update: UpdateVector, scale: int) -> NDArray[np.float64]:
    """What the integers stand for, `u / scale`: within `1 / (2 · scale)` of the update, where none was clipped."""
    return update.astype(np.float64) / float(scale)
