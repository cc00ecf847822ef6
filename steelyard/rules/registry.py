"""Rules by name. A rule is a chain: pre-aggregators turn the Gram matrix into another, a selector ends it with weights.

Only functions of the Gram matrix can be rules. Coordinate-wise median and trimmed mean are not, and neither is anything
that reads validation data.

>>> import numpy as np
>>> weighing = get_rule("clip-nnm-multi-krum").weigh(np.array([[9, 8, 8], [8, 9, 8], [8, 8, 9]]), f=0, d=1000)
>>> [weight / weighing.normaliser for weight in weighing.weights] == [1/3, 1/3, 1/3]
True
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Final

from numpy.typing import ArrayLike

from steelyard.constants import ONE
from steelyard.errors import SpecError, TooFewUpdatesError
from steelyard.rules.clip import clip_to_median
from steelyard.rules.contribution import compute_merits, has_quorum
from steelyard.rules.matrix import check_gram
from steelyard.rules.mixing import mix_nearest_neighbours
from steelyard.rules.selection import select_everyone, select_multi_krum
from steelyard.rules.weighing import Mixing, Selection, Weighing
from steelyard.types import Gram


@dataclass(frozen=True, slots=True)
class Rule:
    """A weighing rule.

    Attributes:
      name: as in project specifications, evidence bundles and the contract's `name()`.
      pre_aggregators: each maps `(G, f)` to a mixing of the rows.
      selector: maps the last `(G, f)` to the accepted rows.
    """

    name: str
    pre_aggregators: tuple[Callable[[Gram, int], Mixing], ...]
    selector: Callable[[Gram, int], Selection]

    def weigh(self, gram: ArrayLike, f: int, d: int) -> Weighing:
        """Weighs the rows of a Gram matrix; equal to the contract of the same name, to the last bit.

        Args:
          gram: shape `(n, n)`, symmetric, integers in the range of an int64.
          f: how many rows may be dishonest; `n ≥ 2f + 3`.
          d: number of coordinates of a row, below 2^32.

        Raises:
          TooFewUpdatesError: `n < 2f + 3`.
          MalformedUpdateError: a negative squared norm.
          TypeError, ValueError: not a symmetric matrix of integers, or `f` or `d` out of range.
        """
        original = check_gram(gram)
        n = len(original)
        if f < 0 or not 0 < d < 2**32:
            raise ValueError(f"f = {f} or d = {d} is out of range")
        if n < 2 * f + 3:
            raise TooFewUpdatesError(n, f)

        mixings: tuple[Mixing, ...] = ()
        mixed = original
        for pre_aggregate in self.pre_aggregators:
            mixing = pre_aggregate(mixed, f)
            mixed = mixing.mix(mixed)
            mixings += (mixing,)
        selection = self.selector(mixed, f)

        weights = tuple(ONE if row in selection.selected else 0 for row in range(n))
        for mixing in reversed(mixings):
            weights = mixing.pull_back(weights)
        normaliser = ONE * len(selection.selected) * prod(mixing.row_sum for mixing in mixings)

        merits = compute_merits(original, weights, d)
        if has_quorum(merits, f):
            contributions = tuple(merit.value for merit in merits)
            opposed = tuple(i for i, merit in enumerate(merits) if weights[i] == 0 and merit.agreement < 0)
        else:
            contributions = (0,) * n
            opposed = ()
        return Weighing(
            rule=self.name,
            gram=original,
            f=f,
            d=d,
            mixings=mixings,
            selection=selection,
            weights=weights,
            normaliser=normaliser,
            merits=merits,
            contributions=contributions,
            opposed=opposed,
        )


DEFAULT_RULE: Final = Rule("clip-nnm-multi-krum", (clip_to_median, mix_nearest_neighbours), select_multi_krum)
MULTI_KRUM: Final = Rule("multi-krum", (), select_multi_krum)
MEAN: Final = Rule("mean", (), select_everyone)

RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.name: rule for rule in (DEFAULT_RULE, MULTI_KRUM, MEAN)})
"""Every rule that this version knows."""


def get_rule(name: str) -> Rule:
    """The rule of that name.

    Raises:
      SpecError: there is none.
    """
    try:
        return RULES[name]
    except KeyError:
        raise SpecError(f"unknown rule {name!r}, known are {', '.join(RULES)}") from None
