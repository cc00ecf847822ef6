"""The status of projects and attempts at a time: what the contract derives, from the read model's facts.

The same function as `RoundState.compute` of the contract, which decides; this one tells readers, and the keeper when it
is worth asking.
"""

from backend.models import Attempt, Project
from steelyard.chain.records import ProjectStatus, RoundOutcome, RoundStatus

DUE_CHECK = (ProjectStatus.ENROLLING, ProjectStatus.RUNNING)
"""Projects that a deadline may move."""


def compute_round_status(attempt: Attempt, min_trainers: int, time: int) -> tuple[RoundStatus, RoundOutcome]:
    """Where an attempt stands at `time`, and how it has ended, if it has.

    At a deadline's own second the phase is over.
    """
    if attempt.outcome is not RoundOutcome.NONE:
        return RoundStatus.DECIDED, attempt.outcome
    if attempt.attest_deadline is not None:
        return _compute_settled(attempt, attempt.attest_deadline, time)
    if time < attempt.submit_deadline and attempt.submissions != attempt.members:
        return RoundStatus.COLLECTING, RoundOutcome.NONE
    if attempt.submissions < min_trainers:
        return RoundStatus.DECIDED, RoundOutcome.TOO_FEW
    if time < attempt.settle_deadline:
        return RoundStatus.WEIGHING, RoundOutcome.NONE
    return RoundStatus.DECIDED, RoundOutcome.MISSED


def is_due(project: Project, attempt: Attempt | None, time: int) -> bool:
    """Whether `poke` has something to do for a project. `attempt` is its current one, if it has any."""
    if project.status is ProjectStatus.ENROLLING:
        return time >= project.enrol_deadline
    if project.status is not ProjectStatus.RUNNING or attempt is None:
        return False
    return compute_round_status(attempt, project.min_trainers, time)[0] is RoundStatus.DECIDED


def _compute_settled(attempt: Attempt, attest_deadline: int, time: int) -> tuple[RoundStatus, RoundOutcome]:
    if 2 * attempt.approvals > attempt.attesters:
        return RoundStatus.DECIDED, RoundOutcome.FINAL
    if 2 * attempt.objections > attempt.attesters:
        return RoundStatus.DECIDED, RoundOutcome.VOID
    if time >= attest_deadline:
        return RoundStatus.DECIDED, RoundOutcome.FINAL
    return RoundStatus.ATTESTING, RoundOutcome.NONE
