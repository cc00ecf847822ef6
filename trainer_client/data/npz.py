"""Arrays saved by `numpy.savez`. Pickled objects inside are refused, never loaded."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from trainer_client.data.dataset import MAX_VALUES, Dataset, build_dataset


def load_npz(path: Path, features: str = "features", labels: str = "labels", num_classes: int | None = None) -> Dataset:
    """Reads two arrays of an `.npz` file.

    Args:
      path: the file.
      features: name of the array of examples, shape `(N, …)`.
      labels: name of the array of labels, shape `(N,)`.
      num_classes: one more than the largest label if not given.

    Raises:
      DataError: the file or one of its arrays cannot be read, is too large, or breaks a rule of `build_dataset`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > 8 * MAX_VALUES:
            raise DataError(f"{path} unpacks to {unpacked:,} bytes, more than {8 * MAX_VALUES:,}")
        with np.load(path, allow_pickle=False) as arrays:
            return build_dataset(_get(path, arrays, features), _get(path, arrays, labels), num_classes)
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} cannot be read as an .npz file: {error}") from error


def _get(path: Path, arrays: Any, name: str) -> NDArray[Any]:
    if name not in arrays:
        raise DataError(f"{path} has no array `{name}`; it has {', '.join(f'`{key}`' for key in arrays)}")
    try:
        return np.asarray(arrays[name])
    except (ValueError, MemoryError) as error:
        raise DataError(f"array `{name}` of {path} cannot be read: {error}") from error
