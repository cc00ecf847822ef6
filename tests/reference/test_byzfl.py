"""Our steps against ByzFL's classes, on random rows without ties, where ByzFL is installed.

Differences of convention are the adapter's business (scripts/byzfl_adapter.py): with it, the two must agree. Rows are
integers over a power of two, which both hold exactly.
"""

from typing import Any

import numpy as np
import pytest

from scripts import byzfl_adapter, byzfl_rules
from steelyard.rules import RULES
from tests.gram_matrices import build_honest_vectors, compute_gram

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(
        not byzfl_rules.is_installed(), reason="ByzFL is not installed: pip install --no-deps -r requirements-byzfl.txt"
    ),
]

SHAPES = [(5, 1, 3), (8, 2, 40), (13, 5, 7), (20, 6, 100), (31, 14, 30)]


@pytest.fixture(scope="module")
def aggregators() -> Any:
    return byzfl_rules.import_module("aggregators.aggregators")


@pytest.fixture(scope="module")
def preaggregators() -> Any:
    return byzfl_rules.import_module("aggregators.preaggregators")


def draw_rows(n: int, f: int, d: int, seed: int) -> np.ndarray:
    rows = build_honest_vectors(n, d, noise=1.0, seed=seed)
    rows[-f:] *= -3
    drawn: np.ndarray = np.clip(rows, 1 - 2**14, 2**14 - 1) / 2**10
    return drawn


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "f", "d"), SHAPES)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Average", {}),
        ("Krum", {"f": 0}),
        ("MultiKrum", {"f": 0}),
        ("MoNNA", {"f": 0, "idx": 2}),
        ("GeometricMedian", {"nu": 0.1, "T": 3}),
        ("GeometricMedian", {"nu": 1e-3, "T": 50}),
        ("CenteredClipping", {"L": 1, "tau": 2.0}),
        ("CenteredClipping", {"L": 4, "tau": 5.0}),
    ],
)
def test_steps_are_byzfls(
    aggregators: Any, name: str, options: dict[str, Any], n: int, f: int, d: int, seed: int
) -> None:
    rows = draw_rows(n, f, d, seed)
    options = options | ({"f": f} if "f" in options else {})
    ours, theirs = (getattr(module, name)(**options)(rows.copy()) for module in (byzfl_adapter, aggregators))
    assert np.linalg.norm(ours - theirs) <= 1e-6 * np.linalg.norm(rows, axis=1).max()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "f", "d"), SHAPES)
def test_pre_aggregators_are_byzfls(preaggregators: Any, n: int, f: int, d: int, seed: int) -> None:
    rows = draw_rows(n, f, d, seed)
    assert byzfl_adapter.NNM(f)(rows) == pytest.approx(preaggregators.NNM(f)(rows.copy()), rel=1e-9)
    ours, theirs = byzfl_adapter.Clipping(3.0)(rows), preaggregators.Clipping(3.0)(rows.copy())
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "f", "d"), SHAPES)
def test_our_geometric_median_is_as_good_as_byzfls_in_a_thousand_steps(
    aggregators: Any, n: int, f: int, d: int, seed: int
) -> None:
    rows = np.rint(draw_rows(n, f, d, seed) * 2**10).astype(np.int64)
    weighing = RULES["geometric-median"].weigh(compute_gram(rows), f, d)
    ours = np.array(weighing.weights) / weighing.normaliser @ rows
    theirs = aggregators.GeometricMedian(nu=1e-3, T=1_000)(rows.astype(np.float64))
    sums = [np.linalg.norm(rows - point, axis=1).sum() for point in (ours, theirs)]
    # In three dimensions the median may be one of the rows. Ours is then smoothed more, by a 1,024th of the median
    # distance instead of a length that happens to be small.
    assert sums[0] <= sums[1] * (1 + (1e-4 if d < 7 else 1e-7))
