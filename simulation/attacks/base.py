"""What an attack is: something done to the data before training, or to the updates after it.

Attackers collude: they see each other's data and updates and act as one. What they know beyond that is their
`Knowledge`. Encryption leaves them their own (`own`); `omniscient` is the literature's stronger adversary, who also
reads the honest updates of the round before sending its own.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ProtocolError
from steelyard.spec.strict import StrictModel
from steelyard.types import ParameterVector
from trainer_client.data import Dataset

Updates = NDArray[np.float64]
"""One update a row, shape `(k, d)`: changes of the parameters, before clipping and quantisation."""


class Knowledge(enum.StrEnum):
    """What the attackers read before they send."""

    OWN = "own"
    """Their own data and honestly trained updates, the global models, and the public rule."""
    OMNISCIENT = "omniscient"
    """The honest updates of the round as well."""


class KnowledgeError(ProtocolError):
    """An attack asked for what its attackers do not know: a mistake in the attack."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the attackers have before them in a round.

    Attributes:
      own: what each of the `k` attackers would send if it were honest, shape `(k, d)`.
      parameters: the global model of the round, shape `(d,)`.
      movement: how the last round moved the global model, shape `(d,)`; None in round 0.
      round_index: from 0.
      n: rows of the round, honest ones included.
      f: how many of them the rule withstands.
      clip: the project's bound on the norm of an update.
      aggregate: how far the project's rule would move the model, shape `(d,)`, if the attackers sent the first and the
        others the second of two sets of updates.
      knowledge: what they know.
    """

    own: Updates
    parameters: ParameterVector
    movement: NDArray[np.float64] | None
    round_index: int
    n: int
    f: int
    clip: float
    aggregate: Callable[[Updates, Updates], NDArray[np.float64]]
    knowledge: Knowledge
    _honest: Updates | None = None

    @property
    def k(self) -> int:
        """How many attackers there are."""
        return len(self.own)

    @property
    def honest(self) -> Updates:
        """The honest updates of the round, shape `(n − k, d)`; none, if no honest trainer has one.

        Raises:
          KnowledgeError: the attackers do not know them.
        """
        if self._honest is None:
            raise KnowledgeError("the attackers know their own updates only")
        return self._honest

    @property
    def reads_others(self) -> bool:
        """Whether the attackers know honest updates beside their own. Where nobody sent one, nobody knows any."""
        return self.knowledge is Knowledge.OMNISCIENT and len(self.honest) > 0

    @property
    def known(self) -> Updates:
        """The honest updates if the attackers know some, else their own honest ones: what they estimate from."""
        return self.honest if self.reads_others else self.own

    @property
    def mean(self) -> NDArray[np.float64]:
        """`μ`, the mean of what is known, shape `(d,)`."""
        mean: NDArray[np.float64] = self.known.mean(axis=0)
        return mean

    @property
    def std(self) -> NDArray[np.float64]:
        """`σ`, the standard deviation in each coordinate of what is known, shape `(d,)`; zero if that is one row."""
        std: NDArray[np.float64] = self.known.std(axis=0)
        return std

    @property
    def sign(self) -> NDArray[np.float64]:
        """The sign of `μ` in each coordinate, shape `(d,)`."""
        sign: NDArray[np.float64] = np.sign(self.mean)
        return sign

    def repeat(self, update: NDArray[np.float64]) -> Updates:
        """The same update from every attacker."""
        return np.tile(update, (self.k, 1))


class Attack(StrictModel, ABC):
    """An attack with its parameters.

    Deterministic: everything random comes from the generator that is handed in.
    """

    reads_honest: ClassVar[bool] = True
    """Whether omniscience changes what the attack does."""

    def poison(self, dataset: Dataset, rng: np.random.Generator) -> Dataset:  # noqa: ARG002
        """An attacker's data as it trains on them. Honest data stay."""
        return dataset

    def craft(self, view: View, rng: np.random.Generator) -> Updates:  # noqa: ARG002
        """What the attackers send instead of their own updates, shape `(k, d)`."""
        return view.own


class CraftedAttack(Attack):
    """An attack on updates."""

    @abstractmethod
    def craft(self, view: View, rng: np.random.Generator) -> Updates: ...


class PoisoningAttack(Attack):
    """An attack on data: the attackers then train as everybody does."""

    reads_honest = False

    @abstractmethod
    def poison(self, dataset: Dataset, rng: np.random.Generator) -> Dataset: ...
