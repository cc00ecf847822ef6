"""Reputation in basis points: a moving average of how a trainer's contributions compare with a fair share."""

from steelyard.constants import BPS, INITIAL_REPUTATION
from steelyard.rules.matrix import Integers


def compute_reputations(reputations: Integers, contributions: Integers) -> Integers:
    """Reputations of a round's rows after the round: an eighth of the way to the target, rounded down.

    The target is 5,000 for a fair share of the contributions and grows in proportion, up to 10,000. A row that
    contributed nothing has the target 0, and so has every row that gets a strike, because its weight is 0. A round in
    which nobody contributed says nothing about anybody: reputations stay.
    """
    total = sum(contributions)
    if total == 0:
        return reputations
    n = len(contributions)
    targets = (min(BPS, INITIAL_REPUTATION * contribution * n // total) for contribution in contributions)
    return tuple(old + (target - old >> 3) for old, target in zip(reputations, targets, strict=True))


def compute_absent_reputation(reputation: int) -> int:
    """The reputation of a trainer that was enrolled but did not submit: a sixteenth of the way to 0, rounded down."""
    return reputation + (-reputation >> 4)
