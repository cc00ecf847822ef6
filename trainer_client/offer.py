"""What a project asks of a trainer and pays, and where a member stands: the small print before one signs."""

from dataclasses import dataclass

from steelyard.chain.records import Member, Project
from steelyard.constants import BPS
from steelyard.rounds.project import ProjectTerms
from steelyard.types import Address
from trainer_client.ladder import Penalty, Rung, compute_ladder, compute_next_penalties


@dataclass(frozen=True, slots=True)
class Offer:
    """A project as a trainer weighs it up. Amounts are in the token's smallest unit, times in seconds."""

    title: str
    task: str
    model: str
    dimension: int
    feature_shape: tuple[int, ...]
    classes: int
    rounds: int
    pay_per_round: int
    """What the trainers of a round share, after the aggregator's fee."""
    stake: int
    ladder: tuple[Rung, ...]
    """What each provable fault costs."""
    min_reputation_bps: int
    enrol_deadline: int
    """Unix seconds."""
    submit_seconds: int
    attest_seconds: int
    settle_seconds: int
    confidential: bool
    """Whether models are encrypted for owner and members."""
    sealing: str
    rule: str
    rooted: bool
    """Whether updates are held against one that the owner sends in each round."""
    owner: Address
    enrolled: int
    max_trainers: int


def compute_offer(terms: ProjectTerms, project: Project) -> Offer:
    """What the project says, in one place."""
    params, spec = terms.params, terms.spec
    round_budget = params.budget // params.rounds
    return Offer(
        title=spec.title,
        task=spec.task,
        model=spec.model.name,
        dimension=params.dimension,
        feature_shape=spec.data.feature_shape,
        classes=spec.data.classes,
        rounds=params.rounds,
        pay_per_round=round_budget - round_budget * params.aggregator_fee_bps // BPS,
        stake=params.min_stake,
        ladder=compute_ladder(params),
        min_reputation_bps=params.min_reputation_bps,
        enrol_deadline=project.enrol_deadline,
        submit_seconds=params.submit_seconds,
        settle_seconds=params.settle_seconds,
        attest_seconds=params.attest_seconds,
        confidential=spec.confidential,
        sealing=spec.sealing.value,
        rule=terms.rule.name,
        rooted=terms.rule.rooted,
        owner=params.owner,
        enrolled=project.active.bit_count(),
        max_trainers=params.max_trainers,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stands, and what the next fault of either kind does. Amounts in token units."""

    active: bool
    earned: int
    pending: int
    """What the current attempt pays once it is final."""
    strikes: int
    absences: int
    next_absence: Penalty
    next_strike: Penalty


def compute_standing(project: Project, member: Member, reputation: int) -> Standing:
    """A member's standing.

    Args:
      project: the project.
      member: one of its members.
      reputation: of its account, in basis points.
    """
    penalties = compute_next_penalties(project, member, reputation)
    return Standing(member.active, member.earned, member.share, member.strikes, member.absences, *penalties)
