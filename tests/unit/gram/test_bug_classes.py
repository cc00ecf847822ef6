"""The fourteen ways in which verifiers of proofs have failed elsewhere, one by one.

Most are forgeries (`tests/gram_forgeries.py`): each deceives a verifier that lacks one check, so the check matters, and
none deceives ours, here or on chain. Classes with more to say have tests of their own below. Reference strings (10) are
also in `test_gram_srs.py`; precompiles and gas (12) are in `contracts/test/verifier/PrecompileGas.t.sol`, and for whole
settlements, which never slash for want of gas, in `tests/integration/test_bad_settlement_calls.py`.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point, Scalar

from scripts.gram_cases import Case
from scripts.gram_lies import tamper
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.errors import SrsError
from steelyard.gram import (
    ETHEREUM_SRS_DIGEST,
    commit,
    compute_aggregate_blinders,
    compute_context,
    derive_blinders,
    find_false_openings,
    load_ethereum_srs,
    load_srs,
)
from steelyard.gram.field import Polynomial, make_polynomial, random_scalar
from steelyard.gram.points import encode_point, multiply_sum
from steelyard.gram.srs import get_blinding_generator
from steelyard.gram.transcript import compute_gamma, compute_h0, compute_h1, compute_row_weights
from steelyard.types import Address, Digest, ProjectId, Seed
from tests.evm_verifier import ACCEPTED as ACCEPTED_BY_CONTRACT
from tests.evm_verifier import EvmVerifier
from tests.gram_forgeries import FORGERIES, Forgery, forge_with_secret, make_rows
from tests.gram_mutations import ACCEPTED, judge, replace
from tests.gram_proofs import TAU, make_round, make_srs, make_updates
from tests.gram_weak import (
    SOUND,
    Items,
    Parts,
    R,
    Transcript,
    Weakness,
    absorb,
    commit_to,
    list_statement_items,
    list_value_items,
    weakly_verify,
)
from tests.unit.gram.test_gram_srs import write_setup

SRS = make_srs(16)
ROWS = make_rows(SRS, n=3, blocks=2)
PARTS = ROWS.prover(ROWS.case).prove()
CASE = dataclasses.replace(ROWS.case, name="good", proof=PARTS.encode())
CLASSES = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "13", "14"}


def seal(parts: Parts, case: Case = CASE) -> Case:
    return dataclasses.replace(case, proof=parts.encode())


# The twin with every check agrees with the verifier, so what it says without one means something.


def test_the_twin_with_every_check_agrees_with_the_verifier() -> None:
    assert weakly_verify(SRS, CASE)
    assert judge(SRS, CASE) == ACCEPTED
    lies = [lie for lie in tamper(CASE) if lie.n == CASE.n]
    assert not [lie.name for lie in lies if weakly_verify(SRS, lie) or judge(SRS, lie) == ACCEPTED]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_deceives_only_a_verifier_without_the_check(name: str) -> None:
    forged: Forgery = FORGERIES[name](SRS)
    assert weakly_verify(SRS, forged.case, forged.weakness), "without the check it passes"
    assert not weakly_verify(SRS, forged.case), "with every check it does not"
    assert judge(SRS, forged.case) != ACCEPTED


def test_each_of_the_fourteen_classes_has_a_test() -> None:
    named = {name.removeprefix("test_class_")[:2] for name in globals() if name.startswith("test_class_")}
    gas = (Path(__file__).parents[3] / "contracts" / "test" / "verifier" / "PrecompileGas.t.sol").read_text()
    assert "function test_RunsOutOfGasInEachPrecompileCallWithoutAnswer" in gas, "class 12"
    assert CLASSES | named | {"12"} == {f"{number:02}" for number in range(1, 15)}


def test_every_class_that_a_forgery_can_show_has_one() -> None:
    assert {name[:2] for name in FORGERIES} == CLASSES
    assert {name for name in FORGERIES if name.startswith("01")} == {f"01_subgroup_{point}" for point in "CMSW"}


@pytest.mark.chain
def test_the_contract_refuses_every_forgery_over_the_ceremony(devnet: Devnet, deployment: Deployment) -> None:
    srs = load_ethereum_srs()
    forged = {name: forge(srs) for name, forge in FORGERIES.items()}
    verdicts = EvmVerifier.of(devnet, deployment).judge([f.case for f in forged.values()])
    assert [name for name, verdict in zip(forged, verdicts, strict=True) if verdict == ACCEPTED_BY_CONTRACT] == []
    assert {name: verdict for name, verdict in zip(forged, verdicts, strict=True) if verdict != "ProofRejected"} == {
        **dict.fromkeys((f"01_subgroup_{point}" for point in "CMSW"), "InvalidPoint"),
        "02_canonical_scalar": "NonCanonicalScalar",
        "03_malleable_by_length": "InvalidLength",
        "08_failure_taken_for_infinity": "InvalidPoint",
    }


# 3: a good proof rewritten into another good one


def test_class_03_no_rewriting_of_a_proof_is_another_proof() -> None:
    negated = dataclasses.replace(
        PARTS,
        M=[encode_point(-point) for point in map(_decode, PARTS.M)],
        S=encode_point(-_decode(PARTS.S)),
        W=encode_point(-_decode(PARTS.W)),
        a=[-x % R for x in PARTS.a],
        a_prime=[-x % R for x in PARTS.a_prime],
        s=-PARTS.s % R,
        omega=-PARTS.omega % R,
    )
    blocks = dataclasses.replace(PARTS, M=PARTS.M[::-1], a=PARTS.a[::-1], a_prime=PARTS.a_prime[::-1])
    places = dataclasses.replace(PARTS, a=PARTS.a_prime, a_prime=PARTS.a)
    step = 128 * 2
    turned = b"".join(
        CASE.commitments[k + 128 : k + step] + CASE.commitments[k : k + 128] for k in range(0, 3 * step, step)
    )
    assert judge(SRS, seal(negated)) != ACCEPTED
    assert judge(SRS, seal(places)) != ACCEPTED
    assert judge(SRS, seal(blocks)) != ACCEPTED
    assert judge(SRS, replace(seal(blocks), "commitments", turned)) != ACCEPTED, "the blocks of all rows as well"


def _decode(data: bytes) -> G1Point:
    return G1Point.from_xy_bytes_be(data[16:64] + data[80:])


# 4: every item of the transcript


def name_items() -> list[str]:
    h0 = list_statement_items(CASE, SRS.powers, PARTS.M, PARTS.t0)
    return [name for name, _ in [*h0, *list_value_items(b"", PARTS)]] + ["h0", "z_tag", "S"]


def alter_item(items: Items, name: str) -> Items:
    return [(key, data[:-1] + bytes([data[-1] ^ 1]) if key == name and data else data) for key, data in items]


def draw_challenges(change: Callable[[Items], Items]) -> tuple[bytes, ...]:
    """`h0`, `h1` and `h2` when what each absorbs is changed."""
    h0 = absorb(change(list_statement_items(CASE, SRS.powers, PARTS.M, PARTS.t0)), frozenset())
    h1 = absorb(change([("h0", h0), ("z_tag", b"\x02"), ("S", PARTS.S)]), frozenset())
    return h0, h1, absorb(change(list_value_items(h1, PARTS)), frozenset())


def test_class_04_the_challenges_are_those_of_the_specification() -> None:
    h0, h1, h2 = draw_challenges(lambda items: items)
    assert compute_h0(CASE.statement, SRS.powers, PARTS.M, PARTS.t0) == h0
    assert compute_row_weights(h0, 3) == Transcript(CASE, SRS.powers).draw_rows(h0)
    assert compute_h1(h0, PARTS.S) == h1
    assert compute_gamma(h1, PARTS.a, PARTS.a_prime, PARTS.s) == int.from_bytes(h2, "big") % R


@pytest.mark.parametrize("name", name_items())
def test_class_04_an_item_altered_or_left_out_changes_the_challenges_and_the_proof_fails(name: str) -> None:
    true = draw_challenges(lambda items: items)
    for change in (
        lambda items: alter_item(items, name),
        lambda items: [item for item in items if item[0] != name],
    ):
        changed = draw_challenges(change)
        assert changed[2] != true[2], "the last challenge depends on everything"
        if name in dict(list_statement_items(CASE, SRS.powers, PARTS.M, PARTS.t0)):
            assert changed[0] != true[0]
    weakness = Weakness(omit=frozenset({name}))
    proof = seal(ROWS.prover(ROWS.case, weakness).prove())
    assert weakly_verify(SRS, proof, weakness), "a prover and a verifier that both leave it out agree"
    assert judge(SRS, proof) != ACCEPTED
    assert not weakly_verify(SRS, CASE, weakness), "a good proof means nothing to them"


CONTEXT_PARTS: dict[str, Any] = {
    "chain_id": 1,
    "marketplace": Address("0x" + "11" * 20),
    "project_id": ProjectId(bytes(31) + b"\x01"),
    "round_index": 3,
    "trainers": [Address("0x" + "22" * 20), Address("0x" + "33" * 20)],
    "commitment_hashes": [Digest(keccak(b"a")), Digest(keccak(b"b"))],
}
OTHER_CONTEXTS: dict[str, dict[str, Any]] = {
    "chain": {"chain_id": 2},
    "marketplace": {"marketplace": Address("0x" + "12" * 20)},
    "project": {"project_id": ProjectId(bytes(31) + b"\x02")},
    "round": {"round_index": 4},
    "trainers": {"trainers": [Address("0x" + "22" * 20), Address("0x" + "34" * 20)]},
    "order of trainers": {"trainers": CONTEXT_PARTS["trainers"][::-1]},
    "commitments": {"commitment_hashes": [Digest(keccak(b"a")), Digest(keccak(b"c"))]},
    "order of commitments": {"commitment_hashes": CONTEXT_PARTS["commitment_hashes"][::-1]},
    "one trainer fewer": {"trainers": CONTEXT_PARTS["trainers"][:1]},
}


@pytest.mark.parametrize("name", OTHER_CONTEXTS)
def test_class_04_no_challenge_is_shared_with_another_project_or_round(name: str) -> None:
    here = compute_context(**CONTEXT_PARTS)
    there = compute_context(**CONTEXT_PARTS | OTHER_CONTEXTS[name])
    round_ = make_round(SRS, make_updates(2, 3), here)
    proof = round_.prove()
    moved = dataclasses.replace(round_.statement, context=there)
    h0s = [compute_h0(statement, SRS.powers, proof.M, proof.t0) for statement in (round_.statement, moved)]
    rows = [compute_row_weights(h0, 2) for h0 in h0s]
    h1s = [compute_h1(h0, proof.S) for h0 in h0s]
    gammas = [compute_gamma(h1, proof.a, proof.a_prime, proof.s) for h1 in h1s]
    assert not set(rows[0]) & set(rows[1])
    assert h1s[0] != h1s[1]
    assert gammas[0] != gammas[1]
    case = Case("", here, 2, 3, moved.commitments, moved.gram, proof.encode())
    assert judge(SRS, case) == ACCEPTED
    assert judge(SRS, replace(case, "context", there)) == "pairing equation"


# 6: many checks in one


def test_class_06_openings_that_cancel_are_found_unless_the_weights_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = make_round(SRS, make_updates(3, 5))
    blinders = [list(row) for row in round_.blinders]
    blinders[0][0] += 1
    blinders[1][0] -= 1
    assert find_false_openings(SRS, round_.updates, blinders, round_.commitments) == {0: (0,), 1: (0,)}
    monkeypatch.setattr("secrets.randbits", lambda _: 1)
    monkeypatch.setattr("secrets.randbelow", lambda _: 1)
    assert find_false_openings(SRS, round_.updates, blinders, round_.commitments) == {}


# 8: zero and infinity


@pytest.mark.parametrize("fields", [("M0", "M1"), ("S",), ("W",), ("C0.0",), ("M0", "M1", "S", "W"), ("S", "W")])
def test_class_08_infinity_in_place_of_points_proves_nothing(fields: tuple[str, ...]) -> None:
    case = CASE
    for lie in tamper(CASE):
        for name in fields:
            if lie.name == f"good/{name}/infinity":
                part = "commitments" if name.startswith("C") else "proof"
                before, after = getattr(CASE, part), getattr(lie, part)
                data = bytes(y if x != y else z for x, y, z in zip(before, after, getattr(case, part), strict=True))
                case = replace(case, part, data)
    assert case != CASE
    assert judge(SRS, case) == "pairing equation"


def test_class_08_a_proof_of_zeros_holds_for_zeros_only() -> None:
    zero = Case("", CASE.context, 2, 3, bytes(256), bytes(24), bytes(544))
    assert judge(SRS, zero) == ACCEPTED, "the zero vectors do have this matrix"
    assert judge(SRS, replace(zero, "gram", bytes(23) + b"\x01")) == "pairing equation"
    assert judge(SRS, replace(zero, "commitments", encode_point(G1Point()) + bytes(128))) == "pairing equation"
    assert judge(SRS, replace(CASE, "proof", bytes(len(CASE.proof)))) == "pairing equation"


# 9: degrees


def attempt_high_quotient(S: Polynomial, constant: int, c: int, h0: bytes) -> Polynomial:
    return S + make_polynomial([0] * (SRS.powers - 1) + [c - constant])


def attempt_random_quotient(S: Polynomial, constant: int, c: int, h0: bytes) -> Polynomial:
    return make_polynomial([random_scalar() for _ in range(SRS.powers)])


def attempt_guessed_place(S: Polynomial, constant: int, c: int, h0: bytes) -> Polynomial:
    return S + make_polynomial([(constant - c) * pow(2 + pow(2, -1, R), -1, R)])


def mend_s(parts: Parts, z: int, gamma: int, error: int) -> None:
    parts.s -= error * pow(z, -1, R)


def mend_a(parts: Parts, z: int, gamma: int, error: int) -> None:
    parts.a[0] += error * pow(parts.a_prime[0], -1, R)


def mend_a_prime(parts: Parts, z: int, gamma: int, error: int) -> None:
    parts.a_prime[0] += error * pow(parts.a[0], -1, R)


@pytest.mark.parametrize(
    "cheat",
    [
        pytest.param({}, id="nothing"),
        *(pytest.param({"alter_quotient": f}, id=f.__name__) for f in (
            attempt_high_quotient, attempt_random_quotient, attempt_guessed_place
        )),
        *(pytest.param({"alter_values": f}, id=f.__name__) for f in (mend_s, mend_a, mend_a_prime)),
    ],
)  # fmt: skip
def test_class_09_no_quotient_of_any_degree_proves_a_false_matrix(cheat: dict[str, Any]) -> None:
    case = ROWS.claim_entry()
    assert judge(SRS, seal(ROWS.prover(case).prove(**cheat), case)) == "pairing equation"


def test_class_09_coefficients_in_the_mask_slots_and_masks_in_the_payload_prove_nothing_false() -> None:
    L, N = SRS.payload, SRS.powers
    beyond = [make_polynomial([1] * N)]
    rows = make_rows(SRS)
    rows.vectors[0] = beyond
    points = commit_to(SRS, beyond[0], rows.blinders[0][0]) + rows.case.commitments[128:]
    short = dataclasses.replace(rows.case, commitments=points)
    assert judge(SRS, seal(rows.prover(short).prove(), short)) == "pairing equation", "what lies beyond L counts"
    rows = make_rows(SRS)
    in_payload = make_polynomial([7] + [0] * (L - 1) + [1] * (N - L))
    for case in (rows.case, rows.claim_entry(), rows.claim_entry(change=2 * 7 * 3)):
        proof = rows.prover(case, masks=[in_payload]).prove()
        assert judge(SRS, seal(proof, case)) == "pairing equation", "what a mask and a row share counts"
    orthogonal = make_polynomial([0] * 4 + [7] + [0] * (L - 5) + [1] * (N - L))
    proof = rows.prover(rows.case, masks=[orthogonal]).prove()
    assert judge(SRS, seal(proof, rows.case)) == ACCEPTED, "a mask may lie anywhere where no row is: all stays true"


# 10: reference strings


def test_class_10_who_knows_the_secret_proves_anything_so_no_such_string_is_loaded(tmp_path: Any) -> None:
    forged = forge_with_secret(SRS, TAU)
    assert judge(SRS, forged) == ACCEPTED, "a false matrix"
    assert judge(make_srs(16, tau=99), forged) == "pairing equation"
    path = tmp_path / "setup.txt"
    write_setup(path, SRS)
    with pytest.raises(SrsError, match="not the pinned one"):
        load_srs(path, ETHEREUM_SRS_DIGEST)


# 11: blinding


def test_class_11_without_its_blinder_a_commitment_is_found_by_guessing() -> None:
    seed, blinder = Seed(keccak(b"secret")), derive_blinders(Seed(keccak(b"secret")), 1)[0]
    posted = commit(SRS, np.array([3, -1, 2], dtype=np.int16), seed)
    bare = encode_point(_decode(posted) + -(get_blinding_generator() * Scalar(blinder)))
    guesses = [(x, y, z) for x in range(4) for y in (-1, 0) for z in range(4)]
    points = {guess: encode_point(multiply_sum(SRS.g1[:3], guess)) for guess in guesses}
    assert [guess for guess, point in points.items() if point == bare] == [(3, -1, 2)]
    assert posted not in points.values()


def test_class_11_blinders_of_rows_rounds_and_blocks_differ_and_so_does_their_sum() -> None:
    blinders = [derive_blinders(Seed(keccak(bytes([k]))), 4) for k in range(8)]
    assert len({x for row in blinders for x in row}) == 32
    assert len(set(compute_aggregate_blinders(blinders, [1] * 8))) == 4


# 13: lengths and indices. Those of whole byte strings are in `tests/vectors/gram/malformed.json`.


def test_class_13_every_entry_has_a_place_of_its_own() -> None:
    transcript = Transcript(CASE, SRS.powers)
    r = transcript.draw_rows(transcript.draw_h0(PARTS.M, PARTS.t0))
    weights = [r[i] * r[j] * (1 if i == j else 2) % R for i in range(3) for j in range(i, 3)]
    assert len(set(weights)) == 6
    for k, weight in enumerate(weights):
        unit = Transcript(replace(CASE, "gram", bytes(8 * k + 7) + b"\x01" + bytes(8 * (5 - k))), SRS.powers, SOUND)
        assert unit.compute_constant(0, r) == weight
