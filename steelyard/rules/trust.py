"""FLTrust: rows are trusted as far as they point the way of an update that the project's owner computed itself."""

from math import isqrt
from typing import Final

from steelyard.constants import ONE
from steelyard.rules.matrix import Matrix
from steelyard.rules.selection import Graded

MAX_WEIGHT: Final = ONE << 4
"""No row weighs more than sixteen rows of the root's length that are trusted entirely."""


def weigh_by_trust(gram: Matrix, f: int) -> Graded:
    r"""Weighs rows by their cosine with the last row, the root, and brings them to its length.

    Trust is `ReLU(cos(u_i, g))`, and a row enters as `trust_i · u_i · ‖g‖ / ‖u_i‖`: its factor is
    `⟨u_i, g⟩ / ‖u_i‖²`, which takes no square root. Trust itself is only needed for its sum, the normaliser.

    Args:
      gram: shape `(n + 1, n + 1)`, the root last.
      f: unused, trust needs no count of the dishonest.

    References:
      docs/rules.md, "FLTrust". Cao et al., `FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping
      <https://arxiv.org/abs/2012.13995>`_, NDSS 2021. Deviations: a factor ends at 16, so that a row of nearly no
      length cannot grow beyond the range of the aggregate; zero rows, and everybody if the root is zero, have no trust;
      if nobody has any, the model stays.
    """
    del f
    root = len(gram) - 1
    weights, trust = [], []
    for row in range(root):
        inner, product = int(gram[row, root]), int(gram[row, row]) * int(gram[root, root])
        is_trusted = inner > 0 and product > 0
        weights.append(min((inner << 32) // int(gram[row, row]), MAX_WEIGHT) if is_trusted else 0)
        # Rounded up: then no row enters longer than its trust allows, and the step is no longer than the root.
        trust.append(1 + isqrt(-(-(inner * inner << 64) // product) - 1) if is_trusted else 0)
    return Graded(
        weights=(*weights, 0),
        normaliser=sum(trust) or ONE,
        measure="trust, its cosine with the root update if that is positive,",
        grades=(*trust, ONE if gram[root, root] else 0),
    )
