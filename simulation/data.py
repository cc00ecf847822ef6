"""Everybody's data: read once a process, dealt to trainers, and made different where the plan says so."""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from simulation.experiment import FeatureShift, Scenario
from simulation.split import compute_sizes
from steelyard.errors import DataError
from steelyard.spec import CnnSpec
from steelyard.spec.model import ZooModel
from trainer_client.data import Dataset, build_dataset, inject_label_noise, load_dataset

_DEAL, _POISON, _SHIFT = range(3)


@dataclass(frozen=True, slots=True)
class Holdings:
    """Who has what.

    Attributes:
      trainers: each trainer's data, those of the attackers poisoned.
      test: held-out data.
      root: the owner's, if the plan has any.
    """

    trainers: tuple[Dataset, ...]
    test: Dataset
    root: Dataset | None


def deal_data(scenario: Scenario) -> Holdings:
    """Deals the data of a scenario. Scenarios that differ in rule, attack or training alone have equal holdings.

    Raises:
      DataError: a source cannot be read, or has too few examples.
    """
    plan = scenario.data
    source, test = (_shape(_load(name), scenario.model) for name in (plan.source, plan.test))
    if source.feature_shape != test.feature_shape or source.num_classes < test.num_classes:
        raise DataError(f"`{plan.source}` and `{plan.test}` have examples of different shapes or classes")
    if not scenario.model.accepts(source.feature_shape):
        raise DataError(f"the model does not take examples of shape {source.feature_shape}, as `{plan.source}` has")
    rng = np.random.default_rng((scenario.seed, _DEAL))
    order = rng.permutation(len(source))
    root_rows, rest = order[: plan.root_examples], np.sort(order[plan.root_examples :])
    sizes = compute_sizes(len(rest), scenario.trainers, plan.examples, plan.sizes)
    trainers = []
    for trainer, rows in enumerate(plan.split.deal(source.labels[rest], sizes, rng)):
        dataset = inject_label_noise(
            source.take(rest[rows]),
            plan.label_noise[trainer % len(plan.label_noise)],
            scenario.seed * 2**16 + trainer,
        )
        if plan.shift is not None:
            dataset = shift_features(dataset, plan.shift, trainer, scenario.trainers, scenario.seed)
        if trainer < scenario.dishonest:
            dataset = scenario.attack.poison(dataset, np.random.default_rng((scenario.seed, _POISON, trainer)))
        trainers.append(dataset)
    if plan.test_examples is not None and plan.test_examples < len(test):
        test = test.take(np.sort(np.random.default_rng(0).permutation(len(test))[: plan.test_examples]))
    return Holdings(tuple(trainers), test, source.take(root_rows) if plan.root_examples else None)


def shift_features(dataset: Dataset, shift: FeatureShift, trainer: int, trainers: int, seed: int) -> Dataset:
    """The data as this trainer sees them. Values stay between the smallest and the largest of its data."""
    features = dataset.features
    place = 2 * trainer / max(1, trainers - 1) - 1
    match shift.name:
        case "brightness":
            shifted = features + np.float32(place * shift.strength)
        case "rotation":
            shifted = rotate_images(features, place * shift.strength)
        case _:
            rng = np.random.default_rng((seed, _SHIFT, trainer))
            shifted = features + rng.normal(0, shift.strength, dataset.feature_shape).astype(np.float32)
    bounded: NDArray[np.float32] = np.clip(shifted, features.min(), features.max())
    return build_dataset(bounded, dataset.labels, dataset.num_classes)


def rotate_images(images: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """The images turned anticlockwise about their centres, by bilinear interpolation; zeros come in at the corners.

    Raises:
      DataError: the examples are no images.
    """
    if images.ndim < 3:
        raise DataError(f"examples of shape {images.shape[1:]} cannot be rotated: images can")
    pictures = torch.tensor(images).reshape(len(images), -1, *images.shape[-2:])
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    aspect = images.shape[-2] / images.shape[-1]
    turn = torch.tensor([[cosine, -sine * aspect, 0.0], [sine / aspect, cosine, 0.0]])
    grid = functional.affine_grid(turn.expand(len(images), 2, 3), list(pictures.shape), align_corners=False)
    turned = functional.grid_sample(pictures, grid, align_corners=False)
    return turned.reshape(images.shape).numpy()


def _shape(dataset: Dataset, model: ZooModel) -> Dataset:
    """The data as images, if the model takes images of as many pixels as a flat example has values."""
    if isinstance(model, CnnSpec) and dataset.feature_shape == (model.height * model.width,):
        return replace(dataset, features=dataset.features.reshape(-1, model.height, model.width))
    return dataset


@functools.lru_cache(maxsize=4)
def _load(source: str) -> Dataset:
    return load_dataset(source)
