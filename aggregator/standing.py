"""What the chain says of an aggregator: how its attempts ended, and what it has left to work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steelyard.chain.client import Marketplace
from steelyard.chain.events import AggregatorRegistered, LoggedEvent, RoundClosed, RoundOpened
from steelyard.chain.records import RoundOutcome, Stake
from steelyard.types import Address, ProjectId


@dataclass(frozen=True, slots=True)
class Funds:
    """What is left, in the smallest units."""

    wei: int
    """For gas."""
    stakes: Mapping[Address, Stake]
    """By token, of every token that it has ever made an offer in."""
    credits: Mapping[Address, int]
    """Earned and not claimed, by token."""


def read_funds(marketplace: Marketplace, account: Address, events: Sequence[LoggedEvent]) -> Funds:
    """What an aggregator has left now.

    Raises:
      ChainError: the node did not answer.
    """
    tokens = {
        logged.event.token
        for logged in events
        if isinstance(logged.event, AggregatorRegistered) and logged.event.account == account
    }
    return Funds(
        wei=marketplace.get_ether(account),
        stakes={token: marketplace.get_stake(account, token) for token in tokens},
        credits={token: marketplace.get_credit(account, token) for token in tokens},
    )


def count_rounds(events: Sequence[LoggedEvent], account: Address) -> dict[RoundOutcome, int]:
    """Attempts that an account was ever drawn for, by how they ended; `NONE` for those under way."""
    drawn: set[tuple[ProjectId, int]] = set()
    counts = dict.fromkeys(RoundOutcome, 0)
    for logged in events:
        match logged.event:
            case RoundOpened() as opened if opened.aggregator == account:
                drawn.add((opened.project_id, opened.attempt))
            case RoundClosed() as closed if (closed.project_id, closed.attempt) in drawn:
                drawn.remove((closed.project_id, closed.attempt))
                counts[closed.outcome] += 1
            case _:
                pass
    return counts | {RoundOutcome.NONE: len(drawn)}
