"""Trainers on a real node: whole projects, lying aggregators, and crashes at every point of a round."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steelyard.chain.client import Marketplace, UnknownProjectError
from steelyard.chain.devnet import Devnet
from steelyard.chain.records import LeaveReason, ProjectStatus, RoundStatus
from steelyard.errors import BlobNotFoundError, ConfigError, DataError, StorageUnavailableError
from steelyard.storage import compute_cid
from steelyard.types import Cid, ProjectId
from tests.integration.trainer_kit import OWNER, ROUNDS, STAKE, TRAINERS, World, make_world
from trainer_client.attestation import ObjectWhen
from trainer_client.decision import Attest, Poke, Stop, StopReason, Submit, Train, Wait
from trainer_client.journal import Journal
from trainer_client.participant import NotEnrolledHereError, Participant, RemovedError

pytestmark = pytest.mark.chain

Reports = list[tuple[str, dict[str, object]]]


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture(scope="module")
def fresh_world(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("trainers"), devnet)


@pytest.fixture
def world(fresh_world: World, tmp_path: Path) -> Iterator[World]:
    """The project as it is when its first round opens. Whatever a test does to chain and disk is undone."""
    snapshot = fresh_world.devnet.snapshot()
    yield replace(fresh_world, state=tmp_path)
    fresh_world.devnet.revert(snapshot)


def submit_all(world: World) -> None:
    with world.participants() as participants:
        for participant in participants:
            assert isinstance(participant.step(), Train)


def count_submissions(world: World) -> int:
    return world.market(world.account(OWNER)).get_round(world.project_id).submissions


def test_a_project_from_its_first_round_to_its_end(world: World) -> None:
    """The rounds that `step` sees are the chain's, each model follows from the last, and the sum of pay is the pool."""
    market = world.market(world.account(OWNER))
    with world.participants() as participants:
        for round_index in range(ROUNDS):
            for participant in participants:
                assert isinstance(participant.step(), Train)
            for participant in participants:
                assert isinstance(participant.step(), Wait)
            world.settle()
            votes = [participant.step() for participant in participants]
            assert votes.count(Attest()) >= 3
            current = market.get_round(world.project_id)
            assert (current.index, current.status, current.objections) == (round_index, RoundStatus.DECIDED, 0)
            world.poke()
        assert [participant.step() for participant in participants] == [Stop(StopReason.ENDED)] * TRAINERS
        participants[0].run(threading.Event())  # returns at once

    assert market.get_project(world.project_id).status is ProjectStatus.COMPLETED
    members = market.get_members(world.project_id)
    claimable = [
        market.get_credit(member.account, market.get_project(world.project_id).params.token) for member in members
    ]
    assert all(member.earned > 0 for member in members)
    assert all(credit >= member.earned for credit, member in zip(claimable, members, strict=True))
    assert world.model().round_index == ROUNDS


def test_trainers_object_to_a_lying_aggregator_and_the_round_is_repeated_with_fresh_seeds(world: World) -> None:
    """The aggregate opens, but the model that is published with it is another. More lies: test_attestation.py."""
    market = world.market(world.account(OWNER))
    submit_all(world)
    world.settle(lambda aggregate: replace(aggregate, next_model=compute_cid(b"another model")))
    with world.participants() as participants:
        for participant in participants:
            participant.step()
        assert market.get_round(world.project_id).objections.bit_count() > TRAINERS / 2
        world.poke()  # the only aggregator has been slashed: nobody is left to be drawn
        assert {type(participant.step()) for participant in participants} == {Wait}
        world.offer_aggregator()
        world.devnet.advance_to(market.get_round(world.project_id).submit_deadline)
        world.poke()
        current = market.get_round(world.project_id)
        assert (current.index, current.attempt, current.status) == (0, 3, RoundStatus.COLLECTING)
        for participant in participants:
            assert isinstance(participant.step(), Train)
        first, second = (entry.prepared for entry in participants[0].dispatch.journal.entries)
    assert first is not None
    assert second is not None
    assert first.commitment_hash != second.commitment_hash, "the blinder seed of the failed attempt was used again"
    world.settle()
    with world.participants() as participants:
        assert [participant.step() for participant in participants].count(Attest()) >= 3


def play(world: World, participants: list[Participant]) -> None:
    """One round in which these trainers take part and the aggregator does its work."""
    for participant in participants:
        participant.step()
    market = world.market(world.account(OWNER))
    current = market.get_round(world.project_id)
    if current.status is RoundStatus.COLLECTING:
        world.devnet.advance_to(current.submit_deadline)
    world.settle()
    for participant in participants:
        participant.step()
    world.poke()


class _Crash(BaseException):
    """Like SIGKILL: nothing in the program handles it."""


@pytest.mark.parametrize("point", ["put", "journal", "submit", "submitted", "recorded"])
def test_a_trainer_that_is_killed_anywhere_submits_exactly_once(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """`put`: before storing; `journal`: stored, not noted; `submit`: noted, not sent; the last two: sent."""

    def before(_original: Callable[..., Any]) -> Callable[..., Any]:
        def crash(*_args: Any, **_kwargs: Any) -> Any:
            raise _Crash

        return crash

    def after(original: Callable[..., Any]) -> Callable[..., Any]:
        def crash(*args: Any, **kwargs: Any) -> Any:
            original(*args, **kwargs)
            raise _Crash

        return crash

    def after_tx(original: Callable[..., Any]) -> Callable[..., Any]:
        def crash(self: Journal, entry: Any, **changes: Any) -> Any:
            result = original(self, entry, **changes)
            if "submitted_tx" in changes:
                raise _Crash
            return result

        return crash

    target, name, when = {
        "put": (type(world.store), "put", before),
        "journal": (Journal, "record", before),
        "submit": (Marketplace, "submit", before),
        "submitted": (Marketplace, "submit", after),
        "recorded": (Journal, "record", after_tx),
    }[point]
    with monkeypatch.context() as patch:
        patch.setattr(target, name, when(getattr(target, name)))
        with pytest.raises(_Crash), world.participant(0) as participant:
            participant.step()

    sent = point in ("submitted", "recorded")
    assert count_submissions(world) == (1 if sent else 0)
    with world.participant(0) as participant:
        first = participant.step()
        if sent:
            assert isinstance(first, Wait)
        else:
            assert isinstance(first, Train if point in ("put", "journal") else Submit)
        assert isinstance(participant.step(), Wait)
        assert count_submissions(world) == 1


def test_a_prepared_payload_that_the_store_has_lost_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Marketplace, "submit", lambda *_args: (_ for _ in ()).throw(_Crash()))
        with pytest.raises(_Crash), world.participant(0) as participant:
            participant.step()
    with monkeypatch.context() as patch:
        patch.setattr(type(world.store), "_has", lambda *_args: False)
        with world.participant(0) as participant:
            assert isinstance(participant.step(), Submit)
            assert count_submissions(world) == 0
    with world.participant(0) as participant:
        assert isinstance(participant.step(), Train)
    assert count_submissions(world) == 1


def test_a_copied_commitment_hash_makes_the_trainer_draw_a_new_seed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saw the transaction before it was mined, and posted the same hash first."""
    original, thief = Marketplace.submit, world.market(world.trainer(1).account)

    def robbed(self: Marketplace, project_id: Any, round_index: int, cid: Cid, commitment_hash: Any) -> Any:
        if not count_submissions(world):
            original(thief, project_id, round_index, cid, commitment_hash)
        return original(self, project_id, round_index, cid, commitment_hash)

    monkeypatch.setattr(Marketplace, "submit", robbed)
    reports: Reports = []
    with world.participant(0, reports) as participant:
        participant.step()
        assert "DuplicateCommitment" in str(dict(reports)["reverted"]["error"])
        assert isinstance(participant.step(), Train)
    assert count_submissions(world) == 2


class TestAggregateOutOfReach:
    @pytest.mark.parametrize(
        ("error", "object_when", "vote"),
        [
            (BlobNotFoundError("x"), ObjectWhen.FALSE, None),
            (BlobNotFoundError("x"), ObjectWhen.MISSING, False),
            (StorageUnavailableError("x"), ObjectWhen.MISSING, None),
            (StorageUnavailableError("x"), ObjectWhen.UNREACHABLE, False),
        ],
    )
    def test_it_is_tried_again_until_shortly_before_the_deadline(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        object_when: ObjectWhen,
        vote: bool | None,
    ) -> None:
        submit_all(world)
        world.settle()
        market = world.market(world.account(OWNER))
        deadline = market.get_round(world.project_id).attest_deadline
        with world.participant(0, object_when=object_when) as participant:
            participant.dispatch.models.sync(0)

            def fail(*_args: Any) -> bytes:
                raise error

            monkeypatch.setattr(type(world.store), "_read", fail)
            assert isinstance(participant.step(), Attest)
            current = market.get_round(world.project_id)
            assert current.approvals | current.objections == 0, "voted although there was time"
            world.devnet.advance_to(deadline - 20)
            participant.step()
            current = market.get_round(world.project_id)
            assert bool(current.objections) == (vote is False)
            assert current.approvals == 0
            if vote is None:
                assert isinstance(participant.step(), Wait), "the abstention was forgotten"

    def test_it_is_approved_as_soon_as_it_appears(self, world: World) -> None:
        submit_all(world)
        blob = world.settle(publish=False)
        reports: Reports = []
        with world.participant(0, reports) as participant:
            participant.step()
            assert dict(reports)["unsettled"]["finding"] == "missing"
            world.store.put(blob)
            participant.step()
        assert dict(reports)["attested"]["opens"] is True


class TestMembership:
    def test_who_is_not_enrolled_is_told_to_enrol(self, world: World) -> None:
        with world.participant(TRAINERS, data="digits:") as participant, pytest.raises(NotEnrolledHereError) as caught:
            participant.run(threading.Event())
        assert "enrol" in caught.value.hint

    def test_who_was_absent_too_often_is_told_so(self, world: World) -> None:
        market = world.market(world.account(OWNER))
        for _ in range(2):
            with world.participants() as (_absent, *present):
                play(world, present)
        with world.participant(0) as participant, pytest.raises(RemovedError, match="stake is free") as caught:
            participant.run(threading.Event())
        assert (caught.value.reason, caught.value.slashed) == (LeaveReason.ABSENT, 0)
        token = market.get_project(world.project_id).params.token
        assert market.get_stake(world.trainer(0).address, token).free == STAKE

    def test_who_was_struck_is_told_so_and_what_it_cost(self, world: World) -> None:
        with world.participants() as participants:
            participants[0].dispatch.transform = lambda delta: -4 * delta
            play(world, participants)
            with pytest.raises(RemovedError, match="strikes") as caught:
                participants[0].run(threading.Event())
        assert (caught.value.reason, caught.value.slashed) == (LeaveReason.STRUCK, STAKE // 2)

    def test_two_processes_do_not_train_for_one_account(self, world: World) -> None:
        with (
            world.participant(0),
            pytest.raises(ConfigError, match="another process"),
            world.participant(0),
        ):
            pass

    def test_data_of_another_kind_are_refused_before_anything_is_sent(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "data.csv").write_text("1,2,0\n3,4,1\n")
        with (
            pytest.raises(DataError, match="the project expects"),
            world.participant(0, data=f"csv:{tmp_path}/data.csv"),
        ):
            pass


def test_a_node_that_is_down_is_waited_for(tmp_path: Path) -> None:
    reports: Reports = []
    with (
        Devnet(state_file=tmp_path / "anvil.json") as devnet,
        make_world(tmp_path / "state", devnet).participant(0, reports) as participant,
    ):
        stop = threading.Event()
        devnet.stop()
        thread = threading.Thread(target=participant.run, args=(stop,))
        thread.start()
        try:
            wait_until(lambda: any(what == "trouble" for what, _ in reports))
            devnet.start()
            wait_until(lambda: any(what == "submitted" for what, _ in reports))
        finally:
            stop.set()
            thread.join(60)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    waited = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        waited.wait(0.05)
    pytest.fail("timed out")


def test_a_missed_settlement_is_closed_by_a_trainer_if_nobody_else_does(world: World) -> None:
    market = world.market(world.account(OWNER))
    submit_all(world)
    reports: Reports = []
    with world.participant(0, reports, poke_after_seconds=30) as participant:
        world.devnet.advance_to(market.get_round(world.project_id).settle_deadline)
        assert isinstance(participant.step(), Wait), "keepers were not given their time"
        world.devnet.advance(30)
        assert isinstance(participant.step(), Poke)
    assert dict(reports)["poked"]["reason"] == "waited for the attempt to be closed"
    assert market.get_project(world.project_id).attempt == 2


def test_a_trainer_that_finds_the_work_done_goes_on(world: World) -> None:
    market = world.market(world.account(OWNER))
    submit_all(world)
    world.devnet.advance_to(market.get_round(world.project_id).settle_deadline)
    reports: Reports = []
    with (
        world.participant(0, poke_after_seconds=0) as quick,
        world.participant(1, reports, poke_after_seconds=0) as slow,
    ):
        situation = slow._look()
        assert isinstance(quick.step(), Poke)
        slow._do(Poke("late"), situation, slow.dispatch.journal.get(1, 0))
    assert market.get_project(world.project_id).attempt == 2
    assert not reports


def test_a_chain_that_was_begun_anew_ends_the_run(world: World, devnet: Devnet) -> None:
    with world.participant(0) as participant:
        participant.dispatch.project = replace(participant.project, project_id=ProjectId(bytes(32)))
        with pytest.raises(UnknownProjectError):
            participant.run(threading.Event())


def test_an_update_that_diverges_is_not_sent_and_the_loop_goes_on(world: World) -> None:
    reports: Reports = []
    with world.participant(0, reports) as participant:
        participant.dispatch.transform = lambda delta: delta * float("nan")
        assert isinstance(participant.step(), Train)
        assert isinstance(participant.step(), Wait)
    assert "learning rate" in str(dict(reports)["sitting out"]["hint"])
    assert count_submissions(world) == 0


def test_a_project_that_ends_between_two_answers_of_the_node_is_no_removal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: Reports = []
    with world.participant(0, reports) as participant:
        market, project_id = participant.marketplace, world.project_id
        running = market.get_project(project_id)
        for _ in range(2):
            world.devnet.advance_to(market.get_round(project_id).submit_deadline)
            world.poke()
        ended = market.get_project(project_id)
        assert ended.status is ProjectStatus.FAILED
        answers = iter([running, ended])
        monkeypatch.setattr(Marketplace, "get_project", lambda *_: next(answers))
        action = participant.step()
    assert isinstance(action, Stop)
    assert reports[-1] == ("ended", {"status": "failed"})
