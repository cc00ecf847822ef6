"""Connections, transactions and column types. The only module that knows which database this is."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Dialect, Engine, SmallInteger, String, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from steelyard.errors import ConfigError

AMOUNT_DIGITS: Final = 78
"""Decimal digits of the largest uint256."""

BUSY_SECONDS: Final = 30
"""How long a SQLite connection waits for another one's write."""

_LOCK_WRITERS: Final = text("LOCK TABLE cursor IN SHARE ROW EXCLUSIVE MODE")
"""PostgreSQL takes the transaction's snapshot after this lock, so that the next writer sees what the last one wrote."""

_LOCK_MIGRATIONS: Final = text("SELECT pg_advisory_xact_lock(57799)")

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Amount(TypeDecorator[int]):
    """An exact uint256 as fixed-width decimal text: no float anywhere, and text order is numerical order."""

    impl = String(AMOUNT_DIGITS)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The column's text.

        Raises:
          ValueError: the value is negative or does not fit 256 bits.
        """
        if value is None:
            return None
        if not 0 <= value < 2**256:
            raise ValueError(f"{value} is not a uint256")
        return f"{value:0{AMOUNT_DIGITS}d}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The integer that the text spells."""
        return None if value is None else int(value)


class Enumerated(TypeDecorator[IntEnum]):
    """A contract's enum, stored as the number that the chain uses."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, members: type[IntEnum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: IntEnum | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The member's number."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> IntEnum | None:  # noqa: ARG002
        """The member."""
        return None if value is None else self.members(value)


class Database:
    """Short transactions on one database.

    Args:
      url: an SQLAlchemy URL: `sqlite:///backend.sqlite3` for a file here, or `postgresql://USER@HOST/NAME`.

    Raises:
      ConfigError: the URL cannot be read, or names a database that this version does not support.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse_url(url)
        self.writes = 0
        """How many transactions this process has committed."""
        self.engine = _create_sqlite_engine(parsed) if _is_sqlite(parsed) else _create_postgresql_engine(parsed)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent snapshot. Nothing is written."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, the only writer: committed at the end, undone if anything is raised."""
        with Session(self.engine) as session, session.begin():
            connection = session.connection(execution_options={"sqlite_begin": "BEGIN IMMEDIATE"})
            if connection.dialect.name == "postgresql":
                connection.execute(_LOCK_WRITERS)
            yield session
        self.writes += 1

    def migrate(self, revision: str = "head") -> None:
        """Brings the schema to a revision, the newest by default. Safe to run by several processes at once."""
        with self._connect_alone() as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(_LOCK_MIGRATIONS)
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            config.attributes["connection"] = connection
            present = MigrationContext.configure(connection).get_current_revision()
            is_older = revision != "head" and present is not None and revision < present
            (command.downgrade if is_older else command.upgrade)(config, revision)

    def _connect_alone(self) -> Connection:
        connection = self.engine.connect()
        if connection.dialect.name == "postgresql":
            return connection.execution_options(isolation_level="READ COMMITTED")
        return connection.execution_options(sqlite_begin="BEGIN EXCLUSIVE")

    def close(self) -> None:
        """Closes the pooled connections."""
        self.engine.dispose()


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(f"{url!r} is not a database URL such as sqlite:///backend.sqlite3") from None
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if not _is_sqlite(parsed):
        raise ConfigError(f"{parsed.get_backend_name()} is not supported: use a sqlite:/// or a postgresql:// URL")
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigError("the indexer and the API share the database: it must be a file")
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _create_postgresql_engine(url: URL) -> Engine:
    """Reads see one snapshot, as in SQLite. Connections that the server has closed are found out before use."""
    try:
        return create_engine(url, isolation_level="REPEATABLE READ", pool_pre_ping=True)
    except ModuleNotFoundError:
        raise ConfigError("PostgreSQL needs psycopg: install steelyard[postgresql]") from None


def _create_sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling starts a transaction too late for a consistent read: SQLAlchemy begins.
    driver: Any = connection
    driver.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
