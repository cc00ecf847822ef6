"""FoolsGold: rows whose histories are alike are taken for Sybils of one another."""

from typing import Final

import numpy as np

from steelyard.constants import ONE
from steelyard.rules.cosines import compute_likeness
from steelyard.rules.fixed_point import Fixed
from steelyard.rules.matrix import Matrix
from steelyard.rules.selection import Graded

_UNIT: Final = 1 << 30
"""One, in the Q30 of cosines."""

_LN2: Final = 2_977_044_471
"""`⌊2^32·ln 2⌋`"""


def weigh_by_dissimilarity(gram: Matrix, f: int) -> Graded:
    """Weighs rows by how much their history differs from the history that is most like it.

    Args:
      gram: shape `(n, n)`, of the rows' histories: the sums of each trainer's updates over all rounds.
      f: unused, any number of Sybils may be there; one attacker alone is not a Sybil, and is not found.

    References:
      docs/rules.md, "FoolsGold". Fung, Yoon, Beschastnikh, `The Limitations of Federated Learning in Sybil Settings
      <https://www.usenix.org/conference/raid2020/presentation/fung>`_, RAID 2020, with pardoning, confidence 1 and
      all features. Deviations: opposite histories count as unlike, not as less than unlike; the weighted
      sum is divided by the sum of the weights; if all histories are one, nobody has any weight.
    """
    del f
    alike = compute_likeness(gram)
    alike[np.asarray(gram <= 0, dtype=bool)] = 0
    np.fill_diagonal(alike, 0)
    closest = alike.max(axis=1)
    # Pardon: a row that is less like anybody than the other is like somebody is not the Sybil of the two.
    is_pardoned = closest[:, None] < closest[None, :]
    pardoned = np.where(is_pardoned, alike * closest[:, None] // np.maximum(closest[None, :], 1), alike)
    likeness = pardoned.max(axis=1)
    weights = _sharpen(_UNIT - likeness)
    return Graded(
        weights=weights,
        normaliser=sum(weights) or ONE,
        measure="likeness to the history that is most like its own, after pardoning,",
        grades=tuple((likeness << 2).tolist()),
    )


def _sharpen(unlikeness: Fixed) -> tuple[int, ...]:
    """`ln(a / (1 − a)) + 1/2` within 0 and 1, with `a` the unlikeness in parts of the greatest, in Q32."""
    greatest = int(unlikeness.max())
    if greatest == 0:
        return (0,) * len(unlikeness)
    parts = ((unlikeness << 30) // greatest).tolist()
    return tuple(ONE if part == _UNIT else _clip_logit((part << 32) // (_UNIT - part)) for part in parts)


def _clip_logit(odds: int) -> int:
    """`ln(odds) + 1/2` within 0 and 1; odds and result in Q32. Beyond a factor of two it is 0 or 1 anyway."""
    if odds <= ONE // 2:
        return 0
    if odds >= 2 * ONE:
        return ONE
    return min(max((compute_log2(odds) * _LN2 >> 32) + ONE // 2, 0), ONE)


def compute_log2(value: int) -> int:
    """`log2(value)` in Q32, rounded down bit by bit, for a value in Q32 from one half up to two.

    >>> compute_log2(2**32), compute_log2(2**31) == -(2**32)
    (0, True)
    """
    logarithm = 0 if value >= ONE else -ONE
    mantissa = value if value >= ONE else 2 * value
    for bit in range(31, -1, -1):
        mantissa = mantissa * mantissa >> 32
        if mantissa >= 2 * ONE:
            mantissa >>= 1
            logarithm += 1 << bit
    return logarithm
