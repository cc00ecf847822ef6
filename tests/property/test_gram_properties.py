"""Laws of the Gram proof over random shapes and entries."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steelyard.constants import UPDATE_MAX, UPDATE_MIN
from steelyard.errors import EvidenceError, ProofRejectedError
from steelyard.gram import (
    GramProof,
    commit,
    compute_aggregate_blinders,
    compute_gram,
    find_false_openings,
    parse_bundle,
    verify_aggregate_opening,
    verify_gram,
)
from steelyard.updates.aggregate import compute_aggregate
from tests.gram_proofs import make_round, make_srs, make_updates

SRS = make_srs(24)
L = SRS.payload
ROUND = make_round(SRS, make_updates(3, L + 1))
PROOF = ROUND.prove().encode()
BLOCKS = SRS.count_blocks(L + 1)

ENTRIES = st.one_of(
    st.sampled_from([UPDATE_MIN, UPDATE_MIN + 1, -1, 0, 1, UPDATE_MAX]), st.integers(UPDATE_MIN, UPDATE_MAX)
)


@st.composite
def update_matrices(draw: st.DrawFn) -> np.ndarray:
    """int16, shape `(n, d)`: few or many rows, block borders, rows of zeros and clones."""
    n = draw(st.integers(1, 6))
    d = draw(st.sampled_from([1, 2, L - 1, L, L + 1, 2 * L - 1, 2 * L, 2 * L + 1, 3 * L]) | st.integers(1, 4 * L))
    updates = draw(arrays.arrays(np.int16, (n, d), elements=ENTRIES))
    if draw(st.booleans()):
        updates[draw(st.integers(0, n - 1))] = 0
    if draw(st.booleans()):
        updates[-1] = updates[0]
    return updates


@given(update_matrices())
@settings(max_examples=60, deadline=None)
def test_every_matrix_is_proved_and_every_aggregate_opens(updates: np.ndarray) -> None:
    round_ = make_round(SRS, updates)
    proof = GramProof.decode(round_.prove().encode(), SRS.count_blocks(updates.shape[1]))
    verify_gram(SRS, round_.statement, proof)
    assert find_false_openings(SRS, updates, round_.blinders, round_.commitments) == {}
    weights = [(7**k << 30) % 2**40 for k in range(len(updates))]
    aggregate = compute_aggregate(list(updates), weights)
    blinders = compute_aggregate_blinders(round_.blinders, weights)
    verify_aggregate_opening(SRS, aggregate, blinders, round_.commitments, weights)


@given(update_matrices())
@settings(max_examples=100, deadline=None)
def test_the_matrix_is_exact(updates: np.ndarray) -> None:
    wide = updates.astype(object)
    assert np.array_equal(compute_gram(updates), wide @ wide.T)


@given(st.integers(0, 8 * len(PROOF) - 1))
@settings(max_examples=400, deadline=None)
def test_any_flipped_bit_of_a_proof_is_refused(bit: int) -> None:
    flipped = bytearray(PROOF)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofRejectedError):
        verify_gram(SRS, ROUND.statement, GramProof.decode(bytes(flipped), BLOCKS))


@given(st.sampled_from(["context", "commitments", "gram"]), st.integers(min_value=0, max_value=10**6))
@settings(max_examples=400, deadline=None)
def test_any_flipped_bit_of_a_statement_is_refused(field: str, bit: int) -> None:
    flipped = bytearray(getattr(ROUND.statement, field))
    bit %= 8 * len(flipped)
    flipped[bit // 8] ^= 1 << bit % 8
    changes: dict[str, Any] = {field: bytes(flipped)}
    with pytest.raises(ProofRejectedError):
        verify_gram(
            SRS,
            dataclasses.replace(ROUND.statement, **changes),
            GramProof.decode(PROOF, BLOCKS),
        )


@given(st.binary(max_size=2000), st.integers(-3, 5))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(data: bytes, blocks: int) -> None:
    with pytest.raises(ProofRejectedError):
        verify_gram(SRS, ROUND.statement, GramProof.decode(data, blocks))
    with pytest.raises(EvidenceError):
        parse_bundle(data)


@given(st.binary(min_size=len(PROOF), max_size=len(PROOF)))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_of_the_right_length_are_refused(data: bytes) -> None:
    with pytest.raises(ProofRejectedError):
        verify_gram(SRS, ROUND.statement, GramProof.decode(data, BLOCKS))


@given(update_matrices())
@settings(max_examples=30, deadline=None)
def test_commitments_add_up(updates: np.ndarray) -> None:
    small = (updates // 2).astype(np.int16)
    round_ = make_round(SRS, small)
    if len(small) < 2:
        return
    ones = [1, 1] + [0] * (len(small) - 2)
    total = (small[0] + small[1]).astype(np.int64)
    blinders = compute_aggregate_blinders(round_.blinders, ones)
    verify_aggregate_opening(SRS, total, blinders, round_.commitments, ones)
    assert commit(SRS, small[0], round_.seeds[0]) == round_.commitments[0]
