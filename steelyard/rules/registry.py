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

from steelyard.errors import SpecError, TooFewUpdatesError
from steelyard.rules.centred_clipping import weigh_by_centred_clipping
from steelyard.rules.clip import clip_to_median
from steelyard.rules.contribution import GENTLE, NO_MERIT, SHARP, CopyDiscount, compute_merits, has_quorum
from steelyard.rules.flag import weigh_by_flag
from steelyard.rules.foolsgold import weigh_by_dissimilarity
from steelyard.rules.geometric_median import weigh_by_geometric_median
from steelyard.rules.matrix import Matrix, check_gram
from steelyard.rules.mixing import mix_nearest_neighbours
from steelyard.rules.nearest import select_nearest_to_pivot
from steelyard.rules.screening import screen
from steelyard.rules.selection import select_everyone, select_multi_krum
from steelyard.rules.trust import weigh_by_trust
from steelyard.rules.weighing import Mixing, Selection, Weighing


@dataclass(frozen=True, slots=True)
class Rule:
    """A weighing rule.

    Attributes:
      name: as in project specifications, evidence bundles and the contract's `name()`.
      pre_aggregators: each maps `(G, f)` to a mixing of the rows.
      selector: maps the last `(G, f)` to the accepted rows and their weights.
      on_chain: whether a contract computes it too, so that projects may be created with it.
      rooted: whether the last row is the owner's root update, which guides the weights and has neither weight nor pay.
      historic: whether weights come from the Gram matrix of the rows' histories; pay always comes from the round's.
      screened: whether rows that pull against the others are left out before the chain begins.
      discount: what copies of a row cost.
    """

    name: str
    pre_aggregators: tuple[Callable[[Matrix, int], Mixing], ...]
    selector: Callable[[Matrix, int], Selection]
    on_chain: bool = False
    rooted: bool = False
    historic: bool = False
    screened: bool = False
    discount: CopyDiscount = SHARP

    def weigh(self, gram: ArrayLike, f: int, d: int, history: ArrayLike | None = None) -> Weighing:
        """Weighs the rows of a Gram matrix; equal to the contract of the same name, if there is one, to the last bit.

        Args:
          gram: shape `(n, n)`, or `(n + 1, n + 1)` for a rooted rule; symmetric, integers in the range of an int64.
          f: how many of the `n` trainers may be dishonest; `n ≥ 2f + 3`.
          d: number of coordinates of a row, below 2^32.
          history: for a historic rule, and for no other, the Gram matrix of the same rows' sums over all rounds.

        Raises:
          TooFewUpdatesError: `n < 2f + 3`.
          MalformedUpdateError: a negative squared norm.
          TypeError, ValueError: not a symmetric matrix of integers, a history missing or of another size, or `f` or
            `d` out of range.
        """
        original = check_gram(gram)
        rows = len(original)
        n = rows - self.rooted
        if f < 0 or not 0 < d < 2**32:
            raise ValueError(f"f = {f} or d = {d} is out of range")
        if n < 2 * f + 3:
            raise TooFewUpdatesError(n, f)
        past = self._check_history(history, rows)

        mixings: tuple[Mixing, ...] = ()
        mixed = original if past is None else past
        feared = f
        screening = screen(mixed, f) if self.screened else None
        if screening is not None:
            mixed = screening.keep(mixed)
            feared -= len(screening.removed)
        for pre_aggregate in self.pre_aggregators:
            mixing = pre_aggregate(mixed, feared)
            mixed = mixing.mix(mixed)
            mixings += (mixing,)
        selection = self.selector(mixed, feared)

        weights = selection.weights
        for mixing in reversed(mixings):
            weights = mixing.pull_back(weights)
        if screening is not None:
            weights = screening.pull_back(weights)
        normaliser = selection.normaliser * prod(mixing.row_sum for mixing in mixings)

        merits = compute_merits(original[:n, :n], weights[:n], d, self.discount)
        if has_quorum(merits, f):
            contributions = tuple(merit.value for merit in merits)
            opposed = tuple(i for i, merit in enumerate(merits) if weights[i] == 0 and merit.agreement < 0)
        else:
            contributions = (0,) * n
            opposed = ()
        return Weighing(
            rule=self.name,
            gram=original.astype(object),
            f=f,
            d=d,
            mixings=mixings,
            selection=selection,
            weights=weights,
            normaliser=normaliser,
            merits=merits + (NO_MERIT,) * self.rooted,
            contributions=contributions + (0,) * self.rooted,
            opposed=opposed,
            rooted=self.rooted,
            history=None if past is None else past.astype(object),
            screening=screening,
        )

    def _check_history(self, history: ArrayLike | None, rows: int) -> Matrix | None:
        if self.historic != (history is not None):
            raise ValueError(f"the rule {self.name} is weighed {'with' if self.historic else 'without'} a history")
        past = None if history is None else check_gram(history)
        if past is not None and len(past) != rows:
            raise ValueError(f"a history of {len(past)} rows for {rows}")
        return past


DEFAULT_RULE: Final = Rule(
    "screen-clip-nnm-multi-krum",
    (clip_to_median, mix_nearest_neighbours),
    select_multi_krum,
    on_chain=True,
    screened=True,
)
MEAN: Final = Rule("mean", (), select_everyone, on_chain=True, discount=GENTLE)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            DEFAULT_RULE,
            Rule(
                "clip-nnm-multi-krum",
                (clip_to_median, mix_nearest_neighbours),
                select_multi_krum,
                on_chain=True,
                discount=GENTLE,
            ),
            Rule("multi-krum", (), select_multi_krum, on_chain=True, discount=GENTLE),
            MEAN,
            Rule("nna", (), select_nearest_to_pivot, on_chain=True),
            Rule("fltrust", (), weigh_by_trust, on_chain=True, rooted=True),
            Rule("geometric-median", (), weigh_by_geometric_median),
            Rule("clip-nnm-geometric-median", (clip_to_median, mix_nearest_neighbours), weigh_by_geometric_median),
            Rule("centred-clipping", (), weigh_by_centred_clipping),
            Rule("flag", (), weigh_by_flag),
            Rule("foolsgold", (), weigh_by_dissimilarity, historic=True),
        )
    }
)
"""Every rule that this version knows, the default first."""

ON_CHAIN_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {name: rule for name, rule in RULES.items() if rule.on_chain}
)
"""The rules that a project can be created with. The others are off-chain only: for simulations and comparisons."""


def get_rule(name: str) -> Rule:
    """The rule of that name.

    Raises:
      SpecError: there is none.
    """
    try:
        return RULES[name]
    except KeyError:
        raise SpecError(f"unknown rule {name!r}, known are {', '.join(RULES)}") from None


def get_on_chain_rule(name: str) -> Rule:
    """The rule of that name, to create a project with.

    Raises:
      SpecError: there is none, or no contract computes it.
    """
    rule = get_rule(name)
    if not rule.on_chain:
        raise SpecError(f"the rule {name!r} is off-chain only, a project may have {', '.join(ON_CHAIN_RULES)}")
    return rule
