"""What an aggregator does next in a project, as a pure function of what it sees."""

import enum

from steelyard.chain.records import Project, ProjectStatus, Round, RoundStatus
from steelyard.types import Address


class Action(enum.Enum):
    """What to do now."""

    NOTHING = "nothing"
    COLLECT = "collect"
    """Open submissions as they arrive, so that little is left to do when the round closes."""
    SETTLE = "settle"
    POKE = "poke"
    """Record what has been decided, so that the next round opens and the fee is credited."""


def decide(project: Project, round_: Round, me: Address) -> Action:
    """The next action of aggregator `me` in a project whose current attempt is `round_`.

    The contract derives `round_.status` from the clock of the block that was read, so no clock is needed here.
    """
    if project.status is not ProjectStatus.RUNNING or round_.aggregator != me:
        return Action.NOTHING
    match round_.status:
        case RoundStatus.COLLECTING:
            return Action.COLLECT
        case RoundStatus.WEIGHING:
            return Action.SETTLE
        case RoundStatus.DECIDED:
            return Action.POKE
        case _:
            return Action.NOTHING
