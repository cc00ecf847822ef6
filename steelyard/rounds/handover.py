"""Handing content keys of a confidential project to others: by its owner, or by a member to whoever is due them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steelyard.chain.client import Marketplace
from steelyard.chain.events import LoggedEvent
from steelyard.errors import AccessError, ConfigError
from steelyard.keystore import Identity
from steelyard.rounds.access import SealedAccess, open_access, wrap_for
from steelyard.rounds.global_model import fetch_aggregate, fetch_initial_model
from steelyard.rounds.keys import KeyHistory
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid
from steelyard.updates.manifest import encode_manifest


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Somebody who can read a confidential project, and may publish its keys for others."""

    project: ProjectTerms
    store: BlobStore
    final: tuple[SettledRound, ...]
    access: SealedAccess
    keys: KeyHistory

    @property
    def newest(self) -> int:
        """The round that starts from the newest model."""
        return len(self.final)

    def unlock(self, round_index: int) -> bytes:
        """The content key of the model that a round starts from.

        Raises:
          AccessError: none of the keys at hand opens it.
          StorageError, VerificationError: it is not to be had, or false.
        """
        if round_index not in self.access.known:
            project = self.project
            if round_index == 0:
                fetch_initial_model(self.store, project.spec, self.access)
            else:
                fetch_aggregate(self.store, project.srs, project.spec, self.final[round_index - 1], self.access)
        return self.access.get_key(round_index)

    def publish_manifest(self, readers: Iterable[Address], rounds: Iterable[int]) -> Cid:
        """Stores a manifest with the keys of these rounds' models for these readers.

        Raises:
          AccessError: a key is not at hand, or a reader has registered none.
          StorageError, VerificationError: something is not to be had, or false.
          PayloadError: nothing can be encrypted to a reader's key, or there is too much for one manifest.
        """
        sealing = self.project.spec.sealing
        public_keys = {reader: self.keys.fetch_key(self.store, reader, sealing) for reader in readers}
        manifest = {}
        for round_index in rounds:
            manifest[round_index] = wrap_for(self.project, round_index, self.unlock(round_index), public_keys)
            unusable = [reader for reader, wrap in manifest[round_index].items() if not wrap]
            if unusable:
                raise AccessError(f"nothing can be encrypted to the registered keys of {', '.join(unusable)}")
        return self.store.put(encode_manifest(manifest))


def open_key_holder(
    marketplace: Marketplace,
    project: ProjectTerms,
    store: BlobStore,
    identity: Identity,
    events: Sequence[LoggedEvent],
    first_block: int,
) -> KeyHolder:
    """Somebody who can read a confidential project.

    Args:
      marketplace: the project's.
      project: the project.
      store: where its blobs are.
      identity: whose keys.
      events: the project's events.
      first_block: from which registrations of keys are read.

    Raises:
      ConfigError: the project is not confidential.
    """
    access = open_access(project, store, identity, lambda: events)
    if not isinstance(access, SealedAccess):
        raise ConfigError("this project is not confidential: everybody can read its models")
    final = select_final(collect_settled_rounds(events, project.project_id))
    return KeyHolder(project, store, final, access, KeyHistory(marketplace, first_block))
