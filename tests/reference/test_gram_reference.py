"""The fast proof against its slow, plain twin, over an SRS small enough for py-ecc."""

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steelyard.errors import ProofRejectedError
from steelyard.gram import GramProof, parse_bundle, reference, verify_gram
from steelyard.gram.points import encode_point
from steelyard.gram.prover import _prove
from steelyard.gram.srs import get_blinding_generator
from tests.gram_proofs import CONTEXT, TAU, Round, make_round, make_srs, make_updates

N = 12
SRS = make_srs(N)
TWIN = reference.ReferenceSrs.from_secret(TAU, N)
L = N - 8
VECTORS = Path(__file__).parents[1] / "vectors" / "gram"


class Counter:
    """Scalars that both provers draw in the same order."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return pow(7, 1000 + self.count, reference.r)


def make_rounds() -> list[Round]:
    zero_row = make_updates(3, L)
    zero_row[1] = 0
    return [
        make_round(SRS, make_updates(1, 1)),
        make_round(SRS, make_updates(3, L + 1)),
        make_round(SRS, zero_row),
        make_round(SRS, np.full((2, 2 * L), -(2**15), dtype=np.int16)),
    ]


ROUNDS = make_rounds()


def test_the_blinding_generators_are_equal() -> None:
    assert reference.encode(reference.H) == encode_point(get_blinding_generator())


def test_the_reference_strings_are_equal() -> None:
    assert [reference.encode(point) for point in TWIN.g1] == [encode_point(point) for point in SRS.g1]


@pytest.mark.parametrize("round_", ROUNDS)
def test_commitments_are_equal_to_the_byte(round_: Round) -> None:
    for row, seed, commitment in zip(round_.updates, round_.seeds, round_.commitments, strict=True):
        assert reference.commit(TWIN, row.tolist(), seed) == commitment


@pytest.mark.parametrize("round_", ROUNDS)
def test_the_reference_accepts_a_fast_proof_and_refuses_it_for_another_matrix(round_: Round) -> None:
    statement, proof = round_.statement, round_.prove().encode()
    n, d = statement.n, statement.d
    reference.verify(TWIN, CONTEXT, n, d, statement.commitments, statement.gram, proof)
    gram = statement.gram[:-1] + bytes([statement.gram[-1] ^ 1])
    with pytest.raises(ProofRejectedError):
        reference.verify(TWIN, CONTEXT, n, d, statement.commitments, gram, proof)


@pytest.mark.parametrize("round_", ROUNDS)
def test_both_provers_make_the_same_proof_from_the_same_randomness(round_: Round) -> None:
    blocks = SRS.count_blocks(round_.statement.d)
    slow = reference.prove(TWIN, CONTEXT, round_.updates.tolist(), round_.seeds, round_.statement.gram, Counter())
    fast = _prove(SRS, round_.statement, round_.updates, round_.blinders, Counter())
    assert fast.encode() == slow
    verify_gram(SRS, round_.statement, GramProof.decode(slow, blocks))


@functools.cache
def load_ceremony_twin() -> reference.ReferenceSrs:
    """The Ethereum ceremony, as far as a verifier needs it."""
    spec = importlib.util.find_spec("eth_account.typed_transactions.blob_transactions")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).with_name("kzg_trusted_setup.txt").read_text()
    return reference.ReferenceSrs.from_trusted_setup(text, 2)


@pytest.mark.parametrize("name", ["ev_3_5_plain", "ev_8_4089_noise"])
def test_the_reference_accepts_the_known_answers_over_the_ethereum_ceremony(name: str) -> None:
    bundle = parse_bundle((VECTORS / f"{name}.json").read_text())
    statement, proof = bundle.statement, bundle.proof.encode()
    context, commitments, gram = statement.context, statement.commitments, statement.gram
    reference.verify(load_ceremony_twin(), context, bundle.n, bundle.d, commitments, gram, proof)


def load_cases(class_: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / f"{class_}.json").read_text())["cases"]
    return cases


def judge(case: dict[str, Any]) -> str:
    """The class that the reference puts a call of `tests/vectors/gram` in."""
    context, commitments, gram, proof = (
        bytes.fromhex(case[key][2:]) for key in ("context", "commitments", "gram", "proof")
    )
    try:
        reference.verify(load_ceremony_twin(), context, case["n"], case["d"], commitments, gram, proof)
    except ProofRejectedError as error:
        return "invalid" if "pairing" in error.reason else "malformed"
    return "valid"


@pytest.mark.parametrize(("class_", "step"), [("valid", 13), ("invalid", 80), ("malformed", 25)])
def test_the_reference_judges_some_of_the_vectors_like_the_fast_verifier(class_: str, step: int) -> None:
    cases = [case for case in load_cases(class_) if case["n"] < 6][::step]
    assert len(cases) > 3
    assert {case["name"]: judge(case) for case in cases} == {case["name"]: class_ for case in cases}


@pytest.mark.deep
@pytest.mark.parametrize("class_", ["valid", "invalid", "malformed"])
def test_the_reference_judges_all_vectors_like_the_fast_verifier(class_: str) -> None:
    cases = load_cases(class_)
    assert {case["name"]: judge(case) for case in cases} == {case["name"]: class_ for case in cases}
