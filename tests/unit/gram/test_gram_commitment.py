"""Commitments, their blinders, and openings."""

import numpy as np
import pytest
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point, Scalar

from scripts.gram_cases import add_torsion
from steelyard.constants import BLS12_381_ORDER, UPDATE_MAX, UPDATE_MIN
from steelyard.errors import CommitmentMismatchError
from steelyard.gram import (
    commit,
    compute_aggregate_blinders,
    derive_blinders,
    find_false_openings,
    hash_commitment,
    verify_aggregate_opening,
    verify_opening,
)
from steelyard.gram.points import decode_point
from steelyard.gram.srs import get_blinding_generator
from steelyard.types import Seed
from steelyard.updates.aggregate import compute_aggregate
from tests.gram_proofs import TAU, Round, make_round, make_srs, make_updates

SRS = make_srs(16)
L = SRS.payload
SEED = Seed(b"\x07" * 32)
WEIGHTS = [3 * 2**32, 0, 1, 2**35]


@pytest.fixture(scope="module")
def round_() -> Round:
    return make_round(SRS, make_updates(4, 3 * L + 2))


def test_blinders_follow_the_specification() -> None:
    expected = (
        int.from_bytes(keccak(keccak(b"steelyard/blind/v1") + SEED + b"\x00\x00\x00\x01"), "big") % BLS12_381_ORDER
    )
    assert derive_blinders(SEED, 2)[1] == expected


def test_a_seed_must_have_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        derive_blinders(Seed(b"short"), 1)


@pytest.mark.parametrize("entry", [UPDATE_MIN, -1, 0, 1, UPDATE_MAX])
def test_a_commitment_is_the_polynomial_at_the_secret_plus_its_blinder(entry: int) -> None:
    update = np.full(L, entry, dtype=np.int16)
    at_tau = sum(entry * pow(TAU, k, BLS12_381_ORDER) for k in range(L)) % BLS12_381_ORDER
    expected = G1Point() * Scalar(at_tau) + get_blinding_generator() * Scalar(derive_blinders(SEED, 1)[0])
    assert decode_point(commit(SRS, update, SEED)) == expected


def test_equal_updates_under_two_seeds_look_unrelated() -> None:
    update = make_updates(1, 20)[0]
    assert commit(SRS, update, SEED) != commit(SRS, update, Seed(b"\x08" * 32))


def test_a_commitment_hashes_to_what_goes_on_chain() -> None:
    commitment = commit(SRS, make_updates(1, 20)[0], SEED)
    assert len(commitment) == 128 * 3
    assert hash_commitment(commitment) == keccak(commitment)


@pytest.mark.parametrize(
    "update", [np.zeros(0, np.int16), np.zeros((1, 5), np.int16), np.zeros(5, np.int32), np.zeros(5, np.float64)]
)
def test_only_an_int16_vector_is_committed_to(update: np.ndarray) -> None:
    with pytest.raises(ValueError, match="int16 vector"):
        commit(SRS, update, SEED)


def test_honest_openings_are_all_true(round_: Round) -> None:
    assert find_false_openings(SRS, round_.updates, round_.blinders, round_.commitments) == {}


def test_false_openings_are_named_with_their_blocks(round_: Round) -> None:
    updates = round_.updates.copy()
    updates[1, L] ^= 1
    updates[3, 0] ^= 1
    updates[3, -1] ^= 1
    assert find_false_openings(SRS, updates, round_.blinders, round_.commitments) == {1: (1,), 3: (0, 3)}


def test_a_false_blinder_is_a_false_opening(round_: Round) -> None:
    blinders = [list(row) for row in round_.blinders]
    blinders[2][1] += 1
    assert find_false_openings(SRS, round_.updates, blinders, round_.commitments) == {2: (1,)}


def test_opposite_errors_in_two_rows_do_not_cancel(round_: Round) -> None:
    blinders = [list(row) for row in round_.blinders]
    blinders[0][0] += 1
    blinders[1][0] -= 1
    assert find_false_openings(SRS, round_.updates, blinders, round_.commitments) == {0: (0,), 1: (0,)}


def test_malformed_commitments_are_false_and_do_not_hide_the_others(round_: Round) -> None:
    c = round_.commitments
    updates = round_.updates.copy()
    updates[3, 0] ^= 1
    commitments = [c[0][:-1], c[1][:128] + b"\xff" * 128 + c[1][256:], add_torsion(c[2][:128]) + c[2][128:], c[3]]
    false = find_false_openings(SRS, updates, round_.blinders, commitments)
    assert false == {0: (0, 1, 2, 3), 1: (1,), 2: (0,), 3: (0,)}


def test_rows_of_all_arguments_must_match_in_number(round_: Round) -> None:
    with pytest.raises(ValueError, match="3 rows of blinders"):
        find_false_openings(SRS, round_.updates, round_.blinders[:3], round_.commitments)


def test_one_opening_is_verified_or_refused_with_its_blocks(round_: Round) -> None:
    verify_opening(SRS, round_.updates[0], round_.seeds[0], round_.commitments[0])
    with pytest.raises(CommitmentMismatchError, match="trainer 7 does not open") as caught:
        verify_opening(SRS, round_.updates[0], round_.seeds[1], round_.commitments[0], "trainer 7")
    assert caught.value.blocks == (0, 1, 2, 3)


def test_the_aggregate_opens_the_weighted_commitments(round_: Round) -> None:
    aggregate = compute_aggregate(list(round_.updates), WEIGHTS)
    blinders = compute_aggregate_blinders(round_.blinders, WEIGHTS)
    verify_aggregate_opening(SRS, aggregate, blinders, round_.commitments, WEIGHTS)


def test_an_aggregate_at_the_ends_of_its_range_opens() -> None:
    updates = np.full((2, L + 1), UPDATE_MIN, dtype=np.int16)
    updates[:, ::2] = UPDATE_MAX
    r = make_round(SRS, updates)
    weights = [2**42 - 1, 1]
    aggregate = compute_aggregate(list(updates), weights)
    assert aggregate.min() == -(2**57)
    verify_aggregate_opening(SRS, aggregate, compute_aggregate_blinders(r.blinders, weights), r.commitments, weights)


def test_a_changed_aggregate_is_refused_with_its_block(round_: Round) -> None:
    aggregate = compute_aggregate(list(round_.updates), WEIGHTS)
    aggregate[2 * L] += 1
    blinders = compute_aggregate_blinders(round_.blinders, WEIGHTS)
    with pytest.raises(CommitmentMismatchError) as caught:
        verify_aggregate_opening(SRS, aggregate, blinders, round_.commitments, WEIGHTS)
    assert caught.value.blocks == (2,)


def test_other_weights_are_refused(round_: Round) -> None:
    aggregate = compute_aggregate(list(round_.updates), WEIGHTS)
    blinders = compute_aggregate_blinders(round_.blinders, WEIGHTS)
    with pytest.raises(CommitmentMismatchError):
        verify_aggregate_opening(SRS, aggregate, blinders, round_.commitments, [*WEIGHTS[:-1], 2**35 + 1])


@pytest.mark.parametrize("what", ["blinders", "commitments", "dtype", "rows", "points", "nothing"])
def test_an_aggregate_of_the_wrong_shape_is_refused(round_: Round, what: str) -> None:
    aggregate = compute_aggregate(list(round_.updates), WEIGHTS)
    blinders = compute_aggregate_blinders(round_.blinders, WEIGHTS)
    commitments = list(round_.commitments)
    if what == "blinders":
        blinders = blinders[:-1]
    elif what == "commitments":
        commitments[1] = commitments[1][:-128]
    elif what == "dtype":
        aggregate = aggregate.astype(np.int32)
    elif what == "rows":
        commitments.pop()
    elif what == "nothing":
        aggregate, blinders, commitments = aggregate[:0], (), [b""] * 4
    else:
        commitments[1] = b"\xff" * len(commitments[1])
    with pytest.raises(CommitmentMismatchError):
        verify_aggregate_opening(SRS, aggregate, blinders, commitments, WEIGHTS)
