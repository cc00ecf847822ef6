"""What `status` says a fault costs is what the contract then takes (`contracts/test/steelyard/Closing.t.sol`)."""

from dataclasses import replace

import pytest

from steelyard.chain.records import Member, Project, ProjectStatus
from steelyard.types import Address
from tests.unit.trainer_client.support import make_params
from trainer_client.ladder import Fault, compute_ladder, compute_next_penalties

PARAMS = make_params(
    budget=1_000, rounds=3, min_stake=101, slash_bps=2_500, max_strikes=2, max_absences=3, aggregator_fee_bps=500
)
PROJECT = Project(PARAMS, ProjectStatus.RUNNING, 0, 0, 0, 1, 0, 0, 0b1111, 0, rooted=False)
MEMBER = Member(Address("0x" + "11" * 20), 0, 0, active=True, share=0, earned=0)


def name(units: int) -> str:
    return f"{units} T"


def test_only_strikes_reach_the_stake_and_half_goes_to_the_pool() -> None:
    absent, excluded, struck = compute_ladder(PARAMS)
    assert (absent.fault, excluded.fault, struck.fault) == (Fault.ABSENT, Fault.EXCLUDED, Fault.STRUCK)
    assert (absent.slash, excluded.slash) == (0, 0), "the aggregator's word costs no stake"
    assert (absent.limit, excluded.limit, struck.limit) == (3, 3, 2)
    assert (struck.slash, struck.to_pool) == (25, 12), "the odd unit is burnt"
    assert struck.describe(name, PARAMS.min_stake).endswith("2 cost your place and 25 T of 101 T staked")


@pytest.mark.parametrize(
    ("absences", "strikes", "removed", "struck_off"), [(0, 0, False, False), (1, 1, False, True), (2, 0, True, False)]
)
def test_the_next_fault_is_counted_and_priced(absences: int, strikes: int, removed: bool, struck_off: bool) -> None:
    member = replace(MEMBER, absences=absences, strikes=strikes)
    absence, strike = compute_next_penalties(PROJECT, member, 5_000)
    assert (absence.number, absence.removes, absence.slash) == (absences + 1, removed, 0)
    assert (strike.number, strike.removes, strike.slash) == (strikes + 1, struck_off, 25 if struck_off else 0)
    assert absence.pay == strike.pay == (333 - 16) // 4
    assert (absence.reputation, strike.reputation) == (5_000 - 313, 5_000 - 625), "as the contract moves it"
    line = strike.describe(name, 5_000)
    assert ("25 T of 101 T staked" in line) is struck_off
    assert "50 % to 43.75 %" in line
    assert ("in a row costs your place" in absence.describe(name, 5_000)) is not removed


def test_a_project_that_slashes_nothing_says_so() -> None:
    mild = replace(PROJECT, params=replace(PARAMS, slash_bps=0))
    _, strike = compute_next_penalties(mild, replace(MEMBER, strikes=1), 5_000)
    assert strike.describe(name, 5_000).endswith("your place, and nothing of the stake")
