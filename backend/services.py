"""The running parts of one backend, and their threads."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from backend.database import Database
from backend.errors import TooManyStreamsError
from backend.indexer import Indexer
from backend.keeper import Keeper
from backend.node import Node
from backend.settings import Settings
from backend.specs import SpecReader
from backend.tokens import TokenBook
from steelyard.chain.deploy import Deployment
from steelyard.storage import BlobStore


class Broadcast:
    """Wakes event streams when the read model has changed. `notify` and `close` may be called from any thread."""

    def __init__(self, max_streams: int) -> None:
        self._max_streams = max_streams
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change, for one stream. Call it on the server's loop.

        Raises:
          TooManyStreamsError: as many are open as are served.
        """
        if len(self._waiting) >= self._max_streams:
            raise TooManyStreamsError(f"{self._max_streams} event streams are open")
        self._loop = asyncio.get_running_loop()
        wake = asyncio.Event()
        self._waiting.add(wake)
        try:
            yield wake
        finally:
            self._waiting.discard(wake)

    def notify(self) -> None:
        """Wakes every stream."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    def close(self) -> None:
        """Ends every stream: a server that shuts down waits for its connections."""
        self.closed = True
        self.notify()

    def _wake_all(self) -> None:
        for wake in self._waiting:
            wake.set()


@dataclass(slots=True)
class Services:
    """What routes and threads share. `keeper` is None where nobody gave it a key, `store` and `specs` where
    no storage is configured."""

    settings: Settings
    deployment: Deployment
    database: Database
    indexer: Indexer
    keeper: Keeper | None
    broadcast: Broadcast
    node: Node
    store: BlobStore | None = None
    specs: SpecReader | None = None
    tokens: TokenBook = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.tokens = TokenBook(self.node)

    def start(self) -> None:
        """Brings the schema up to date and starts indexing, reading specifications and keeping, each on a thread."""
        self.database.migrate()
        self._run("indexer", lambda: self.indexer.run(self._stop, self.broadcast.notify))
        specs, keeper = self.specs, self.keeper
        if specs is not None:
            self._run("specs", lambda: specs.run(self._stop))
        if keeper is not None:
            self._run("keeper", lambda: keeper.run(self._stop))

    def stop(self) -> None:
        """Ends the threads after what they are doing, then closes the database."""
        self._stop.set()
        self.broadcast.close()
        for thread in self._threads:
            thread.join()
        self.database.close()

    def _run(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name)
        thread.start()
        self._threads.append(thread)
