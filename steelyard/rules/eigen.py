"""Eigenvectors of small symmetric matrices in fixed point, the same to the bit on every machine."""

from typing import Final

import numpy as np

from steelyard.rules.fixed_point import Fixed, compute_roots

MAX_SWEEPS: Final = 12
MATRIX_BITS: Final = 31
"""Matrices of trace at most one are in Q31, vectors in Q30."""

_HALF: Final = 1 << 29
_NEGLIGIBLE: Final = 1 << 4
"""Twice an entry beside the diagonal is taken for zero up to here, 2^-27 of the trace. The sweeps end when all are."""


def diagonalise(matrix: Fixed) -> tuple[Fixed, Fixed]:
    """Eigenvalues and eigenvectors by Jacobi rotations, half of the rows against the other half at once.

    Args:
      matrix: symmetric, without negative eigenvalues, of trace at most one, in Q31; shape `(n, n)`.

    Returns:
      Eigenvalues in Q31, in no order, shape `(n,)`, and eigenvectors in Q30, one in each row, shape `(n, n)`.

    References:
      Brent, Luk, "The Solution of Singular-Value and Symmetric Eigenvalue Problems on Multiprocessor Arrays", 1985, for
      the order of the pairs.
    """
    n = len(matrix)
    size = n + n % 2
    joint = np.zeros((size, 2 * size), dtype=np.int64)
    rotated, vectors = joint[:, :size], joint[:, size:]
    rotated[:n, :n] = matrix
    np.fill_diagonal(vectors, 1 << 30)
    order = np.arange(size)
    for _ in range(MAX_SWEEPS):
        if 2 * np.abs(rotated - np.diag(rotated.diagonal())).max() <= _NEGLIGIBLE:
            break
        for _ in range(size - 1):
            _rotate(joint, order[: size // 2], order[: size // 2 - 1 : -1])
            order[1:] = np.roll(order[1:], 1)
        rotated[:] = rotated + rotated.T >> 1
    return rotated.diagonal()[:n].copy(), vectors[:n, :n]


def _rotate(joint: Fixed, first: Fixed, second: Fixed) -> None:
    """Rotates each pair of rows and columns so that their common entry becomes zero, and the vectors, in place."""
    matrix = joint[:, : len(joint)]
    common = 2 * matrix[first, second]
    is_due = np.abs(common) > _NEGLIGIBLE
    first, second, common = first[is_due], second[is_due], common[is_due]
    cosine, sine = _find_rotations(matrix[first, first] - matrix[second, second], common)
    for rows in (joint, matrix.T):
        upper, lower = rows[first], rows[second]
        rows[first] = cosine * upper + sine * lower + _HALF >> 30
        rows[second] = cosine * lower - sine * upper + _HALF >> 30


def _find_rotations(difference: Fixed, common: Fixed) -> tuple[Fixed, Fixed]:
    """Cosine and sine of half the angle of `(difference, common)`, as columns, in Q30, right to a bit or two."""
    # Both are brought to 30 bits first: the root of a small number would have too few.
    largest = np.maximum(np.abs(difference), np.abs(common))
    shift = 31 - np.frexp(largest.astype(np.float64))[1]
    up, down = np.maximum(shift, 0), np.maximum(-shift, 0)
    adjacent, opposite = (np.abs(side) << up >> down for side in (difference, common))
    hypotenuse = np.maximum(compute_roots(adjacent * adjacent + opposite * opposite), 1)
    cosine = compute_roots((1 << 30) + ((adjacent << 30) + (hypotenuse >> 1)) // hypotenuse << 29)
    sine = ((opposite << 29) // hypotenuse << 30) // cosine
    return cosine[:, None], np.where((difference < 0) == (common < 0), sine, -sine)[:, None]
