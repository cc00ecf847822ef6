"""Histories: commitments add over rounds, and the Gram matrix of the sums is proved like that of a round."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steelyard.constants import UPDATE_MAX
from steelyard.errors import CommitmentMismatchError, ProofRejectedError
from steelyard.gram import (
    HISTORY_LIMIT,
    GramStatement,
    add_commitments,
    compute_aggregate_blinders,
    compute_gram,
    decode_gram,
    prove_gram,
    verify_aggregate_opening,
    verify_gram,
)
from steelyard.gram.linear import check_rows
from steelyard.rules import RULES
from tests.gram_proofs import CONTEXT, Round, make_round, make_srs

SRS = make_srs(32)
D = 2 * SRS.payload + 5
N = 5


def make_rounds(count: int) -> list[Round]:
    """Rows 3 and 4 are a pair of Sybils: their noise differs in every round and cancels in the sum of both."""
    rng = np.random.default_rng(1)
    rounds = []
    for t in range(count):
        updates = rng.integers(-3000, 3000, (N, D)).astype(np.int16)
        noise = rng.integers(-500, 500, D)
        updates[3] = 2000 * np.sign(np.arange(D) % 7 - 3) + noise
        updates[4] = 2000 * np.sign(np.arange(D) % 7 - 3) - noise
        rounds.append(make_round(SRS, updates, CONTEXT[:-1] + bytes([t])))  # type: ignore[arg-type]
    return rounds


def add_up(rounds: list[Round]) -> tuple[NDArray[np.int32], list[bytes], list[tuple[int, ...]]]:
    """Histories, the commitments to them and what opens those, row by row."""
    histories = sum(round_.updates.astype(np.int32) for round_ in rounds)
    commitments = [add_commitments([round_.commitments[i] for round_ in rounds]) for i in range(N)]
    ones = [1] * len(rounds)
    blinders = [compute_aggregate_blinders([round_.blinders[i] for round_ in rounds], ones) for i in range(N)]
    assert isinstance(histories, np.ndarray)
    return histories, commitments, blinders


def test_the_sum_of_commitments_opens_to_the_sum_of_updates() -> None:
    histories, commitments, blinders = add_up(make_rounds(2))
    for row in range(N):
        verify_aggregate_opening(SRS, histories[row].astype(np.int64), blinders[row], [commitments[row]], [1])
        changed = histories[row].astype(np.int64)
        changed[-1] += 1
        with pytest.raises(CommitmentMismatchError):
            verify_aggregate_opening(SRS, changed, blinders[row], [commitments[row]], [1])


def test_commitments_of_different_lengths_do_not_add_up() -> None:
    first, second = (round_.commitments[0] for round_ in make_rounds(2))
    with pytest.raises(ValueError, match="shorter"):
        add_commitments([first, second[:128]])


def test_the_matrix_of_histories_is_proved_and_weighed() -> None:
    """Nobody committed to a history, nobody can lie about one: the verifier adds the rounds' points up itself."""
    rounds = make_rounds(3)
    histories, commitments, blinders = add_up(rounds)
    statement = GramStatement.make(CONTEXT, D, commitments, compute_gram(histories))
    proof = prove_gram(SRS, statement, histories, blinders)
    verify_gram(SRS, statement, proof)

    history = decode_gram(statement.gram, N)
    weighing = RULES["foolsgold"].weigh(decode_gram(rounds[-1].statement.gram, N), 1, D, history)
    assert weighing.weights[3:] == (0, 0), "the pair is found, though neither round shows it as clearly"
    assert min(weighing.weights[:3]) > 0

    of_two_rounds = add_up(rounds[:2])[1]
    with pytest.raises(ProofRejectedError):
        verify_gram(SRS, GramStatement.make(CONTEXT, D, of_two_rounds, compute_gram(histories)), proof)


@pytest.mark.parametrize("largest", [UPDATE_MAX + 1, HISTORY_LIMIT])
def test_histories_are_proved_up_to_their_limit(largest: int) -> None:
    """Every entry at one end or the other: no sum of the prover is rounded."""
    rng = np.random.default_rng(largest)
    histories = rng.choice([-largest, largest], (N, D)).astype(np.int32)
    gram = compute_gram(histories)
    assert np.array_equal(gram, histories.astype(object) @ histories.astype(object).T)
    parts = largest // UPDATE_MAX + 1
    # The rows as sums of updates that an int16 holds, each committed to.
    updates = [(histories * (t + 1) // parts - histories * t // parts).astype(np.int16) for t in range(parts)]
    rounds = [make_round(SRS, part) for part in updates]
    total, commitments, blinders = add_up(rounds)
    assert np.array_equal(total, histories)
    statement = GramStatement.make(CONTEXT, D, commitments, gram)
    verify_gram(SRS, statement, prove_gram(SRS, statement, histories, blinders))


def test_histories_beyond_the_limit_are_refused() -> None:
    rows = np.zeros((N, D), dtype=np.int32)
    rows[1, 4] = -HISTORY_LIMIT - 1
    statement = GramStatement.make(CONTEXT, D, make_rounds(1)[0].commitments, compute_gram(rows))
    with pytest.raises(ValueError, match="1,048,577"):
        prove_gram(SRS, statement, rows, [[0] * 3] * N)
    with pytest.raises(ValueError, match="129 histories"):
        check_rows(np.zeros((129, 4), dtype=np.int32))
