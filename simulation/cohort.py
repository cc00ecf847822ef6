"""Local training of many trainers, behind one interface.

`ExactCohort` trains one after another by the very function of the trainer's program: to the bit what a chain sees. The
fast ones (`simulation.perceptrons`, `simulation.convolutions`) take the same steps on the same batches, to rounding.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from simulation.attacks.base import Updates
from steelyard.errors import MalformedUpdateError
from steelyard.spec import ProjectSpec, TrainingPhase
from steelyard.types import ParameterVector
from trainer_client.data import Dataset
from trainer_client.training import train_locally

SeedOf = Callable[[int, int], int]
"""From round and trainer to the seed of the trainer's batches."""


class Cohort(Protocol):
    """Trainers that hold data."""

    def train(self, round_index: int, parameters: ParameterVector, trainers: Sequence[int]) -> Updates:
        """What training changes for each of `trainers`, shape `(len(trainers), d)`.

        A trainer whose training diverges has a row of NaN.
        """


class ExactCohort:
    """One trainer after another, as `steelyard trainer` does it."""

    def __init__(self, spec: ProjectSpec, datasets: Sequence[Dataset], seed_of: SeedOf) -> None:
        self._spec, self._datasets, self._seed_of = spec, datasets, seed_of

    def train(self, round_index: int, parameters: ParameterVector, trainers: Sequence[int]) -> Updates:
        """As `Cohort.train`."""
        updates = np.empty((len(trainers), parameters.size))
        for row, trainer in enumerate(trainers):
            seed = self._seed_of(round_index, trainer)
            try:
                local = train_locally(self._spec, round_index, parameters, self._datasets[trainer], seed, threads=1)
                updates[row] = local.delta
            except MalformedUpdateError:
                updates[row] = np.nan
        return updates


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The batches of one trainer's round, as `trainer_client.training` draws them.

    Attributes:
      orders: the rows of each epoch in their order, shape `(epochs, N)`.
      size: rows of a batch; the last of an epoch may have fewer.
    """

    orders: NDArray[np.int64]
    size: int

    @classmethod
    def draw(cls, examples: int, phase: TrainingPhase, seed: int) -> "BatchPlan":
        """The plan for a trainer with so many examples."""
        rng = np.random.Generator(np.random.PCG64(seed))
        return cls(np.stack([rng.permutation(examples) for _ in range(phase.epochs)]), phase.batch_size)

    @property
    def steps(self) -> int:
        """How many batches there are."""
        epochs, examples = self.orders.shape
        return int(epochs * -(-examples // self.size))


@contextmanager
def single_thread() -> Iterator[None]:
    """Runs torch on one thread: runs share the cores by processes, and one thread gives the same sums everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
