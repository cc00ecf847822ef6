"""What the owner of a rooted project does next."""

from dataclasses import replace

import pytest

from steelyard.chain.records import ZERO_ADDRESS, Project, ProjectStatus, Round, RoundOutcome, RoundStatus
from steelyard.storage import compute_cid
from steelyard.types import Address, Digest
from tests.unit.trainer_client.support import make_params
from trainer_client.decision import Stop, StopReason, Submit, Train, Wait
from trainer_client.journal import Entry, Prepared
from trainer_client.root import decide_root

SUBMIT = 2_000
PREPARED = Prepared(compute_cid(b"root"), Digest(bytes(32)))
EMPTY = Entry(3, 1)
READY = Entry(3, 1, PREPARED)
PROJECT = Project(make_params(), ProjectStatus.RUNNING, 1_000, 0, 1, 3, 0, 0, 0b111, 0, rooted=True)
ROUND = Round(
    index=1,
    attempt=3,
    status=RoundStatus.COLLECTING,
    outcome=RoundOutcome.NONE,
    aggregator=Address("0x" + "aa" * 20),
    attesters=0,
    submit_deadline=SUBMIT,
    settle_deadline=3_000,
    attest_deadline=0,
    submissions=0,
    submitted=0,
    approvals=0,
    objections=0,
    has_root=False,
)


def test_a_missing_root_is_trained_and_what_is_prepared_is_sent() -> None:
    assert decide_root(PROJECT, ROUND, EMPTY, SUBMIT - 1) == Train()
    assert decide_root(PROJECT, ROUND, READY, SUBMIT - 1) == Submit(PREPARED)


@pytest.mark.parametrize(
    "current",
    [
        replace(ROUND, has_root=True),
        replace(ROUND, aggregator=ZERO_ADDRESS),
        *(
            replace(ROUND, status=status)
            for status in (RoundStatus.WEIGHING, RoundStatus.ATTESTING, RoundStatus.DECIDED)
        ),
    ],
)
def test_otherwise_it_waits(current: Round) -> None:
    assert isinstance(decide_root(PROJECT, current, READY, 1), Wait)


def test_after_the_deadline_it_waits_for_the_next_attempt() -> None:
    assert decide_root(PROJECT, ROUND, READY, SUBMIT) == Wait("the next attempt", SUBMIT)


def test_before_the_start_it_waits_and_after_the_end_it_stops() -> None:
    enrolling = replace(PROJECT, status=ProjectStatus.ENROLLING)
    assert decide_root(enrolling, replace(ROUND, status=RoundStatus.NONE), EMPTY, 1) == Wait("the start", 1_000)
    for status in (ProjectStatus.COMPLETED, ProjectStatus.CANCELLED, ProjectStatus.FAILED):
        assert decide_root(replace(PROJECT, status=status), ROUND, EMPTY, 1) == Stop(StopReason.ENDED)
