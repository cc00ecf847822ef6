"""Training at home: from a global model and local data to the difference that is sent.

Everything random is drawn from a seed that follows from project, round and account, so a trainer that is restarted
trains the same update again. On a CPU with a given number of threads that is exact; a GPU may differ in the last bits.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from steelyard.errors import ConfigError, MalformedUpdateError, NonFiniteUpdateError
from steelyard.models.zoo import build_module, get_parameters, set_parameters
from steelyard.spec import ModelSpec, ProjectSpec, TrainingPhase
from steelyard.types import Address, ParameterVector, ProjectId
from steelyard.updates.flatten import flatten_parameters, unflatten_parameters
from trainer_client.data import Dataset

_EVALUATION_BATCH = 4_096


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far training is, after one step."""

    step: int
    """From 1."""
    steps: int
    epoch: int
    """From 1."""
    loss: float
    """Of the step's batch."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalUpdate:
    """What training changed."""

    delta: NDArray[np.float64]
    """Parameters after − before, shape `(d,)`, in canonical order, finite."""
    loss: float
    """Mean loss over the last epoch."""
    examples: int
    steps: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a model does on labelled data."""

    accuracy: float
    loss: float
    examples: int


def compute_training_seed(project_id: ProjectId, round_index: int, account: Address) -> int:
    """The 64-bit seed of a trainer's round."""
    message = b"steelyard/train/v1" + project_id + round_index.to_bytes(4, "big") + bytes.fromhex(account[2:])
    return int.from_bytes(hashlib.sha256(message).digest()[:8], "big")


def train_locally(
    spec: ProjectSpec,
    round_index: int,
    parameters: ParameterVector,
    dataset: Dataset,
    seed: int,
    *,
    device: str = "cpu",
    threads: int | None = None,
    report: Callable[[TrainingProgress], None] = lambda _progress: None,
) -> LocalUpdate:
    """Trains by stochastic gradient descent on cross-entropy, as the project's schedule says for this round.

    Args:
      spec: the project's specification; the phase that holds in the round gives epochs, batch size, learning rate,
        momentum and weight decay.
      round_index: from 0.
      parameters: the global model, shape `(d,)`; left alone.
      dataset: conforms to `spec.data`.
      seed: orders the batches.
      device: `cpu`, or `cuda` with a number if there are several.
      threads: how many threads torch may use meanwhile; its own choice if not given.
      report: called after every step.

    Raises:
      MalformedUpdateError: the loss or the update became NaN or infinite.
      ConfigError: there is no such device.
    """
    phase = spec.get_training(round_index)
    batches = -(-len(dataset) // phase.batch_size)
    rng = np.random.Generator(np.random.PCG64(seed))
    with _torch_threads(threads), _device(device) as target:
        module = _load(spec.model, parameters, target).train()
        features, labels = _to_device(dataset, target)
        weights = list(module.parameters())
        velocities = [torch.zeros_like(weight) for weight in weights]
        losses: list[float] = []
        for epoch in range(1, phase.epochs + 1):
            order = torch.from_numpy(rng.permutation(len(dataset))).to(target)
            for rows in torch.split(order, phase.batch_size):
                loss = functional.cross_entropy(module(features[rows]), labels[rows])
                losses.append(_check_loss(loss, epoch))
                _descend(weights, velocities, torch.autograd.grad(loss, weights), phase)
                report(TrainingProgress(len(losses), batches * phase.epochs, epoch, losses[-1]))
        after = flatten_parameters(get_parameters(module), spec.model.shapes)
    delta = after.astype(np.float64) - parameters.astype(np.float64)
    finite = np.isfinite(delta)
    if not finite.all():
        raise NonFiniteUpdateError(int(np.count_nonzero(~finite)), delta.size, int(np.argmin(finite)))
    return LocalUpdate(delta, float(np.mean(losses[-batches:])), len(dataset), len(losses))


def evaluate(
    model: ModelSpec, parameters: ParameterVector, dataset: Dataset, *, device: str = "cpu", threads: int | None = None
) -> Evaluation:
    """Accuracy and mean cross-entropy of a model on labelled data.

    Raises:
      ConfigError: there is no such device.
    """
    with _torch_threads(threads), _device(device) as target, torch.inference_mode():
        module = _load(model, parameters, target).eval()
        features, labels = _to_device(dataset, target)
        loss, correct = 0.0, 0
        for start in range(0, len(dataset), _EVALUATION_BATCH):
            rows = slice(start, start + _EVALUATION_BATCH)
            logits = module(features[rows])
            loss += functional.cross_entropy(logits, labels[rows], reduction="sum").item()
            correct += int((logits.argmax(1) == labels[rows]).sum())
    return Evaluation(correct / len(dataset), loss / len(dataset), len(dataset))


@torch.no_grad()
def _descend(
    weights: Sequence[Tensor], velocities: Sequence[Tensor], gradients: Sequence[Tensor], phase: TrainingPhase
) -> None:
    """One step of SGD with momentum and weight decay, to the bit that of `torch.optim.SGD` without its options.

    torch's own imports its compiler at the first step, which costs every process of a trainer a second.
    """
    for weight, velocity, gradient in zip(weights, velocities, gradients, strict=True):
        velocity.mul_(phase.momentum).add_(gradient.add(weight, alpha=phase.weight_decay))
        weight.add_(velocity, alpha=-phase.learning_rate)


def _load(model: ModelSpec, parameters: ParameterVector, device: torch.device) -> nn.Module:
    # Building a module draws initial values, soon overwritten, from torch's global generator, which is put back.
    with torch.random.fork_rng(devices=[]):
        module = build_module(model)
    set_parameters(module, unflatten_parameters(parameters, model.shapes))
    return module.to(device)


def _to_device(dataset: Dataset, device: torch.device) -> tuple[Tensor, Tensor]:
    # torch has no read-only tensors and warns of sharing a read-only array, hence the copies.
    return torch.tensor(dataset.features, device=device), torch.tensor(dataset.labels, device=device)


def _check_loss(loss: Tensor, epoch: int) -> float:
    value = loss.item()
    if not np.isfinite(value):
        error = MalformedUpdateError(f"the loss became {value} in epoch {epoch}: training diverged")
        error.hint = NonFiniteUpdateError.hint
        raise error
    return value


@contextmanager
def _torch_threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _device(name: str) -> Iterator[torch.device]:
    """The device called `name`; what torch says about a device that is missing or full becomes a `ConfigError`."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"`{name}` is not a device: `cpu` or `cuda`") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("there is no CUDA device here, or this build of torch cannot use it")
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"training on `{name}` is not supported: `cpu` or `cuda`")
    try:
        yield device
    except torch.OutOfMemoryError as error:
        raise ConfigError(f"the data or the model do not fit the memory of `{name}`") from error
