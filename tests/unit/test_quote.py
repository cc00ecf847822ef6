"""`steelyard owner quote`."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts.owner import app
from scripts.quote import Prices, measure_speed
from steelyard.chain.gas_model import Size, compute_project_gas, get_call_gas
from steelyard.rounds.quote import estimate_seconds

EXAMPLE = str(Path(__file__).parents[2] / "scripts" / "project_example.toml")
FLAGS = ("--trainers", "10", "--dimension", "100000", "--rounds", "20")


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["quote", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_quotes_what_the_model_computes() -> None:
    quoted = run(*FLAGS, "--gas-price", "2.5", "--ether-price", "3000")
    gas = compute_project_gas(Size(10, 25, 3), 20, "screen-clip-nnm-multi-krum")
    assert quoted["gas"] == gas
    whole = sum(sum(calls.values()) for calls in gas.values())
    assert quoted["cost"]["project"]["gas"] == whole
    assert quoted["cost"]["project"]["wei"] == str(whole * 2_500_000_000)
    assert Decimal(quoted["cost"]["project"]["money"]) == Decimal(whole * 2_500_000_000) / 10**18 * 3_000
    assert sum(role["gas"] for name, role in quoted["cost"].items() if name != "project") == whole
    settle = quoted["settle"]
    assert settle["total"] == sum(used for part, used in settle.items() if part != "total")


def test_reads_a_project_file_and_lets_flags_change_it() -> None:
    quoted = run(EXAMPLE)
    assert (quoted["trainers"], quoted["dimension"], quoted["rounds"]) == (10, 2_410, 5)
    changed = run(EXAMPLE, "--trainers", "7", "--rule", "mean")
    assert (changed["trainers"], changed["dimension"], changed["rule"]) == (7, 2_410, "mean")
    assert changed["settle"]["rule"] < quoted["settle"]["rule"]
    assert "money" not in quoted["cost"]["project"]


def test_the_owner_of_a_rooted_project_pays_for_roots() -> None:
    plain, rooted = run(*FLAGS, "--rule", "mean"), run(*FLAGS, "--rule", "fltrust")
    assert rooted["trainers"] == plain["trainers"] == 10
    assert rooted["gas"]["trainers"] == plain["gas"]["trainers"]
    assert rooted["gas"]["owner"]["root"] == 20 * get_call_gas("submitRoot")
    assert "root" not in plain["gas"]["owner"]
    assert rooted["settle"]["calldata"] > plain["settle"]["calldata"]
    assert "and a root of the owner's" in CliRunner().invoke(app, ["quote", *FLAGS, "--rule", "fltrust"]).stdout


def test_longer_strings_need_fewer_blocks_and_less_gas() -> None:
    short, long = run(*FLAGS), run(*FLAGS, "--powers", "32768")
    assert (short["blocks"], long["blocks"]) == (25, 4)
    assert long["cost"]["project"]["gas"] < short["cost"]["project"]["gas"]


def test_prints_every_role_for_people() -> None:
    output = CliRunner().invoke(app, ["quote", *FLAGS, "--ether-price", "3000"]).stdout
    for word in ("owner", "trainers", "aggregator", "anybody", "whole project", "in money", "docs/performance.md"):
        assert word in output
    assert "100,000 parameters in 25 blocks, 20 rounds" in output
    assert "in 1 block, 1 round\n" in CliRunner().invoke(app, ["quote", EXAMPLE, "--rounds", "1"]).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "what is to be quoted"),
        (("--trainers", "32", "--dimension", "1000000", "--rounds", "1"), "7,840 commitments"),
        ((*FLAGS, "--rule", "median"), "unknown rule 'median'"),
        (("--trainers", "10", "--dimension", "5"), "what is to be quoted"),
    ],
)
def test_says_what_is_missing_or_impossible(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, ["quote", *arguments])
    assert result.exit_code == 7
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("n", "d", "prove"), [(7, 2_410, 0.24), (20, 100_000, 0.30), (20, 1_000_000, 1.43), (32, 10_000_000, 8.91)]
)
def test_times_are_those_of_the_performance_page_within_a_factor_of_two(n: int, d: int, prove: float) -> None:
    assert prove / 2 < estimate_seconds(n, d).prove < prove * 2


@pytest.mark.parametrize(
    ("n", "d", "prove"), [(7, 2_410, 0.41), (20, 100_000, 0.66), (32, 130_816, 1.25), (20, 1_000_000, 3.2)]
)
def test_times_of_shortness_are_those_of_its_page_within_a_factor_of_two(n: int, d: int, prove: float) -> None:
    assert prove / 2 < estimate_seconds(n, d).prove_short < prove * 2


def test_times_follow_the_machine() -> None:
    speed = measure_speed()
    assert 0.02 < speed < 50
    assert estimate_seconds(7, 2_410, 2 * speed).prove == pytest.approx(estimate_seconds(7, 2_410, speed).prove / 2)


def test_money_is_printed_where_a_price_is_known() -> None:
    assert Prices(10**9, None).format(1_000_000) == "1,000,000 gas, 0.001000 ether"
    assert Prices(10**9, Decimal(3_000)).format(1_000_000) == "1,000,000 gas, 0.001000 ether, 3.00 in money"
