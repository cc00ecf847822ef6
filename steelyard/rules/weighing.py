"""The outcome of weighing one round, with every intermediate fact that explains it."""

import enum
from dataclasses import dataclass, field
from typing import Protocol

from steelyard.rules.clip import Clipping
from steelyard.rules.contribution import Merit
from steelyard.rules.matrix import IndexSet, Integers, Matrix, compute_cosine
from steelyard.rules.mixing import Neighbourhoods
from steelyard.rules.nearest import Company
from steelyard.rules.screening import Screening
from steelyard.rules.selection import Graded, Krum
from steelyard.types import Gram


class Mixing(Protocol):
    """A linear map of the rows, seen from both sides: Gram matrices go forward through it, weights come back."""

    @property
    def row_sum(self) -> int:
        """How many rows each mixed row adds up, at most."""

    @property
    def sets(self) -> tuple[IndexSet, ...]:
        """The sets that define the map, as far as a verifier must be told."""

    def mix(self, gram: Matrix) -> Matrix:
        """The Gram matrix of the mixed rows."""

    def pull_back(self, weights: Integers) -> Integers:
        """Weights of the mixed rows as weights of the rows themselves."""


class Selection(Protocol):
    """The rows that a rule accepts, and their weights."""

    @property
    def selected(self) -> IndexSet:
        """Accepted rows."""

    @property
    def weights(self) -> Integers:
        """Weights of the mixed rows, in Q32, not negative."""

    @property
    def normaliser(self) -> int:
        """What the weights are divided by; positive."""

    @property
    def sets(self) -> tuple[IndexSet, ...]:
        """The sets that define the selection, as far as a verifier must be told."""


class Verdict(enum.Enum):
    """Why a row is paid, or the first reason why it is not."""

    PAID = "paid"
    ROOT = "root update"
    """The owner's own row, which guides the weights of the others and earns nothing."""
    ZERO_UPDATE = "zero update"
    """The row is the zero vector."""
    OPPOSED = "opposed"
    """No weight, and it disagrees with the accepted rows: a strike."""
    CLIPPED_AWAY = "clipped away"
    """So much longer than the median that nothing is left of it: the median row is zero, or nearly."""
    SCREENED = "screened out"
    """No weight: it pulled against most of the others. No strike, if it does not oppose those accepted."""
    OUTLIER = "outlier"
    """No weight: it is part of nothing that was selected. That alone is no fault."""
    NO_AGREEMENT = "no agreement"
    """It has weight, but does not agree with what the others did."""
    BELOW_NOISE_FLOOR = "below the noise floor"
    """It agrees with the others no more than a random vector might."""
    REPLICATED = "replicated"
    """The discount for copies leaves nothing."""
    NO_QUORUM = "no quorum"
    """It contributed, but too few others did: the round moved nobody in common."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """A weighed Gram matrix.

    Attributes:
      rule: the name of the rule.
      gram: the matrix of the round, shape `(n, n)`.
      rooted: whether its last row is the owner's root update, which has no weight, no pay and no strike.
      history: the matrix that the weights came from, if that is not the round's.
      f: how many rows may be dishonest.
      d: number of coordinates of a row.
      mixings: the rule's pre-aggregators, as applied.
      selection: the accepted rows.
      weights: `w_i` in Q32; the aggregate is `A = Σ w_i·u_i`.
      normaliser: `Z`; the model moves by `A / (Z·scale)`.
      merits: each row's way from weight to contribution; a root update has `NO_MERIT`.
      contributions: `φ_i`; all 0 without a quorum.
      opposed: rows with a strike: without weight, and in disagreement with the accepted ones.
      screening: which rows were left out first, if the rule screens. Sets of `mixings` and `selection` then count the
        kept rows.
    """

    rule: str
    gram: Gram = field(repr=False, compare=False)
    f: int
    d: int
    mixings: tuple[Mixing, ...]
    selection: Selection
    weights: Integers
    normaliser: int
    merits: tuple[Merit, ...]
    contributions: Integers
    opposed: IndexSet
    rooted: bool = False
    history: Gram | None = field(default=None, repr=False, compare=False)
    screening: Screening | None = None

    @property
    def num_trainers(self) -> int:
        """How many rows are trainers'."""
        return len(self.weights) - self.rooted

    @property
    def has_quorum(self) -> bool:
        """Whether enough rows contributed for the round to count."""
        return any(self.contributions)

    @property
    def clipping(self) -> Clipping | None:
        """The rule's clipping, if it clips."""
        return next((mixing for mixing in self.mixings if isinstance(mixing, Clipping)), None)

    @property
    def neighbourhoods(self) -> Neighbourhoods | None:
        """The rule's neighbourhoods, if it mixes."""
        return next((mixing for mixing in self.mixings if isinstance(mixing, Neighbourhoods)), None)

    @property
    def krum(self) -> Krum | None:
        """The rule's Krum scores, if it selects by them."""
        return self.selection if isinstance(self.selection, Krum) else None

    @property
    def company(self) -> Company | None:
        """The rule's pivot and the rows around it, if it selects by one."""
        return self.selection if isinstance(self.selection, Company) else None

    @property
    def graded(self) -> Graded | None:
        """The rule's grades, if it accepts rows by degrees."""
        return self.selection if isinstance(self.selection, Graded) else None

    @property
    def kept(self) -> IndexSet:
        """The rows that the chain saw, in its own order: all, unless some were screened out."""
        return tuple(range(len(self.weights))) if self.screening is None else self.screening.kept

    def get_cosine(self, row: int, other: int) -> float:
        """The cosine of two rows as committed."""
        return compute_cosine(self.gram[row, other], self.gram[row, row], self.gram[other, other])

    def get_cosine_with_others(self, row: int) -> float:
        """The cosine of a trainer's row with the weighted sum of all the others; 0.0 for a root update."""
        merit = self.merits[row]
        return compute_cosine(merit.agreement, self.gram[row, row], merit.others)

    def get_verdict(self, row: int) -> Verdict:
        """Why the row is paid, or the first reason why it is not, in the order of the rule's steps."""
        merit = self.merits[row]
        is_kept = row in self.kept
        factors = self.clipping.factors if self.clipping is not None else None
        reasons = (
            (row >= self.num_trainers, Verdict.ROOT),
            (self.contributions[row] > 0, Verdict.PAID),
            (self.gram[row, row] == 0, Verdict.ZERO_UPDATE),
            (row in self.opposed, Verdict.OPPOSED),
            (not is_kept, Verdict.SCREENED),
            (is_kept and factors is not None and factors[self.kept.index(row)] == 0, Verdict.CLIPPED_AWAY),
            (self.weights[row] == 0, Verdict.OUTLIER),
            (merit.agreement <= 0, Verdict.NO_AGREEMENT),
            (not merit.above_noise, Verdict.BELOW_NOISE_FLOOR),
            (merit.value == 0, Verdict.REPLICATED),
        )
        return next((verdict for holds, verdict in reasons if holds), Verdict.NO_QUORUM)
