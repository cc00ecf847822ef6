"""How a party reads what a project publishes, and publishes itself: in clear, or in a confidential project sealed.

Every model shares a content key with the aggregate that led to it. The settling aggregator draws it, and wraps it in
the aggregate's envelope for the owner, every active member and the open grants. The owner draws that of the initial
model. Trainers hand the key of the present model to the round's aggregator, inside their payloads: it needs nobody else
to begin. Whoever lacks a key looks for it in the manifests that owner and members have published.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from steelyard.chain.events import (
    AccessGranted,
    AccessRevoked,
    KeysPublished,
    LoggedEvent,
    RoundOpened,
    RoundSettled,
)
from steelyard.errors import AccessError, PayloadError, StorageError, VerificationError
from steelyard.keystore import Identity
from steelyard.rounds.project import ProjectTerms
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid, ProjectId
from steelyard.updates.content import (
    CONTENT_OVERHEAD_BYTES,
    ContentContext,
    ContentKind,
    fits,
    open_content,
    seal_content,
)
from steelyard.updates.faults import PayloadFault
from steelyard.updates.manifest import (
    MAX_MANIFEST_BYTES,
    WrapContext,
    Wraps,
    decode_envelope,
    decode_manifest,
    encode_envelope,
    unwrap_key,
    wrap_key,
)

MAX_READERS: Final = 64
"""So many open grants an aggregator wraps for, the oldest first. The owner hands keys to others itself."""

_MAX_MANIFESTS: Final = 64
"""So many manifests, the newest first, are looked into for a key."""


class Access:
    """A project in clear: what is published is what it is."""

    content_overhead: int = 0
    """By how much a published model may be longer than its file."""
    aggregate_overhead: int = 0

    def open_model(self, round_index: int, blob: bytes) -> bytes:
        """The file of the model that a round starts from."""
        del round_index
        return blob

    def open_aggregate(self, round_index: int, blob: bytes) -> bytes:
        """The aggregate that led to the model that a round starts from."""
        del round_index
        return blob

    def seal_model(self, round_index: int, content: bytes) -> bytes:
        """What is published for a model's file."""
        del round_index
        return content


PLAIN: Final = Access()

FindKeys = Callable[[int, Wraps], Iterator[bytes]]
"""Content keys that may be those of a round's model, the likeliest first, given the wraps in its envelope."""


class SealedAccess(Access):
    """A confidential project, for somebody who has keys or knows where to look for them."""

    content_overhead = CONTENT_OVERHEAD_BYTES
    aggregate_overhead = 8 + MAX_MANIFEST_BYTES + CONTENT_OVERHEAD_BYTES

    def __init__(self, project: ProjectTerms, find_keys: FindKeys, known: dict[int, bytes] | None = None) -> None:
        """`known` are content keys by round, found so far; what is found is added."""
        self._project = project
        self._find_keys = find_keys
        self.known = {} if known is None else known

    def get_key(self, round_index: int) -> bytes:
        """The content key of a model that was opened before.

        Raises:
          AccessError: it was not.
        """
        if round_index not in self.known:
            raise AccessError(f"the model that round {round_index} starts from was not opened")
        return self.known[round_index]

    def open_model(self, round_index: int, blob: bytes) -> bytes:
        return self._open(round_index, blob, {}, ContentKind.MODEL)

    def open_aggregate(self, round_index: int, blob: bytes) -> bytes:
        wraps, sealed = decode_envelope(blob, round_index)
        return self._open(round_index, sealed, wraps, ContentKind.AGGREGATE)

    def seal_model(self, round_index: int, content: bytes) -> bytes:
        return seal_content(content, self.get_key(round_index), make_context(self._project, round_index))

    def _open(self, round_index: int, blob: bytes, wraps: Wraps, kind: ContentKind) -> bytes:
        context = make_context(self._project, round_index, kind)
        key = self.known.get(round_index)
        if key is None or not fits(blob, key, context):
            # Every attempt at a round has a key of its own: the last one opened is the one that counts.
            key = next((found for found in self._find_keys(round_index, wraps) if fits(blob, found, context)), None)
        if key is None:
            error = AccessError(f"this project is confidential, and none of your keys opens {context}")
            error.hint = "Ask the owner, or a trainer, to hand it to you: `steelyard owner grant`, `trainer share`."
            raise error
        content = open_content(blob, key, context)
        self.known[round_index] = key
        return content


def get_content_key(access: Access, round_index: int) -> bytes:
    """The content key of a model that was opened before; empty where the project is not confidential.

    Raises:
      AccessError: it was not opened.
    """
    return access.get_key(round_index) if isinstance(access, SealedAccess) else b""


class AttesterAccess(SealedAccess):
    """A confidential project for a member that judges an aggregate: its key has to be there for everybody it is due to.

    What the member cannot see is whether the wraps of others hold the same key.
    """

    def __init__(
        self,
        access: SealedAccess,
        project: ProjectTerms,
        identity: Identity,
        due: Iterable[Address],
        allowed: Iterable[Address],
        has_usable_key: Callable[[Address], bool],
    ) -> None:
        """As `access`, with which it shares the keys that it finds.

        Args:
          access: the member's own.
          project: the project.
          identity: the member.
          due: owner, active members, and readers whom the envelope has to name.
          allowed: others whom it may name.
          has_usable_key: whether something can be encrypted to an account; asked only about those with an empty wrap.
        """

        def find_keys(round_index: int, wraps: Wraps) -> Iterator[bytes]:
            return _unwrap(project, identity, round_index, wraps)

        super().__init__(project, find_keys, access.known)
        self._me = identity.address
        self._due = tuple(due)
        self._allowed = frozenset((*self._due, *allowed))
        self._has_usable_key = has_usable_key

    def open_aggregate(self, round_index: int, blob: bytes) -> bytes:
        wraps, _sealed = decode_envelope(blob, round_index)
        for reader in self._due:
            if reader not in wraps or (not wraps[reader] and self._has_usable_key(reader)):
                raise PayloadError(PayloadFault.NOT_WRAPPED, f"its content key is not wrapped for {reader}")
        for reader in wraps:
            if reader not in self._allowed:
                raise PayloadError(PayloadFault.NOT_DUE, f"its content key is wrapped for {reader}, who is not due it")
        try:
            return super().open_aggregate(round_index, blob)
        except AccessError as error:
            detail = f"what is wrapped for {self._me} does not open it"
            raise PayloadError(PayloadFault.NOT_WRAPPED, detail) from error


def make_context(project: ProjectTerms, round_index: int, kind: ContentKind = ContentKind.MODEL) -> ContentContext:
    """What a model or aggregate of a project is encrypted as."""
    if round_index == 0:
        return make_initial_context(project.chain_id, project.marketplace, project.params.owner)
    return ContentContext(project.chain_id, project.marketplace, project.project_id, round_index, kind)


def make_initial_context(chain_id: int, marketplace: Address, owner: Address) -> ContentContext:
    """What an initial model is encrypted as: its identifier is part of the project's, which therefore comes later."""
    scope = bytes(12) + bytes.fromhex(owner[2:])
    return ContentContext(chain_id, marketplace, scope, 0, ContentKind.MODEL)


def make_wrap_context(project: ProjectTerms, round_index: int, reader: Address) -> WrapContext:
    """What a wrap of a project is for."""
    return WrapContext(project.chain_id, project.marketplace, project.project_id, round_index, reader)


def open_access(
    project: ProjectTerms, store: BlobStore, identity: Identity | None, get_events: Callable[[], Iterable[LoggedEvent]]
) -> Access:
    """How somebody with these keys reads a project.

    Args:
      project: the project.
      store: where manifests are.
      identity: whose keys; None reads plain projects only.
      get_events: the project's events so far.
    """
    if not project.spec.confidential:
        return PLAIN
    if identity is None:
        return SealedAccess(project, lambda _round_index, _wraps: iter(()))

    def find_keys(round_index: int, wraps: Wraps) -> Iterator[bytes]:
        yield from _unwrap(project, identity, round_index, wraps)
        for cid in find_manifests(get_events(), project.project_id)[:_MAX_MANIFESTS]:
            try:
                manifest = decode_manifest(store.get(cid, MAX_MANIFEST_BYTES))
            except (StorageError, VerificationError):
                continue
            yield from _unwrap(project, identity, round_index, manifest.get(round_index, {}))

    return SealedAccess(project, find_keys)


def _unwrap(project: ProjectTerms, identity: Identity, round_index: int, wraps: Wraps) -> Iterator[bytes]:
    wrap = wraps.get(identity.address, b"")
    context = make_wrap_context(project, round_index, identity.address)
    for pair in identity.key_pairs if wrap else ():
        try:
            yield unwrap_key(wrap, pair, context)
        except PayloadError:
            continue


# Who may read


def find_readers(events: Iterable[LoggedEvent], project_id: ProjectId) -> dict[Address, int]:
    """The open grants of a project: the first round of each, by reader, the oldest first."""
    readers: dict[Address, int] = {}
    for logged in events:
        match logged.event:
            case AccessGranted() as granted if granted.project_id == project_id:
                readers[granted.reader] = granted.from_round
            case AccessRevoked() as revoked if revoked.project_id == project_id:
                readers.pop(revoked.reader, None)
            case _:
                pass
    return readers


def find_attempt_readers(
    events: Iterable[LoggedEvent], project_id: ProjectId, attempt: int, round_index: int
) -> tuple[tuple[Address, ...], frozenset[Address]]:
    """Readers whom the envelope of a settled attempt has to name, and readers whom it may name.

    The aggregator looked at the grants at some time between the attempt's opening and its settlement. It has to name
    those that were open all along, and may name any that was open at some time of these.

    Args:
      events: the project's.
      project_id: the project.
      attempt: the attempt.
      round_index: the round that starts from the model that the attempt led to.
    """
    before: list[LoggedEvent] = []
    during: list[LoggedEvent] = []
    seen = before
    for logged in events:
        match logged.event:
            case RoundOpened() as opened if (opened.project_id, opened.attempt) == (project_id, attempt):
                seen = during
            case RoundSettled() as settled if (settled.project_id, settled.attempt) == (project_id, attempt):
                break
            case AccessGranted() | AccessRevoked():
                seen.append(logged)
            case _:
                pass
    at_first, at_last = find_readers(before, project_id), find_readers([*before, *during], project_id)
    changed = {event.reader for logged in during if isinstance(event := logged.event, AccessGranted | AccessRevoked)}
    oldest = [reader for reader, first in at_first.items() if first <= round_index][:MAX_READERS]
    return tuple(reader for reader in oldest if reader not in changed), frozenset((*at_first, *at_last, *changed))


def find_manifests(events: Iterable[LoggedEvent], project_id: ProjectId) -> tuple[Cid, ...]:
    """The manifests of a project, the newest first."""
    found = [
        logged.event.manifest
        for logged in events
        if isinstance(logged.event, KeysPublished | AccessGranted) and logged.event.project_id == project_id
    ]
    return tuple(reversed(found))


# Publishing


@dataclass(frozen=True, slots=True)
class Outlet:
    """Publishes the results of a round in clear."""

    store: BlobStore

    def put_model(self, content: bytes) -> Cid:
        """Stores a model's file. Raises StorageError."""
        return self.store.put(content)

    def put_aggregate(self, content: bytes) -> Cid:
        """Stores an aggregate. Raises StorageError."""
        return self.store.put(content)


@dataclass(frozen=True, slots=True)
class SealedOutlet(Outlet):
    """Publishes the results of a confidential round: encrypted, with the key wrapped for its readers."""

    project: ProjectTerms
    round_index: int
    """The round that starts from the model."""
    content_key: bytes
    """Fresh from the operating system for each settlement."""
    wraps: Wraps

    def put_model(self, content: bytes) -> Cid:
        context = make_context(self.project, self.round_index)
        return self.store.put(seal_content(content, self.content_key, context))

    def put_aggregate(self, content: bytes) -> Cid:
        context = make_context(self.project, self.round_index, ContentKind.AGGREGATE)
        sealed = seal_content(content, self.content_key, context)
        return self.store.put(encode_envelope(self.round_index, self.wraps, sealed))


def wrap_for(
    project: ProjectTerms, round_index: int, content_key: bytes, public_keys: Mapping[Address, bytes | None]
) -> dict[Address, bytes]:
    """A content key for several readers. A reader whose key is unknown or of no use gets an empty wrap."""
    wraps = {}
    for reader, public_key in public_keys.items():
        try:
            context = make_wrap_context(project, round_index, reader)
            wraps[reader] = b"" if public_key is None else wrap_key(content_key, public_key, context)
        except PayloadError:
            wraps[reader] = b""
    return wraps


def list_recipients(
    project: ProjectTerms, members: Sequence[Address], events: Iterable[LoggedEvent], round_index: int
) -> tuple[Address, ...]:
    """Who is due the key of the model that a round starts from: owner, active members, open grants."""
    readers = find_readers(events, project.project_id)
    granted = [reader for reader, first in readers.items() if first <= round_index][:MAX_READERS]
    return tuple(dict.fromkeys((project.params.owner, *members, *granted)))
