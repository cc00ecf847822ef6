"""Label flip: the attackers train on wrong labels."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simulation.attacks.base import PoisoningAttack
from trainer_client.data import Dataset, build_dataset


class LabelFlip(PoisoningAttack):
    """Every label `y` becomes `C − 1 − y`; or, targeted, every label `source` becomes `target`.

    References:
      Tolpegin et al., `Data Poisoning Attacks Against Federated Learning Systems
      <https://arxiv.org/abs/2007.08432>`_, ESORICS 2020 (targeted). The flip of all labels is byzfl's.
    """

    name: Literal["label-flip"]
    source: Annotated[int, Field(ge=0)] | None = None
    target: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.source is None) != (self.target is None):
            raise ValueError("a targeted flip has both a source and a target")
        return self

    def poison(self, dataset: Dataset, rng: np.random.Generator) -> Dataset:  # noqa: ARG002
        if self.source is None or self.target is None:
            labels = dataset.num_classes - 1 - dataset.labels
        else:
            labels = np.where(dataset.labels == self.source, self.target, dataset.labels)
        return build_dataset(dataset.features, labels, dataset.num_classes)
