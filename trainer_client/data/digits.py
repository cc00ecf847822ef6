"""The 1,797 hand-written digits that scikit-learn ships: data for trying things out, without a download."""

import gzip
import importlib.util
from pathlib import Path
from typing import Final

import numpy as np

from steelyard.errors import DataError
from trainer_client.data.dataset import Dataset, build_dataset

_FILE: Final = Path("datasets") / "data" / "digits.csv.gz"


def load_digits(num_classes: int = 10) -> Dataset:
    """All digits as vectors of 64 values in `[0, 1]`, ten classes (Alpaydin and Kaynak, UCI repository, 1998).

    Only the file is read: to import scikit-learn for it would take longer than to train on it.

    Raises:
      DataError: scikit-learn is not installed, or does not ship the file.
    """
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError("the bundled digits come with scikit-learn, which is not installed")
    try:
        with gzip.open(Path(package.origin).parent / _FILE, "rt") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    except (OSError, ValueError) as error:
        raise DataError(f"the digits of scikit-learn cannot be read: {error}") from error
    return build_dataset(table[:, :-1] / 16, table[:, -1], num_classes)
