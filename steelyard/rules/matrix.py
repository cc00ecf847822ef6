"""Gram matrices of exact integers: the check at the door, and distances between rows."""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steelyard.errors import MalformedUpdateError

_INT64_MIN = -(2**63)
_INT64_MAX = 2**63 - 1

Matrix = NDArray[Any]
"""Exact integers: int64 where every result fits, Python integers otherwise. Shape `(n, n)`."""

IndexSet = tuple[int, ...]
"""Row indices, ascending."""

Integers = tuple[int, ...]
"""One exact integer per row."""


def check_gram(matrix: ArrayLike) -> Matrix:
    """Returns the matrix in int64, a copy.

    Args:
      matrix: shape `(n, n)`, integers in the range of an int64, symmetric.

    Raises:
      TypeError: an entry is not an integer.
      ValueError: not square, not symmetric, or an entry leaves the range of an int64.
      MalformedUpdateError: a squared norm on the diagonal is negative, so the row is no vector of integers.
    """
    given = np.asarray(matrix)
    if given.dtype.kind not in "iuO":
        raise TypeError(f"a Gram matrix has integer entries, not {given.dtype}")
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise ValueError(f"a Gram matrix is square, not of shape {given.shape}")
    gram = _narrow(given)
    if not np.array_equal(gram, gram.T):
        raise ValueError("a Gram matrix is symmetric")
    for row, squared_norm in enumerate(gram.diagonal().tolist()):
        if squared_norm < 0:
            raise MalformedUpdateError(f"row {row} of the Gram matrix has the squared norm {squared_norm}")
    return gram


def _narrow(given: NDArray[Any]) -> Matrix:
    if given.dtype.kind == "i":
        return given.astype(np.int64)
    entries = given.ravel().tolist()
    for kind in set(map(type, entries)) - {int}:
        raise TypeError(f"a Gram matrix has integer entries, not {kind.__name__}")
    for entry in (min(entries, default=0), max(entries, default=0)):
        if not _INT64_MIN <= entry <= _INT64_MAX:
            raise ValueError(f"the entry {entry} leaves the range of an int64")
    return given.astype(np.int64)


def widen(matrix: Matrix, factor: int) -> Matrix:
    """The matrix in a type that holds sums of `factor` of its entries: int64, or Python integers if that is too small.

    Args:
      matrix: int64, or Python integers.
      factor: positive.
    """
    if max(int(matrix.max()), -int(matrix.min())) * factor <= _INT64_MAX:
        return matrix.astype(np.int64)
    return matrix.astype(object)


def compute_squared_distances(gram: Matrix) -> Matrix:
    """`‖x_i − x_j‖² = G_ii + G_jj − 2·G_ij`, shape `(n, n)`, in a type that holds the sum of a row."""
    gram = widen(gram, 4 * len(gram))
    squared_norms = gram.diagonal()
    distances: Matrix = squared_norms[:, None] + squared_norms[None, :] - 2 * gram
    return distances


def compute_nearest_others(distances: Matrix, count: int) -> tuple[IndexSet, ...]:
    """For each row the `count` other rows at the smallest `(distance, index)`."""
    n = len(distances)
    order = np.argsort(distances, axis=1, kind="stable")
    others = order[order != np.arange(n)[:, None]].reshape(n, n - 1)
    return tuple(map(tuple, np.sort(others[:, :count], axis=1).tolist()))


def compute_neighbourhoods(distances: Matrix, size: int) -> tuple[IndexSet, ...]:
    """For each row itself and the `size − 1` others at the smallest `(distance, index)`."""
    nearest = compute_nearest_others(distances, size - 1)
    return tuple(tuple(sorted((row, *others))) for row, others in enumerate(nearest))


def compute_lower_median(values: Matrix) -> int:
    """Element `(n − 1) // 2` of the sorted values, shape `(n,)`."""
    return int(np.sort(values)[(len(values) - 1) // 2])


def sum_members(distances: Matrix, sets: tuple[IndexSet, ...]) -> Integers:
    """For each row the sum of its distances to the members of its set."""
    sums: list[int] = np.take_along_axis(distances, np.array(sets), axis=1).sum(axis=1).tolist()
    return tuple(sums)


def compute_cosine(inner: int, squared_norm_a: int, squared_norm_b: int) -> float:
    """The cosine of two vectors from their exact inner product, for people to read; 0.0 if either vector is zero."""
    if squared_norm_a <= 0 or squared_norm_b <= 0:
        return 0.0
    return inner / sqrt(squared_norm_a) / sqrt(squared_norm_b)
