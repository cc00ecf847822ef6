"""Money and reputation: who rounds, which way, and what stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import TooFewUpdatesError
from steelyard.rules import compute_absent_reputation, compute_num_byzantine, compute_reputations, compute_shares

AMOUNTS = st.integers(0, 2**128)
PARTS = st.lists(st.integers(0, 2**200), min_size=1, max_size=32).map(tuple)


@pytest.mark.parametrize(
    ("n", "byzantine_bps", "f"),
    [
        (3, 5000, 0),
        (5, 5000, 1),
        (7, 3000, 2),
        (7, 2857, 1),
        (10, 3333, 3),
        (10, 1000, 1),
        (10, 0, 0),
        (32, 4999, 14),
        (32, 3000, 9),
    ],
)
def test_num_byzantine(n: int, byzantine_bps: int, f: int) -> None:
    assert compute_num_byzantine(n, byzantine_bps) == f


@given(st.integers(3, 100), st.integers(0, 10_000))
def test_num_byzantine_can_always_be_weighed(n: int, byzantine_bps: int) -> None:
    assert n >= 2 * compute_num_byzantine(n, byzantine_bps) + 3


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_rows_cannot_be_weighed(n: int) -> None:
    with pytest.raises(TooFewUpdatesError):
        compute_num_byzantine(n, 0)


@given(AMOUNTS, PARTS)
def test_shares_are_pro_rata_rounded_down_and_nothing_is_lost(amount: int, parts: tuple[int, ...]) -> None:
    split = compute_shares(amount, parts)
    assert sum(split.shares) + split.remainder == amount
    if sum(parts):
        assert 0 <= split.remainder < len(parts)
        for part, share in zip(parts, split.shares, strict=True):
            assert share * sum(parts) <= amount * part < (share + 1) * sum(parts)
    else:
        assert split.shares == (0,) * len(parts)


def test_reputation_moves_an_eighth_of_the_way_rounded_down() -> None:
    # Shares 1/2, 1/3, 1/6 of three: targets 7500, 5000, 2500.
    assert compute_reputations((5000, 5000, 5000), (3, 2, 1)) == (5312, 5000, 4687)


def test_reputation_target_is_capped() -> None:
    assert compute_reputations((0, 0, 0), (1, 0, 0)) == (1250, 0, 0)  # 5000·3 is cut to 10000


def test_reputation_target_is_rounded_down() -> None:
    assert compute_reputations((0, 0, 0), (1000, 1007, 993)) == (4999 // 8 + 1, 629, 620)


def test_reputation_stays_in_a_round_without_contributions() -> None:
    assert compute_reputations((5000, 1, 9999), (0, 0, 0)) == (5000, 1, 9999)


def test_reputation_of_an_absentee_moves_a_sixteenth_of_the_way_rounded_down() -> None:
    assert compute_absent_reputation(5000) == 4687
    assert compute_absent_reputation(1) == 0
    assert compute_absent_reputation(0) == 0


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 2**200)), min_size=1, max_size=32))
def test_reputation_stays_in_range(rows: list[tuple[int, int]]) -> None:
    old, contributions = zip(*rows, strict=True)
    assert all(0 <= value <= 10_000 for value in compute_reputations(old, contributions))
    assert all(0 <= compute_absent_reputation(value) <= value for value in old)
