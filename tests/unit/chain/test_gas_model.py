"""The cost model against prices that are specified, against committed snapshots, and by itself."""

import json
from pathlib import Path

import pytest

from steelyard.chain.gas_model import (
    Size,
    compute_blocks,
    compute_msm_gas,
    compute_poke_gas,
    compute_precompile_gas,
    compute_project_gas,
    compute_settle_gas,
    compute_tolerated,
    get_call_gas,
)
from steelyard.rules import ON_CHAIN_RULES

SNAPSHOTS = Path(__file__).parents[3] / "contracts" / "snapshots"
TRANSACTIONS = {name: int(used) for name, used in json.loads((SNAPSHOTS / "transactions.json").read_text()).items()}
DEFAULT_RULE = "screen-clip-nnm-multi-krum"


def make_size(n: int, blocks: int = 1, roots: int = 0) -> Size:
    return Size(n, blocks, compute_tolerated(n - roots, 3_000), roots)


@pytest.mark.parametrize(
    ("terms", "gas"), [(1, 12_000), (2, 22_776), (64, 442_368), (128, 797_184), (129, 803_412), (1_024, 6_377_472)]
)
def test_multi_scalar_multiplication_costs_what_eip_2537_says(terms: int, gas: int) -> None:
    assert compute_msm_gas(terms) == gas


@pytest.mark.parametrize("n", [7, 16, 32])
def test_settlements_are_within_five_per_cent_of_the_snapshots(n: int) -> None:
    settled = compute_settle_gas(make_size(n), DEFAULT_RULE, is_first=True)
    assert settled.total == pytest.approx(TRANSACTIONS[f"settle, n = {n}"], rel=0.05)


@pytest.mark.parametrize("n", [7, 16, 32])
def test_closings_are_within_ten_per_cent_of_the_snapshots(n: int) -> None:
    assert compute_poke_gas(make_size(n), is_first=True, is_last=False) == pytest.approx(
        TRANSACTIONS[f"poke, n = {n}"], rel=0.1
    )


@pytest.mark.parametrize("name", ["claim", "createProject", "deposit", "enrol", "submit"])
def test_other_calls_are_within_five_per_cent_of_the_snapshots(name: str) -> None:
    assert get_call_gas(name) == pytest.approx(TRANSACTIONS[name], rel=0.05)


def test_parts_of_the_verification_are_within_five_per_cent_of_the_snapshots() -> None:
    for n in (7, 16, 32):
        settled = compute_settle_gas(make_size(n), DEFAULT_RULE, is_first=True)
        measured = int(json.loads((SNAPSHOTS / "verify.json").read_text())[f"n{n}_d2410"])
        assert settled.precompiles + settled.verifier == pytest.approx(measured, rel=0.05)


def test_blocks_are_those_of_the_specification() -> None:
    assert [compute_blocks(d, 4_096) for d in (1, 4_088, 4_089, 100_000)] == [1, 1, 2, 25]
    assert compute_blocks(100_000, 32_768) == 4
    for d, powers in ((0, 4_096), (1, 8)):
        with pytest.raises(ValueError, match="do not fit"):
            compute_blocks(d, powers)


@pytest.mark.parametrize("size", [(2, 1, 0), (33, 1, 0), (3, 0, 0), (3, 342, 0), (7, 1, 3), (7, 1, -1)])
def test_what_the_contract_refuses_has_no_size(size: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"rows|commitments|tolerate"):
        Size(*size)
    assert Size(3, 341, 0).blocks == 341
    with pytest.raises(ValueError, match="2 trainers tolerate"):
        Size(3, 1, 0, roots=1)


@pytest.mark.parametrize("rule", ON_CHAIN_RULES)
def test_more_rows_and_more_blocks_cost_more(rule: str) -> None:
    roots = int(ON_CHAIN_RULES[rule].rooted)
    sizes = [make_size(n, 2, roots) for n in range(3 + roots, 33)]
    totals = [compute_settle_gas(size, rule, is_first=False).total for size in sizes]
    assert totals == sorted(totals)
    sizes = [make_size(7, blocks, roots) for blocks in range(1, 147)]
    totals = [compute_settle_gas(size, rule, is_first=False).total for size in sizes]
    assert totals == sorted(totals)


@pytest.mark.parametrize("rule", ON_CHAIN_RULES)
def test_the_largest_round_takes_less_than_half_of_a_transaction(rule: str) -> None:
    size = make_size(32, 1, int(ON_CHAIN_RULES[rule].rooted))
    assert compute_settle_gas(size, rule, is_first=True).total < 16_777_216 // 2


def test_a_root_is_a_row_that_nobody_is_paid_for() -> None:
    with_root, without = make_size(8, 1, 1), make_size(7)
    settled = [compute_settle_gas(size, "fltrust", is_first=True) for size in (with_root, without)]
    assert settled[0].storage == settled[1].storage
    assert settled[0].calldata > settled[1].calldata
    assert compute_poke_gas(with_root, is_first=True, is_last=False) == compute_poke_gas(
        without, is_first=True, is_last=False
    )
    gas = [compute_project_gas(size, 5, "fltrust") for size in (with_root, without)]
    assert gas[0]["trainers"] == gas[1]["trainers"]
    assert gas[0]["owner"]["root"] == 5 * get_call_gas("submitRoot")
    assert "root" not in gas[1]["owner"]


def test_every_part_of_every_size_costs_something() -> None:
    for n in range(3, 33):
        for blocks in (1, 2, 8, 1_024 // n):
            settled = compute_settle_gas(make_size(n, blocks), DEFAULT_RULE, is_first=True)
            assert all(getattr(settled, part) > 0 for part in settled.__slots__), (n, blocks)
            assert settled.precompiles == compute_precompile_gas(make_size(n, blocks))
            assert settled.total <= 16_777_216, "no settlement exceeds a transaction"


def test_a_project_is_the_sum_of_its_rounds() -> None:
    size = make_size(7)
    first, later = (compute_settle_gas(size, DEFAULT_RULE, is_first=flag).total for flag in (True, False))
    assert later < first
    for rounds in (1, 2, 3, 10):
        gas = compute_project_gas(size, rounds, DEFAULT_RULE)
        assert gas["aggregator"]["settle"] == first + (rounds - 1) * later
        closings = [compute_poke_gas(size, is_first=k == 0, is_last=k == rounds - 1) for k in range(rounds)]
        assert gas["anybody"]["poke"] == sum(closings)
        assert gas["trainers"]["submit"] == 7 * rounds * get_call_gas("submit")
        assert gas["trainers"]["attest"] == 4 * rounds * get_call_gas("attest")
    with pytest.raises(ValueError, match="at least one round"):
        compute_project_gas(size, 0, DEFAULT_RULE)


def test_unknown_rules_have_no_price() -> None:
    with pytest.raises(KeyError):
        compute_settle_gas(make_size(3), "median", is_first=True)
