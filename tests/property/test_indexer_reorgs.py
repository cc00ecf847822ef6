"""Whatever the chain does within the reorg depth, the live read model is that of an indexer that starts today."""

import functools
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from backend.database import Database
from backend.indexer import DeepReorgError, Indexer, IndexerLimits, IndexerState, rebuild
from backend.models import Base
from tests.backend_chain import FakeChain

DEPTH = 8
LIMITS = IndexerLimits(reorg_depth=DEPTH, block_range=5)


def dump(database: Database) -> dict[str, list[Any]]:
    """Every row of the read model. Before-images are about the past, not about the chain."""
    tables = [table for table in Base.metadata.sorted_tables if table.name != "before_images"]
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in tables
        }


@functools.cache
def empty_database() -> bytes:
    """A migrated database file: migrating takes longer than most schedules."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        database = Database(f"sqlite:///{path}")
        database.migrate()
        database.close()
        return path.read_bytes()


def open_database(folder: str, name: str) -> Database:
    path = Path(folder) / f"{name}.sqlite3"
    path.write_bytes(empty_database())
    return Database(f"sqlite:///{path}")


operations = st.lists(
    st.one_of(
        st.tuples(st.just("mine"), st.integers(1, 6)),
        st.tuples(st.just("reorganise"), st.integers(1, DEPTH)),
        st.tuples(st.just("step"), st.integers(1, 3)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    min_size=5,
    max_size=25,
)


# An attempt that is opened in one block and closed in the next, both read at once, and the second taken back.
@example(seed=253758, schedule=[("reorganise", 7), ("step", 1), ("step", 1), ("reorganise", 1), ("mine", 1)])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), schedule=operations)
def test_live_read_model_equals_a_rebuilt_one(seed: int, schedule: list[tuple[str, int]]) -> None:
    chain = FakeChain(seed)
    chain.mine_random(12)
    with tempfile.TemporaryDirectory() as folder:
        live = open_database(folder, "live")
        indexer = Indexer(lambda: chain, live, LIMITS)
        indexed_head = 0
        for operation, amount in schedule:
            if operation == "mine":
                chain.mine_random(amount)
            elif operation == "reorganise":
                # Never deeper than what the indexer promises to survive, from where it stands.
                depth = min(amount, chain.head - max(0, indexed_head - DEPTH))
                chain.reorganise(depth, depth + random.Random(seed).randrange(3))
            elif operation == "step":
                for _ in range(amount):
                    indexer.step()
                    indexed_head = max(indexed_head, chain.head)
            else:
                indexer = Indexer(lambda: chain, live, LIMITS)
        indexer.catch_up()

        fresh = open_database(folder, "fresh")
        Indexer(lambda: chain, fresh, LIMITS).catch_up()
        assert dump(live) == dump(fresh)
        before = dump(live)
        rebuild(live, Indexer(lambda: chain, live, LIMITS))
        assert dump(live) == before
        live.close()
        fresh.close()


@pytest.mark.parametrize("depth", range(1, DEPTH + 2))
def test_reorgs_up_to_the_depth_are_undone_and_deeper_ones_halt(tmp_path: Path, depth: int) -> None:
    chain = FakeChain(depth)
    chain.mine_random(40)
    live = open_database(str(tmp_path), "live")
    indexer = Indexer(lambda: chain, live, LIMITS)
    indexer.catch_up()
    before = dump(live)
    chain.reorganise(depth, depth + 1)
    if depth > DEPTH:
        with pytest.raises(DeepReorgError):
            indexer.catch_up()
        assert dump(live) == before
    else:
        indexer.catch_up()
        assert (indexer.status.state, indexer.status.reorgs) == (IndexerState.LIVE, 1)
        fresh = open_database(str(tmp_path), "fresh")
        Indexer(lambda: chain, fresh, LIMITS).catch_up()
        assert dump(live) == dump(fresh)
        fresh.close()
    live.close()
