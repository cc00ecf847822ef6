"""The iterative rules as their papers write them: floats, and the rows themselves instead of their Gram matrix.

Nothing is shared with `steelyard.rules`, not even the idea that a rule is a function of inner products. Each returns
the step: by how much the model moves, before the quantisation scale.
"""

import numpy as np

Rows = np.ndarray


def lower_median(values: np.ndarray) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


def lengths(rows: Rows) -> np.ndarray:
    norms: np.ndarray = np.linalg.norm(rows, axis=1)
    return norms


def geometric_median(rows: Rows, f: int) -> np.ndarray:
    """Weiszfeld's iteration until it stands still, from the coordinate-wise median, hardly smoothed."""
    point: np.ndarray = np.median(rows, axis=0)
    for _ in range(20_000):
        nearness: np.ndarray = 1 / np.maximum(lengths(rows - point), 1e-9 * lengths(rows).max())
        following = nearness @ rows / nearness.sum()
        if np.linalg.norm(following - point) <= 1e-13 * np.linalg.norm(following):
            break
        point = following
    return point


def centred_clipping(rows: Rows, f: int) -> np.ndarray:
    radius = lower_median(lengths(rows))
    centre = np.zeros(rows.shape[1])
    for _ in range(5):
        offsets = rows - centre
        factors = np.minimum(1, radius / np.maximum(lengths(offsets), 1e-300))
        centre = centre + (factors[:, None] * offsets).mean(axis=0)
    return centre


def flag(rows: Rows, f: int) -> np.ndarray:
    """By the singular vectors of the rows; the outcome is a combination of them with coefficients cut at zero."""
    rank = len(rows) // 2 + 1
    units = rows / lengths(rows)[:, None]
    importances = np.ones(len(rows))
    for _ in range(2):
        left, singular, _ = np.linalg.svd((importances[:, None] * units).T, full_matrices=False)
        basis = left[:, :rank][:, singular[:rank] ** 2 > 2**-20 * (singular**2).sum()]
        explained = ((basis.T @ units.T) ** 2).sum(axis=0)
        used, importances = importances, (np.maximum(1 - explained, 0) + 1e-7) ** -0.25
    # The pseudo-inverse on the weighted rows, cut at the rank, is what writes the outcome as a sum of them.
    inverse = np.linalg.pinv((used[:, None] * units).T, rcond=1e-9)
    coefficients = np.maximum(used * (inverse @ (basis @ (basis.T @ units.sum(axis=0)))), 0)
    factors = np.minimum(16, lower_median(lengths(rows)) / lengths(rows))
    step: np.ndarray = (coefficients * factors) @ rows / coefficients.sum()
    return step


def foolsgold(rows: Rows, histories: Rows) -> np.ndarray:
    n = len(rows)
    units = histories / lengths(histories)[:, None]
    alike = np.maximum(units @ units.T, 0)
    np.fill_diagonal(alike, 0)
    closest = alike.max(axis=1)
    for i in range(n):
        for j in range(n):
            if closest[i] < closest[j]:
                alike[i, j] *= closest[i] / closest[j]
    unlike = 1 - alike.max(axis=1)
    unlike /= unlike.max()
    unlike = np.clip(unlike, 1e-12, 1 - 1e-12)
    weights = np.clip(np.log(unlike / (1 - unlike)) + 0.5, 0, 1)
    step: np.ndarray = weights @ rows / weights.sum()
    return step
