"""Follows the canonical chain and keeps the read model in step with it.

One step reads a range of blocks and applies it in one transaction together with the cursor, so that a process killed
at any instruction resumes where the last transaction ended. Blocks deeper than `reorg_depth` are taken in long ranges;
newer ones one by one, with before-images, so that they can be taken back:

1. The next block's parent must be the block at the cursor. If not, walk back to the newest stored block that the chain
   still has and roll back to it. If that one is past undoing, stop: the read model is of a chain that is no more.
2. Events are read between two looks at the headers that they must belong to, and sorted and freed of duplicates.
3. In the transaction the cursor is read again: had another process moved it, the step would count for nothing.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog
from sqlalchemy import delete, exists, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.database import Database
from backend.event_log import Facts, to_hex
from backend.models import Base, BeforeImage, Block, Cursor, Event
from backend.projection import apply
from backend.source import Header, InconsistentNodeError, Source
from backend.undo import record_changes, roll_back
from steelyard.chain.events import LoggedEvent
from steelyard.errors import ChainError, WrongChainError

log = structlog.get_logger(__name__)


class DeepReorgError(ChainError):
    """The chain has replaced blocks that are past undoing. `steelyard backend rebuild` reads it anew."""

    hint = "run `steelyard backend rebuild`, or point the backend at the chain that it indexed"

    def __init__(self, block_number: int, reorg_depth: int) -> None:
        super().__init__(f"block {block_number} and all {reorg_depth} before it were replaced")
        self.block_number = block_number
        self.reorg_depth = reorg_depth


class IndexerState(StrEnum):
    """What the indexer is doing."""

    SYNCING = "syncing"
    """More blocks wait than one step takes."""
    LIVE = "live"
    RETRYING = "retrying"
    """The node does not answer, or not consistently, or is another chain's; or the database cannot be written."""
    HALTED = "halted"
    """It will not go on without an operator."""


@dataclass(frozen=True, slots=True)
class IndexerStatus:
    """The indexer as health checks and metrics see it.

    Attributes:
      head_number: the chain's newest block, as far as known; `block_number` is applied.
      error: why it retries or halted.
    """

    state: IndexerState = IndexerState.SYNCING
    head_number: int | None = None
    block_number: int | None = None
    events: int = 0
    reorgs: int = 0
    error: str | None = None

    @property
    def lag_blocks(self) -> int | None:
        """Blocks that are known of and not applied."""
        if self.head_number is None or self.block_number is None:
            return None
        return max(0, self.head_number - self.block_number)


@dataclass(frozen=True, slots=True)
class IndexerLimits:
    """How the indexer reads.

    Attributes:
      start_block: the first block that may have events: the marketplace's deployment.
      reorg_depth: how many blocks below the head may be taken back; 64 is Ethereum's finality.
      block_range: the most blocks asked for at once.
      poll_seconds: between two looks at a chain that is not ahead.
      max_retry_seconds: the longest wait for a node that fails.
    """

    start_block: int = 1
    reorg_depth: int = 64
    block_range: int = 2_000
    poll_seconds: float = 1.0
    max_retry_seconds: float = 30.0


_MAX_RECENT = 64
"""Recent blocks that one transaction takes at most."""


@dataclass(frozen=True, slots=True)
class _Position:
    """The newest block applied."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class _Batch:
    """Blocks to apply together, in order; empty ones only where the walk back may need them."""

    blocks: Sequence[tuple[Header, Sequence[LoggedEvent]]]
    facts: dict[tuple[int, int], Facts]
    undoable: bool

    @property
    def last(self) -> Header:
        return self.blocks[-1][0]


class Indexer:
    """Keeps a database in step with a chain. Use it from one thread; `status` may be read from any."""

    def __init__(self, connect: Callable[[], Source], database: Database, limits: IndexerLimits) -> None:
        """
        Args:
          connect: gives the chain; called again after each failure, so that a changed node is found out.
        """
        self._connect = connect
        self._connection: Source | None = None
        self._database = database
        self._limits = limits
        self.status = IndexerStatus()

    def run(self, stop: threading.Event, on_change: Callable[[], None] = lambda: None) -> None:
        """Indexes until `stop` is set. Failures of the node are waited out; anything else halts, loudly.

        Args:
          stop: set it to end the loop after the current step.
          on_change: called after each step that changed the read model.
        """
        failures = 0
        while not stop.is_set():
            try:
                changed = self.step()
            except DeepReorgError as error:
                self._halt(error)
                return
            except (ChainError, OperationalError) as error:
                failures += 1
                self._connection = None
                self.status = replace(self.status, state=IndexerState.RETRYING, error=str(error))
                log.warning("step failed", failures=failures, error=str(error))
                stop.wait(min(self._limits.max_retry_seconds, 0.25 * 2 ** min(failures, 10)))
                continue
            except Exception as error:
                self._halt(error)
                raise
            failures = 0
            if changed:
                on_change()
            if self.status.state is IndexerState.LIVE:
                stop.wait(self._limits.poll_seconds)

    def step(self) -> bool:
        """Applies the next range of blocks, or takes back those that the chain no longer has.

        Returns:
          Whether the read model has changed.

        Raises:
          ChainError: the node failed; nothing has changed.
          DeepReorgError: the chain has replaced what is past undoing.
          WrongChainError: the database is of another chain or marketplace.
        """
        head = self._source.get_head()
        position = self._get_position()
        self.status = replace(self.status, head_number=head.number, block_number=position.number)
        if head.number < position.number or head.hash == position.hash:
            # A node that is behind, or a chain that lost its newest blocks, is told from the next block on.
            self.status = replace(self.status, state=IndexerState.LIVE, error=None)
            return False
        if head.number == position.number or self._source.get_header(position.number + 1).parent_hash != position.hash:
            self._take_back(position)
            return True
        final = head.number - self._limits.reorg_depth
        batch = self._read_final(position, final) if position.number < final else self._read_recent(position, head)
        self._apply(position, batch)
        count = sum(len(events) for _, events in batch.blocks)
        if count:
            log.info("indexed", block=batch.last.number, events=count, lag=head.number - batch.last.number)
        state = IndexerState.LIVE if batch.last.number == head.number else IndexerState.SYNCING
        self.status = replace(
            self.status,
            state=state,
            block_number=batch.last.number,
            events=self.status.events + count,
            error=None,
        )
        return True

    def catch_up(self, stop: threading.Event | None = None) -> None:
        """Steps until all blocks that the chain has are applied, or `stop` is set."""
        while not (stop and stop.is_set()):
            self.step()
            if self.status.state is IndexerState.LIVE:
                return

    # ---------------------------------------------------------------------------------------- reading the chain

    @property
    def _source(self) -> Source:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _read_final(self, position: _Position, final: int) -> _Batch:
        """Reads blocks that are past undoing, a range at once."""
        first, last = position.number + 1, min(final, position.number + self._limits.block_range)
        end = self._source.get_header(last)
        events = self._source.get_events(first, last)
        by_block = _group(events, first, last)
        blocks = [(self._source.get_header(number), by_block[number]) for number in sorted(by_block)]
        if not blocks or blocks[-1][0].number != last:
            blocks.append((end, []))
        if self._source.get_header(last).hash != end.hash:
            raise InconsistentNodeError(f"block {last} was replaced while the range before it was read")
        return self._build_batch(blocks, undoable=False)

    def _read_recent(self, position: _Position, head: Header) -> _Batch:
        """Reads blocks that may yet be replaced, one by one; each must be the child of the one before."""
        blocks: list[tuple[Header, list[LoggedEvent]]] = []
        parent = position.hash
        last = min(head.number, position.number + _MAX_RECENT)
        for number in range(position.number + 1, last + 1):
            header = self._source.get_header(number)
            if header.parent_hash != parent:
                raise InconsistentNodeError(f"block {number} is no child of the block before it")
            events = _group(self._source.get_block_events(header.hash), number, number)
            blocks.append((header, events.get(number, [])))
            parent = header.hash
        return self._build_batch(blocks, undoable=True)

    def _build_batch(self, blocks: list[tuple[Header, list[LoggedEvent]]], *, undoable: bool) -> _Batch:
        facts: dict[tuple[int, int], Facts] = {}
        for header, events in blocks:
            for logged in events:
                if logged.block_hash != header.hash:
                    raise InconsistentNodeError(f"an event of block {header.number} is from another fork")
                facts[logged.block_number, logged.log_index] = self._source.get_facts(logged)
        return _Batch(blocks, facts, undoable)

    # ---------------------------------------------------------------------------------------- writing the read model

    def _get_position(self) -> _Position:
        with self._database.read() as session:
            cursor = session.get(Cursor, 1)
            if cursor is not None:
                _verify_same_chain(cursor, self._source)
                return _Position(cursor.block_number, bytes.fromhex(cursor.block_hash[2:]))
        header = self._source.get_header(self._limits.start_block - 1)
        with self._database.write() as session:
            if session.get(Cursor, 1) is None:
                session.add(
                    Cursor(
                        id=1,
                        chain_id=self._source.chain_id,
                        marketplace=self._source.marketplace,
                        block_number=header.number,
                        block_hash=to_hex(header.hash),
                        final_number=header.number,
                    )
                )
                session.add(Block(number=header.number, hash=to_hex(header.hash), timestamp=header.timestamp))
        return _Position(header.number, header.hash)

    def _apply(self, position: _Position, batch: _Batch) -> None:
        with self._database.write() as session:
            cursor = session.get_one(Cursor, 1)
            if cursor.block_hash != to_hex(position.hash):
                return  # another process was here first
            for header, events in batch.blocks:
                session.add(Block(number=header.number, hash=to_hex(header.hash), timestamp=header.timestamp))
                if batch.undoable:
                    with record_changes(session, header.number):
                        _apply_all(session, events, batch.facts)
                else:
                    _apply_all(session, events, batch.facts)
            final = batch.last.number - (self._limits.reorg_depth if batch.undoable else 0)
            _move(session, cursor, batch.last.number, to_hex(batch.last.hash))
            _prune(session, cursor, final)

    def _take_back(self, position: _Position) -> None:
        with self._database.read() as session:
            cursor = session.get_one(Cursor, 1)
            query = select(Block.number, Block.hash).where(Block.number >= cursor.final_number)
            stored = session.execute(query.order_by(Block.number.desc())).all()
        head = self._source.get_head().number
        known = (
            (number, block_hash)
            for number, block_hash in stored
            if number <= head and to_hex(self._source.get_header(number).hash) == block_hash
        )
        ancestor = next(known, None)
        if ancestor is None:
            raise DeepReorgError(position.number, self._limits.reorg_depth)
        with self._database.write() as session:
            cursor = session.get_one(Cursor, 1)
            if cursor.block_hash != to_hex(position.hash):
                return
            roll_back(session, ancestor[0])
            _move(session, cursor, *ancestor)
        self.status = replace(
            self.status, state=IndexerState.SYNCING, block_number=ancestor[0], reorgs=self.status.reorgs + 1
        )
        log.warning("reorg", blocks=position.number - ancestor[0], ancestor=ancestor[0])

    def _halt(self, error: Exception) -> None:
        self.status = replace(self.status, state=IndexerState.HALTED, error=str(error) or type(error).__name__)
        log.critical("indexer halted", error=str(error), exc_info=error)


def rebuild(database: Database, indexer: Indexer, stop: threading.Event | None = None) -> None:
    """Forgets the read model and reads the whole chain again."""
    with database.write() as session:
        for table in Base.metadata.tables.values():
            session.execute(delete(table))
    indexer.catch_up(stop)


def _group(events: Iterable[LoggedEvent], first: int, last: int) -> dict[int, list[LoggedEvent]]:
    """Events by block, in order, each once.

    Raises:
      InconsistentNodeError: two events claim the same place, or one lies outside of what was asked for.
    """
    places: dict[tuple[int, int], LoggedEvent] = {}
    for logged in events:
        place = (logged.block_number, logged.log_index)
        if not first <= logged.block_number <= last or places.setdefault(place, logged) != logged:
            raise InconsistentNodeError(f"log {logged.log_index} of block {logged.block_number} is out of place")
    grouped: dict[int, list[LoggedEvent]] = {}
    for place in sorted(places):
        grouped.setdefault(place[0], []).append(places[place])
    return grouped


def _apply_all(session: Session, events: Iterable[LoggedEvent], facts: dict[tuple[int, int], Facts]) -> None:
    for logged in events:
        apply(session, logged, facts[logged.block_number, logged.log_index])


def _move(session: Session, cursor: Cursor, number: int, block_hash: str) -> None:
    cursor.block_number, cursor.block_hash = number, block_hash
    session.flush()


def _prune(session: Session, cursor: Cursor, final: int) -> None:
    """Lets go of what no reorg may reach any more."""
    if final <= cursor.final_number:
        return
    has_events = exists().where(Event.block_number == Block.number)
    stale = delete(Block).where(Block.number >= cursor.final_number, Block.number < final, ~has_events)
    session.execute(stale, execution_options={"synchronize_session": False})
    session.execute(delete(BeforeImage).where(BeforeImage.block_number <= final))
    cursor.final_number = final


def _verify_same_chain(cursor: Cursor, source: Source) -> None:
    if (cursor.chain_id, cursor.marketplace) != (source.chain_id, source.marketplace):
        raise WrongChainError(
            f"the database is of marketplace {cursor.marketplace} on chain {cursor.chain_id}, "
            f"not of {source.marketplace} on chain {source.chain_id}"
        )
