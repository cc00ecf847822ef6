"""The 1,797 hand-written digits that scikit-learn ships: data for trying things out, without a download."""

import numpy as np

from trainer_client.data.dataset import Dataset, build_dataset


def load_digits(num_classes: int = 10) -> Dataset:
    """All digits as vectors of 64 values in `[0, 1]`, ten classes (Alpaydin and Kaynak, UCI repository, 1998)."""
    from sklearn import datasets  # noqa: PLC0415 - slow to import, needed by this loader only

    bunch = datasets.load_digits()
    return build_dataset(bunch.data.astype(np.float32) / 16, bunch.target, num_classes)
