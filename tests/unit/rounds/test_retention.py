from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from steelyard.chain.events import (
    AccessGranted,
    Event,
    HybridKeyRegistered,
    KeysPublished,
    LoggedEvent,
    RootSubmitted,
    RoundClosed,
    RoundSettled,
    UpdateSubmitted,
)
from steelyard.chain.history import REORG_DEPTH
from steelyard.chain.records import RoundOutcome
from steelyard.errors import StorageUnavailableError
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.retention import Hold, Housekeeper, Kind, compute_holds, find_expired, let_go
from steelyard.spec import encode_project_spec
from steelyard.storage import MemoryBlobStore, compute_cid
from steelyard.types import Address, Cid, Codec, Digest, ProjectId
from steelyard.updates.aggregate import Aggregate, encode_aggregate
from tests.rounds_kit import PROJECT, Kit, PlayedRound, make_spec, make_store, play_round

CLOSED_IN = 1_000
LONG_AFTER = CLOSED_IN + REORG_DEPTH
OTHER = ProjectId(b"\x77" * 32)
STRANGER = Address("0x" + "99" * 20)
PAYLOAD = bytes(16) + b"the rest of a point, and what is sealed"


@pytest.fixture(scope="module")
def played() -> PlayedRound:
    initial = compute_initial_parameters(make_spec().model, seed=1)
    spec = make_spec(initial)
    return play_round(Kit.make(n=5), make_store(initial, spec), GlobalModel(0, initial), spec)


@pytest.fixture(scope="module")
def events(played: PlayedRound) -> list[LoggedEvent]:
    """A round from its submissions to its end, which is in block `CLOSED_IN`."""
    return [replace(logged, block_number=CLOSED_IN) for logged in played.events]


def log(event: Event, block_number: int = CLOSED_IN) -> LoggedEvent:
    return LoggedEvent(event, block_number, 0, bytes(32), bytes(32))


def submit(cid: Cid, project_id: ProjectId = PROJECT, attempt: int = 1) -> LoggedEvent:
    return log(UpdateSubmitted(project_id, 0, STRANGER, attempt, 9, cid, Digest(bytes(32))))


def close(outcome: RoundOutcome, project_id: ProjectId = PROJECT, attempt: int = 1) -> LoggedEvent:
    return log(RoundClosed(project_id, 0, attempt, outcome, 0, 0))


def cids(holds: Sequence[Hold]) -> set[Cid]:
    return {hold.cid for hold in holds}


class TestPolicy:
    def test_payloads_are_kept_until_their_attempt_has_been_closed_for_long(self, events: list[LoggedEvent]) -> None:
        payloads = {logged.event.cid for logged in events if isinstance(logged.event, UpdateSubmitted)}
        unclosed = [logged for logged in events if not isinstance(logged.event, RoundClosed)]
        assert len(payloads) == 5
        assert find_expired(compute_holds(unclosed), 10**9) == ()
        assert find_expired(compute_holds(events), LONG_AFTER - 1) == ()
        assert cids(find_expired(compute_holds(events), LONG_AFTER)) == payloads

    @pytest.mark.parametrize("outcome", [outcome for outcome in RoundOutcome if outcome is not RoundOutcome.NONE])
    def test_however_it_ended_only_payloads_expire(self, events: list[LoggedEvent], outcome: RoundOutcome) -> None:
        ended = [
            replace(logged, event=replace(logged.event, outcome=outcome))
            if isinstance(logged.event, RoundClosed)
            else logged
            for logged in events
        ]
        holds = compute_holds(ended)
        assert {hold.kind for hold in find_expired(holds, LONG_AFTER)} == {Kind.PAYLOAD}
        (aggregate,) = [logged.event for logged in events if isinstance(logged.event, RoundSettled)]
        assert aggregate.settlement.aggregate_cid in cids([hold for hold in holds if hold.kind is Kind.AGGREGATE])

    def test_a_root_is_a_payload_of_the_owner(self) -> None:
        root = log(RootSubmitted(PROJECT, 0, STRANGER, 1, compute_cid(PAYLOAD), Digest(bytes(32))))
        assert find_expired(compute_holds([root]), 10**9) == ()
        (hold,) = find_expired(compute_holds([root, close(RoundOutcome.FINAL)]), LONG_AFTER)
        assert (hold.cid, hold.kind, hold.account) == (compute_cid(PAYLOAD), Kind.PAYLOAD, STRANGER)

    def test_an_attempt_of_the_same_number_elsewhere_changes_nothing(self) -> None:
        blob = compute_cid(PAYLOAD)
        holds = compute_holds([submit(blob), close(RoundOutcome.FINAL, OTHER), close(RoundOutcome.FINAL, attempt=2)])
        assert find_expired(holds, 10**9) == ()

    @pytest.mark.parametrize(
        "reason",
        [
            KeysPublished(OTHER, STRANGER, compute_cid(b"shared")),
            AccessGranted(OTHER, STRANGER, 0, compute_cid(b"shared")),
            HybridKeyRegistered(STRANGER, compute_cid(b"shared").digest),
        ],
        ids=lambda reason: type(reason).__name__,
    )
    def test_what_somebody_else_needs_does_not_expire(self, reason: Event) -> None:
        shared = compute_cid(b"shared")
        ended = [submit(shared), close(RoundOutcome.FINAL)]
        assert cids(find_expired(compute_holds(ended), 10**9)) == {shared}
        assert find_expired(compute_holds([*ended, log(reason)]), 10**9) == ()

    def test_the_same_bytes_of_two_trainers_are_kept_for_the_one_who_needs_them_still(self) -> None:
        blob = compute_cid(PAYLOAD)
        ended = [submit(blob), close(RoundOutcome.FINAL)]
        assert find_expired(compute_holds([*ended, submit(blob, OTHER)]), 10**9) == ()


class TestLettingGo:
    def test_a_payload_goes_once(self) -> None:
        store = MemoryBlobStore()
        hold = Hold(store.put(PAYLOAD), Kind.PAYLOAD)
        assert let_go(store, hold)
        assert not store.has(hold.cid)
        assert not let_go(store, hold)

    def test_nothing_else_goes_though_somebody_has_posted_it_as_a_payload(self, played: PlayedRound) -> None:
        """The attack: submit the identifier of somebody's model, wait until the round is over, and it is deleted."""
        initial = compute_initial_parameters(make_spec().model, seed=1)
        spec = make_spec(initial)
        aggregate = Aggregate(np.ones(spec.model.dimension, np.int64), (1,), compute_cid(b""))
        blobs = [
            encode_model(initial, spec.model.shapes),
            encode_project_spec(spec),
            encode_aggregate(aggregate),
            b"",
            b"\0" * 15,
            bytes(16 * 1024 * 1024 + 1),
        ]
        store = MemoryBlobStore()
        for blob in blobs:
            hold = Hold(store.put(blob), Kind.PAYLOAD)
            assert not let_go(store, hold)
            assert store.has(hold.cid)

    def test_what_trainers_really_send_begins_as_expected(self, played: PlayedRound) -> None:
        store = MemoryBlobStore()
        commitments = played.weighed.commitments
        assert let_go(store, Hold(store.put(commitments), Kind.PAYLOAD))


class Unreachable(MemoryBlobStore):
    down = True

    def _release(self, cid: Cid) -> bool:
        if self.down:
            raise StorageUnavailableError("down")
        return super()._release(cid)


class TestHousekeeper:
    def test_it_lets_go_of_its_own(self) -> None:
        store = MemoryBlobStore()
        mine, other = store.put(PAYLOAD + b"mine"), store.put(PAYLOAD + b"other")
        ended = [submit(mine), submit(other), close(RoundOutcome.FINAL)]
        housekeeper = Housekeeper(store, lambda hold: hold.cid == mine)
        assert housekeeper.tidy(ended, LONG_AFTER - 1) == 0
        assert housekeeper.tidy(ended, LONG_AFTER) == 1
        assert housekeeper.tidy(ended, LONG_AFTER) == 0
        assert not store.has(mine)
        assert store.has(other)

    def test_a_store_that_is_down_is_asked_the_next_time(self) -> None:
        store = Unreachable()
        blobs = [store.put(PAYLOAD + bytes([i])) for i in range(3)]
        ended = [*map(submit, blobs), close(RoundOutcome.FINAL)]
        housekeeper = Housekeeper(store, lambda _hold: True)
        with pytest.raises(StorageUnavailableError):
            housekeeper.tidy(ended, LONG_AFTER)
        store.down = False
        assert housekeeper.tidy(ended, LONG_AFTER) == 3


def test_keys_are_held_as_the_raw_blocks_that_they_are() -> None:
    key = bytes(range(32))
    (hold,) = compute_holds([log(HybridKeyRegistered(STRANGER, compute_cid(key).digest))])
    assert hold == Hold(Cid(Codec.RAW, compute_cid(key).digest), Kind.KEY, account=STRANGER)
