"""Money and members from round to round. tests/integration/test_simulation.py holds the same against the contracts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.rules import compute_absent_reputation, compute_reputations, compute_shares
from steelyard.rules.market import Market, Member, Status, Terms, compute_part

TERMS = Terms(
    budget=9_000_000,
    rounds=2,
    min_trainers=3,
    min_stake=1_001,
    byzantine_bps=3_000,
    aggregator_fee_bps=500,
    slash_bps=5_000,
    max_strikes=2,
    max_absences=2,
)


def test_budget_of_a_round_is_what_the_contract_takes() -> None:
    assert (TERMS.round_budget, TERMS.fee, TERMS.rows_budget) == (4_500_000, 225_000, 4_275_000)
    uneven = replace(TERMS, budget=1_000, rounds=3, aggregator_fee_bps=333)
    assert (uneven.round_budget, uneven.fee, uneven.rows_budget) == (333, 11, 322)


def test_a_round_pays_pro_rata_and_the_rest_goes_to_the_pool() -> None:
    market = Market.open(TERMS, 4).close_round({0: 1, 1: 1, 2: 1, 3: 4}, opposed=())
    assert [member.earned for member in market.members] == [610_714, 610_714, 610_714, 2_442_857]
    assert market.pool == 1
    assert market.status is Status.RUNNING
    # Fair shares are 1/4: targets 2857, 2857, 2857 and 10000.
    assert [member.reputation for member in market.members] == [4_732, 4_732, 4_732, 5_625]


def test_a_round_without_signal_fills_the_pool_and_leaves_reputations() -> None:
    market = Market.open(TERMS, 3).close_round({0: 0, 1: 0, 2: 0}, opposed=())
    assert market.pool == TERMS.rows_budget
    assert {member.reputation for member in market.members} == {5_000}
    ended = market.close_round({0: 3, 1: 1, 2: 0}, opposed=())
    assert ended.status is Status.COMPLETED
    assert [member.pool_split for member in ended.members] == [3_206_250, 1_068_750, 0]
    assert ended.refund == 0


def test_nobody_earned_so_the_owner_gets_the_pool() -> None:
    market = Market.open(TERMS, 3)
    for _ in range(2):
        market = market.close_round({0: 0, 1: 0, 2: 0}, opposed=())
    assert market.refund == 2 * TERMS.rows_budget
    assert [member.pay for member in market.members] == [0, 0, 0]


def test_two_strikes_cost_half_the_stake_and_the_odd_unit_is_burnt() -> None:
    market = Market.open(TERMS, 5)
    market = market.close_round(dict.fromkeys(range(5), 1), opposed=(4,))
    assert market.members[4].strikes == 1
    assert 4 in market.active
    before = market.pool
    struck = replace(market, terms=replace(TERMS, rounds=3)).close_round(dict.fromkeys(range(5), 1), opposed=(4,))
    assert struck.active == (0, 1, 2, 3)
    # 5,000 basis points of 1,001 are 500: 250 to the pool, 250 burnt.
    assert (struck.members[4].slashed, struck.burnt) == (500, 250)
    assert struck.pool - before == 250 + TERMS.rows_budget * 2 // 3 % 1
    odd = replace(market, terms=replace(TERMS, rounds=3, min_stake=1_002, slash_bps=5_001))
    odd = odd.close_round(dict.fromkeys(range(5), 1), opposed=(4,))
    assert (odd.members[4].slashed, odd.burnt) == (501, 251)


def test_absences_count_in_a_row_and_cost_reputation() -> None:
    terms = replace(TERMS, rounds=9)
    market = Market.open(terms, 5).close_round({0: 1, 1: 1, 2: 1, 3: 1}, opposed=())
    assert market.members[4] == Member(reputation=4_687, absences=1)
    back = market.close_round(dict.fromkeys(range(5), 1), opposed=())
    assert back.members[4].absences == 0
    gone = market.close_round({0: 1, 1: 1, 2: 1, 3: 1}, opposed=())
    assert gone.active == (0, 1, 2, 3)
    assert gone.members[4].slashed == 0
    assert gone.members[4].reputation == compute_absent_reputation(4_687)


def test_too_few_submissions_twice_in_a_row_end_the_project() -> None:
    market = Market.open(replace(TERMS, max_absences=3), 4).close_round(dict.fromkeys(range(4), 1), opposed=())
    once = market.close_too_few((0, 1))
    assert (once.status, once.round_index, once.members[2].absences) == (Status.RUNNING, 1, 1)
    twice = once.close_too_few((0, 1))
    assert twice.status is Status.FAILED
    assert twice.refund == TERMS.round_budget + market.pool - sum(member.pool_split for member in twice.members)
    recovered = once.close_round(dict.fromkeys(range(4), 1), opposed=())
    assert recovered.too_few == 0


def test_fewer_members_than_asked_for_end_the_project() -> None:
    market = Market.open(replace(TERMS, max_strikes=1), 3).close_round({0: 1, 1: 1, 2: 0}, opposed=(2,))
    assert market.status is Status.FAILED
    assert market.refund == TERMS.round_budget + (TERMS.rows_budget % 2 + 250) % 2


@given(
    st.integers(0, 2**100),
    st.integers(1, 6),
    st.lists(st.tuples(st.lists(st.integers(0, 2**90), min_size=5, max_size=5), st.integers(0, 31)), max_size=6),
    st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None)
def test_every_unit_is_accounted_for(
    budget: int, rounds: int, attempts: list[tuple[list[int], int]], slash_bps: int
) -> None:
    """Budget and slashes equal pay, fees, refund and what was burnt; until the end the rest is in the pool."""
    terms = replace(TERMS, budget=budget, rounds=rounds, slash_bps=slash_bps, max_strikes=1)
    market = Market.open(terms, 5)
    for contributions, strikes in attempts:
        if market.status is not Status.RUNNING:
            break
        rows = {slot: contributions[slot] for slot in market.active}
        opposed = tuple(slot for slot in rows if strikes >> slot & 1)
        shares = compute_shares(terms.rows_budget, tuple(rows.values())).shares
        reputations = compute_reputations(tuple(market.members[slot].reputation for slot in rows), tuple(rows.values()))
        after = market.close_round(rows, opposed)
        for slot, share, reputation in zip(rows, shares, reputations, strict=True):
            assert after.members[slot].earned - market.members[slot].earned == share
            assert after.members[slot].reputation == reputation
        market = after
    earned = sum(member.pay for member in market.members)
    slashed = sum(member.slashed for member in market.members)
    unspent = 0 if market.status is not Status.RUNNING else budget - market.round_index * terms.round_budget
    fees = market.round_index * terms.fee
    assert earned + market.pool + market.refund + market.burnt + fees + unspent == budget + slashed


@pytest.mark.parametrize(("amount", "bps", "part"), [(10_000, 1, 1), (9_999, 1, 0), (7, 10_000, 7), (0, 500, 0)])
def test_parts_round_down(amount: int, bps: int, part: int) -> None:
    assert compute_part(amount, bps) == part
