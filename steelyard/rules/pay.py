"""From contributions to money, in the token's smallest units. Rounding is always against the one who is paid."""

from dataclasses import dataclass

from steelyard.constants import BPS
from steelyard.errors import TooFewUpdatesError
from steelyard.rules.matrix import Integers


@dataclass(frozen=True, slots=True)
class Split:
    """An amount split pro rata: `sum(shares) + remainder` is the amount."""

    shares: Integers
    remainder: int


def compute_num_byzantine(n: int, byzantine_bps: int) -> int:
    """`f = min(⌊n·byzantineBps / 10,000⌋, ⌊(n − 3) / 2⌋)`, how many of `n` rows a rule is to withstand.

    Raises:
      TooFewUpdatesError: fewer than three rows.
    """
    if n < 3:
        raise TooFewUpdatesError(n, 0)
    return min(n * byzantine_bps // BPS, (n - 3) // 2)


def compute_shares(amount: int, parts: Integers) -> Split:
    """Splits an amount in proportion to `parts`, each share rounded down; all of it remains if every part is 0.

    It is used twice. For a round: the budget by contributions, the remainder stays in the pool. At a project's end:
    the pool by what each trainer earned, the remainder goes to the owner.

    >>> compute_shares(100, (1, 1, 1))
    Split(shares=(33, 33, 33), remainder=1)
    """
    total = sum(parts)
    shares = tuple(amount * part // total if total else 0 for part in parts)
    return Split(shares, amount - sum(shares))
