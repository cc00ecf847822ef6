"""Settlements that are wrong in form, sender, time, exclusions, hints or gas: named, refused, and nothing lost."""

from dataclasses import replace

import pytest
from py_arkworks_bls12381 import G1Point, Scalar

from steelyard.chain import reverts
from steelyard.chain.client import Marketplace
from steelyard.chain.records import Exclusion, ExclusionReason, RoundOutcome, RoundStatus
from steelyard.chain.rpc import translated
from steelyard.errors import TransactionRevertedError
from steelyard.gram import hash_commitment
from steelyard.gram.points import encode_point
from steelyard.types import Cid, Codec, ProjectId
from tests.market_kit import AGGREGATOR_STAKE, AGGREGATORS, OWNER, make_honest_updates, make_settlement
from tests.refusals import MSM, Waiting, encode, enrol_again, expect, fail_when_mined, intact, malform, patch, unchanged

pytestmark = pytest.mark.chain


HINT = 4
UNUSABLE = ExclusionReason.NOT_OPENING


# Lengths and zeros


def test_wrong_length_is_refused(waiting: Waiting) -> None:
    errors = {
        "commitments": reverts.InvalidSettlementLengthError,
        "gram": reverts.InvalidSettlementLengthError,
        "blinders": reverts.InvalidSettlementLengthError,
        "proof": reverts.InvalidLengthError,
        "hints": reverts.InvalidHintLengthError,
    }
    for member, error in errors.items():
        good: bytes = getattr(waiting.good, member)
        for bad in (
            b"",
            good[:-1],
            good[1:],
            good + b"\0",
            good[:-32],
            good + bytes(32),
            good[: len(good) // 2],
            2 * good,
        ):
            waiting.refuses(error(len(bad), len(good)), **{member: bad})
        waiting.refuses_mined(error(len(bad), len(good)), **{member: bad})


def test_zeros_are_refused(waiting: Waiting) -> None:
    good = waiting.good
    commitments, gram, proof, hints, blinders = (
        bytes(len(part)) for part in (good.commitments, good.gram, good.proof, good.hints, good.blinders)
    )
    unknown = reverts.UnknownSubmissionError(
        waiting.project_id, 0, hash_commitment(commitments[: 128 * waiting.blocks])
    )
    waiting.refuses_mined(reverts.ProofRejectedError(), proof=proof)
    waiting.refuses_mined(reverts.ProofRejectedError(), gram=gram, proof=proof)
    waiting.refuses_mined(reverts.ProofRejectedError(), gram=gram, proof=proof, hints=hints, blinders=blinders)
    waiting.refuses_mined(reverts.WrongHintError(0, 0), hints=hints)
    waiting.refuses_mined(unknown, commitments=commitments)
    everything = replace(good, commitments=commitments, gram=gram, proof=proof, hints=hints, blinders=blinders)
    with expect(unknown):
        waiting.settle(everything)
    nowhere = Cid(Codec.RAW, bytes(32))
    with expect(reverts.InvalidCidError(nowhere.digest, Codec.RAW)):
        waiting.settle(replace(everything, aggregate_cid=nowhere))


def test_bad_content_identifier_is_refused(waiting: Waiting) -> None:
    digest = waiting.good.aggregate_cid.digest
    for codec in (0, 1, 0x54, 0x71, 0xFF):
        error = reverts.InvalidCidError(digest, codec)
        waiting.refuses(error, aggregate_cid=Cid(codec, digest))  # type: ignore[arg-type]
    waiting.refuses_mined(error, aggregate_cid=Cid(codec, digest))  # type: ignore[arg-type]
    nowhere = Cid(Codec.DAG_PB, bytes(32))
    waiting.refuses(reverts.InvalidCidError(nowhere.digest, Codec.DAG_PB), aggregate_cid=nowhere)


def test_calldata_that_is_no_settlement_is_refused(waiting: Waiting) -> None:
    data = waiting.encode(waiting.good)
    for cut in (4, 67, 100, 300):  # not even the heads of the settlement's members are there
        waiting.fails_when_mined(reverts.EmptyRevertError(), data[:cut])
    for cut in (len(data) // 2, len(data) - 32, len(data) - 1):  # a member ends beyond the end
        waiting.fails_when_mined(reverts.FailedCallError(), data[:cut])
    nowhere = b"\xff" * 32
    waiting.fails_when_mined(reverts.EmptyRevertError(), patch(data, 68, nowhere))
    for member in (0, 1, 2, 3, 4, 6, 7):  # where each member lies, and the codec
        waiting.fails_when_mined(reverts.FailedCallError(), patch(data, 100 + 32 * member, nowhere))


# Exclusions


def test_too_many_exclusions_are_refused(waiting: Waiting) -> None:
    limit = (waiting.n - 3) // 2
    for count in range(limit + 1, waiting.n + 3):
        exclusions = tuple(Exclusion(index, UNUSABLE) for index in range(count))
        error = reverts.TooManyExclusionsError(waiting.project_id, count, limit)
        waiting.refuses(error, exclusions=exclusions)
    waiting.refuses_mined(error, exclusions=exclusions)


def test_true_settlement_without_too_many_rows_is_refused(two_excluded: Waiting) -> None:
    excluded = (1, 4, 6)
    rows = [row for row in two_excluded.rows if row.index not in excluded]
    exclusions = [Exclusion(index, UNUSABLE) for index in excluded]
    true = make_settlement(two_excluded.kit.weigh(two_excluded.project_id, rows), exclusions)
    with expect(reverts.TooManyExclusionsError(two_excluded.project_id, 3, 2)):
        two_excluded.settle(true)


@pytest.mark.parametrize(
    ("exclusions", "position"),
    [
        pytest.param([(4, UNUSABLE), (1, UNUSABLE)], 1, id="out of order"),
        pytest.param([(1, UNUSABLE), (1, UNUSABLE)], 1, id="repeated"),
        pytest.param([(4, UNUSABLE), (4, ExclusionReason.MALFORMED)], 1, id="repeated for another reason"),
        pytest.param([(1, ExclusionReason.NONE), (4, UNUSABLE)], 0, id="first without a reason"),
        pytest.param([(1, UNUSABLE), (4, ExclusionReason.NONE)], 1, id="second without a reason"),
        pytest.param([(1, UNUSABLE), (7, UNUSABLE)], 1, id="behind the last submission"),
        pytest.param([(1, UNUSABLE), (255, UNUSABLE)], 1, id="far behind it"),
        pytest.param([(7, UNUSABLE), (4, UNUSABLE)], 0, id="behind it and out of order"),
    ],
)
def test_malformed_exclusions_are_refused(
    two_excluded: Waiting, exclusions: list[tuple[int, ExclusionReason]], position: int
) -> None:
    bad = tuple(Exclusion(index, reason) for index, reason in exclusions)
    error = reverts.InvalidExclusionError(position)
    two_excluded.refuses(error, exclusions=bad)
    two_excluded.refuses_mined(error, exclusions=bad)


def test_excluded_submission_that_is_also_a_row_is_refused(two_excluded: Waiting) -> None:
    rows = [row.index for row in two_excluded.rows if row.index not in (1, 4)]
    for kept in (1, 4):
        for index in rows:
            exclusions = tuple(Exclusion(excluded, UNUSABLE) for excluded in sorted((index, kept)))
            named = [i for i in range(7) if i not in (index, kept)]
            first = next(i for i in range(5) if rows[i] != named[i])
            error = reverts.SubmissionMismatchError(two_excluded.project_id, first, rows[first], named[first])
            two_excluded.refuses(error, exclusions=exclusions)
    two_excluded.refuses_mined(error, exclusions=exclusions)


def test_row_less_or_more_than_the_exclusions_leave_is_refused(two_excluded: Waiting) -> None:
    good = two_excluded.good
    for exclusions in ((), good.exclusions[:1], good.exclusions[1:]):
        error = reverts.InvalidSettlementLengthError(len(good.commitments), 128 * (7 - len(exclusions)))
        two_excluded.refuses(error, exclusions=exclusions)
    two_excluded.refuses_mined(error, exclusions=exclusions)


def test_exclusion_outside_its_type_is_refused(two_excluded: Waiting) -> None:
    data = two_excluded.encode(two_excluded.good)
    tuple_at = 4 + 3 * 32
    first = tuple_at + int.from_bytes(data[tuple_at : tuple_at + 32], "big") + 32
    assert data[first : first + 32] == (1).to_bytes(32, "big"), "the first exclusion's index"
    for at, value in ((first, 1 + 256), (first + 32, len(ExclusionReason)), (first + 32, 2**255)):
        two_excluded.fails_when_mined(reverts.FailedCallError(), patch(data, at, value.to_bytes(32, "big")))


# Hints


def test_wrong_hint_is_refused(waiting: Waiting) -> None:
    hints, n = waiting.good.hints, waiting.n
    assert len(hints) == HINT * (2 * n + 1)
    for k in range(2 * n + 1):
        error = reverts.WrongHintError(k // n, k % n)
        mask = int.from_bytes(hints[HINT * k : HINT * (k + 1)], "big")
        flipped = {mask ^ 1 << bit for bit in (*range(n + 1), 31)}
        members = [bit for bit in range(n) if mask >> bit & 1]
        outside = [bit for bit in (*range(n + 1), 31) if not mask >> bit & 1]  # `n` and 31 stand for no row
        moved = {mask ^ 1 << left ^ 1 << joined for left in members for joined in outside}
        for other in flipped | moved | {0, 2**32 - 1}:
            waiting.refuses(error, hints=patch(hints, HINT * k, other.to_bytes(HINT, "big")))
    waiting.refuses_mined(error, hints=patch(hints, HINT * k, other.to_bytes(HINT, "big")))


# Who, which round, and when


def test_settlement_by_anybody_but_the_aggregator_is_refused(rounds: dict[str, Waiting]) -> None:
    waiting = rounds["5 trainers"]
    kit = waiting.kit
    kit.offer_aggregator(AGGREGATORS[1])
    data = waiting.encode(waiting.good)
    with intact(waiting):
        for account in (OWNER, AGGREGATORS[1], *waiting.accounts[:2]):
            error = reverts.NotAuthorizedError(kit.address(account), kit.address(waiting.aggregator))
            with expect(error):
                kit.market(account).settle(waiting.project_id, 0, waiting.good)
            with expect(error):
                kit.market(account).abandon(waiting.project_id, 0)
            fail_when_mined(kit, account, error, data)


def test_settlement_of_another_round_is_refused(waiting: Waiting) -> None:
    for given in (1, 2, 2**256 - 1):
        error = reverts.WrongRoundError(waiting.project_id, given, 0)
        with expect(error):
            waiting.market.settle(waiting.project_id, given, waiting.good)
    waiting.fails_when_mined(error, encode("settle", waiting.project_id, given, waiting.good))


def test_settlement_of_no_project_is_refused(waiting: Waiting) -> None:
    nothing = ProjectId(bytes(32))
    with expect(reverts.RoundNotInStatusError(nothing, RoundStatus.NONE, RoundStatus.WEIGHING)):
        waiting.market.settle(nothing, 0, waiting.good)


def test_second_settlement_is_refused(rounds: dict[str, Waiting]) -> None:
    for waiting in (rounds["5 trainers"], rounds["2 blocks"]):
        waiting.settle(waiting.good)
        error = reverts.RoundNotInStatusError(waiting.project_id, RoundStatus.ATTESTING, RoundStatus.WEIGHING)
        with unchanged(waiting.kit):
            with expect(error):
                waiting.settle(waiting.good)
            with expect(error):
                waiting.market.abandon(waiting.project_id, 0)
            waiting.fails_when_mined(error, waiting.encode(waiting.good))


def test_late_settlement_is_refused_and_its_aggregator_slashed_only_by_poke(rounds: dict[str, Waiting]) -> None:
    waiting = rounds["5 trainers"]
    kit, aggregator = waiting.kit, waiting.kit.address(waiting.aggregator)
    before = waiting.market.get_stake(aggregator, kit.token_address)
    with unchanged(kit):
        kit.devnet.advance_to(waiting.market.get_round(waiting.project_id).settle_deadline)
        error = reverts.RoundNotInStatusError(waiting.project_id, RoundStatus.DECIDED, RoundStatus.WEIGHING)
        with expect(error):
            waiting.settle(waiting.good)
        with expect(error):
            waiting.market.abandon(waiting.project_id, 0)
        waiting.fails_when_mined(error, waiting.encode(waiting.good))
        assert waiting.market.get_round(waiting.project_id).outcome is RoundOutcome.MISSED
    waiting.market.poke(waiting.project_id)
    after = waiting.market.get_stake(aggregator, kit.token_address)
    assert before.free + before.locked - after.free - after.locked == AGGREGATOR_STAKE // 5


# Gas


def test_too_little_gas_never_accepts_and_never_blames_the_proof(waiting: Waiting) -> None:
    data = waiting.encode(waiting.good)
    outcomes = [(gas, simulate(waiting.market, data, gas)) for gas in range(30_000, 1_200_000, 7_001)]
    enough = next(gas for gas, outcome in outcomes if outcome is None)
    assert all(outcome is None for gas, outcome in outcomes if gas >= enough)
    starved = {type(outcome) for gas, outcome in outcomes if gas < enough}
    assert starved == {reverts.OutOfGasError, reverts.FailedCallError, reverts.InsufficientGasError}
    for gas in range(enough - 7_001, 100_000, -150_000):
        outcome = simulate(waiting.market, data, gas)
        assert outcome is not None
        waiting.fails_when_mined(outcome, data, gas)


def test_false_settlement_is_accepted_at_no_gas(five_rows: Waiting) -> None:
    data = five_rows.encode(replace(five_rows.good, proof=bytes(len(five_rows.good.proof))))
    outcomes = [simulate(five_rows.market, data, gas) for gas in range(30_000, 1_200_000, 15_013)]
    assert {type(outcome) for outcome in outcomes} == {
        reverts.OutOfGasError,
        reverts.FailedCallError,
        reverts.InsufficientGasError,
        reverts.ProofRejectedError,
    }
    judged = next(i for i, outcome in enumerate(outcomes) if isinstance(outcome, reverts.ProofRejectedError))
    assert all(isinstance(outcome, reverts.ProofRejectedError) for outcome in outcomes[judged:])


def simulate(market: Marketplace, data: bytes, gas: int) -> TransactionRevertedError | None:
    """How a call with so much gas ends; None where it succeeds."""
    assert market.sender is not None
    call = {"from": market.sender.address, "to": market.address, "data": data, "gas": gas}
    try:
        with translated():
            market.web3.eth.call(call)  # type: ignore[arg-type]
    except TransactionRevertedError as error:
        return error
    return None


# Points that a trainer submitted


def test_malformed_commitment_that_was_submitted_is_named_and_can_be_excluded(rounds: dict[str, Waiting]) -> None:
    kit = rounds["5 trainers"].kit
    accounts = rounds["5 trainers"].accounts
    project_id = enrol_again(kit, len(accounts))
    kit.market(OWNER).start(project_id)
    honest = kit.make_rows(dict(zip(accounts, make_honest_updates(5, 100), strict=True)))
    without = make_settlement(kit.weigh(project_id, [*honest[:2], *honest[3:]]), [Exclusion(2, UNUSABLE)])
    true = make_settlement(kit.weigh(project_id, honest))
    errors: dict[bytes, TransactionRevertedError] = {
        point: reverts.InvalidPointError(MSM) for point in malform(honest[2].commitments).values()
    }
    errors[encode_point(G1Point() * Scalar(3))] = reverts.ProofRejectedError()
    errors[bytes(128)] = reverts.ProofRejectedError()
    for point, error in errors.items():
        snapshot = kit.devnet.snapshot()
        row = replace(honest[2], commitments=point, commitment_hash=hash_commitment(point))
        kit.post(project_id, accounts, [*honest[:2], row, *honest[3:]])
        waiting = Waiting(kit, project_id, accounts, honest, without)
        with intact(waiting):
            everything = replace(true, commitments=patch(true.commitments, 256, point))
            waiting.fails_when_mined(error, waiting.encode(everything))
        kit.devnet.revert(snapshot)
