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
from trainer_client.data import conform, load_dataset
from trainer_client.dispatch import Dispatch, Report
from trainer_client.journal import Journal, locked, state_folder
from trainer_client.model_keeper import ModelKeeper
from trainer_client.participant import Participant, RunOptions
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
    with _open_dispatch(connection, identity, store, project, data, state, options, report, progress) as dispatch:
        dispatch.transform = transform
        yield Participant(market, identity, dispatch, options)


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
    with _open_dispatch(connection, identity, store, project, data, state, options, report, progress) as dispatch:
        dispatch.post, dispatch.unsound = market.submit_root, "no root"
        yield RootSource(market, dispatch, options)


@contextmanager
def _open_dispatch(
    connection: Connection,
    identity: Identity,
    store: BlobStore,
    project: ProjectTerms,
    data: str,
    state: Path,
    options: RunOptions | RootOptions,
    report: Report,
    progress: Callable[[TrainingProgress], None],
) -> Iterator[Dispatch]:
    """What makes and posts a trainer's updates, with data that conform and a state that no other process uses."""
    market, first_block = connection.marketplace, connection.deployment.block
    dataset = conform(load_dataset(data), project.spec.data)
    if dataset.missing_classes:
        report("missing classes", {"classes": list(dataset.missing_classes), "of": dataset.num_classes})
    folder = state_folder(state, market.chain_id, market.address, project.project_id, identity.address)
    with locked(folder):
        yield Dispatch(
            project=project,
            account=identity.address,
            store=store,
            dataset=dataset,
            journal=Journal.load(folder / "journal.json"),
            models=ModelKeeper(market, project, store, first_block, folder, identity),
            keys=KeyHistory(market, first_block),
            post=market.submit,
            device=options.device,
            threads=options.threads,
            report=report,
            progress=progress,
        )
