"""What one trainer has done in one project, kept across crashes.

One JSON file per (chain, marketplace, project, account), replaced whole and synced at each change: after a crash it is
the old one or the new one. It holds what was prepared (identifier and commitment hash), sent and voted. Updates, seeds
and keys never reach it. It makes one promise: what it calls prepared is in the store and may be submitted. Whether it
*was* submitted is for the chain to say.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from pydantic_core import from_json

from steelyard.errors import ConfigError, MalformedCidError
from steelyard.types import Address, Cid, Digest, ProjectId

_VERSION: Final = 1
_KEPT: Final = 64
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that is stored and may be posted."""

    cid: Cid
    commitment_hash: Digest


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done in one attempt."""

    attempt: int
    round_index: int
    prepared: Prepared | None = None
    submitted_tx: str | None = None
    opens: bool | None = None
    """The vote on the attempt's aggregate, once it is cast."""
    attested_tx: str | None = None


class Journal:
    """The entries of one trainer in one project, by attempt. The newest 64 are kept."""

    def __init__(self, path: Path, entries: Mapping[int, Entry] | None = None) -> None:
        self.path = path
        self._entries = dict(entries or {})

    @classmethod
    def load(cls, path: Path) -> Self:
        """The journal at `path`; a new one if there is none.

        Raises:
          ConfigError: the file is not a journal, or cannot be read.
        """
        try:
            with path.open("rb") as file:
                document = from_json(file.read(_MAX_BYTES))
            entries = _decode(document)
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, KeyError, TypeError, MalformedCidError) as error:
            fault = ConfigError(f"the journal {path} cannot be read: {error!r}")
            fault.hint = "It may be deleted: the chain knows what was submitted; at worst one update is trained again."
            raise fault from error
        return cls(path, entries)

    def get(self, attempt: int, round_index: int) -> Entry:
        """The attempt's entry; an empty one if nothing was done yet."""
        return self._entries.get(attempt, Entry(attempt, round_index))

    def record(self, entry: Entry, **changes: Any) -> Entry:
        """Writes an entry with changes, durably, and returns it.

        Raises:
          ConfigError: the file cannot be written.
        """
        entry = replace(entry, **changes)
        entries = self._entries | {entry.attempt: entry}
        kept = dict(sorted(entries.items())[-_KEPT:])
        document = {"version": _VERSION, "entries": [_encode(item) for item in kept.values()]}
        write_atomically(self.path, json.dumps(document, indent=1).encode())
        self._entries = kept
        return entry

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        return tuple(self._entries.values())


def state_folder(root: Path, chain_id: int, marketplace: Address, project_id: ProjectId, account: Address) -> Path:
    """Where a trainer's state in one project lies, apart from every other chain, deployment, project and account."""
    return root / f"{chain_id}-{marketplace.lower()}" / project_id.hex() / account.lower()


def write_atomically(path: Path, content: bytes) -> None:
    """Puts a file in place: all of it or nothing, and on the disk once this returns.

    Raises:
      ConfigError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder for this process. The kernel lets go of it when the process ends, however it ends.

    Raises:
      ConfigError: another process holds it, or it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise ConfigError(f"the state folder {folder} cannot be used: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = ConfigError(f"another process already trains for this account and project ({folder})")
            held.hint = "One `steelyard trainer run` per account and project is enough."
            raise held from None
        yield


def _encode(entry: Entry) -> dict[str, Any]:
    document = asdict(entry)
    if entry.prepared is not None:
        document["prepared"] = {
            "cid": str(entry.prepared.cid),
            "commitment_hash": entry.prepared.commitment_hash.hex(),
        }
    return document


def _decode(document: dict[str, Any]) -> dict[int, Entry]:
    if document["version"] != _VERSION:
        raise ValueError(f"version {document['version']}")
    return {entry.attempt: entry for entry in map(_decode_entry, document["entries"])}


def _decode_entry(document: dict[str, Any]) -> Entry:
    prepared = document.pop("prepared")
    if prepared is not None:
        commitment_hash = Digest(bytes.fromhex(prepared["commitment_hash"]))
        prepared = Prepared(Cid.parse(prepared["cid"]), commitment_hash)
    return Entry(prepared=prepared, **document)
