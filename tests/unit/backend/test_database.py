"""Exact columns, and a schema that is the one the migrations make."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select
from sqlalchemy.dialects import sqlite

from backend.database import Amount, Database
from backend.indexer import Indexer, IndexerLimits
from backend.models import Account, Balance, Base, KeptBase, Payment, ReputationChange
from steelyard.errors import ConfigError
from tests.backend_chain import TOKEN, TRAINERS, FakeChain

amounts = st.integers(0, 2**256 - 1)
DIALECT = sqlite.dialect()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_unusable_database_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        Database(url)


@pytest.mark.parametrize("value", [-1, 2**256])
def test_amounts_beyond_a_uint256_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="uint256"):
        Amount().process_bind_param(value, DIALECT)


@given(amounts, amounts)
def test_amounts_survive_exactly_and_sort_as_numbers(left: int, right: int) -> None:
    column = Amount()
    texts = [column.process_bind_param(value, DIALECT) for value in (left, right)]
    assert [column.process_result_value(text, DIALECT) for text in texts] == [left, right]
    assert (texts[0] < texts[1]) == (left < right)  # type: ignore[operator]


def test_migrations_make_the_schema_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        both = [Base.metadata, KeptBase.metadata]
        assert compare_metadata(context, both) == []  # type: ignore[arg-type]


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.write() as session:
        session.add(Account(address=TRAINERS[0], key=None, reputation_bps=1))
    database.migrate()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 1


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def write_and_fail() -> None:
        with database.write() as session:
            session.add(Account(address=TRAINERS[0], key=None, reputation_bps=1))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with database.read() as session:
        assert session.get(Account, TRAINERS[0]) is None


def test_readers_see_one_snapshot_while_a_writer_commits(database: Database) -> None:
    zeros = dict.fromkeys(("free", "locked", "unbonding", "available_at", "slashed", "credited", "claimed"), 0)
    with database.read() as reader:
        assert reader.get(Balance, (TRAINERS[0], TOKEN)) is None
        with database.write() as writer:
            writer.add(Balance(account=TRAINERS[0], token=TOKEN, **zeros))
        assert reader.scalar(select(func.count()).select_from(Balance)) == 0
    with database.read() as reader:
        assert reader.scalar(select(func.count()).select_from(Balance)) == 1


def test_a_database_of_before_gets_its_payments_and_reputations_from_the_log(tmp_path: Path) -> None:
    chain = FakeChain(3)
    chain.mine_random(150)
    database = Database(f"sqlite:///{tmp_path}/old.sqlite3")
    database.migrate()
    Indexer(lambda: chain, database, IndexerLimits()).catch_up()

    def dump() -> list[list[tuple[object, ...]]]:
        with database.read() as session:
            queries = [
                select(kind.__table__).order_by(*kind.__table__.primary_key) for kind in (Payment, ReputationChange)
            ]
            return [[tuple(row) for row in session.execute(query)] for query in queries]

    before = dump()
    assert all(before)
    database.migrate("0002")
    assert "payments" not in inspect(database.engine).get_table_names()
    database.migrate()
    assert dump() == before
    database.close()
