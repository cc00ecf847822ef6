"""Who has to keep which blob until when. Pure but for `let_go`: the chain's events in, obligations out.

| blob | kept by | until |
|---|---|---|
| specification, initial model | the owner | for good |
| payload, root | its sender, and its aggregator once it has been opened | its attempt has been closed, final or not |
| aggregate, next model | the aggregator | for good: every later model is computed from the aggregates |
| access manifest, hybrid public key | who published it | for good |

An attempt counts as closed once that is `REORG_DEPTH` blocks old: a reorganisation might open it again. Aggregates of
attempts that were voided are kept as well, as evidence. So payloads are all that is ever let go of, and only if the
chain names them as nothing else and the blob begins as a payload does: whoever posts somebody else's model as a payload
must not have it deleted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from steelyard.chain.events import (
    AccessGranted,
    HybridKeyRegistered,
    KeysPublished,
    LoggedEvent,
    ProjectCreated,
    RootSubmitted,
    RoundClosed,
    RoundSettled,
    UpdateSubmitted,
)
from steelyard.chain.history import REORG_DEPTH
from steelyard.errors import BlobNotFoundError, BlobTooLargeError, VerificationError
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid, Codec, ProjectId

MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
"""More than any payload has: 1024 blocks of 4088 int16 entries and a point each (docs/protocol.md)."""

_FIRST_BYTES: Final = bytes(16)
"""A payload begins with a curve point, and a point with 16 zero bytes (EIP-2537). No other blob of ours does so."""


class Kind(Enum):
    """What a blob is for."""

    SPECIFICATION = "specification"
    INITIAL_MODEL = "initial model"
    PAYLOAD = "payload"
    AGGREGATE = "aggregate"
    MODEL = "model"
    MANIFEST = "manifest"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason to keep a blob."""

    cid: Cid
    kind: Kind
    project_id: ProjectId | None = None
    attempt: int | None = None
    """What it belongs to, if it belongs to one."""
    account: Address | None = None
    """Whose it is: the trainer of a payload, or the owner whose root it is; the aggregator of an aggregate."""
    closed_block: int | None = None
    """The block in which the reason ended; None while it lasts, which is always but for payloads."""

    def is_over(self, head: int) -> bool:
        """Whether the reason has ended for good, seen from block `head`."""
        return self.closed_block is not None and self.closed_block <= head - REORG_DEPTH


def compute_holds(events: Iterable[LoggedEvent]) -> tuple[Hold, ...]:
    """Every reason to keep a blob that the chain knows, in the chain's order.

    The initial model and those after each round are not among them: the specification and the aggregates name those.
    """
    events = tuple(events)
    closed = {
        (logged.event.project_id, logged.event.attempt): logged.block_number
        for logged in events
        if isinstance(logged.event, RoundClosed)
    }
    holds = []
    for logged in events:
        match logged.event:
            case ProjectCreated(project_id=project_id, owner=owner, params=params):
                holds.append(Hold(params.spec_cid, Kind.SPECIFICATION, project_id, account=owner))
            case (
                UpdateSubmitted(project_id=project_id, attempt=attempt, trainer=sender, cid=cid)
                | RootSubmitted(project_id=project_id, attempt=attempt, owner=sender, cid=cid)
            ):
                closed_block = closed.get((project_id, attempt))
                holds.append(Hold(cid, Kind.PAYLOAD, project_id, attempt, sender, closed_block))
            case RoundSettled(project_id=project_id, attempt=attempt, aggregator=aggregator, settlement=settlement):
                holds.append(Hold(settlement.aggregate_cid, Kind.AGGREGATE, project_id, attempt, aggregator))
            case KeysPublished(project_id=project_id, manifest=manifest):
                holds.append(Hold(manifest, Kind.MANIFEST, project_id))
            case AccessGranted(project_id=project_id, manifest=manifest):
                holds.append(Hold(manifest, Kind.MANIFEST, project_id))
            case HybridKeyRegistered(account=account, digest=digest):
                holds.append(Hold(Cid(Codec.RAW, digest), Kind.KEY, account=account))
            case _:
                pass
    return tuple(holds)


def find_expired(holds: Iterable[Hold], head: int) -> tuple[Hold, ...]:
    """Payloads that nobody needs any more, seen from block `head`; none that there is another reason to keep."""
    holds = tuple(holds)
    needed = {hold.cid for hold in holds if not hold.is_over(head)}
    return tuple(hold for hold in holds if hold.is_over(head) and hold.cid not in needed)


def let_go(store: BlobStore, hold: Hold) -> bool:
    """Releases an expired payload. Returns whether there was something to release.

    Raises:
      StorageUnavailableError: the store cannot be reached, or failed.
    """
    if not store.is_pinned(hold.cid):
        return False
    try:
        blob = store.get(hold.cid, MAX_PAYLOAD_BYTES)
    except (BlobNotFoundError, BlobTooLargeError, VerificationError):
        return False
    if not blob.startswith(_FIRST_BYTES):
        return False
    return store.release(hold.cid)


class Housekeeper:
    """Lets go of expired payloads while a program runs: of each one once, and only of the program's own.

    Args:
      store: where they lie.
      is_own: whether a payload is this program's to let go of.
    """

    def __init__(self, store: BlobStore, is_own: Callable[[Hold], bool]) -> None:
        self._store = store
        self._is_own = is_own
        self._done: set[Cid] = set()

    def tidy(self, events: Iterable[LoggedEvent], head: int) -> int:
        """Lets go of what has expired since the last time, and returns how much that was.

        Raises:
          StorageUnavailableError: the store cannot be reached, or failed. The next time goes on where this one ended.
        """
        count = 0
        for hold in find_expired(compute_holds(events), head):
            if hold.cid not in self._done and self._is_own(hold):
                count += let_go(self._store, hold)
                self._done.add(hold.cid)
        return count
