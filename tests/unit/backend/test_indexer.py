"""The indexer against nodes that fail, lag, contradict themselves, or become another chain."""

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from backend.database import Database
from backend.event_log import decode_event
from backend.indexer import Indexer, IndexerLimits, IndexerState
from backend.models import BeforeImage, Block, Cursor, Event
from backend.source import Header, InconsistentNodeError
from steelyard.chain.events import LoggedEvent
from steelyard.errors import ChainUnavailableError, WrongChainError
from steelyard.types import Address
from tests.backend_chain import FakeChain
from tests.unit.backend.conftest import LIMITS

EVENT_ORDER = (Event.block_number, Event.log_index)


def count(database: Database, table: type = Event) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def expected(chain: FakeChain) -> int:
    return sum(len(block.events) for block in chain.blocks)


@pytest.fixture
def busy(chain: FakeChain) -> FakeChain:
    chain.mine_random(60)
    return chain


def test_a_second_look_at_the_same_chain_changes_nothing(busy: FakeChain, database: Database) -> None:
    indexer = Indexer(lambda: busy, database, LIMITS)
    indexer.catch_up()
    assert count(database) == expected(busy)
    assert indexer.step() is False
    assert count(database) == expected(busy)


def test_a_process_killed_at_any_statement_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chain = FakeChain(5)
    chain.mine_random(25)
    path = tmp_path / "crashing.sqlite3"
    Database(f"sqlite:///{path}").migrate()

    def run_until_killed(survives: int) -> None:
        """Dies like by SIGKILL, just before statement or commit number `survives`: nothing is closed or undone."""
        child = os.fork()
        if child == 0:
            database = Database(f"sqlite:///{path}")
            left = [survives]

            def count_down(*_: object) -> None:
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)

            event.listen(database.engine, "before_cursor_execute", count_down)
            event.listen(database.engine, "commit", count_down)
            Indexer(lambda: chain, database, replace(LIMITS, block_range=5)).catch_up()
            os._exit(0)
        os.waitpid(child, 0)

    for survives in range(0, 60, 2):
        run_until_killed(survives)
        chain.reorganise(2, 3)
    database = Database(f"sqlite:///{path}")
    Indexer(lambda: chain, database, LIMITS).catch_up()
    with database.read() as session:
        stored = [decode_event(row) for row in session.scalars(select(Event).order_by(*EVENT_ORDER))]
    assert stored == [logged.event for block in chain.blocks for logged in block.events]
    database.close()


def test_two_indexers_on_one_database_apply_each_block_once(busy: FakeChain, database: Database) -> None:
    first, second = (Indexer(lambda: busy, database, LIMITS) for _ in range(2))
    original = first._apply

    def overtaken(*arguments: object) -> None:
        second.catch_up()
        original(*arguments)  # type: ignore[arg-type]

    first._apply = overtaken  # type: ignore[method-assign, assignment]
    first.step()
    assert count(database) == expected(busy)


def test_a_node_that_is_behind_takes_nothing_back(busy: FakeChain, database: Database) -> None:
    Indexer(lambda: busy, database, LIMITS).catch_up()
    behind = FakeChain()
    behind.blocks = busy.blocks[:50]
    indexer = Indexer(lambda: behind, database, LIMITS)
    assert indexer.step() is False
    assert count(database) == expected(busy)


def test_duplicate_and_unordered_logs_are_applied_once_in_order(busy: FakeChain, database: Database) -> None:
    class Doubling(FakeChain):
        def get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
            return list(reversed([*super().get_events(first, last)] * 2))

        def get_block_events(self, block_hash: bytes) -> Sequence[LoggedEvent]:
            return list(reversed([*super().get_block_events(block_hash)] * 2))

    doubling = Doubling()
    doubling.blocks = busy.blocks
    Indexer(lambda: doubling, database, LIMITS).catch_up()
    assert count(database) == expected(busy)


@pytest.mark.parametrize("lie", ["fork", "outside", "contradiction"])
def test_logs_that_do_not_fit_their_blocks_are_not_applied(busy: FakeChain, database: Database, lie: str) -> None:
    class Lying(FakeChain):
        def get_block_events(self, block_hash: bytes) -> Sequence[LoggedEvent]:
            events = super().get_block_events(block_hash)
            if not events:
                return events
            changed = {
                "fork": replace(events[0], block_hash=bytes(32)),
                "outside": replace(events[0], block_number=events[0].block_number + 1),
                "contradiction": replace(events[0], tx_hash=bytes(32)),
            }[lie]
            return [changed, *events] if lie == "contradiction" else [changed, *events[1:]]

    lying = Lying()
    lying.blocks = busy.blocks
    indexer = Indexer(lambda: lying, database, IndexerLimits(reorg_depth=100))
    with pytest.raises(InconsistentNodeError):
        indexer.catch_up()
    assert count(database) == 0


@pytest.mark.parametrize("quiet", [False, True])
def test_a_reorg_while_a_range_is_read_is_noticed(database: Database, quiet: bool) -> None:
    class Shifting(FakeChain):
        def get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
            events = super().get_events(first, last)
            self.reorganise(self.head - first, 70)
            return events

    shifting = Shifting()
    if quiet:  # no event of the old fork gives it away
        shifting.mine(*[[] for _ in range(60)])
    else:
        shifting.mine_random(60)
    with pytest.raises(InconsistentNodeError):
        Indexer(lambda: shifting, database, LIMITS).step()
    assert count(database) == 0


def test_only_what_a_reorg_may_reach_is_kept_for_undoing(busy: FakeChain, database: Database) -> None:
    indexer = Indexer(lambda: busy, database, LIMITS)
    indexer.catch_up()
    busy.mine(*[[] for _ in range(30)])
    indexer.catch_up()
    assert count(database, BeforeImage) == 0
    with database.read() as session:
        final = session.get_one(Cursor, 1).final_number
        assert final == busy.head - LIMITS.reorg_depth
        empty = [number for number in session.scalars(select(Block.number)) if not busy.blocks[number].events]
    assert min(empty) == final


def test_a_database_of_another_marketplace_is_refused(busy: FakeChain, database: Database) -> None:
    Indexer(lambda: busy, database, LIMITS).catch_up()
    busy.marketplace = Address("0x" + "12" * 20)
    with pytest.raises(WrongChainError):
        Indexer(lambda: busy, database, LIMITS).step()


def test_failures_are_waited_out_on_new_connections(busy: FakeChain, database: Database) -> None:
    connections: list[FakeChain] = []
    stop = threading.Event()

    class Failing(FakeChain):
        def get_head(self) -> Header:
            raise ChainUnavailableError("gone")

    def connect() -> FakeChain:
        if not connections:
            connections.append(busy)
            raise ChainUnavailableError("not there yet")
        chain = Failing() if len(connections) == 1 else busy
        connections.append(chain)
        return chain

    indexer = Indexer(connect, database, replace(LIMITS, poll_seconds=0.01, max_retry_seconds=0.01))
    seen: list[IndexerState] = []

    def on_change() -> None:
        seen.append(indexer.status.state)
        if indexer.status.state is IndexerState.LIVE:
            stop.set()

    indexer.run(stop, on_change)
    assert len(connections) == 3
    assert (seen[-1], indexer.status.error) == (IndexerState.LIVE, None)
    assert count(database) == expected(busy)


def test_a_chain_that_was_replaced_halts_the_loop_loudly(busy: FakeChain, database: Database) -> None:
    Indexer(lambda: busy, database, LIMITS).catch_up()
    other = FakeChain(99)
    other.mine_random(80)
    indexer = Indexer(lambda: other, database, LIMITS)
    indexer.run(threading.Event())
    assert indexer.status.state is IndexerState.HALTED
    assert "were replaced" in (indexer.status.error or "")
    assert count(database) == expected(busy)


def test_a_bug_halts_the_loop_and_is_not_swallowed(busy: FakeChain, database: Database) -> None:
    class Broken(FakeChain):
        def get_head(self) -> Header:
            raise ZeroDivisionError

    indexer = Indexer(Broken, database, LIMITS)
    with pytest.raises(ZeroDivisionError):
        indexer.run(threading.Event())
    assert indexer.status.state is IndexerState.HALTED
