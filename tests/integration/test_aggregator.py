"""Aggregators on a real node: bad payloads, payloads that are late, restarts at every point, and giving a round up."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aggregator.collector import Collector
from aggregator.service import AggregatorService, Patience
from steelyard.chain.client import Marketplace
from steelyard.chain.events import (
    AbsenceRecorded,
    LoggedEvent,
    RoundOpened,
    RoundSettled,
    RoundWeighed,
    StakeSlashed,
    StrikeRecorded,
    UpdateSubmitted,
)
from steelyard.chain.history import EventHistory
from steelyard.chain.records import Exclusion, ExclusionReason, ProjectStatus, RoundOutcome, RoundStatus
from steelyard.errors import AccessError, StorageUnavailableError
from steelyard.keystore import forget, rotate
from steelyard.rounds.keys import KeyHistory, find_keys_in_use, find_opening, register_keys
from steelyard.rounds.submission import Submission
from steelyard.storage import BlobStore
from steelyard.types import Cid, Sealing
from tests import bad_submissions
from tests.bad_submissions import BAD_SUBMISSIONS, Bench
from tests.integration.arena_kit import FIRST, SECOND, Arena
from tests.integration.trainer_kit import STAKE, TRAINERS
from trainer_client.decision import Train

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("aggregator")]

BAD = 3
GOOD = [number for number in range(TRAINERS) if number != BAD]


def submit_by_hand(arena: Arena, bad: dict[int, Callable[[Bench], Submission]]) -> None:
    """Everybody submits without training: made-up updates that agree, some of them badly."""
    for number in range(TRAINERS):
        arena.post(number, bad.get(number, Bench.submit)(arena.bench(number)))


@pytest.mark.parametrize(
    "make",
    [
        bad_submissions.to_another_key,
        bad_submissions.decompression_bomb,
        bad_submissions.commitments_outside_the_subgroup,
    ],
    ids=lambda make: make.__name__,
)
def test_a_bad_payload_is_excluded_with_its_reason_and_everybody_else_is_paid(
    arena: Arena, make: Callable[[Bench], Submission]
) -> None:
    service = arena.service(FIRST)
    arena.post(BAD, make(arena.bench(BAD)))
    service.step()
    with arena.participants(GOOD) as participants:
        for participant in participants:
            assert isinstance(participant.step(), Train)
        arena.finish(participants, service)

    (settled,) = arena.events(RoundSettled)
    assert settled.settlement.exclusions == (Exclusion(0, BAD_SUBMISSIONS[make]),)
    assert arena.outcomes() == [RoundOutcome.FINAL]
    assert arena.market.get_project(arena.world.project_id).status is ProjectStatus.COMPLETED
    absent = arena.world.trainer(BAD).address
    assert [event.trainer for event in arena.events(AbsenceRecorded)] == [absent]
    members = arena.market.get_members(arena.world.project_id)
    assert {member.account for member in members if member.earned == 0} == {absent}
    arena.verify_money()


def test_a_round_in_which_everybody_sends_zeros_pays_nobody_and_the_project_goes_on(arena: Arena) -> None:
    for number in range(TRAINERS):
        bench = arena.bench(number)
        arena.post(number, replace(bench, update=np.zeros_like(bench.update)).submit())
    service = arena.service(FIRST)
    service.step()
    (weighed,) = arena.events(RoundWeighed)
    assert (set(weighed.contributions), set(weighed.shares)) == ({0}, {0})
    with arena.participants() as participants:
        for participant in participants:
            participant.step()
    assert arena.events(StrikeRecorded) == []
    arena.world.devnet.advance_to(arena.market.get_round(arena.world.project_id).attest_deadline)
    service.step()
    assert arena.outcomes() == [RoundOutcome.FINAL]
    arena.verify_money()


class TestMissing:
    def test_a_payload_that_arrives_late_counts(self, arena: Arena) -> None:
        late = arena.bench(0).submit()
        arena.post(0, late, stored=False)
        for number in range(1, TRAINERS):
            arena.post(number, arena.bench(number).submit())
        service = arena.service(FIRST)
        service.step()
        assert arena.round_status is RoundStatus.WEIGHING
        assert service.monitor.is_ready, "a trainer that is late is no failure of the aggregator's"
        arena.world.store.put(late.blob)
        service.step()
        (settled,) = arena.events(RoundSettled)
        assert settled.settlement.exclusions == ()

    @pytest.mark.parametrize("patient", [True, False])
    def test_a_payload_that_never_arrives_is_given_up(self, arena: Arena, patient: bool) -> None:
        """After the time set for it, or shortly before the deadline even if that time has not passed."""
        arena.post(0, arena.bench(0).submit(), stored=False)
        for number in range(1, TRAINERS):
            arena.post(number, arena.bench(number).submit())
        service = arena.service(FIRST, patience=Patience(missing_seconds=10**9 if patient else 0))
        service.step()
        if patient:
            assert arena.round_status is RoundStatus.WEIGHING
            deadline = arena.market.get_round(arena.world.project_id).settle_deadline
            arena.world.devnet.advance_to(deadline - 50)
            service.step()
        (settled,) = arena.events(RoundSettled)
        assert settled.settlement.exclusions == (Exclusion(0, ExclusionReason.UNAVAILABLE),)


class _Crash(BaseException):
    """Like SIGKILL: nothing in the program handles it."""


def _crash_before(_original: Callable[..., Any]) -> Callable[..., Any]:
    def crash(*_args: Any, **_kwargs: Any) -> Any:
        raise _Crash

    return crash


def _crash_after(original: Callable[..., Any]) -> Callable[..., Any]:
    def crash(*args: Any, **kwargs: Any) -> Any:
        original(*args, **kwargs)
        raise _Crash

    return crash


class TestRestart:
    @pytest.mark.parametrize("point", ["collected", "aggregate published", "before settle", "settled", "before poke"])
    def test_an_aggregator_that_is_killed_anywhere_settles_exactly_once(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        target, name, when = {
            "collected": (Collector, "collect", _crash_after),
            "aggregate published": (type(arena.world.store), "put", _crash_after),
            "before settle": (Marketplace, "settle", _crash_before),
            "settled": (Marketplace, "settle", _crash_after),
            "before poke": (Marketplace, "poke", _crash_before),
        }[point]
        submit_by_hand(arena, {})
        killed = arena.service(FIRST)
        if point == "before poke":
            killed.step()
            arena.vote()
        with monkeypatch.context() as patch:
            patch.setattr(target, name, when(getattr(target, name)))
            with pytest.raises(_Crash):
                killed.step()
        restarted = arena.service(FIRST)
        restarted.step()
        arena.vote()
        restarted.step()
        restarted.step()
        assert (restarted._assignments, restarted._terms, restarted._models) == ({}, {}, {})

        assert len(arena.events(RoundSettled)) == 1
        assert arena.outcomes() == [RoundOutcome.FINAL]
        assert arena.market.get_credit(arena.identity(FIRST).address, arena.token) > 0
        arena.verify_money()

    def test_two_processes_of_one_aggregator_settle_once(self, arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
        submit_by_hand(arena, {})
        slow, fast = arena.service(FIRST), arena.service(FIRST)
        original = Marketplace.settle

        def overtaken(*args: Any) -> Any:
            monkeypatch.setattr(Marketplace, "settle", original)
            fast.step()
            return original(*args)

        monkeypatch.setattr(Marketplace, "settle", overtaken)
        slow.step()
        assert len(arena.events(RoundSettled)) == 1
        assert arena.outcomes() == [], "the slower one gave up a round that is settled"


class Outage(BlobStore):
    """A store that does not answer."""

    def _write(self, cid: Cid, data: bytes) -> None:
        raise StorageUnavailableError("no answer")

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        raise StorageUnavailableError("no answer")

    def _has(self, cid: Cid) -> bool:
        raise StorageUnavailableError("no answer")


class TestLaggingLogs:
    """A node may know a round's state before it serves the logs of all submissions. They are waited for."""

    def lagging_service(self, arena: Arena, hidden: set[int]) -> AggregatorService:
        service = arena.service(FIRST)

        def get_events(first: int, last: int) -> list[LoggedEvent]:
            return [
                logged
                for logged in service.marketplace.get_events(first, last)
                if not (isinstance(logged.event, UpdateSubmitted) and logged.event.index in hidden)
            ]

        service.history = EventHistory(get_events, arena.world.deployment.block)
        return service

    def test_nothing_is_settled_before_all_submissions_are_known(self, arena: Arena) -> None:
        submit_by_hand(arena, {})
        hidden = {TRAINERS - 1}
        service = self.lagging_service(arena, hidden)
        service.step()
        assert arena.round_status is RoundStatus.WEIGHING
        hidden.clear()
        service.step()
        (weighed,) = arena.events(RoundWeighed)
        assert len(weighed.trainers) == TRAINERS

    def test_a_round_whose_logs_never_come_is_given_up_before_the_deadline(self, arena: Arena) -> None:
        submit_by_hand(arena, {})
        service = self.lagging_service(arena, {0})
        arena.world.devnet.advance_to(arena.market.get_round(arena.world.project_id).settle_deadline - 50)
        service.step()
        assert arena.outcomes() == [RoundOutcome.ABANDONED]
        assert arena.events(StakeSlashed) == []


class TestAbandoning:
    def assert_handed_on(self, arena: Arena, service: AggregatorService) -> None:
        """The second aggregator has the round now, and the first has lost nothing."""
        assert arena.outcomes() == [RoundOutcome.ABANDONED]
        assert arena.events(StakeSlashed) == []
        assert [event.aggregator for event in arena.events(RoundOpened)] == [
            arena.identity(FIRST).address,
            arena.identity(SECOND).address,
        ]
        assert arena.stake(arena.identity(FIRST).address) == (2 * STAKE, 0)
        service.step()
        assert arena.round_status is RoundStatus.COLLECTING
        assert service._assignments == {}, "keeps the submissions of an attempt that is over"

    def test_a_round_with_too_many_bad_payloads_is_given_up_at_once_and_repeated(self, arena: Arena) -> None:
        submit_by_hand(arena, {1: bad_submissions.to_another_key, 2: bad_submissions.wrong_dimension})
        service = arena.service(FIRST)
        service.step()
        self.assert_handed_on(arena, service)

        with arena.participants() as participants:
            for participant in participants:
                assert isinstance(participant.step(), Train)
            arena.finish(participants, arena.service(SECOND))
        assert arena.outcomes() == [RoundOutcome.ABANDONED, RoundOutcome.FINAL]
        arena.verify_money()

    def test_an_aggregator_without_a_store_gives_up_before_its_deadline(self, arena: Arena) -> None:
        submit_by_hand(arena, {})
        service = arena.service(FIRST, Outage())
        service.step()
        assert not service.monitor.is_ready
        assert arena.round_status is RoundStatus.WEIGHING
        deadline = arena.market.get_round(arena.world.project_id).settle_deadline
        arena.world.devnet.advance_to(deadline - 50)
        service.step()
        self.assert_handed_on(arena, service)


def test_a_key_that_is_rotated_in_the_middle_of_a_round_loses_nothing(arena: Arena) -> None:
    world, old = arena.world, arena.identity(FIRST)
    for number in (0, 1):
        arena.post(number, arena.bench(number).submit())
    fresh = rotate(old)
    register_keys(world.market(old.account), world.store, fresh)

    head = arena.market.get_block_number()
    events = arena.market.get_events(world.deployment.block, head)
    opening = find_opening(events, world.project_id, 1)
    keys = KeyHistory(arena.market, world.deployment.block)
    key = keys.fetch_key(world.store, old.address, Sealing.X25519, opening)
    assert key == old.public_key
    assert keys.fetch_key(world.store, old.address, Sealing.X25519) == fresh.public_key
    assert fresh.hybrid is not None
    assert keys.fetch_key(world.store, old.address, Sealing.HYBRID) == fresh.hybrid.public_key
    with pytest.raises(AccessError, match="no key for x25519-mlkem768"):
        keys.fetch_key(world.store, old.address, Sealing.HYBRID, opening)
    assert find_keys_in_use(events, old.address) == {pair.registered for pair in (old.encryption, *fresh.key_pairs[:2])}
    for number in range(2, TRAINERS):
        arena.post(number, replace(arena.bench(number), aggregator_key=key).submit())

    for keyring, settled in ((forget(fresh, old.public_key), 0), (fresh, 1)):
        service = replace(arena.service(FIRST), identity=keyring)
        service.step()
        assert len(arena.events(RoundSettled)) == settled, "without the private key of the round it waits"
    assert arena.events(RoundSettled)[0].settlement.exclusions == ()
