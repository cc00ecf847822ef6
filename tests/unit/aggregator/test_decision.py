"""`decide` over every status of project and attempt."""

from dataclasses import replace

import pytest

from aggregator.decision import Action, decide
from steelyard.chain.records import ZERO_ADDRESS, Project, ProjectStatus, Round, RoundOutcome, RoundStatus
from steelyard.types import Address
from tests.unit.trainer_client.support import make_params

ME = Address("0x" + "aa" * 20)
ANOTHER = Address("0x" + "bb" * 20)
PROJECT = Project(make_params(), ProjectStatus.RUNNING, 1_000, 0, 1, 3, 0, 0, 0b1111, 0, rooted=False)
ROUND = Round(
    index=1,
    attempt=3,
    status=RoundStatus.COLLECTING,
    outcome=RoundOutcome.NONE,
    aggregator=ME,
    submit_deadline=2_000,
    settle_deadline=3_000,
    attest_deadline=4_000,
    submissions=0,
    submitted=0,
    attesters=0,
    approvals=0,
    objections=0,
    has_root=False,
)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (RoundStatus.NONE, Action.NOTHING),
        (RoundStatus.COLLECTING, Action.COLLECT),
        (RoundStatus.WEIGHING, Action.SETTLE),
        (RoundStatus.ATTESTING, Action.NOTHING),
        (RoundStatus.DECIDED, Action.POKE),
    ],
)
def test_what_to_do_follows_from_the_status_of_the_attempt(status: RoundStatus, action: Action) -> None:
    assert decide(PROJECT, replace(ROUND, status=status), ME) is action


@pytest.mark.parametrize("status", RoundStatus)
@pytest.mark.parametrize("aggregator", [ANOTHER, ZERO_ADDRESS])
def test_an_attempt_of_somebody_else_is_left_alone(status: RoundStatus, aggregator: Address) -> None:
    assert decide(PROJECT, replace(ROUND, status=status, aggregator=aggregator), ME) is Action.NOTHING


@pytest.mark.parametrize("status", RoundStatus)
@pytest.mark.parametrize("project_status", [status for status in ProjectStatus if status is not ProjectStatus.RUNNING])
def test_a_project_that_does_not_run_is_left_alone(project_status: ProjectStatus, status: RoundStatus) -> None:
    assert decide(replace(PROJECT, status=project_status), replace(ROUND, status=status), ME) is Action.NOTHING
