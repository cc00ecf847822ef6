"""Faults that several programs have to get over together: silence, lies and impatience, and where the money goes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from steelyard.chain.client import Marketplace
from steelyard.chain.events import (
    AbsenceRecorded,
    Attested,
    RoundOpened,
    RoundSettled,
    RoundWeighed,
    StakeSlashed,
    TrainerLeft,
    UpdateSubmitted,
)
from steelyard.chain.records import LeaveReason, ProjectStatus, RoundOutcome, RoundStatus
from steelyard.chain.reverts import (
    CustomError,
    InsufficientStakeError,
    NotEnrolledError,
    NothingToClaimError,
    NothingToDoError,
    ProjectNotInStatusError,
    RoundNotInStatusError,
    WrongRoundError,
)
from steelyard.storage import compute_cid
from steelyard.types import Digest
from steelyard.updates.aggregate import Aggregate
from tests.integration.arena_kit import FAULT, FIRST, SECOND, Arena, Reports
from tests.integration.trainer_kit import BUDGET, OWNER, STAKE, TRAINERS
from trainer_client.decision import Stop, StopReason, Train, Wait
from trainer_client.participant import Participant

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("faults")]


def train_all(participants: list[Participant]) -> None:
    for participant in participants:
        assert isinstance(participant.step(), Train)


def assert_completed(arena: Arena, participants: list[Participant]) -> None:
    """The project ran to its end, everybody sees that, and all money is accounted for."""
    assert arena.market.get_project(arena.world.project_id).status is ProjectStatus.COMPLETED
    assert {participant.step() for participant in participants} == {Stop(StopReason.ENDED)}
    arena.verify_money()


def assert_replaced(arena: Arena) -> None:
    """The first aggregator has lost a part of its stake, all of it burnt, and its offer; the second was drawn."""
    first, second = (arena.identity(index).address for index in (FIRST, SECOND))
    project_id = arena.world.project_id
    assert arena.events(StakeSlashed) == [StakeSlashed(project_id, first, FAULT, 0)]
    assert arena.market.get_burnt(arena.token) == FAULT
    assert arena.stake(first) == (2 * STAKE - FAULT, 0)
    assert arena.market.get_aggregator_terms(first, arena.token) is None
    assert arena.market.get_aggregators(arena.token) == (second,)
    assert [(event.attempt, event.round, event.aggregator) for event in arena.events(RoundOpened)] == [
        (1, 0, first),
        (2, 0, second),
    ]


def test_a_silent_aggregator_is_slashed_and_replaced_and_the_round_completes(arena: Arena) -> None:
    with arena.participants() as participants:
        train_all(participants)
        deadline = arena.market.get_round(arena.world.project_id).settle_deadline
        with pytest.raises(NothingToDoError):
            arena.poke()
        arena.world.devnet.advance_to(deadline)
        arena.poke()
        assert_replaced(arena)
        arena.service(FIRST).step()  # back too late: the round is not its own any more

        train_all(participants)
        arena.finish(participants, arena.service(SECOND))
        assert_completed(arena, participants)
    assert arena.outcomes() == [RoundOutcome.MISSED, RoundOutcome.FINAL]
    hashes = [(event.attempt, event.commitment_hash) for event in arena.events(UpdateSubmitted)]
    assert len(set(hashes)) == len({commitment for _, commitment in hashes}) == 2 * TRAINERS
    fee = arena.market.get_credit(arena.identity(SECOND).address, arena.token)
    assert fee == BUDGET * 500 // 10_000
    assert arena.market.get_credit(arena.identity(FIRST).address, arena.token) == 0


@pytest.mark.parametrize(
    "lie",
    [
        lambda aggregate: replace(aggregate, vector=aggregate.vector + np.int64(1)),
        lambda aggregate: replace(aggregate, next_model=compute_cid(b"another model")),
    ],
    ids=["wrong aggregate", "wrong next model"],
)
def test_a_lying_aggregator_is_voted_down_and_the_round_is_repeated_by_another(
    arena: Arena, lie: Callable[[Aggregate], Aggregate]
) -> None:
    with arena.participants() as participants:
        train_all(participants)
        arena.world.settle(lie)
        for participant in participants:
            participant.step()
        assert {vote.opens for vote in arena.events(Attested)} == {False}
        arena.poke()
        assert_replaced(arena)
        members = arena.market.get_members(arena.world.project_id)
        assert [(member.earned, member.share) for member in members] == [(0, 0)] * TRAINERS, "paid for a void attempt"
        assert arena.events(AbsenceRecorded) == []

        train_all(participants)
        arena.finish(participants, arena.service(SECOND))
        assert_completed(arena, participants)
    assert arena.outcomes() == [RoundOutcome.VOID, RoundOutcome.FINAL]


def test_silent_trainers_end_the_project_and_the_owner_is_refunded_in_full(arena: Arena) -> None:
    before = arena.balances()
    service = arena.service(FIRST)
    for _ in range(2):
        service.step()
        arena.world.devnet.advance_to(arena.market.get_round(arena.world.project_id).submit_deadline)
        arena.poke()
    service.step()
    assert arena.outcomes() == [RoundOutcome.TOO_FEW] * 2
    assert arena.market.get_project(arena.world.project_id).status is ProjectStatus.FAILED

    owner = arena.world.market(arena.world.account(OWNER))
    assert arena.market.get_credit(arena.owner, arena.token) == BUDGET
    owner.claim(arena.token, arena.owner)
    after = arena.balances()
    moved = {name: after[name] - amount for name, amount in before.items() if after[name] != amount}
    assert moved == {"owner: in hand": BUDGET, "contract": -BUDGET}
    assert arena.stake(arena.identity(FIRST).address) == (2 * STAKE, 0)
    for number in range(TRAINERS):
        assert arena.stake(arena.world.trainer(number).address) == (STAKE, 0)
    # An attempt that nobody submits to blames nobody: they leave because the project ends, and lose nothing.
    assert {event.reason for event in arena.events(TrainerLeft)} == {LeaveReason.ENDED}
    assert arena.events(AbsenceRecorded) == []
    arena.verify_money()


@pytest.mark.parametrize("status", [RoundStatus.COLLECTING, RoundStatus.WEIGHING, RoundStatus.ATTESTING])
def test_an_owner_can_take_nothing_out_of_a_running_project(arena: Arena, status: RoundStatus) -> None:
    if status is not RoundStatus.COLLECTING:
        for number in range(TRAINERS):
            arena.post(number, arena.bench(number).submit())
    if status is RoundStatus.ATTESTING:
        arena.service(FIRST).step()
    assert arena.round_status is status
    owner, project_id, me = arena.world.market(arena.world.account(OWNER)), arena.world.project_id, arena.owner
    project, balances = owner.get_project(project_id), arena.balances()

    attempts: list[tuple[type[CustomError], Callable[[], object]]] = [
        (ProjectNotInStatusError, lambda: owner.cancel(project_id)),
        (ProjectNotInStatusError, lambda: owner.start(project_id)),
        (NothingToClaimError, lambda: owner.claim(arena.token, me)),
        (InsufficientStakeError, lambda: owner.unbond(arena.token, BUDGET)),
        (NotEnrolledError, lambda: owner.leave(project_id)),
        (NothingToDoError, lambda: owner.poke(project_id)),
    ]
    for error, attempt in attempts:
        with pytest.raises(error):
            attempt()
    assert owner.get_project(project_id) == project
    assert arena.balances() == balances


class TestLateTrainer:
    def test_who_comes_after_the_deadline_is_absent_and_the_others_go_on(self, arena: Arena) -> None:
        world = arena.world
        with arena.participants() as participants:
            *present, late = participants
            train_all(present)
            world.devnet.advance_to(arena.market.get_round(world.project_id).submit_deadline)
            assert isinstance(late.step(), Wait)
            with pytest.raises(RoundNotInStatusError):
                late.marketplace.submit(world.project_id, 0, compute_cid(b"late"), Digest(bytes([1]) * 32))
            arena.finish(present, arena.service(FIRST))
            assert_completed(arena, participants)
        assert len(arena.events(UpdateSubmitted)) == TRAINERS - 1
        assert [event.trainer for event in arena.events(AbsenceRecorded)] == [late.me]

    def test_whose_training_takes_too_long_is_refused_and_goes_on(self, arena: Arena) -> None:
        world, reports = arena.world, Reports()

        def train_for_hours(delta: NDArray[np.float64]) -> NDArray[np.float64]:
            world.devnet.advance_to(arena.market.get_round(world.project_id).submit_deadline)
            return delta

        with arena.participants([0, 1, 2]) as present, arena.participants([3], reports) as (slow,):
            train_all(present)
            slow.dispatch.transform = train_for_hours
            assert isinstance(slow.step(), Wait)
            assert "RoundNotInStatus" in str(dict(reports)["reverted"]["error"])
            assert isinstance(slow.step(), Wait)
            arena.finish([*present, slow], arena.service(FIRST))
            assert_completed(arena, [*present, slow])
        assert [len(event.trainers) for event in arena.events(RoundWeighed)] == [3]

    def test_a_submission_for_another_round_is_refused(self, arena: Arena) -> None:
        market: Marketplace = arena.world.market(arena.world.trainer(0).account)
        submission = arena.bench(0).submit()
        cid = arena.world.store.put(submission.blob)
        with pytest.raises(WrongRoundError):
            market.submit(arena.world.project_id, 1, cid, submission.commitment_hash)
        assert arena.events(UpdateSubmitted) == []


def with_one_nan(delta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.arange(delta.size) == 7, np.nan, delta)


def with_one_infinity(delta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.arange(delta.size) == 7, -np.inf, delta)


def test_who_has_nothing_sound_to_send_sits_the_round_out_and_the_others_go_on(arena: Arena) -> None:
    """NaN, infinity and all zeros never leave the trainer: each says why, and none of them stops."""
    reports, of_nan, of_zero = Reports(), Reports(), Reports()
    with (
        arena.participants([0, 1, 2], reports) as sound,
        arena.participants([3], of_nan) as (diverged,),
        arena.participants([4], of_zero) as (converged,),
    ):
        diverged.dispatch.transform, converged.dispatch.transform = with_one_nan, np.zeros_like
        everybody = [*sound, diverged, converged]
        train_all(everybody)
        assert isinstance(diverged.step(), Wait)
        assert isinstance(converged.step(), Wait)
        arena.world.devnet.advance_to(arena.market.get_round(arena.world.project_id).submit_deadline)
        arena.finish(everybody, arena.service(FIRST))
        assert_completed(arena, everybody)

    (settled,) = arena.events(RoundSettled)
    assert settled.settlement.exclusions == ()
    assert {event.trainer for event in arena.events(AbsenceRecorded)} == {diverged.me, converged.me}
    nan, zero = dict(of_nan)["sitting out"], dict(of_zero)["sitting out"]
    assert "1 of 2,410 entries are NaN or infinite, the first at index 7" in str(nan["error"])
    assert "learning rate" in str(nan["hint"])
    assert "all 2,410 entries round to zero" in str(zero["error"])
    assert "sitting out" not in dict(reports)


def test_an_infinite_update_is_not_sent(arena: Arena) -> None:
    reports = Reports()
    with arena.participants([0], reports) as (participant,):
        participant.dispatch.transform = with_one_infinity
        participant.step()
    assert "1 of 2,410 entries are NaN or infinite" in str(dict(reports)["sitting out"]["error"])
    assert arena.events(UpdateSubmitted) == []
