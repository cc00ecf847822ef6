"""The evidence bundles of the prototype: weights and shares to the digit."""

import json
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
