"""Labelled examples, checked once where they enter, and what may be done to them before training."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.spec import DataSpec

MAX_VALUES: Final = 2**30
"""The most feature values that a loader reads: 4 GiB as float32."""

MAX_CLASSES: Final = 2**20
"""The most classes. A label beyond it is a mistake, not a class."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled examples. The arrays cannot be written to.

    Attributes:
      features: float32, shape `(N, …)`, finite.
      labels: int64, shape `(N,)`, each in `[0, num_classes)`.
      num_classes: how many classes there are, whether or not each of them occurs.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    num_classes: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.features.shape[1:]

    @property
    def missing_classes(self) -> tuple[int, ...]:
        """Classes without a single example. Legal, but a model trained on them alone forgets those."""
        present = np.bincount(self.labels, minlength=self.num_classes)
        return tuple(int(label) for label in np.flatnonzero(present == 0))

    def take(self, rows: NDArray[np.integer[Any]]) -> "Dataset":
        """The examples of these rows, in this order."""
        return _freeze(self.features[rows], self.labels[rows], self.num_classes)


def build_dataset(features: NDArray[Any], labels: NDArray[Any], num_classes: int | None = None) -> Dataset:
    """Checks arrays that come from outside and makes a data set of them.

    Args:
      features: numbers, shape `(N, …)`.
      labels: whole numbers, shape `(N,)`.
      num_classes: how many classes there are; one more than the largest label if not given.

    Raises:
      DataError: with the row and the value that are wrong.
    """
    if labels.ndim != 1:
        raise DataError(f"labels have shape {labels.shape}: one number a row is expected")
    if features.ndim < 2:
        raise DataError(f"features have shape {features.shape}: at least rows and columns are expected")
    if len(features) != len(labels):
        raise DataError(f"there are {len(features):,} rows of features and {len(labels):,} labels")
    if not features.size:
        raise DataError(f"the data are empty: features have shape {features.shape}")
    if features.size > MAX_VALUES:
        raise DataError(f"{features.size:,} feature values are more than {MAX_VALUES:,}")
    return _freeze(_to_float32(features), *_to_labels(labels, num_classes))


def conform(dataset: Dataset, spec: DataSpec) -> Dataset:
    """The data set as a project declares it: axes of length one come and go, examples may be flattened, nothing else.

    Raises:
      DataError: an example has another shape, or a feature or a label is out of the project's range.
    """
    feature_shape = spec.feature_shape
    flat = (math.prod(dataset.feature_shape),)
    if feature_shape != flat and _squeeze(feature_shape) != _squeeze(dataset.feature_shape):
        raise DataError(
            f"an example has shape {dataset.feature_shape}, the project expects {feature_shape}"
            f" ({flat[0]:,} values against {math.prod(feature_shape):,})"
        )
    features = dataset.features.reshape(len(dataset), *feature_shape)
    outside = np.argwhere((features < np.float32(spec.minimum)) | (features > np.float32(spec.maximum)))
    if len(outside):
        place = tuple(int(axis) for axis in outside[0])
        raise DataError(
            f"{len(outside):,} feature values are not from {spec.minimum:g} to {spec.maximum:g}, as the project "
            f"expects; the first is {features[place]:g} in row {place[0]:,} at {list(place[1:])}"
        )
    labels, _ = _to_labels(dataset.labels, spec.classes)
    return _freeze(features, labels, spec.classes)


def select_shard(dataset: Dataset, index: int, count: int, seed: int) -> Dataset:
    """Part `index` of `count` equal parts. With one seed the parts are disjoint and together are everything.

    Raises:
      DataError: there is no such part, or it would be empty.
    """
    if not 0 <= index < count:
        raise DataError(f"shard {index} of {count} does not exist: shards are counted from 0")
    if count > len(dataset):
        raise DataError(f"{len(dataset):,} rows cannot be split into {count:,} shards")
    return dataset.take(np.sort(_permutation(len(dataset), seed)[index::count]))


def split(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Two disjoint parts, the second with `fraction` of the rows: training and validation.

    Raises:
      DataError: the fraction leaves one part empty.
    """
    held_out = round(len(dataset) * fraction) if 0 < fraction < 1 else 0
    if not 0 < held_out < len(dataset):
        raise DataError(f"holding out {fraction:g} of {len(dataset):,} rows leaves nothing on one side")
    order = _permutation(len(dataset), seed)
    return dataset.take(np.sort(order[held_out:])), dataset.take(np.sort(order[:held_out]))


def inject_label_noise(dataset: Dataset, fraction: float, seed: int) -> Dataset:
    """Replaces the labels of exactly `round(N · fraction)` rows by another class, uniformly. For experiments.

    Raises:
      DataError: the fraction is not in `[0, 1]`, or there is only one class.
    """
    if not 0 <= fraction <= 1:
        raise DataError(f"label noise is a fraction between 0 and 1, not {fraction:g}")
    if fraction and dataset.num_classes < 2:
        raise DataError("with one class there is no other label to put in")
    rng = np.random.default_rng((seed, 0x6E6F697365))
    rows = rng.permutation(len(dataset))[: round(len(dataset) * fraction)]
    labels = dataset.labels.copy()
    labels[rows] = (labels[rows] + rng.integers(1, max(dataset.num_classes, 2), len(rows))) % dataset.num_classes
    return _freeze(dataset.features, labels, dataset.num_classes)


def _to_float32(features: NDArray[Any]) -> NDArray[np.float32]:
    if features.dtype.kind not in "biuf":
        raise DataError(f"features are of type {features.dtype}: numbers are expected")
    with np.errstate(over="ignore"):
        converted = features.astype(np.float32)
    bad = np.argwhere(~np.isfinite(converted))
    if len(bad):
        row, place = int(bad[0][0]), tuple(int(axis) for axis in bad[0])
        raise DataError(
            f"{len(bad):,} feature values are NaN, infinite or too large for float32; "
            f"the first is {features[place]!s} in row {row:,} at {list(place[1:])}"
        )
    return converted


def _to_labels(labels: NDArray[Any], num_classes: int | None) -> tuple[NDArray[np.int64], int]:
    if labels.dtype.kind not in "biuf":
        raise DataError(f"labels are of type {labels.dtype}: whole numbers are expected")
    limit = MAX_CLASSES if num_classes is None else num_classes
    if limit < 1:
        raise DataError(f"{limit} classes are not enough")
    # NaN fails every comparison, so it is caught here too; only then is the conversion safe.
    legal = (labels >= 0) & (labels < limit) & (np.floor(labels) == labels)
    if not legal.all():
        row = int(np.flatnonzero(~legal)[0])
        raise DataError(
            f"{int((~legal).sum()):,} labels are not whole numbers from 0 to {limit - 1}; "
            f"the first is {labels[row]!s} in row {row:,}"
        )
    converted = labels.astype(np.int64)
    return converted, int(converted.max()) + 1 if num_classes is None else num_classes


def _freeze(features: NDArray[np.float32], labels: NDArray[np.int64], num_classes: int) -> Dataset:
    features, labels = np.ascontiguousarray(features).view(), np.ascontiguousarray(labels).view()
    features.flags.writeable = labels.flags.writeable = False
    return Dataset(features, labels, num_classes)


def _squeeze(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _permutation(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(n)
