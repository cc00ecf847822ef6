"""Specifications of projects, read from storage by the CIDs on chain. They never change: each is read once.

The chain has no titles. The read model follows from the chain alone, so that what storage says is kept beside it.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Integer, String, Text, exists, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Database
from backend.models import KeptBase, Project
from steelyard.errors import BlobMismatchError, BlobTooLargeError, MalformedBlobError, SpecError, StorageError
from steelyard.spec import MAX_SPEC_BYTES, decode_project_spec
from steelyard.storage import BlobStore
from steelyard.types import Cid

log = structlog.get_logger(__name__)

BATCH: Final = 50
"""Most specifications that one step asks for, those of the newest projects first."""

MAX_WAITING: Final = 10_000
"""Of so many CIDs it is known when to ask for them again."""

MAX_RETRY_SECONDS: Final = 3_600.0


class Spec(KeptBase):
    """What storage has behind a CID.

    Attributes:
      id: counts up, so that the newest says what answers may have.
      text: canonical JSON; null where there is something else behind the CID, which is for good.
      folded_title: to search in.
    """

    __tablename__ = "specs"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    cid: Mapped[str] = mapped_column(String(64), unique=True)
    text: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(String(120))
    folded_title: Mapped[str | None] = mapped_column(String(360))


def fold(text: str) -> str:
    """Text to search in, and for: without case."""
    return text.casefold()


def find_spec(session: Session, cid: str) -> Spec | None:
    """What is known behind a CID; None until storage has answered."""
    return session.scalar(select(Spec).where(Spec.cid == cid))


@dataclass(frozen=True, slots=True)
class _Wait:
    failures: int
    until: float


class SpecReader:
    """Reads what new projects name. Use it from one thread."""

    def __init__(self, database: Database, store: BlobStore, poll_seconds: float) -> None:
        self._database = database
        self._store = store
        self._poll_seconds = poll_seconds
        self._waits: dict[str, _Wait] = {}

    def run(self, stop: threading.Event) -> None:
        """Reads until `stop` is set."""
        while not stop.is_set():
            try:
                self.step(stop)
            except OperationalError as error:
                log.warning("specifications not written", error=str(error))
            stop.wait(self._poll_seconds)

    def step(self, stop: threading.Event | None = None) -> int:
        """Asks for the specifications that are not known yet, and returns how many it has got.

        What storage does not have is asked for again, ever more rarely.
        """
        with self._database.read() as session:
            unknown = select(Project.spec_cid).where(~exists().where(Spec.cid == Project.spec_cid))
            newest = unknown.order_by(Project.created_block.desc(), Project.created_log.desc()).limit(MAX_WAITING)
            cids = list(dict.fromkeys(session.scalars(newest)))
        now = time.monotonic()
        due = [cid for cid in cids if cid not in self._waits or self._waits[cid].until <= now]
        found = 0
        for cid in due[:BATCH]:
            if stop is not None and stop.is_set():
                break
            found += self._read(cid)
        return found

    def _read(self, cid: str) -> bool:
        text = title = None
        try:
            data = self._store.get(Cid.parse(cid), MAX_SPEC_BYTES)
            title = decode_project_spec(data).title
            text = data.decode()
        except (SpecError, BlobTooLargeError, MalformedBlobError) as error:
            log.info("no specification", cid=cid, error=str(error))
        except (StorageError, BlobMismatchError) as error:
            self._wait(cid, error)
            return False
        with self._database.write() as session:
            if find_spec(session, cid) is None:  # another process may have been here first
                session.add(Spec(cid=cid, text=text, title=title, folded_title=None if title is None else fold(title)))
        self._waits.pop(cid, None)
        return True

    def _wait(self, cid: str, error: Exception) -> None:
        failures = self._waits[cid].failures + 1 if cid in self._waits else 1
        seconds = min(MAX_RETRY_SECONDS, 2.0**failures)
        if len(self._waits) >= MAX_WAITING:
            self._waits.clear()
        self._waits[cid] = _Wait(failures, time.monotonic() + seconds)
        log.debug("specification not to be had", cid=cid, failures=failures, error=str(error))
