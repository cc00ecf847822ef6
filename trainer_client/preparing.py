"""From a global model and local data to a submission that is ready to be stored and posted."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.submission import Submission, build_submission
from steelyard.types import Address
from steelyard.updates.quantise import quantise
from trainer_client.data import Dataset
from trainer_client.training import LocalUpdate, TrainingProgress, compute_training_seed, train_locally

Transform = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From the honest update, shape `(d,)`, to the one that is sent. Experiments put attacks here."""


def prepare_submission(
    project: ProjectTerms,
    account: Address,
    dataset: Dataset,
    model: GlobalModel,
    aggregator_key: bytes,
    *,
    device: str = "cpu",
    threads: int | None = None,
    progress: Callable[[TrainingProgress], None] = lambda _progress: None,
    transform: Transform = lambda delta: delta,
    content_key: bytes = b"",
) -> tuple[LocalUpdate, Submission]:
    """Trains on the model that a round starts from, and seals what came of it for the round's aggregator.

    Args:
      project: its terms.
      account: whose update it is: a trainer's, or the owner's for a root.
      dataset: conforms to the specification.
      model: its `round_index` is the round's.
      aggregator_key: its public key (`KeyHistory.fetch_key`).
      device: `cpu`, or `cuda` for a GPU.
      threads: how many training may use; torch's own choice if None.
      progress: is told how far training is.
      transform: what is sent instead of the honest update.
      content_key: of the model, in a confidential project (`get_content_key`).

    Raises:
      MalformedUpdateError: training diverged, or the update does not fit its range.
      PayloadError: the aggregator registered an unusable key.
      ConfigError: there is no such device.
    """
    local = train_locally(
        project.spec,
        model.round_index,
        model.parameters,
        dataset,
        compute_training_seed(project.project_id, model.round_index, account),
        device=device,
        threads=threads,
        report=progress,
    )
    quantisation = project.spec.quantisation
    update = quantise(transform(local.delta), quantisation.scale, quantisation.l2_norm_clip)
    context = project.payload_context(model.round_index, account)
    return local, build_submission(project.srs, update, aggregator_key, context, content_key)
