"""A project's money and members from one final round to the next, as the contract keeps them (docs/protocol.md).

Pure, without chain or clock: what `Rounds.sol` does when an attempt is closed and when a project ends. Attempts that
fail for want of an aggregator have no place here; those with too few submissions have, because absence counts in them.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from steelyard.constants import BPS, INITIAL_REPUTATION
from steelyard.rules.matrix import IndexSet
from steelyard.rules.pay import compute_shares
from steelyard.rules.reputation import compute_absent_reputation, compute_reputations

MAX_TOO_FEW: Final = 2
"""Attempts in a row with too few submissions after which a project is given up."""


class Status(enum.Enum):
    """Where a project stands once it has started."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contract enforces about money and members. Amounts in the token's smallest unit."""

    budget: int
    rounds: int
    min_trainers: int
    min_stake: int
    byzantine_bps: int
    aggregator_fee_bps: int
    slash_bps: int
    max_strikes: int
    max_absences: int

    @property
    def round_budget(self) -> int:
        """What one round costs the owner."""
        return self.budget // self.rounds

    @property
    def fee(self) -> int:
        """The aggregator's part of it."""
        return compute_part(self.round_budget, self.aggregator_fee_bps)

    @property
    def rows_budget(self) -> int:
        """What the rows of a round share."""
        return self.round_budget - self.fee


@dataclass(frozen=True, slots=True)
class Member:
    """A trainer in the project. `reputation` is the account's, in basis points."""

    earned: int = 0
    reputation: int = INITIAL_REPUTATION
    strikes: int = 0
    absences: int = 0
    """In a row."""
    active: bool = True
    slashed: int = 0
    pool_split: int = 0
    """Its part of the pool, once the project has ended."""

    @property
    def pay(self) -> int:
        """All that it was credited."""
        return self.earned + self.pool_split


@dataclass(frozen=True, slots=True)
class Market:
    """A project between two attempts. Members by slot.

    >>> terms = Terms(9_000, 1, 3, 100, 3_000, 500, 5_000, 2, 2)
    >>> market = Market.open(terms, 3).close_round({0: 2, 1: 1, 2: 0}, opposed=())
    >>> [member.pay for member in market.members], market.refund
    ([5700, 2850, 0], 0)
    """

    terms: Terms
    members: tuple[Member, ...]
    round_index: int = 0
    too_few: int = 0
    pool: int = 0
    burnt: int = 0
    refund: int = 0
    """What the owner got back, once the project has ended."""
    status: Status = Status.RUNNING

    @classmethod
    def open(cls, terms: Terms, members: int) -> "Market":
        """A project that has just started, with members of unknown reputation."""
        return cls(terms, (Member(),) * members)

    @property
    def active(self) -> IndexSet:
        """The slots of members that are neither removed nor struck."""
        return tuple(slot for slot, member in enumerate(self.members) if member.active)

    def close_round(self, contributions: Mapping[int, int], opposed: IndexSet) -> "Market":
        """Closes a final round: pays, moves reputations, counts strikes and absences, and ends what is to end.

        Args:
          contributions: `φ` by slot, for the weighed rows.
          opposed: the slots with a strike.
        """
        slots = tuple(contributions)
        phi = tuple(contributions.values())
        shares = compute_shares(self.terms.rows_budget, phi).shares
        reputations = compute_reputations(tuple(self.members[slot].reputation for slot in slots), phi)
        members = list(self.members)
        for slot, share, reputation in zip(slots, shares, reputations, strict=True):
            member = members[slot]
            members[slot] = replace(
                member,
                earned=member.earned + share,
                reputation=reputation,
                strikes=member.strikes + (slot in opposed),
                absences=0,
            )
        closed = replace(
            self,
            members=tuple(members),
            round_index=self.round_index + 1,
            too_few=0,
            pool=self.pool + self.terms.rows_budget - sum(shares),
        )
        return closed._count_absences(slots)._remove()._proceed()  # noqa: SLF001 - its own class

    def close_too_few(self, present: IndexSet) -> "Market":
        """Closes an attempt in which only the members of `present` submitted, fewer than the project asks for."""
        closed = replace(self, too_few=self.too_few + 1)
        return closed._count_absences(present)._remove()._proceed()  # noqa: SLF001 - its own class

    def _count_absences(self, present: IndexSet) -> "Market":
        members = [
            replace(member, reputation=compute_absent_reputation(member.reputation), absences=member.absences + 1)
            if member.active and slot not in present
            else member
            for slot, member in enumerate(self.members)
        ]
        return replace(self, members=tuple(members))

    def _remove(self) -> "Market":
        """Removes who has too many strikes or absences. Half of a slash goes to the pool, the odd unit is burnt."""
        terms, members, pool, burnt = self.terms, list(self.members), self.pool, self.burnt
        for slot in self.active:
            member = members[slot]
            if member.strikes >= terms.max_strikes:
                slash = compute_part(terms.min_stake, terms.slash_bps)
                pool += slash // 2
                burnt += slash - slash // 2
                members[slot] = replace(member, active=False, slashed=slash)
            elif member.absences >= terms.max_absences:
                members[slot] = replace(member, active=False)
        return replace(self, members=tuple(members), pool=pool, burnt=burnt)

    def _proceed(self) -> "Market":
        terms = self.terms
        if self.round_index == terms.rounds:
            return self._end(Status.COMPLETED)
        if len(self.active) < terms.min_trainers or self.too_few >= MAX_TOO_FEW:
            return self._end(Status.FAILED)
        return self

    def _end(self, status: Status) -> "Market":
        split = compute_shares(self.pool, tuple(member.earned for member in self.members))
        members = [replace(member, pool_split=part) for member, part in zip(self.members, split.shares, strict=True)]
        unspent = self.terms.budget - self.round_index * self.terms.round_budget
        return replace(self, members=tuple(members), pool=0, refund=unspent + split.remainder, status=status)


def compute_part(amount: int, bps: int) -> int:
    """`⌊amount · bps / 10,000⌋`."""
    return amount * bps // BPS
