"""What each coalition of a round's trainers would have made of the model: the games that measure contribution."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn import functional

from simulation.cohort import single_thread
from steelyard.models.zoo import build_module
from steelyard.spec import ModelSpec
from steelyard.types import ParameterShapes
from trainer_client.data import Dataset

_CHUNK = 32  # models evaluated at once


@dataclass(frozen=True, slots=True, eq=False)
class Worths:
    """The worth of every coalition, shape `(2^n,)`, at the index that is its mask.

    Attributes:
      accuracy: on held-out data, less that of the model before the round.
      loss: by how much the mean cross-entropy on held-out data is lower than before the round.
    """

    accuracy: NDArray[np.float64]
    loss: NDArray[np.float64]


def evaluate_coalitions(
    model: ModelSpec, parameters: NDArray[np.float32], updates: NDArray[np.float64], test: Dataset
) -> Worths:
    """Evaluates the model that each coalition makes: the one before the round, moved by the mean of its updates.

    That is federated averaging among its members, as in MR-Shapley and GTG-Shapley; all weigh alike, since nobody can
    check the size of anybody's data. The rule plays no part, so that the measure does not depend on what it measures.

    Args:
      model: of the project.
      parameters: before the round, shape `(d,)`.
      updates: dequantised, shape `(n, d)`.
      test: held-out data.
    """
    n = len(updates)
    members = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    means = members / np.maximum(1, members.sum(1, keepdims=True))
    accuracies, losses = [], []
    module = build_module(model).eval()
    features, labels = torch.tensor(test.features), torch.tensor(test.labels)

    def predict(own: dict[str, Tensor]) -> Tensor:
        logits: Tensor = functional_call(module, own, (features,))
        return logits

    with single_thread(), torch.inference_mode():
        for part in np.array_split(means, -(-len(means) // _CHUNK)):
            moved = torch.from_numpy((parameters + part @ updates).astype(np.float32))
            logits = vmap(predict)(_unflatten(moved, model.shapes))
            accuracies.append((logits.argmax(2) == labels).double().mean(1).numpy())
            spread = labels.expand(len(part), -1).flatten()
            each = functional.cross_entropy(logits.flatten(0, 1), spread, reduction="none")
            losses.append(each.view(len(part), -1).double().mean(1).numpy())
    accuracy, loss = np.concatenate(accuracies), np.concatenate(losses)
    return Worths(accuracy - accuracy[0], loss[0] - loss)


def _unflatten(vectors: Tensor, shapes: ParameterShapes) -> dict[str, Tensor]:
    """As `unflatten_parameters`, for models of shape `(k, d)` at once."""
    parameters, start = {}, 0
    for name in sorted(shapes):
        end = start + math.prod(shapes[name])
        parameters[name] = vectors[:, start:end].reshape(-1, *shapes[name])
        start = end
    return parameters
