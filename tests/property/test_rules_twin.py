"""The fast rules equal the plain ones of tests/reference, on Gram matrices and on any symmetric matrix."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.rules import RULES, encode_hints
from steelyard.rules.contribution import compute_exp2neg
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram, gram_matrices, symmetric_matrices
from tests.reference import rules_twin


def assert_equal_to_twin(name: str, gram: Gram, f: int, d: int) -> None:
    """The last row of the matrix is the root of a rooted rule, which then has one trainer less."""
    f = min(f, (len(gram) - 3 - RULES[name].rooted) // 2)
    if f < 0:
        return
    weighing = RULES[name].weigh(gram, f, d)
    twin = rules_twin.weigh(name, gram.tolist(), f, d)
    assert weighing.weights == twin.weights, name
    assert weighing.normaliser == twin.normaliser, name
    assert weighing.contributions == twin.contributions, name
    assert weighing.opposed == twin.opposed, name
    assert encode_hints(weighing) == twin.hints, name


@settings(max_examples=150, deadline=None)
@given(gram_matrices(max_rows=14))
def test_rules_equal_the_twin_on_gram_matrices(case: tuple[Gram, int, int]) -> None:
    for name in rules_twin.RULES:
        assert_equal_to_twin(name, *case)


@settings(max_examples=150, deadline=None)
@given(symmetric_matrices(max_rows=10))
def test_rules_equal_the_twin_on_any_symmetric_matrix(case: tuple[Gram, int, int]) -> None:
    for name in rules_twin.RULES:
        assert_equal_to_twin(name, *case)


@pytest.mark.parametrize("n", [3, 8, 32])
def test_rules_equal_the_twin_on_full_sized_rounds(n: int) -> None:
    vectors = build_honest_vectors(n, noise=3.0, seed=n)
    vectors[-1] *= -4
    for name in rules_twin.RULES:
        assert_equal_to_twin(name, compute_gram(vectors), (n - 3) // 2, vectors.shape[1])


@given(st.integers(0, 2**40))
def test_exp2neg_equals_the_twin(kappa: int) -> None:
    assert compute_exp2neg(kappa) == rules_twin.exp2neg(kappa)


@given(st.integers(0, 2**38), st.integers(0, 2**38))
def test_exp2neg_never_rises(kappa: int, more: int) -> None:
    assert compute_exp2neg(kappa + more) <= compute_exp2neg(kappa)
