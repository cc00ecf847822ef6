"""Measures what projects cost in gas, on a chain of its own, and fits the cost model to it.

    python -m scripts.measure_gas            the table of docs/gas.md, and how far the model is off
    python -m scripts.measure_gas --write    also writes steelyard/chain/gas_coefficients.json and docs/gas.md's tables

Plays whole projects with real proofs: about three minutes. Needs the repository, not only the package.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from scripts.deploy import load_ethereum_srs_points
from steelyard.chain.deploy import deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import ProjectCreated
from steelyard.chain.gas_model import compute_poke_gas, compute_settle_gas
from steelyard.chain.records import AggregatorTerms
from steelyard.chain.transactions import Sender
from steelyard.rules import DEFAULT_RULE, ON_CHAIN_RULES
from tests.gas_kit import RoundGas, RuleGas, measure_project, measure_weighing
from tests.market_kit import AGGREGATORS, DEPLOYER, MIN_STAKE, OWNER, POLICY, SOME_CID, MarketKit

ROOT: Final = Path(__file__).parents[1]
COEFFICIENTS: Final = ROOT / "steelyard" / "chain" / "gas_coefficients.json"
PAGE: Final = ROOT / "docs" / "gas.md"
BEGIN: Final = "<!-- written by scripts/measure_gas.py -->\n"
END: Final = "<!-- end -->\n"

RULES: Final = tuple(ON_CHAIN_RULES)
MIXING_RULES: Final = ("screen-clip-nnm-multi-krum", "clip-nnm-multi-krum")
SIZES: Final = ((3, 1), (4, 1), (5, 1), (7, 1), (10, 1), (16, 1), (20, 1), (27, 1), (32, 1))
SIZES_OF_SEVERAL_BLOCKS: Final = ((3, 8), (7, 2), (7, 4), (7, 25), (16, 2), (16, 8), (20, 4), (32, 2))
ROOTED: Final = (5, 1, "fltrust")
"""The project whose owner submits roots."""
SIZES_OF_RULES: Final = (4, 5, 7, 10, 13, 16, 20, 24, 27, 32)
SEEDS: Final = (0, 1)
ROUNDS: Final = 3

Measured = TypeVar("Measured", RoundGas, RuleGas)

TERMS: Final = {
    "calldata": ("1", "n", "B", "nB", "n²"),
    "verifier": ("1", "n", "B", "nB", "n²"),
    "events": ("1", "n", "B", "nB", "n²"),
    "rest": ("1", "n", "B", "nB", "n²"),
    "storage": ("1", "n", "⌈n/2⌉", "⌈n/16⌉"),
    "poke": ("1", "n"),
    **{f"rule {rule}": ("1", "n", "n²") for rule in RULES},
    **{f"rule {rule}": ("1", "n", "n²", "n·w", "n·w·f") for rule in MIXING_RULES},
}


def measure_rounds(kit: MarketKit) -> list[RoundGas]:
    """The rounds that the model is fitted to."""
    plans = [*((n, blocks, DEFAULT_RULE.name) for n, blocks in SIZES + SIZES_OF_SEVERAL_BLOCKS), ROOTED]
    rounds: list[RoundGas] = []
    for n, blocks, rule in plans:
        before = kit.devnet.snapshot()
        rounds += measure_project(kit, n, blocks, ROUNDS, rule)
        kit.devnet.revert(before)
        print(f"n = {n}, B = {blocks}, {rule}", file=sys.stderr)
    return rounds


def measure_weighings(kit: MarketKit) -> list[RuleGas]:
    """Every rule alone, at every size."""
    return [measure_weighing(kit, n, rule, seed) for rule in RULES for n in SIZES_OF_RULES for seed in SEEDS]


def measure_calls(kit: MarketKit) -> dict[str, int]:
    """Transactions whose cost depends on nothing but whether their account has been seen before."""
    token, market = kit.token_address, kit.market
    kit.token().mint(kit.address(OWNER), 10**9)
    gas = {"approve": kit.token(OWNER).approve(kit.deployment.marketplace, 10**9).gas_used}
    created = market(OWNER).create_project(kit.make_params(max_trainers=3, rounds=1))
    project_id = created.find(ProjectCreated).project_id
    gas["createProject"] = created.gas_used
    aggregator = AGGREGATORS[0]
    kit.fund(aggregator)
    gas["registerKey"] = market(aggregator).register_key(b"k" * 32).gas_used
    gas["registerHybridKey"] = market(aggregator).register_hybrid_key(b"k" * 32).gas_used
    gas["deposit"] = market(aggregator).deposit(token, 20_000).gas_used
    terms = AggregatorTerms(2**128 - 1, 2**32 - 1, 0, 0)
    gas["registerAggregator"] = market(aggregator).register_aggregator(token, terms).gas_used
    for trainer in (10, 11, 12):
        kit.fund(trainer)
        market(trainer).register_key(bytes([trainer]) * 32)
        market(trainer).deposit(token, MIN_STAKE + 1)
        gas["enrol"] = max(gas.get("enrol", 0), market(trainer).enrol(project_id).gas_used)
    gas["start"] = market(OWNER).start(project_id).gas_used
    gas["publishKeys"] = market(10).publish_keys(project_id, SOME_CID).gas_used
    gas["grantAccess"] = market(OWNER).grant_access(project_id, kit.address(10), 0, SOME_CID).gas_used
    gas["revokeAccess"] = market(OWNER).revoke_access(project_id, kit.address(10)).gas_used
    gas["unbond"] = market(10).unbond(token, 1).gas_used
    kit.devnet.advance(30 * 24 * 3_600)
    gas["withdraw"] = market(10).withdraw(token, kit.address(10)).gas_used
    for _ in range(3):  # no submissions: the project fails, and the owner has a credit
        if kit.market().get_project(project_id).status.name != "RUNNING":
            break
        kit.market().poke(project_id)
        kit.devnet.advance(30 * 24 * 3_600)
    gas["claim"] = market(OWNER).claim(token, kit.address(OWNER)).gas_used
    return gas


def fit(rounds: Sequence[RoundGas], weighings: Sequence[RuleGas], calls: dict[str, int]) -> dict[str, Any]:
    """Least squares of each part over its terms."""
    own = [measured for measured in rounds if measured.rule == DEFAULT_RULE.name]
    first, later = [r for r in own if r.index == 0], [r for r in own if r.index > 0]
    parts = {
        name: _fit_part(name, own, lambda r, name=name: getattr(r.settling, name))  # type: ignore[misc]
        for name in ("calldata", "verifier", "events", "rest")
    }
    for rule in RULES:
        chosen = [weighing for weighing in weighings if weighing.rule == rule]
        parts[f"rule {rule}"] = _fit_part(f"rule {rule}", chosen, lambda weighing: weighing.gas)
    parts["storage first"] = _fit_part("storage", first, lambda r: r.settling.storage)
    parts["storage later"] = _fit_part("storage", later, lambda r: r.settling.storage)
    parts["poke first"] = _fit_part("poke", first, lambda r: r.poke)
    parts["poke later"] = _fit_part("poke", [r for r in later if not r.is_last], lambda r: r.poke)
    parts["poke last"] = _fit_part("poke", [r for r in later if r.is_last], lambda r: r.poke)
    calls = calls | {"submit": max(r.submit for r in rounds), "attest": max(r.attest for r in rounds)}
    calls = calls | {"submitRoot": max(r.root for r in rounds)}
    return {"calls": dict(sorted(calls.items())), "parts": dict(sorted(parts.items()))}


def _fit_part(name: str, rounds: Sequence[Measured], read: Callable[[Measured], int]) -> dict[str, float]:
    terms = TERMS[name]
    matrix = np.array([[r.size.get_terms()[term] for term in terms] for r in rounds], dtype=float)
    values = np.array([read(r) for r in rounds], dtype=float)
    coefficients = np.linalg.lstsq(matrix, values, rcond=None)[0]
    return {term: round(float(value), 3) for term, value in zip(terms, coefficients, strict=True)}


def compute_errors(rounds: Iterable[RoundGas]) -> list[tuple[RoundGas, float, float]]:
    """How far the model is off, as parts of the measured gas: of the settlement and of the closing."""
    errors = []
    for r in rounds:
        is_first = r.index == 0
        settled = compute_settle_gas(r.size, r.rule, is_first=is_first).total
        closed = compute_poke_gas(r.size, is_first=is_first, is_last=r.is_last)
        errors.append((r, settled / sum(asdict(r.settling).values()) - 1, closed / r.poke - 1))
    return errors


def format_tables(rounds: Sequence[RoundGas], weighings: Sequence[RuleGas], calls: dict[str, int]) -> str:
    """Settlements by size, then every other transaction."""
    parts = ("calldata", "precompiles", "verifier", "rule", "storage", "events", "rest")
    lines = [
        "A project's first settlement, thousands of gas. `later` is what the following ones use.",
        "",
        f"| n | B | f | {' | '.join(parts)} | first | later | poke | later |",
        "|" + "--:|" * (len(parts) + 7),
    ]
    own = [r for r in rounds if r.rule == DEFAULT_RULE.name]
    for first in (r for r in own if r.index == 0):
        later = next(r for r in own if r.size == first.size and r.index == 1)
        settled = [asdict(r.settling) for r in (first, later)]
        cells = (
            [settled[0][part] for part in parts] + [sum(part.values()) for part in settled] + [first.poke, later.poke]
        )
        sizes = f"{first.size.n} | {first.size.blocks} | {first.size.f}"
        lines.append(f"| {sizes} | {' | '.join(f'{cell / 1_000:,.0f}' for cell in cells)} |")
    errors = compute_errors(rounds)
    settling, closing = max(abs(error) for _, error, _ in errors), max(abs(error) for _, _, error in errors)
    lines += [
        "",
        f"The model is off by {settling:.1%} at most for these settlements, and by {closing:.1%} for closings.",
        "",
        "All rules, gas of the weighing alone. A rooted rule has one trainer less, and a root.",
        "",
        f"| n | f | {' | '.join(RULES)} |",
        "|--:|--:|" + "--:|" * len(RULES),
    ]
    for n in SIZES_OF_RULES:
        found = {weighing.rule: weighing for weighing in weighings if weighing.size.n == n}
        used = " | ".join(f"{found[rule].gas:,}" for rule in RULES)
        lines.append(f"| {n} | {found['mean'].size.f} | {used} |")
    lines += ["", "| transaction | gas |", "|---|--:|"]
    lines += [f"| `{name}` | {used:,} |" for name, used in calls.items()]
    return "\n".join(lines) + "\n"


def write_page(tables: str) -> None:
    """Puts the tables where the page has them."""
    text = PAGE.read_text()
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(f"{text[:start]}\n{tables}\n{text[end:]}")


def main() -> int:
    """Measures, fits, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write the coefficients and the page")
    arguments = parser.parse_args()
    with Devnet() as devnet:
        sender = Sender(devnet.web3, devnet.account(DEPLOYER), POLICY)
        kit = MarketKit(devnet, deploy(sender, load_ethereum_srs_points(), token=deploy_test_token(sender)))
        weighings = measure_weighings(kit)
        rounds = measure_rounds(kit)
        calls = measure_calls(kit)
    fitted = fit(rounds, weighings, calls)
    if arguments.write:
        COEFFICIENTS.write_text(json.dumps(fitted, indent=1, ensure_ascii=False) + "\n")
    tables = format_tables(rounds, weighings, fitted["calls"])
    print(tables)
    if arguments.write:
        write_page(tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
