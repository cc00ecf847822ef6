"""The evidence bundles of the prototype: weights and shares to the digit."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from steelyard.rules import compute_shares, get_rule
from tests.reference import rules_twin

BUNDLES = sorted((Path(__file__).parents[2] / "vectors" / "gram").glob("ev_*.json"))


def decode_gram(text: str, n: int) -> np.ndarray:
    upper = np.frombuffer(bytes.fromhex(text.removeprefix("0x")), dtype=">i8").astype(np.int64)
    gram = np.zeros((n, n), dtype=np.int64)
    gram[np.triu_indices(n)] = upper
    return np.maximum(gram, gram.T) + np.minimum(gram, gram.T) - np.diag(gram.diagonal())


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_weights_and_shares_of_the_vectors(path: Path) -> None:
    bundle = json.loads(path.read_text())
    name, f = bundle["rule"]["name"], bundle["rule"]["f"]
    gram = decode_gram(bundle["gram"], bundle["n"])
    weights, shares = (tuple(map(int, bundle[key])) for key in ("weights", "shares"))

    weighing = get_rule(name).weigh(gram, f, bundle["d"])
    twin = rules_twin.weigh(name, gram.tolist(), f, bundle["d"])

    assert weighing.weights == twin.weights == weights
    assert compute_shares(int(bundle["budget"]), weighing.contributions).shares == shares
    assert weighing.contributions == twin.contributions


def test_all_vectors_are_there() -> None:
    assert len(BUNDLES) == 7


DIGESTS = {
    "geometric-median": "7646d3d5b3376157",
    "clip-nnm-geometric-median": "f510bc0d2ab25479",
    "centred-clipping": "c2edf233bdb06fdf",
    "flag": "a9eaee626e5dfae4",
    "foolsgold": "ed4198650cf13c10",
}
"""The first bytes of a hash of all that an iterative rule gives. No contract computes them: this is what holds every
machine, and every version of numpy, to the same digits. Whether they are right is for tests/reference to say."""


@pytest.mark.parametrize("name", DIGESTS)
def test_iterative_rules_give_the_same_digits_everywhere(name: str) -> None:
    column, row = np.arange(60), np.arange(12)[:, None]
    noise = (row * 31 + column * 17 + row * column) ** 2 * 7919 % 1201 - 600
    vectors = 300 * (column % 7 - 3) + noise
    vectors[10:] *= -3
    gram = vectors @ vectors.T
    rule = get_rule(name)
    weighing = rule.weigh(gram, 3, 60, gram if rule.historic else None)
    outcome = repr((weighing.weights, weighing.normaliser, weighing.contributions))
    assert sha256(outcome.encode()).hexdigest()[:16] == DIGESTS[name]
