"""Enforces deadlines: calls `poke` for each project whose deadline has passed or whose attempt is decided.

The keeper's key pays for gas and can do nothing else that matters: `poke` is anybody's call. The read model says which
projects are worth asking about; the contract, simulated before anything is sent, decides. Others may poke first.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from eth_account.signers.local import LocalAccount
from sqlalchemy import and_, select
from sqlalchemy.exc import OperationalError

from backend.database import Database
from backend.models import Attempt, Cursor, Project
from backend.round_status import DUE_CHECK, is_due
from steelyard.chain.client import Marketplace
from steelyard.chain.reverts import NothingToDoError
from steelyard.chain.rpc import NodeError, translated
from steelyard.chain.transactions import Receipt, Sender, SendPolicy
from steelyard.errors import ChainError
from steelyard.types import ProjectId

log = structlog.get_logger(__name__)

MAX_PARALLEL = 8
"""Transactions in flight at once."""

POKE_SECONDS = 60.0
"""How long a transaction is waited for. One that takes longer is simulated again, and sent again if it is still due."""

MAX_PAUSE_SECONDS = 300.0
"""The longest wait before a project whose `poke` failed is tried again."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A project's state as far as `poke` can change it: each is poked once."""

    project_id: str
    status: int
    attempt: int


@dataclass(slots=True)
class _Record:
    """What became of the last `poke` of a project."""

    stand: Stand
    running: bool = True
    mined_in: int | None = None
    failures: int = 0
    try_again_at: float = 0.0


@dataclass(frozen=True, slots=True)
class KeeperStatus:
    """The keeper as health checks and metrics see it."""

    pokes: int = 0
    failures: int = 0
    error: str | None = None


class Poker(ABC):
    """The one thing that a keeper can do to a chain."""

    @abstractmethod
    def get_time(self) -> int:
        """The time that the next block will have, in Unix seconds."""

    @abstractmethod
    def poke(self, project_id: ProjectId) -> Receipt:
        """Pokes a project and waits until that has taken effect."""


class NodePoker(Poker):
    """Pokes through a node. Connects when it is first used, so that a keeper may start before its node."""

    def __init__(self, connect: Callable[[], Marketplace], account: LocalAccount) -> None:
        self._connect = connect
        self._account = account
        self._connection: Marketplace | None = None
        self._lock = threading.Lock()

    def get_time(self) -> int:
        web3 = self._marketplace.web3
        try:
            with translated():
                return int(web3.eth.get_block("pending")["timestamp"])
        except NodeError:
            # A node that builds no pending block. Slots are seconds apart, so this may be a little early: no harm.
            return int(time.time())

    def poke(self, project_id: ProjectId) -> Receipt:
        return self._marketplace.poke(project_id)

    @property
    def _marketplace(self) -> Marketplace:
        with self._lock:
            if self._connection is None:
                marketplace = self._connect()
                sender = Sender(marketplace.web3, self._account, SendPolicy(timeout_seconds=POKE_SECONDS))
                self._connection = marketplace.as_sender(sender)
            return self._connection


@dataclass(slots=True)
class Keeper:
    """Pokes what is due."""

    database: Database
    poker: Poker
    poll_seconds: float = 1.0
    status: KeeperStatus = field(default_factory=KeeperStatus, init=False)
    _records: dict[str, _Record] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, stop: threading.Event) -> None:
        """Pokes until `stop` is set. Transactions under way are waited for."""
        with ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="poke") as pool:
            while not stop.wait(self.poll_seconds):
                try:
                    due = self.get_due()
                except (ChainError, OperationalError) as error:
                    self.status = KeeperStatus(self.status.pokes, self.status.failures, str(error))
                    continue
                for stand in due:
                    pool.submit(self._poke, stand, self._begin(stand))

    def get_due(self) -> list[Stand]:
        """Projects to poke now, by the read model and the chain's clock, less those that have just been poked.

        Raises:
          ChainError: the node does not tell its time.
        """
        now = self.poker.get_time()
        current = and_(Attempt.project_id == Project.id, Attempt.attempt == Project.attempt)
        query = select(Project, Attempt).join(Attempt, current, isouter=True).where(Project.status.in_(DUE_CHECK))
        with self.database.read() as session:
            indexed = session.scalar(select(Cursor.block_number)) or 0
            rows = session.execute(query.order_by(Project.created_block, Project.created_log)).all()
        stands = [
            Stand(project.id, int(project.status), project.attempt)
            for project, attempt in rows
            if is_due(project, attempt, now)
        ]
        listed = {stand.project_id for stand in stands}
        self._records = {key: record for key, record in self._records.items() if key in listed or record.running}
        return [stand for stand in stands if self._may_poke(stand, indexed)]

    def _may_poke(self, stand: Stand, indexed: int) -> bool:
        record = self._records.get(stand.project_id)
        if record is None:
            return True
        if record.running:
            return False
        if record.stand != stand:
            return True
        if record.mined_in is not None:
            # Still the same although the index has the poke's block: a reorg took the poke back.
            return indexed >= record.mined_in
        return time.monotonic() >= record.try_again_at

    def _begin(self, stand: Stand) -> _Record:
        previous = self._records.get(stand.project_id)
        failures = previous.failures if previous and previous.stand == stand else 0
        record = self._records[stand.project_id] = _Record(stand, failures=failures)
        return record

    def _poke(self, stand: Stand, record: _Record) -> None:
        try:
            receipt = self.poker.poke(ProjectId(bytes.fromhex(stand.project_id[2:])))
        except NothingToDoError:
            # Somebody else was first, or the next block's time is not there yet.
            record.try_again_at = time.monotonic() + self.poll_seconds
        except ChainError as error:
            record.failures += 1
            pause = min(MAX_PAUSE_SECONDS, self.poll_seconds * 2**record.failures)
            record.try_again_at = time.monotonic() + pause
            self._count(error)
            log.warning("poke failed", project=stand.project_id, attempt=stand.attempt, error=str(error))
        except Exception as error:
            self._count(error)
            log.critical("poke is broken", project=stand.project_id, exc_info=error)
            raise
        else:
            record.mined_in = receipt.block_number
            self._count(None)
            log.info("poked", project=stand.project_id, attempt=stand.attempt, transaction=receipt.tx_hash)
        finally:
            record.running = False

    def _count(self, error: Exception | None) -> None:
        with self._lock:
            self.status = KeeperStatus(
                pokes=self.status.pokes + (error is None),
                failures=self.status.failures + (error is not None),
                error=None if error is None else str(error),
            )
