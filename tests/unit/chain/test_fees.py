"""Offers are enough for today's price, replacements are enough for nodes, and nothing passes the cap."""

from hypothesis import given
from hypothesis import strategies as st

from steelyard.chain.fees import Fees, compute_bump, compute_fees

PRICES = st.integers(0, 10**12)
CAPS = st.integers(1, 10**12)
BUMP = 13


@given(base_fee=PRICES, tip=PRICES, cap=CAPS)
def test_offer_stays_within_the_cap(base_fee: int, tip: int, cap: int) -> None:
    fees = compute_fees(base_fee, tip, cap)
    assert 0 <= fees.tip <= fees.max_fee <= cap


@given(base_fee=PRICES, tip=PRICES)
def test_offer_survives_a_doubled_base_fee(base_fee: int, tip: int) -> None:
    assert compute_fees(base_fee, tip, 10**18).max_fee >= 2 * base_fee + tip


@given(base_fee=PRICES, tip=PRICES, cap=CAPS)
def test_nothing_is_raised_while_the_price_stands_still(base_fee: int, tip: int, cap: int) -> None:
    fees = compute_fees(base_fee, tip, cap)
    if base_fee + tip <= cap:
        assert compute_bump(fees, base_fee, tip, BUMP, cap) is None


@given(max_fee=PRICES, tip=PRICES, base_fee=PRICES, market_tip=PRICES, cap=CAPS)
def test_replacement_is_high_enough_and_within_the_cap(
    max_fee: int, tip: int, base_fee: int, market_tip: int, cap: int
) -> None:
    fees = Fees(max_fee=min(max_fee, cap), tip=min(tip, max_fee, cap))
    bumped = compute_bump(fees, base_fee, market_tip, BUMP, cap)
    if bumped is not None:
        assert bumped.tip <= bumped.max_fee <= cap
        assert 100 * bumped.max_fee >= 110 * fees.max_fee


def test_replacement_follows_the_market() -> None:
    assert compute_bump(Fees(100, 10), base_fee=500, tip=20, bump_percent=BUMP, cap=10_000) == Fees(1_020, 20)


def test_cap_forbids_a_replacement_that_nodes_would_refuse() -> None:
    assert compute_bump(Fees(100, 10), base_fee=500, tip=20, bump_percent=BUMP, cap=110) is None
