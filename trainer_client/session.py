"""Puts a `Participant` together from real parts: the one place that chooses them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from steelyard.cli_support import Connection
from steelyard.keystore import Identity
from steelyard.rounds.keys import KeyHistory
from steelyard.rounds.project import open_project
from steelyard.storage import BlobStore
from steelyard.types import ProjectId
from trainer_client.data import conform, load_dataset
from trainer_client.journal import Journal, locked, state_folder
from trainer_client.model_keeper import ModelKeeper
from trainer_client.participant import Participant, Report, RunOptions, Transform
from trainer_client.training import TrainingProgress


@contextmanager
def open_session(
    connection: Connection,
    identity: Identity,
    store: BlobStore,
    project_id: ProjectId,
    data: str,
    state: Path,
    *,
    options: RunOptions,
    report: Report,
    progress: Callable[[TrainingProgress], None] = lambda _progress: None,
    transform: Transform = lambda delta: delta,
) -> Iterator[Participant]:
    """A trainer that is ready to run, and whose state no other process uses meanwhile.

    Args:
      connection: as the identity's sender.
      identity: who trains.
      store: where specifications, payloads and aggregates are.
      project_id: the project; its rule, verifier and specification are checked here.
      data: a source of data (`trainer_client.data.source`), checked against the specification here.
      state: the folder of all states.
      options: how to run.
      report: is told what happens.
      progress: is told how far training is.
      transform: what is sent instead of the honest update; for experiments.

    Raises:
      ConfigError: another process trains for this account, or as `open_project`.
      DataError: the data cannot be read, or are not what the project expects.
      ChainError, StorageError: as `open_project`.
    """
    market = connection.marketplace
    project = open_project(market, connection.deployment, store, project_id)
    dataset = conform(load_dataset(data), project.spec.data)
    if dataset.missing_classes:
        report("missing classes", {"classes": list(dataset.missing_classes), "of": dataset.num_classes})
    folder = state_folder(state, market.chain_id, market.address, project_id, identity.address)
    with locked(folder):
        yield Participant(
            marketplace=market,
            project=project,
            me=identity.address,
            store=store,
            dataset=dataset,
            journal=Journal.load(folder / "journal.json"),
            models=ModelKeeper(market, project, store, connection.deployment.block, folder),
            keys=KeyHistory(market, connection.deployment.block),
            options=options,
            report=report,
            progress=progress,
            transform=transform,
        )
