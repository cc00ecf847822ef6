"""Puts a `Participant`, or the owner's `RootSource`, together from real parts: the one place that chooses them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from steelyard.cli_support import Connection
from steelyard.errors import ConfigError
from steelyard.keystore import Identity
from steelyard.rounds.keys import KeyHistory
from steelyard.rounds.project import ProjectTerms, open_project
from steelyard.storage import BlobStore
from steelyard.types import ProjectId
from trainer_client.data import Dataset, conform, load_dataset
from trainer_client.journal import Journal, locked, state_folder
from trainer_client.model_keeper import ModelKeeper
from trainer_client.participant import Participant, Report, RunOptions
from trainer_client.preparing import Transform
from trainer_client.root import RootOptions, RootSource
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
    dataset = _load_data(project, data, report)
    with _state(connection, project, identity, state) as folder:
        yield Participant(
            marketplace=market,
            project=project,
            identity=identity,
            store=store,
            dataset=dataset,
            journal=Journal.load(folder / "journal.json"),
            models=ModelKeeper(market, project, store, connection.deployment.block, folder, identity),
            keys=KeyHistory(market, connection.deployment.block),
            options=options,
            report=report,
            progress=progress,
            transform=transform,
        )


@contextmanager
def open_root_session(
    connection: Connection,
    identity: Identity,
    store: BlobStore,
    project_id: ProjectId,
    data: str,
    state: Path,
    *,
    options: RootOptions,
    report: Report,
    progress: Callable[[TrainingProgress], None] = lambda _progress: None,
) -> Iterator[RootSource]:
    """An owner that is ready to send roots. Arguments and errors are those of `open_session`.

    Raises:
      ConfigError: also where the rule needs no root, or the identity is not the owner.
    """
    market = connection.marketplace
    project = open_project(market, connection.deployment, store, project_id)
    if not project.rule.rooted:
        raise ConfigError(f"the project's rule `{project.rule.name}` needs no root")
    if project.params.owner != identity.address:
        raise ConfigError(f"only the owner {project.params.owner} sends roots, not {identity.address}")
    dataset = _load_data(project, data, report)
    with _state(connection, project, identity, state) as folder:
        yield RootSource(
            marketplace=market,
            project=project,
            store=store,
            dataset=dataset,
            journal=Journal.load(folder / "journal.json"),
            models=ModelKeeper(market, project, store, connection.deployment.block, folder, identity),
            keys=KeyHistory(market, connection.deployment.block),
            options=options,
            report=report,
            progress=progress,
        )


def _load_data(project: ProjectTerms, source: str, report: Report) -> Dataset:
    dataset = conform(load_dataset(source), project.spec.data)
    if dataset.missing_classes:
        report("missing classes", {"classes": list(dataset.missing_classes), "of": dataset.num_classes})
    return dataset


@contextmanager
def _state(connection: Connection, project: ProjectTerms, identity: Identity, root: Path) -> Iterator[Path]:
    market = connection.marketplace
    folder = state_folder(root, market.chain_id, market.address, project.project_id, identity.address)
    with locked(folder):
        yield folder
