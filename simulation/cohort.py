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
from torch import Tensor

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


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """One trainer's steps in a round: its batches, as `trainer_client.training` draws them.

    Attributes:
      rows: of everybody's examples, shape `(steps, batch)`. The last batch of an epoch is filled up.
      shares: what each row weighs in the mean loss of its step, the same shape; what was filled up weighs nothing.
    """

    rows: NDArray[np.int64]
    shares: NDArray[np.float32]

    @classmethod
    def draw(cls, start: int, examples: int, phase: TrainingPhase, seed: int) -> "Steps":
        """The steps of the trainer whose examples are the rows from `start` on."""
        rng = np.random.Generator(np.random.PCG64(seed))
        size = phase.batch_size
        batches = -(-examples // size)
        rows = np.full((phase.epochs, batches * size), start)
        for epoch in rows:
            epoch[:examples] += rng.permutation(examples)
        shares = np.zeros((phase.epochs, batches * size), dtype=np.float32)
        shares[:, :examples] = 1 / size
        last = size * (batches - 1)
        shares[:, last:examples] = 1 / (examples - last)
        return cls(rows.reshape(-1, size), shares.reshape(-1, size))


class ExamplePool:
    """Everybody's examples in one tensor, for cohorts that train many at once.

    Attributes:
      features: float32, shape `(ΣN, …)`.
      labels: int64, shape `(ΣN,)`.
    """

    def __init__(self, spec: ProjectSpec, datasets: Sequence[Dataset], seed_of: SeedOf) -> None:
        self._spec, self._seed_of = spec, seed_of
        self._lengths = [len(dataset) for dataset in datasets]
        self._starts = np.cumsum([0, *self._lengths]).tolist()
        self.features = torch.from_numpy(np.concatenate([dataset.features for dataset in datasets]))
        self.labels = torch.from_numpy(np.concatenate([dataset.labels for dataset in datasets]))

    def plan(self, round_index: int, trainers: Sequence[int]) -> tuple[list[int], list[Steps], TrainingPhase]:
        """The order in which to train, as places in `trainers`: those with the most steps first; their steps so."""
        phase = self._spec.get_training(round_index)
        order = sorted(range(len(trainers)), key=lambda place: -self._lengths[trainers[place]])
        steps = []
        for trainer in (trainers[place] for place in order):
            seed = self._seed_of(round_index, trainer)
            steps.append(Steps.draw(self._starts[trainer], self._lengths[trainer], phase, seed))
        return order, steps, phase


def iterate_steps(steps: Sequence[Steps]) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Step after step of trainers with falling numbers of steps: whoever is done drops off the end.

    Yields:
      How many are still training, `a`, and their rows and shares, both of shape `(a, batch)`.
    """
    counts = [len(each.rows) for each in steps]
    for step in range(counts[0]):
        active = sum(count > step for count in counts)
        rows = np.stack([each.rows[step] for each in steps[:active]])
        shares = np.stack([each.shares[step] for each in steps[:active]])
        yield active, torch.from_numpy(rows), torch.from_numpy(shares)


@contextmanager
def single_thread() -> Iterator[None]:
    """Runs torch on one thread: runs share the cores by processes, and one thread gives the same sums everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
