"""Whatever a settlement gets wrong, the contract names it, and the round waits for a right one with nothing lost.

On a real chain with the real contracts. Every bad settlement is a valid one with one thing changed, and after each test
the valid one must still be accepted: so nothing but the change can be the reason for a refusal.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point, Scalar

from steelyard.chain import reverts
from steelyard.chain.records import Settlement
from steelyard.constants import BLS12_381_ORDER
from steelyard.gram import GramProof, decode_gram, encode_gram, load_ethereum_srs
from steelyard.gram.points import FIELD_MODULUS, encode_point
from steelyard.rounds.settlement import RoundContext, weigh_round
from steelyard.rounds.submission import OpenedSubmission
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.types import Digest
from tests.market_kit import AGGREGATORS, make_honest_updates, make_settlement
from tests.refusals import MSM, Waiting, expect, intact, malform, patch

pytestmark = pytest.mark.chain

POINT = 128
SCALAR = 32
ENTRY = 8
R = BLS12_381_ORDER


def prove(waiting: Waiting, rows: list[OpenedSubmission], round_index: int = 0) -> Settlement:
    """A settlement with a true proof about these rows in this order, for the project's round `round_index`."""
    project = waiting.market.get_project(waiting.project_id).params
    context = RoundContext(
        waiting.market.chain_id,
        waiting.market.address,
        waiting.project_id,
        round_index,
        project.dimension,
        project.byzantine_bps,
    )
    return make_settlement(weigh_round(load_ethereum_srs(), DEFAULT_RULE, context, rows))


def swap(rows: list[OpenedSubmission], i: int, j: int) -> list[OpenedSubmission]:
    rows = list(rows)
    rows[i], rows[j] = rows[j], rows[i]
    return rows


def join(rows: list[OpenedSubmission]) -> bytes:
    return b"".join(row.commitments for row in rows)


def permute_gram(settlement: Settlement, order: list[int]) -> bytes:
    """The matrix of the rows in another order, or of some of them."""
    n = next(n for n in range(1, 33) if len(settlement.gram) == ENTRY * n * (n + 1) // 2)
    return encode_gram(decode_gram(settlement.gram, n)[np.ix_(order, order)])


def point_offsets(blocks: int) -> dict[str, int]:
    """Where the points of a proof begin."""
    masks = {f"M{b}": POINT * b for b in range(blocks)}
    return {**masks, "S": POINT * blocks + SCALAR, "W": 192 * blocks + 192}


def scalar_offsets(blocks: int) -> dict[str, int]:
    """Where the scalars of a proof begin."""
    first = POINT * blocks + SCALAR + POINT
    names = [*(f"a{b}" for b in range(blocks)), *(f"a'{b}" for b in range(blocks)), "s"]
    values = {name: first + SCALAR * k for k, name in enumerate(names)}
    return {"t0": POINT * blocks, **values, "omega": 192 * blocks + 320}


def read_scalar(proof: bytes, offset: int) -> int:
    return int.from_bytes(proof[offset : offset + SCALAR], "big")


# The matrix


def test_changed_gram_entry_is_refused(waiting: Waiting) -> None:
    gram = waiting.good.gram
    assert len(gram) == ENTRY * waiting.n * (waiting.n + 1) // 2
    for offset in range(0, len(gram), ENTRY):
        entry = int.from_bytes(gram[offset : offset + ENTRY], "big", signed=True)
        for wrong in (entry + 1, entry - 1, -entry, 0):
            changed = patch(gram, offset, wrong.to_bytes(ENTRY, "big", signed=True))
            waiting.refuses(reverts.ProofRejectedError(), gram=changed)
    waiting.refuses_mined(reverts.ProofRejectedError(), gram=changed)


def test_matrix_of_swapped_rows_is_refused(waiting: Waiting) -> None:
    for i, j in combinations(range(waiting.n), 2):
        order = list(range(waiting.n))
        order[i], order[j] = j, i
        waiting.refuses(reverts.ProofRejectedError(), gram=permute_gram(waiting.good, order))


# Whose proof it is


def test_proof_of_another_project_is_refused(rounds: dict[str, Waiting]) -> None:
    first, twin = rounds["5 trainers"], rounds["twin"]
    assert replace(first.good, proof=twin.good.proof) == twin.good, "the statements differ in more than the project"
    for here, there in ((first, twin), (twin, first)):
        with intact(here):
            here.refuses(reverts.ProofRejectedError(), proof=there.good.proof)
            here.refuses_mined(reverts.ProofRejectedError(), proof=there.good.proof)


def test_proof_of_another_round_is_refused(waiting: Waiting) -> None:
    later = prove(waiting, waiting.rows, round_index=1)
    assert replace(waiting.good, proof=later.proof) == later, "the statements differ in more than the round"
    waiting.refuses(reverts.ProofRejectedError(), proof=later.proof)
    waiting.refuses_mined(reverts.ProofRejectedError(), proof=later.proof)


def test_settlement_of_an_earlier_round_is_refused(rounds: dict[str, Waiting]) -> None:
    waiting = rounds["5 trainers"]
    later = replace(waiting, good=prove(waiting, waiting.rows, round_index=1), round_index=1)
    waiting.settle(waiting.good)
    waiting.kit.devnet.advance_to(waiting.market.get_round(waiting.project_id).attest_deadline)
    waiting.market.poke(waiting.project_id)
    waiting.kit.post(waiting.project_id, waiting.accounts, waiting.rows)
    with intact(later):
        later.refuses_mined(reverts.ProofRejectedError(), proof=waiting.good.proof)
        with expect(reverts.WrongRoundError(waiting.project_id, 0, 1)):
            waiting.market.settle(waiting.project_id, 0, waiting.good)


def test_settlement_of_a_void_attempt_is_refused(rounds: dict[str, Waiting]) -> None:
    waiting = rounds["5 trainers"]
    kit = waiting.kit
    kit.offer_aggregator(AGGREGATORS[1])
    waiting.settle(waiting.good)
    for account in waiting.accounts[:3]:
        kit.market(account).attest(waiting.project_id, 0, opens=False)
    kit.market().poke(waiting.project_id)
    updates = dict(zip(waiting.accounts, make_honest_updates(5, 100, seed=1), strict=True))
    rows = kit.submit(waiting.project_id, updates)
    settlement = make_settlement(kit.weigh(waiting.project_id, rows))
    again = Waiting(kit, waiting.project_id, waiting.accounts, rows, settlement, AGGREGATORS[1])
    old = waiting.good
    with intact(again):
        stale = reverts.UnknownSubmissionError(waiting.project_id, 0, waiting.rows[0].commitment_hash)
        with expect(stale):
            again.settle(old)
        again.refuses_mined(stale, commitments=old.commitments)
        again.refuses_mined(reverts.ProofRejectedError(), gram=old.gram, proof=old.proof, hints=old.hints)
        with expect(reverts.NotAuthorizedError(kit.address(waiting.aggregator), kit.address(again.aggregator))):
            waiting.market.settle(waiting.project_id, 0, settlement)


# Who the rows are


def test_swapped_rows_are_refused(waiting: Waiting) -> None:
    for i, j in combinations(range(waiting.n), 2):
        error = reverts.SubmissionMismatchError(waiting.project_id, i, j, i)
        rows = swap(waiting.rows, i, j)
        waiting.refuses(error, commitments=join(rows))
    true = prove(waiting, rows)
    waiting.refuses(error, commitments=true.commitments, gram=true.gram, proof=true.proof, hints=true.hints)
    waiting.refuses_mined(error, commitments=true.commitments, gram=true.gram, proof=true.proof, hints=true.hints)


def test_missing_trainer_is_refused(waiting: Waiting) -> None:
    n, stride = waiting.n, POINT * waiting.blocks
    for missing in range(n):
        order = [row for row in range(n) if row != missing]
        commitments = join([waiting.rows[row] for row in order])
        gram = permute_gram(waiting.good, order)
        error = reverts.InvalidSettlementLengthError(stride * (n - 1), stride * n)
        waiting.refuses(error, commitments=commitments, gram=gram)
        waiting.refuses(reverts.InvalidSettlementLengthError(len(gram), len(waiting.good.gram)), gram=gram)
    waiting.refuses_mined(error, commitments=commitments, gram=gram)


def test_true_proof_about_fewer_trainers_is_refused(five_rows: Waiting) -> None:
    true = prove(five_rows, five_rows.rows[1:])
    with expect(reverts.InvalidSettlementLengthError(POINT * 4, POINT * 5)):
        five_rows.settle(true)


def test_repeated_trainer_is_refused(waiting: Waiting) -> None:
    rows = waiting.rows
    instead = prove(waiting, [rows[0], rows[0], *rows[2:]])
    with expect(reverts.SubmissionMismatchError(waiting.project_id, 1, 0, 1)):
        waiting.settle(instead)
    besides = prove(waiting, [*rows, rows[-1]])
    error = reverts.InvalidSettlementLengthError(len(besides.commitments), len(waiting.good.commitments))
    with expect(error):
        waiting.settle(besides)
    waiting.refuses_mined(error, commitments=besides.commitments)


def test_commitment_that_nobody_submitted_is_refused(waiting: Waiting) -> None:
    for row, submission in enumerate(waiting.rows):
        for block in range(waiting.blocks):
            offset = POINT * (waiting.blocks * row + block)
            original = waiting.good.commitments[offset : offset + POINT]
            for point in (*malform(original).values(), bytes(POINT), encode_point(G1Point() * Scalar(7))):
                own = patch(submission.commitments, POINT * block, point)
                error = reverts.UnknownSubmissionError(waiting.project_id, row, Digest(keccak(own)))
                waiting.refuses(error, commitments=patch(waiting.good.commitments, offset, point))
    waiting.refuses_mined(error, commitments=patch(waiting.good.commitments, offset, point))


def test_swapped_blocks_of_a_row_are_refused(rounds: dict[str, Waiting]) -> None:
    waiting = rounds["2 blocks"]
    with intact(waiting):
        turned = waiting.rows[0].commitments[POINT:] + waiting.rows[0].commitments[:POINT]
        error = reverts.UnknownSubmissionError(waiting.project_id, 0, Digest(keccak(turned)))
        waiting.refuses(error, commitments=patch(waiting.good.commitments, 0, turned))


# Scalars and points


def test_offsets_are_those_of_the_proof(waiting: Waiting) -> None:
    proof, blocks = waiting.good.proof, waiting.blocks
    decoded = GramProof.decode(proof, blocks)
    points, scalars = point_offsets(blocks), scalar_offsets(blocks)
    assert [proof[at : at + POINT] for at in points.values()] == [*decoded.M, decoded.S, decoded.W]
    assert [read_scalar(proof, at) for at in scalars.values()] == [
        decoded.t0,
        *decoded.a,
        *decoded.a_prime,
        decoded.s,
        decoded.omega,
    ]
    assert POINT * len(points) + SCALAR * len(scalars) == len(proof)


def test_non_canonical_scalar_is_refused(waiting: Waiting) -> None:
    for offset in scalar_offsets(waiting.blocks).values():
        for scalar in (read_scalar(waiting.good.proof, offset) + R, R, 2**256 - 1):
            proof = patch(waiting.good.proof, offset, scalar.to_bytes(SCALAR, "big"))
            waiting.refuses(reverts.NonCanonicalScalarError(scalar), proof=proof)
        waiting.refuses_mined(reverts.NonCanonicalScalarError(scalar), proof=proof)


def test_other_scalar_is_refused(waiting: Waiting) -> None:
    for offset in scalar_offsets(waiting.blocks).values():
        original = read_scalar(waiting.good.proof, offset)
        for scalar in ((original + 1) % R, R - original, 0):
            proof = patch(waiting.good.proof, offset, scalar.to_bytes(SCALAR, "big"))
            waiting.refuses(reverts.ProofRejectedError(), proof=proof)


def test_malformed_point_of_the_proof_is_refused(waiting: Waiting) -> None:
    for offset in point_offsets(waiting.blocks).values():
        for point in malform(waiting.good.proof[offset : offset + POINT]).values():
            proof = patch(waiting.good.proof, offset, point)
            waiting.refuses(reverts.InvalidPointError(MSM), proof=proof)
        waiting.refuses_mined(reverts.InvalidPointError(MSM), proof=proof)


def test_other_point_of_the_proof_is_refused(waiting: Waiting) -> None:
    for offset in point_offsets(waiting.blocks).values():
        point = waiting.good.proof[offset : offset + POINT]
        negated = point[:64] + (FIELD_MODULUS - int.from_bytes(point[64:], "big")).to_bytes(64, "big")
        for other in (negated, bytes(POINT), encode_point(G1Point())):
            waiting.refuses(reverts.ProofRejectedError(), proof=patch(waiting.good.proof, offset, other))
