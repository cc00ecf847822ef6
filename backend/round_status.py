"""Where projects and attempts stand at a time. The contract decides; this tells readers, and the keeper when to ask."""

from typing import Any

from sqlalchemy import Row

from backend.models import Attempt, Project
from steelyard.chain.records import ProjectStatus, Round, RoundOutcome, RoundStatus
from steelyard.chain.replay import compute_round_status
from steelyard.types import Address

DUE_CHECK = (ProjectStatus.ENROLLING, ProjectStatus.RUNNING)
"""Projects that a deadline may move."""


def get_round_status(
    attempt: Attempt | Row[Any], project: Project | Row[Any], time: int
) -> tuple[RoundStatus, RoundOutcome]:
    """Where an attempt of a project stands at `time`, in Unix seconds, and how it has ended, if it has."""
    return compute_round_status(
        _build_round(attempt), _mask(attempt.members), project.min_trainers, time, rooted=project.rooted
    )


def is_due(project: Project, attempt: Attempt | None, time: int) -> bool:
    """Whether `poke` has something to do for a project. `attempt` is its current one, if it has any."""
    if project.status is ProjectStatus.ENROLLING:
        return time >= project.enrol_deadline
    if project.status is not ProjectStatus.RUNNING or attempt is None:
        return False
    return get_round_status(attempt, project, time)[0] is RoundStatus.DECIDED


def _build_round(attempt: Attempt | Row[Any]) -> Round:
    """The contract's record of an attempt. The read model counts slots: which ones they are decides nothing."""
    return Round(
        index=attempt.round,
        attempt=attempt.attempt,
        status=RoundStatus.NONE,
        outcome=attempt.outcome,
        aggregator=Address(attempt.aggregator),
        attesters=_mask(attempt.attesters),
        submit_deadline=attempt.submit_deadline,
        settle_deadline=attempt.settle_deadline,
        attest_deadline=attempt.attest_deadline or 0,
        submissions=attempt.submissions,
        submitted=_mask(attempt.submissions),
        approvals=_mask(attempt.approvals),
        objections=_mask(attempt.objections),
        has_root=attempt.has_root,
    )


def _mask(count: int) -> int:
    return (1 << count) - 1
