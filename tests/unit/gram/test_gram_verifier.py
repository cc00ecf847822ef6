"""What the prover promises and the verifier enforces, over a small SRS. `tests/vectors` has the tampered points."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram import (
    GramProof,
    GramStatement,
    compute_gram,
    decode_gram,
    encode_gram,
    hash_commitment,
    prove_gram,
    verify_commitment_hashes,
    verify_gram,
)
from steelyard.gram.transcript import compute_point
from steelyard.types import Digest
from tests.gram_proofs import CONTEXT, make_round, make_srs, make_updates

SRS = make_srs(16)
BLOCKS = 2
ROUND = make_round(SRS, make_updates(3, SRS.payload + 1))
PROOF = ROUND.prove()
R = BLS12_381_ORDER


def refuse(statement: GramStatement, proof: GramProof, reason: str) -> None:
    with pytest.raises(ProofRejectedError, match=reason):
        verify_gram(SRS, statement, proof)


def test_a_proof_verifies() -> None:
    verify_gram(SRS, ROUND.statement, PROOF)


def test_two_proofs_of_one_statement_share_nothing_and_both_verify() -> None:
    other = ROUND.prove()
    verify_gram(SRS, ROUND.statement, other)
    for field in dataclasses.fields(GramProof):
        assert getattr(other, field.name) != getattr(PROOF, field.name), field.name


def test_memory_mapped_updates_are_proved_like_others(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "updates", dtype=np.int16, mode="w+", shape=ROUND.updates.shape)
    mapped[:] = ROUND.updates
    verify_gram(SRS, ROUND.statement, prove_gram(SRS, ROUND.statement, mapped, ROUND.blinders))


def test_a_proof_over_another_reference_string_is_refused() -> None:
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_gram(make_srs(16, tau=77), ROUND.statement, PROOF)


def test_updates_that_do_not_open_the_commitments_prove_nothing() -> None:
    updates = ROUND.updates.copy()
    updates[0, 0] ^= 1
    statement = dataclasses.replace(ROUND.statement, gram=encode_gram(compute_gram(updates)))
    refuse(statement, prove_gram(SRS, statement, updates, ROUND.blinders), "pairing")


def test_the_prover_refuses_a_matrix_that_is_not_the_updates_own() -> None:
    gram = decode_gram(ROUND.statement.gram, 3)
    gram[0, 1] += 1
    gram[1, 0] += 1
    statement = dataclasses.replace(ROUND.statement, gram=encode_gram(gram))
    with pytest.raises(ValueError, match="not the Gram matrix"):
        prove_gram(SRS, statement, ROUND.updates, ROUND.blinders)


@pytest.mark.parametrize(
    ("updates", "blinders"),
    [
        (ROUND.updates[:2], ROUND.blinders),
        (ROUND.updates[:, 1:], ROUND.blinders),
        (ROUND.updates.astype(np.int64), ROUND.blinders),
        (ROUND.updates, ROUND.blinders[:2]),
        (ROUND.updates, [row[:1] for row in ROUND.blinders]),
    ],
)
def test_the_prover_refuses_shapes_that_do_not_fit(updates: Any, blinders: Any) -> None:
    with pytest.raises(ValueError, match=r"needed|the updates are"):
        prove_gram(SRS, ROUND.statement, updates, blinders)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"context": b""}, "context of 0 bytes"),
        ({"context": bytes(33)}, "context of 33 bytes"),
        ({"context": keccak(b"elsewhere")}, "pairing"),
        ({"n": 0}, "0 rows"),
        ({"n": -1}, "-1 rows"),
        ({"n": 2**32}, "rows of"),
        ({"n": 2}, "bytes of commitments"),
        ({"d": 0}, "of 0 coordinates"),
        ({"d": -5}, "of -5 coordinates"),
        ({"d": 2**32}, "coordinates"),
        ({"d": 1}, "bytes of commitments"),
        ({"d": ROUND.statement.d + 1}, "pairing"),
        ({"commitments": b""}, "bytes of commitments"),
        ({"commitments": ROUND.statement.commitments[::-1]}, "invalid point in commitment"),
        ({"gram": b""}, "Gram matrix of 3 rows"),
        ({"gram": ROUND.statement.gram + bytes(8)}, "Gram matrix of 3 rows"),
        ({"gram": bytes(len(ROUND.statement.gram))}, "pairing"),
    ],
)
def test_another_statement_is_refused(changes: dict[str, Any], reason: str) -> None:
    refuse(dataclasses.replace(ROUND.statement, **changes), PROOF, reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"t0": PROOF.t0 + R}, "non-canonical scalar in t0"),
        ({"t0": -1}, "non-canonical scalar in t0"),
        ({"a": (PROOF.a[0], R)}, "non-canonical scalar in a"),
        ({"a_prime": (R, PROOF.a_prime[1])}, "non-canonical scalar in a'"),
        ({"s": PROOF.s + R}, "non-canonical scalar in s"),
        ({"omega": PROOF.omega + R}, "non-canonical scalar in ω"),
        ({"a": PROOF.a[:1]}, "not over 2 blocks"),
        ({"a_prime": (*PROOF.a_prime, 0)}, "not over 2 blocks"),
        ({"M": PROOF.M[:1]}, "not over 2 blocks"),
        ({"M": (PROOF.M[0], b"")}, "invalid point in M"),
        ({"M": PROOF.M[::-1]}, "pairing"),
        ({"S": PROOF.S[:-1]}, "invalid point in S"),
        ({"W": PROOF.W + b"\x00"}, "invalid point in W"),
        ({"W": PROOF.S}, "pairing"),
        ({"a": PROOF.a_prime, "a_prime": PROOF.a}, "pairing"),
    ],
)
def test_another_proof_is_refused(changes: dict[str, Any], reason: str) -> None:
    refuse(ROUND.statement, dataclasses.replace(PROOF, **changes), reason)


@pytest.mark.parametrize("z", [0, 1, R - 1, R, R + 1])
def test_a_degenerate_challenge_is_refused(z: int) -> None:
    with pytest.raises(ProofRejectedError, match="degenerate"):
        compute_point(z.to_bytes(32, "big"))


def test_commitments_must_hash_to_what_was_submitted() -> None:
    hashes = [hash_commitment(commitment) for commitment in ROUND.commitments]
    verify_commitment_hashes(ROUND.statement, hashes)
    with pytest.raises(ProofRejectedError, match="row 2"):
        verify_commitment_hashes(ROUND.statement, [*hashes[:2], Digest(bytes(32))])
    for wrong in (hashes[:2], [], [*hashes, hashes[0]]):
        with pytest.raises(ProofRejectedError, match="commitment hashes"):
            verify_commitment_hashes(ROUND.statement, wrong)
    with pytest.raises(ProofRejectedError, match="commitment hashes"):
        verify_commitment_hashes(
            dataclasses.replace(ROUND.statement, commitments=ROUND.statement.commitments + b"x"), hashes
        )


def test_a_proof_round_trips_through_its_bytes() -> None:
    data = PROOF.encode()
    assert len(data) == 192 * BLOCKS + 352
    assert GramProof.decode(data, BLOCKS) == PROOF


@pytest.mark.parametrize("blocks", [-1, 0, 1, 3])
def test_proof_bytes_of_another_length_are_refused(blocks: int) -> None:
    with pytest.raises(ProofRejectedError, match="cannot have"):
        GramProof.decode(PROOF.encode(), blocks)


def test_a_gram_matrix_round_trips_through_its_bytes() -> None:
    gram = np.array([[2**62, -5, 0], [-5, 7, -(2**63)], [0, -(2**63), 1]], dtype=object)
    data = encode_gram(gram)
    assert (len(data), data[8:16]) == (48, (-5).to_bytes(8, "big", signed=True))
    assert np.array_equal(decode_gram(data, 3), gram)


@pytest.mark.parametrize(
    "gram",
    [np.array([[1, 2], [3, 1]], dtype=object), np.array([[1, 2]], dtype=object), np.array([[2**63]], dtype=object)],
)
def test_only_a_symmetric_int64_matrix_is_encoded(gram: Any) -> None:
    with pytest.raises(ValueError, match="Gram matrix"):
        encode_gram(gram)


@pytest.mark.parametrize(("n", "length"), [(-1, 0), (-1, 8), (0, 0), (0, 8), (1, 0), (1, 7), (2, 8)])
def test_gram_bytes_of_another_length_are_refused(n: int, length: int) -> None:
    with pytest.raises(ProofRejectedError, match="cannot have"):
        decode_gram(bytes(length), n)


def test_a_context_names_one_statement_only() -> None:
    other = make_round(SRS, ROUND.updates, Digest(keccak(b"another round")))
    assert other.commitments == ROUND.commitments
    assert other.statement.context != CONTEXT
    refuse(other.statement, PROOF, "pairing")
