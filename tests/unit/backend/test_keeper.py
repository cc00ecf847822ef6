"""The keeper pokes what is due, once a state, whoever else pokes and whatever fails."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from backend.database import Database
from backend.indexer import Indexer
from backend.keeper import Keeper, Poker
from backend.models import Attempt, Project
from backend.round_status import get_round_status
from steelyard.chain import events as ev
from steelyard.chain.records import RoundOutcome, RoundStatus
from steelyard.chain.reverts import NothingToDoError
from steelyard.chain.transactions import Receipt
from steelyard.errors import ChainUnavailableError
from steelyard.types import ProjectId
from tests.backend_chain import (
    AGGREGATOR,
    GENESIS_TIME,
    OWNER,
    FakeChain,
    load_bundle,
    make_params,
    make_settled_project,
)
from tests.unit.backend.conftest import LIMITS

BUNDLE = load_bundle("ev_7_2410_bad")
ENROL_DEADLINE = GENESIS_TIME + 500


@dataclass(slots=True)
class FakePoker(Poker):
    """Counts pokes, and answers each as it is told."""

    now: int
    block: int = 0
    answer: Callable[[], None] = lambda: None
    poked: list[ProjectId] = field(default_factory=list)

    def get_time(self) -> int:
        return self.now

    def poke(self, project_id: ProjectId) -> Receipt:
        self.poked.append(project_id)
        self.answer()
        return Receipt("0x00", self.block, "0x00", 0, 0, None, ())


@dataclass(slots=True)
class Kit:
    chain: FakeChain
    indexer: Indexer
    keeper: Keeper
    poker: FakePoker

    def turn(self) -> None:
        """One look for deadlines, all pokes waited for."""
        with ThreadPoolExecutor(4) as pool:
            for stand in self.keeper.get_due():
                pool.submit(self.keeper._poke, stand, self.keeper._begin(stand)).result()


@pytest.fixture
def kit(chain: FakeChain, database: Database) -> Kit:
    poker = FakePoker(GENESIS_TIME)
    indexer = Indexer(lambda: chain, database, LIMITS)
    chain.mine(*make_settled_project(BUNDLE)[:1])
    indexer.catch_up()
    return Kit(chain, indexer, Keeper(database, poker, 0.01), poker)


def attempt(**changes: object) -> Attempt:
    facts: dict[str, object] = {
        "round": 0,
        "attempt": 1,
        "aggregator": AGGREGATOR,
        "members": 5,
        "submissions": 0,
        "submit_deadline": 100,
        "settle_deadline": 200,
        "attest_deadline": None,
        "attesters": 0,
        "approvals": 0,
        "objections": 0,
        "outcome": RoundOutcome.NONE,
        "has_root": False,
    }
    return Attempt(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "time", "status", "outcome"),
    [
        ({}, 99, RoundStatus.COLLECTING, RoundOutcome.NONE),
        ({}, 100, RoundStatus.DECIDED, RoundOutcome.TOO_FEW),
        ({"submissions": 5}, 1, RoundStatus.WEIGHING, RoundOutcome.NONE),
        ({"submissions": 3}, 99, RoundStatus.COLLECTING, RoundOutcome.NONE),
        ({"submissions": 3}, 100, RoundStatus.WEIGHING, RoundOutcome.NONE),
        ({"submissions": 2}, 100, RoundStatus.DECIDED, RoundOutcome.TOO_FEW),
        ({"submissions": 3}, 200, RoundStatus.DECIDED, RoundOutcome.MISSED),
        ({"attest_deadline": 300, "attesters": 4}, 299, RoundStatus.ATTESTING, RoundOutcome.NONE),
        ({"attest_deadline": 300, "attesters": 4}, 300, RoundStatus.DECIDED, RoundOutcome.FINAL),
        ({"attest_deadline": 300, "attesters": 4, "approvals": 2}, 299, RoundStatus.ATTESTING, RoundOutcome.NONE),
        ({"attest_deadline": 300, "attesters": 4, "approvals": 3}, 299, RoundStatus.DECIDED, RoundOutcome.FINAL),
        ({"attest_deadline": 300, "attesters": 4, "objections": 3}, 299, RoundStatus.DECIDED, RoundOutcome.VOID),
        ({"outcome": RoundOutcome.ABANDONED}, 1, RoundStatus.DECIDED, RoundOutcome.ABANDONED),
    ],
)
def test_status_of_an_attempt(
    changes: dict[str, object], time: int, status: RoundStatus, outcome: RoundOutcome
) -> None:
    project = Project(min_trainers=3, rooted=False)
    assert get_round_status(attempt(**changes), project, time) == (status, outcome)


@pytest.mark.parametrize(
    ("changes", "time", "status", "outcome"),
    [
        ({"submissions": 5}, 99, RoundStatus.COLLECTING, RoundOutcome.NONE),
        ({"submissions": 5}, 100, RoundStatus.DECIDED, RoundOutcome.TOO_FEW),
        ({"submissions": 5, "has_root": True}, 1, RoundStatus.WEIGHING, RoundOutcome.NONE),
        ({"submissions": 3, "has_root": True}, 99, RoundStatus.COLLECTING, RoundOutcome.NONE),
        ({"submissions": 2, "has_root": True}, 100, RoundStatus.DECIDED, RoundOutcome.TOO_FEW),
    ],
)
def test_an_attempt_of_a_rooted_project_waits_for_the_root(
    changes: dict[str, object], time: int, status: RoundStatus, outcome: RoundOutcome
) -> None:
    project = Project(min_trainers=3, rooted=True)
    assert get_round_status(attempt(**changes), project, time) == (status, outcome)


def test_nothing_is_poked_before_its_deadline(kit: Kit) -> None:
    kit.poker.now = ENROL_DEADLINE - 1
    kit.turn()
    assert kit.poker.poked == []


def test_a_state_is_poked_once_until_the_index_shows_what_came_of_it(kit: Kit) -> None:
    kit.poker.now, kit.poker.block = ENROL_DEADLINE, kit.chain.head + 1
    for _ in range(3):
        kit.turn()
    assert kit.poker.poked == [BUNDLE.project_id]
    assert kit.keeper.status.pokes == 1


def test_a_poke_that_a_reorg_took_back_is_repeated(kit: Kit) -> None:
    kit.poker.now, kit.poker.block = ENROL_DEADLINE, kit.chain.head + 1
    kit.turn()
    kit.chain.mine([], [])  # the poke's block came, without the poke
    kit.indexer.catch_up()
    kit.turn()
    assert len(kit.poker.poked) == 2


def test_the_next_state_is_poked_again(kit: Kit) -> None:
    kit.poker.now, kit.poker.block = ENROL_DEADLINE, 10**6
    kit.turn()
    kit.chain.mine(*make_settled_project(BUNDLE)[1:3])
    kit.indexer.catch_up()
    kit.turn()
    assert len(kit.poker.poked) == 1
    kit.poker.now = GENESIS_TIME + 900
    kit.turn()
    assert len(kit.poker.poked) == 2


def test_others_that_poke_first_are_no_failure(kit: Kit) -> None:
    def nothing_to_do() -> None:
        raise NothingToDoError(BUNDLE.project_id)

    kit.poker.now, kit.poker.answer = ENROL_DEADLINE, nothing_to_do
    kit.turn()
    assert (kit.keeper.status.failures, kit.keeper.status.error) == (0, None)


def test_failures_are_shown_and_tried_again_ever_more_slowly(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("backend.keeper.time", SimpleNamespace(monotonic=lambda: clock[0]))

    def fail() -> None:
        raise ChainUnavailableError("gone")

    kit.poker.now, kit.poker.answer = ENROL_DEADLINE, fail
    kit.turn()
    assert (kit.keeper.status.failures, kit.keeper.status.error) == (1, "gone")
    kit.turn()
    assert len(kit.poker.poked) == 1
    clock[0] += 0.021  # twice as long as between two looks
    kit.turn()
    assert len(kit.poker.poked) == 2
    kit.poker.answer = lambda: None
    clock[0] += 0.021
    kit.turn()
    assert len(kit.poker.poked) == 2
    clock[0] += 0.021  # four times as long by now
    kit.turn()
    assert (kit.keeper.status.pokes, kit.keeper.status.error) == (1, None)


def test_one_slow_project_does_not_hold_the_others_up(kit: Kit) -> None:
    other = ProjectId(b"\x0f" * 32)
    kit.chain.mine([ev.ProjectCreated(other, OWNER, 1, ENROL_DEADLINE, make_params(), rooted=False)])
    kit.indexer.catch_up()
    release, stop = threading.Event(), threading.Event()

    def wait_for_the_other() -> None:
        if kit.poker.poked[-1] == BUNDLE.project_id:
            release.wait(5)
        else:
            release.set()

    kit.poker.now, kit.poker.block, kit.poker.answer = ENROL_DEADLINE, 10**6, wait_for_the_other
    thread = threading.Thread(target=kit.keeper.run, args=(stop,))
    thread.start()
    assert release.wait(5)
    stop.set()
    thread.join()
    assert sorted(kit.poker.poked) == sorted([BUNDLE.project_id, other])
    assert kit.keeper.status.pokes == 2
