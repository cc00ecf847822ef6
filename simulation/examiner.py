"""Looks at models with held-out data."""

from typing import Final

import torch
from torch.nn import functional

from simulation.attacks import Backdoor
from simulation.cohort import single_thread
from steelyard.models.zoo import build_module, set_parameters
from steelyard.spec import ProjectSpec
from steelyard.types import ParameterVector
from steelyard.updates.flatten import unflatten_parameters
from trainer_client.data import Dataset
from trainer_client.training import Evaluation

_BATCH: Final = 2_048


class Examiner:
    """Keeps data and module from one look to the next."""

    def __init__(self, spec: ProjectSpec, dataset: Dataset) -> None:
        self._model = spec.model
        self._features, self._labels = torch.tensor(dataset.features), torch.tensor(dataset.labels)
        with torch.random.fork_rng(devices=[]):
            self._module = build_module(spec.model).eval()

    def compute_logits(self, parameters: ParameterVector, features: torch.Tensor) -> torch.Tensor:
        """Logits, shape `(N, classes)`."""
        set_parameters(self._module, unflatten_parameters(parameters, self._model.shapes))
        with single_thread(), torch.inference_mode():
            return torch.cat([self._module(part) for part in torch.split(features, _BATCH)])

    def evaluate(self, parameters: ParameterVector) -> Evaluation:
        """Accuracy and mean cross-entropy."""
        logits = self.compute_logits(parameters, self._features)
        with single_thread(), torch.inference_mode():
            correct = int((logits.argmax(1) == self._labels).sum())
            loss = functional.cross_entropy(logits, self._labels).item()
        return Evaluation(correct / len(self._labels), loss, len(self._labels))

    def measure_backdoor(self, parameters: ParameterVector, attack: Backdoor) -> float:
        """The part of examples of other classes that the trigger turns into the target."""
        others = self._labels != attack.target
        features = self._features[others].numpy()
        triggered = torch.from_numpy(attack.add_trigger(features, float(self._features.max())))
        return float((self.compute_logits(parameters, triggered).argmax(1) == attack.target).float().mean())
