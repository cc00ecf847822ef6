"""Which public key messages to an account are encrypted to.

On chain stand an X25519 key and the sha2-256 of a hybrid one, whose bytes any store has under that digest. An account
may replace either at any time. What belongs to a round goes to the key that its aggregator had when the round was
opened, so that a rotation in the middle of a round loses nothing.
"""

from collections.abc import Iterable, Sequence

from steelyard.chain.client import Marketplace
from steelyard.chain.events import HybridKeyRegistered, KeyRegistered, LoggedEvent, ProjectEnded, RoundOpened
from steelyard.chain.history import EventHistory
from steelyard.errors import AccessError, StorageError
from steelyard.keystore import Identity
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid, Codec, ProjectId, Sealing
from steelyard.updates.encryption import PUBLIC_KEY_BYTES


def find_registered(
    events: Iterable[LoggedEvent], account: Address, sealing: Sealing, before: LoggedEvent | None = None
) -> bytes | None:
    """The 32 bytes that an account has registered for a sealing; None if it never did.

    Args:
      events: all registrations of keys, in the order of the chain; others are skipped.
      account: whose.
      sealing: which of the two.
      before: only what was registered before this event counts.
    """
    found = None
    for logged in events:
        if before is not None and (logged.block_number, logged.log_index) >= (before.block_number, before.log_index):
            break
        match logged.event:
            case KeyRegistered(account=owner, key=key) if owner == account and sealing is Sealing.X25519:
                found = key
            case HybridKeyRegistered(account=owner, digest=digest) if owner == account and sealing is Sealing.HYBRID:
                found = digest
            case _:
                pass
    return found


def find_opening(events: Iterable[LoggedEvent], project_id: ProjectId, attempt: int) -> LoggedEvent:
    """The event that opened an attempt.

    Raises:
      StorageError: the node's logs are behind its state.
    """
    for logged in events:
        event = logged.event
        if isinstance(event, RoundOpened) and (event.project_id, event.attempt) == (project_id, attempt):
            return logged
    raise StorageError(f"the node's logs do not have attempt {attempt} yet")


def find_keys_in_use(events: Sequence[LoggedEvent], account: Address) -> frozenset[bytes]:
    """What an account must keep private keys for: those registered now, and those that its open rounds began with."""
    openings: dict[ProjectId, LoggedEvent] = {}
    for logged in events:
        match logged.event:
            case RoundOpened(project_id=project_id):
                openings[project_id] = logged
            case ProjectEnded(project_id=project_id):
                openings.pop(project_id, None)
            case _:
                pass
    mine = [logged for logged in openings.values() if getattr(logged.event, "aggregator", None) == account]
    found = (find_registered(events, account, sealing, before) for sealing in Sealing for before in (None, *mine))
    return frozenset(key for key in found if key is not None)


def fetch_public_key(store: BlobStore, sealing: Sealing, registered: bytes) -> bytes:
    """The public key behind what stands on chain.

    Raises:
      StorageError, BlobMismatchError: a hybrid key is not to be had.
    """
    if sealing is Sealing.X25519:
        return registered
    return store.get(Cid(Codec.RAW, registered), PUBLIC_KEY_BYTES[sealing])


class KeyHistory:
    """Follows all registrations of keys on a marketplace."""

    def __init__(self, marketplace: Marketplace, first_block: int) -> None:
        self._marketplace = marketplace
        self._history = EventHistory(
            lambda start, end: marketplace.get_events(start, end, kinds=(KeyRegistered, HybridKeyRegistered)),
            first_block,
        )

    def get_events(self) -> tuple[LoggedEvent, ...]:
        """The registrations so far."""
        return self._history.refresh(self._marketplace.get_block_number())

    def fetch_key(
        self, store: BlobStore, account: Address, sealing: Sealing, before: LoggedEvent | None = None
    ) -> bytes:
        """The public key of an account, as it was before an event or as it is now.

        Raises:
          AccessError: it has registered none.
          StorageError, BlobMismatchError: a hybrid key is not to be had.
        """
        registered = find_registered(self.get_events(), account, sealing, before)
        if registered is None:
            raise AccessError(f"{account} has registered no key for {sealing.value}")
        return fetch_public_key(store, sealing, registered)


def register_keys(marketplace: Marketplace, store: BlobStore, identity: Identity) -> tuple[str, ...]:
    """Stores and registers the identity's public keys, as far as the chain has others; returns the transactions.

    Raises:
      StorageError: the store does not take the hybrid key.
      ChainError: a transaction fails.
    """
    hashes = []
    if identity.hybrid is not None:
        store.put(identity.hybrid.public_key)
        if marketplace.get_hybrid_digest(identity.address) != identity.hybrid.registered:
            hashes.append(marketplace.register_hybrid_key(identity.hybrid.registered).tx_hash)
    if marketplace.get_key(identity.address) != identity.public_key:
        hashes.append(marketplace.register_key(identity.public_key).tx_hash)
    return tuple(hashes)
