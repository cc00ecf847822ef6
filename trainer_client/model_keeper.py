"""The global model of each round, recomputed from what was committed to, and the settled rounds that lead to it.

The latest model is kept on disk, so that a restarted trainer need not fetch every aggregate since the first round.
It is this trainer's own file: what is in it was computed and checked by an earlier run.
"""

from pathlib import Path
from typing import Final

from steelyard.chain.client import Marketplace
from steelyard.chain.events import LoggedEvent
from steelyard.chain.history import EventHistory
from steelyard.errors import ProtocolError, StorageError
from steelyard.keystore import Identity
from steelyard.models.safetensors_io import decode_model, encode_model
from steelyard.rounds.access import open_access
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model, sync_global_model
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.storage import BlobStore
from trainer_client.journal import write_atomically

_FILE: Final = "model.bin"


class ModelKeeper:
    """Follows one project's settled rounds and global model."""

    def __init__(
        self,
        marketplace: Marketplace,
        project: ProjectTerms,
        store: BlobStore,
        first_block: int,
        folder: Path,
        identity: Identity | None = None,
    ) -> None:
        """`identity` has the keys that a confidential project needs."""
        self._marketplace = marketplace
        self._project = project
        self._store = store
        self._folder = folder
        self._model: GlobalModel | None = None
        self.access: Final = open_access(project, store, identity, self.get_events)
        """How the project's models and aggregates are read."""
        self._history = EventHistory(
            lambda start, end: marketplace.get_events(start, end, project_id=project.project_id), first_block
        )

    def get_events(self) -> tuple[LoggedEvent, ...]:
        """The project's events so far."""
        return self._history.refresh(self._marketplace.get_block_number())

    def get_settled_rounds(self) -> tuple[SettledRound, ...]:
        """The project's settled attempts so far, oldest first."""
        return collect_settled_rounds(self.get_events(), self._project.project_id)

    def find_settled(self, attempt: int) -> SettledRound | None:
        """One attempt's settlement; None while there is none."""
        return next((record for record in self.get_settled_rounds() if record.attempt == attempt), None)

    def sync(self, round_index: int) -> GlobalModel:
        """The model that round `round_index` starts from.

        Raises:
          StorageError: an aggregate or the initial model is not to be had, or the node's logs are behind its state.
          AccessError: the project is confidential, and the keys open one of them not.
          VerificationError: a final round's aggregate is false, or the initial model is malformed.
        """
        project = self._project
        model = self._model or self._load()
        if model is None or model.round_index > round_index:  # later: a reorganisation took a final round back
            model = fetch_initial_model(self._store, project.spec, self.access)
        if model.round_index < round_index:
            final = [record for record in select_final(self.get_settled_rounds()) if record.round_index < round_index]
            model = sync_global_model(model, final, self._store, project.srs, project.rule, project.spec, self.access)
            if model.round_index != round_index:
                raise StorageError(f"the node's logs lead to round {model.round_index}, not yet to {round_index}")
            self._save(model)
        self._model = model
        return model

    def _save(self, model: GlobalModel) -> None:
        if self._project.spec.confidential:
            return  # it is opened anew after a restart, and never lies on the disk in clear
        content = encode_model(model.parameters, self._project.spec.model.shapes)
        write_atomically(self._folder / _FILE, model.round_index.to_bytes(4, "big") + content)

    def _load(self) -> GlobalModel | None:
        try:
            content = (self._folder / _FILE).read_bytes()
            parameters = decode_model(content[4:], self._project.spec.model.shapes)
        except (OSError, ProtocolError):
            return None
        return GlobalModel(int.from_bytes(content[:4], "big"), parameters)
