"""The penalties of a project: what each provable fault costs, and what a member's next one would. Pure.

Everything follows from facts on chain. A submission that is late does not exist for the contract, so late is absent.
One that the aggregator excludes counts as absent as well, and never costs stake: that it did not open is the
aggregator's word, which nothing on chain can check. Stake is lost for strikes alone, which the contract computes from
the proved matrix.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from steelyard.chain.records import Member, Project, ProjectParams
from steelyard.constants import BPS
from steelyard.rules.reputation import compute_absent_reputation, compute_reputations


class Fault(Enum):
    """What a trainer is penalised for."""

    ABSENT = "late or absent"
    """No submission by the deadline."""
    EXCLUDED = "unusable"
    """A submission that is unavailable, undecryptable, malformed or does not open its commitment."""
    STRUCK = "struck"
    """An update without weight that points against the others (docs/rules.md)."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A fault and where it leads."""

    fault: Fault
    limit: int
    """How many of them remove the member."""
    in_a_row: bool
    """Whether a weighed submission in between forgives the earlier ones."""
    slash: int
    """What the last of them costs of the stake, in token units."""
    to_pool: int
    """The part of it that goes to the project's pool; the rest is burnt."""

    def describe(self, amount: Callable[[int], str], stake: int) -> str:
        """One line."""
        reputation = "a sixteenth" if self.in_a_row else "an eighth"
        loss = f"{amount(self.slash)} of {amount(stake)} staked" if self.slash else "nothing of the stake"
        times = f"{self.limit} in a row cost" if self.in_a_row else f"{self.limit} cost"
        return f"no pay for the round, {reputation} of your reputation; {times} your place and {loss}"

    def to_json(self) -> dict[str, object]:
        """Amounts as decimal strings."""
        return {
            "fault": self.fault.name.lower(),
            "limit": self.limit,
            "inARow": self.in_a_row,
            "slash": str(self.slash),
            "toPool": str(self.to_pool),
        }


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a member's next fault of one kind costs. Amounts in token units, reputation in basis points."""

    fault: Fault
    number: int
    """Of the fault, counted with those before."""
    limit: int
    pay: int
    """What one member of a round is paid on average, and this one is not."""
    reputation: int
    """After it."""
    removes: bool
    slash: int
    """What it costs of the stake at once."""
    slash_at_limit: int
    stake: int

    def to_json(self) -> dict[str, object]:
        """Amounts as decimal strings."""
        return {
            "number": self.number,
            "limit": self.limit,
            "pay": str(self.pay),
            "reputation": self.reputation,
            "removes": self.removes,
            "slash": str(self.slash),
            "slashAtLimit": str(self.slash_at_limit),
        }

    def describe(self, amount: Callable[[int], str], reputation: int) -> str:
        """One line. `reputation` is that of now."""
        costs = [f"no pay for the round, on average {amount(self.pay)}"]
        costs.append(f"reputation {reputation / 100:g} % to {self.reputation / 100:g} %")
        if self.removes:
            loss = f"{amount(self.slash)} of {amount(self.stake)} staked" if self.slash else "nothing of the stake"
            costs.append(f"your place, and {loss}")
        line = f"number {self.number} of {self.limit} costs {', '.join(costs)}"
        if not self.removes and self.slash_at_limit:
            line += f"; number {self.limit} costs your place and {amount(self.slash_at_limit)} of the stake"
        elif not self.removes:
            line += f"; number {self.limit} in a row costs your place, nothing of the stake"
        return line


def compute_ladder(params: ProjectParams) -> tuple[Rung, ...]:
    """The penalties that a project's parameters fix."""
    slash = params.min_stake * params.slash_bps // BPS
    return (
        Rung(Fault.ABSENT, params.max_absences, in_a_row=True, slash=0, to_pool=0),
        Rung(Fault.EXCLUDED, params.max_absences, in_a_row=True, slash=0, to_pool=0),
        Rung(Fault.STRUCK, params.max_strikes, in_a_row=False, slash=slash, to_pool=slash // 2),
    )


def compute_next_penalties(project: Project, member: Member, reputation: int) -> tuple[Penalty, Penalty]:
    """What the member's next absence and its next strike would cost.

    Args:
      project: the project.
      member: one of its members.
      reputation: of its account, in basis points.
    """
    params = project.params
    absent, _, struck = compute_ladder(params)
    round_budget = params.budget // params.rounds
    pay = (round_budget - round_budget * params.aggregator_fee_bps // BPS) // max(project.active.bit_count(), 1)
    # A struck row contributed nothing in a round where others did: docs/rules.md.
    reputations = compute_absent_reputation(reputation), compute_reputations((reputation, 0), (0, 1))[0]
    counts = member.absences + 1, member.strikes + 1
    absence, strike = (
        Penalty(
            rung.fault,
            number,
            rung.limit,
            pay,
            lowered,
            removes=number >= rung.limit,
            slash=rung.slash if number >= rung.limit else 0,
            slash_at_limit=rung.slash,
            stake=params.min_stake,
        )
        for rung, number, lowered in zip((absent, struck), counts, reputations, strict=True)
    )
    return absence, strike
