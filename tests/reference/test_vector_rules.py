"""The iterative rules, fixed point on the Gram matrix, lead where the papers' formulas on the rows lead."""

import numpy as np
import pytest

from steelyard.constants import ONE
from steelyard.rules import RULES, Weighing
from tests.gram_matrices import build_honest_vectors, compute_gram
from tests.reference import vector_rules

CASES = [
    (seed, n, f, spread) for seed, (n, f, spread) in enumerate([(5, 1, 1.0), (11, 3, 2.0), (16, 4, 0.5), (33, 9, 3.0)])
]


def build_rows(seed: int, n: int, f: int, spread: float, attack: str) -> np.ndarray:
    rows = build_honest_vectors(n, 300, noise=spread, seed=seed)
    rng = np.random.default_rng(seed)
    match attack:
        case "flipped":
            rows[-f:] *= -4
        case "far":
            rows[-f:] = np.rint(rng.normal(0, 10**6, (f, 300)))
        case "clones":
            rows[-f:] = rows[-1]
        case "noisy clones":
            noise = np.linspace(0, 2, n)[:, None] * rng.normal(0, 1000, rows.shape)
            rows = rows[-1] + np.rint(noise).astype(np.int64)
        case "short":
            rows[-f:] //= 50
    return rows


def compute_step(weighing: Weighing, rows: np.ndarray) -> np.ndarray:
    weights = np.array([float(weight) for weight in weighing.weights]) / weighing.normaliser
    step: np.ndarray = weights @ rows
    return step


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Relative to the length of `b`."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("attack", ["none", "flipped", "far", "clones", "noisy clones", "short"])
@pytest.mark.parametrize(("seed", "n", "f", "spread"), CASES)
class TestTwins:
    def test_geometric_median(self, seed: int, n: int, f: int, spread: float, attack: str) -> None:
        """Within 2^-12: the iteration ends when no weight moves by more than 2^-20."""
        rows = build_rows(seed, n, f, spread, attack)
        weighing = RULES["geometric-median"].weigh(compute_gram(rows), f, 300)
        step, median = compute_step(weighing, rows), vector_rules.geometric_median(rows, f)
        assert distance(step, median) < 2**-12
        excess = np.linalg.norm(rows - step, axis=1).sum() / np.linalg.norm(rows - median, axis=1).sum() - 1
        assert excess < 1e-9
        if weighing.graded:
            grades = np.array(weighing.graded.grades) / 2**32
            distances = np.linalg.norm(rows - step, axis=1)
            assert grades == pytest.approx(distances / vector_rules.lower_median(distances), rel=1e-4, abs=1e-4)

    def test_centred_clipping(self, seed: int, n: int, f: int, spread: float, attack: str) -> None:
        """Within 2^-16: lengths are in Q30 of the longest row, which may be a thousand times longer."""
        rows = build_rows(seed, n, f, spread, attack)
        weighing = RULES["centred-clipping"].weigh(compute_gram(rows), f, 300)
        assert distance(compute_step(weighing, rows), vector_rules.centred_clipping(rows, f)) < 2**-16

    def test_flag(self, seed: int, n: int, f: int, spread: float, attack: str) -> None:
        """Within 2^-12: eigenvectors are as exact as 2^-27 over the gap between the eigenvalues."""
        rows = build_rows(seed, n, f, spread, attack)
        weighing = RULES["flag"].weigh(compute_gram(rows), f, 300)
        assert distance(compute_step(weighing, rows), vector_rules.flag(rows, f)) < 2**-12

    def test_foolsgold(self, seed: int, n: int, f: int, spread: float, attack: str) -> None:
        """Within 2^-20: cosines are in Q30, the logarithm in Q32."""
        histories = build_rows(seed, n, f, spread, attack)
        rows = build_honest_vectors(n, 300, noise=spread, seed=seed + 100)
        weighing = RULES["foolsgold"].weigh(compute_gram(rows), f, 300, compute_gram(histories))
        assert distance(compute_step(weighing, rows), vector_rules.foolsgold(rows, histories)) < 2**-20
        if attack == "noisy clones":
            assert any(0 < weight < ONE for weight in weighing.weights), "the logarithm is put to the test"


def test_the_start_of_the_geometric_median_does_not_matter() -> None:
    """Only speed depends on `f`: with another one the iteration starts elsewhere and ends in the same place."""
    rows = build_rows(3, 21, 5, 2.0, "flipped")
    steps = [compute_step(RULES["geometric-median"].weigh(compute_gram(rows), f, 300), rows) for f in (0, 3, 9)]
    assert distance(steps[1], steps[0]) < 2**-14
    assert distance(steps[2], steps[0]) < 2**-14
