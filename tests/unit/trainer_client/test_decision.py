"""`decide` over every status of project, member and round, before and after each deadline."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from steelyard.chain.records import (
    ZERO_ADDRESS,
    Member,
    Project,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
)
from steelyard.storage import compute_cid
from steelyard.types import Address, Digest
from tests.unit.trainer_client.support import make_params
from trainer_client.decision import Action, Attest, Poke, Situation, Stop, StopReason, Submit, Train, Wait, decide
from trainer_client.journal import Entry, Prepared
from trainer_client.participant import ChainClock

ALICE = Address("0x" + "aa" * 20)
AGGREGATOR = Address("0x" + "cc" * 20)
SLOT = 2
BIT = 1 << SLOT
OTHERS = 0b1111 ^ BIT
ENROL, SUBMIT, SETTLE, ATTEST = 1_000, 2_000, 3_000, 4_000
PATIENCE = 50
COLLECTED = "the round to be collected"
PREPARED = Prepared(compute_cid(b"payload"), Digest(bytes(32)))

PROJECT = Project(make_params(), ProjectStatus.RUNNING, ENROL, 0, 1, 3, 0, 0, 0b1111, 0, rooted=False)
ROUND = Round(
    index=1,
    attempt=3,
    status=RoundStatus.COLLECTING,
    outcome=RoundOutcome.NONE,
    aggregator=AGGREGATOR,
    submit_deadline=SUBMIT,
    settle_deadline=SETTLE,
    attest_deadline=ATTEST,
    submissions=0,
    submitted=0,
    attesters=0,
    approvals=0,
    objections=0,
    has_root=False,
)
MEMBER = Member(ALICE, 0, 0, active=True, share=0, earned=0)
SITUATION = Situation(PROJECT, ROUND, SLOT, MEMBER, now=1_500, since=1_400)
EMPTY = Entry(attempt=3, round_index=1)


def in_project(status: ProjectStatus, now: int = 1_500) -> Situation:
    return replace(SITUATION, project=replace(PROJECT, status=status), now=now)


def in_round(status: RoundStatus, now: int = 1_500, *, passes: bool = False, **masks: Any) -> Situation:
    return replace(SITUATION, round=replace(ROUND, status=status, **masks), now=now, passes=passes)


def choose(situation: Situation, entry: Entry = EMPTY) -> Action:
    return decide(situation, entry, PATIENCE)


@pytest.mark.parametrize("status", [ProjectStatus.COMPLETED, ProjectStatus.CANCELLED, ProjectStatus.FAILED])
@pytest.mark.parametrize("member", [None, MEMBER, replace(MEMBER, active=False)])
def test_a_project_that_is_over_stops_members_and_others(status: ProjectStatus, member: Member | None) -> None:
    assert choose(replace(in_project(status), member=member)) == Stop(StopReason.ENDED)


@pytest.mark.parametrize("status", [ProjectStatus.ENROLLING, ProjectStatus.RUNNING])
def test_who_is_not_part_of_it_stops(status: ProjectStatus) -> None:
    assert choose(replace(in_project(status), slot=None, member=None)) == Stop(StopReason.NOT_ENROLLED)
    assert choose(replace(in_project(status), member=replace(MEMBER, active=False))) == Stop(StopReason.REMOVED)


def test_enrolment_is_waited_for_and_ended_if_nobody_does() -> None:
    assert choose(in_project(ProjectStatus.ENROLLING, ENROL - 1)) == Wait("enrolment to end", ENROL)
    assert isinstance(choose(in_project(ProjectStatus.ENROLLING, ENROL + PATIENCE - 1)), Wait)
    assert isinstance(choose(in_project(ProjectStatus.ENROLLING, ENROL + PATIENCE)), Poke)


class TestCollecting:
    def test_without_an_update_one_is_trained(self) -> None:
        assert choose(in_round(RoundStatus.COLLECTING, submitted=OTHERS)) == Train()

    def test_a_prepared_update_is_posted_and_not_trained_again(self) -> None:
        entry = replace(EMPTY, prepared=PREPARED)
        assert choose(in_round(RoundStatus.COLLECTING), entry) == Submit(PREPARED)

    @pytest.mark.parametrize("prepared", [None, PREPARED])
    @pytest.mark.parametrize("tx", [None, "0x01"])
    def test_what_the_chain_has_is_never_sent_twice(self, prepared: Prepared | None, tx: str | None) -> None:
        entry = replace(EMPTY, prepared=prepared, submitted_tx=tx)
        assert choose(in_round(RoundStatus.COLLECTING, submitted=BIT), entry) == Wait(COLLECTED, SUBMIT)

    def test_what_a_reorganisation_took_back_is_posted_again(self) -> None:
        entry = replace(EMPTY, prepared=PREPARED, submitted_tx="0x01")
        assert choose(in_round(RoundStatus.COLLECTING, submitted=0), entry) == Submit(PREPARED)

    @pytest.mark.parametrize("now", [SUBMIT, SUBMIT + PATIENCE - 1])
    @pytest.mark.parametrize("prepared", [None, PREPARED])
    def test_nothing_is_begun_after_the_deadline(self, now: int, prepared: Prepared | None) -> None:
        entry = replace(EMPTY, prepared=prepared)
        assert choose(in_round(RoundStatus.COLLECTING, now), entry) == Wait(COLLECTED, SUBMIT)

    @pytest.mark.parametrize("prepared", [None, PREPARED])
    def test_a_round_without_aggregator_is_waited_out(self, prepared: Prepared | None) -> None:
        situation = in_round(RoundStatus.COLLECTING, aggregator=ZERO_ADDRESS)
        assert choose(situation, replace(EMPTY, prepared=prepared)) == Wait(COLLECTED, SUBMIT)

    def test_a_round_that_is_passed_is_waited_out(self) -> None:
        assert choose(in_round(RoundStatus.COLLECTING, passes=True)) == Wait(COLLECTED, SUBMIT)

    @pytest.mark.parametrize("submitted", [0, BIT])
    def test_an_overdue_round_is_poked(self, submitted: int) -> None:
        assert isinstance(choose(in_round(RoundStatus.COLLECTING, SUBMIT + PATIENCE, submitted=submitted)), Poke)


class TestLater:
    def test_the_settlement_is_waited_for_until_it_is_overdue(self) -> None:
        assert choose(in_round(RoundStatus.WEIGHING, SETTLE - 1)) == Wait("the settlement", SETTLE)
        assert isinstance(choose(in_round(RoundStatus.WEIGHING, SETTLE + PATIENCE)), Poke)

    def test_a_vote_not_yet_cast_is_cast(self) -> None:
        situation = in_round(RoundStatus.ATTESTING, attesters=0b1111, approvals=OTHERS & 1, objections=OTHERS & 2)
        assert choose(situation) == Attest()

    @pytest.mark.parametrize(("approvals", "objections"), [(BIT, 0), (0, BIT)])
    def test_a_vote_is_cast_once(self, approvals: int, objections: int) -> None:
        situation = in_round(RoundStatus.ATTESTING, attesters=0b1111, approvals=approvals, objections=objections)
        assert choose(situation) == Wait("the other votes", ATTEST)

    def test_who_has_no_vote_waits(self) -> None:
        assert choose(in_round(RoundStatus.ATTESTING, attesters=OTHERS)) == Wait("the other votes", ATTEST)

    def test_an_abstention_is_kept(self) -> None:
        assert choose(in_round(RoundStatus.ATTESTING, attesters=0b1111, passes=True)) == Wait("the other votes", ATTEST)

    def test_no_vote_is_cast_after_the_deadline_and_the_attempt_is_poked(self) -> None:
        assert choose(in_round(RoundStatus.ATTESTING, ATTEST, attesters=BIT)) == Wait("the other votes", ATTEST)
        assert isinstance(choose(in_round(RoundStatus.ATTESTING, ATTEST + PATIENCE, attesters=BIT)), Poke)

    def test_a_decided_attempt_is_left_to_keepers_first(self) -> None:
        since = SITUATION.since
        assert isinstance(choose(in_round(RoundStatus.DECIDED, since + PATIENCE - 1)), Wait)
        assert isinstance(choose(in_round(RoundStatus.DECIDED, since + PATIENCE)), Poke)

    def test_a_round_that_does_not_exist_yet_is_waited_for(self) -> None:
        assert choose(in_round(RoundStatus.NONE)) == Wait("the round to open")


def test_only_a_member_without_submission_submits_and_only_an_attester_without_vote_votes() -> None:
    """Every combination of status, masks, journal and time: the two actions that cost something are never wrong."""
    for project, status, bits, now, prepared, active, passes in itertools.product(
        ProjectStatus,
        RoundStatus,
        itertools.product((0, BIT), repeat=4),
        (0, ENROL, SUBMIT - 1, SUBMIT, SETTLE, ATTEST - 1, ATTEST, 10_000),
        (None, PREPARED),
        (True, False, None),
        (True, False),
    ):
        submitted, attesters, approvals, objections = bits
        situation = replace(
            in_round(
                status,
                now,
                passes=passes,
                submitted=submitted,
                attesters=attesters,
                approvals=approvals,
                objections=objections,
            ),
            project=replace(PROJECT, status=project),
            slot=None if active is None else SLOT,
            member=None if active is None else replace(MEMBER, active=active),
        )
        action = choose(situation, replace(EMPTY, prepared=prepared))
        if isinstance(action, Train | Submit):
            assert (project, status, submitted, active, passes) == (
                ProjectStatus.RUNNING,
                RoundStatus.COLLECTING,
                0,
                True,
                False,
            )
            assert now < SUBMIT
            assert isinstance(action, Submit) == (prepared is not None)
        if isinstance(action, Attest):
            assert (project, status, attesters, active) == (ProjectStatus.RUNNING, RoundStatus.ATTESTING, BIT, True)
            assert approvals == objections == 0
            assert now < ATTEST
        if isinstance(action, Stop):
            assert not active or project not in (ProjectStatus.ENROLLING, ProjectStatus.RUNNING)


class TestClock:
    def test_time_goes_on_between_blocks_and_follows_every_block(self) -> None:
        here = [100.0]
        clock = ChainClock(lambda: here[0])
        assert clock.read(5_000) == 5_000
        here[0] += 7.5
        assert clock.read(5_000) == 5_007
        assert clock.read(5_012) == 5_012, "a new block did not set the clock"
        here[0] += 1
        assert clock.read(9_000) == 9_000, "a chain whose clock was moved was not followed"
        assert clock.read(8_000) == 8_000, "a chain that went back was not followed"
