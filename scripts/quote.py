"""`steelyard owner quote`: what a project will cost, before it exists."""

import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from steelyard.chain.gas_model import (
    compute_project_gas,
    compute_settle_gas,
)
from steelyard.cli_support import AsJson, print_json, print_lines
from steelyard.constants import MAX_TRAINERS
from steelyard.errors import ConfigError
from steelyard.gram import GramStatement, commit, compute_gram, derive_blinders, load_ethereum_srs, prove_gram
from steelyard.rounds.project_file import load_project_file
from steelyard.rounds.quote import ETHEREUM_POWERS, REFERENCE_SECONDS, Plan, estimate_seconds
from steelyard.rules import DEFAULT_RULE, ON_CHAIN_RULES, get_on_chain_rule
from steelyard.storage import open_store
from steelyard.types import Digest, Seed

GWEI: Final = 10**9
WEI: Final = Decimal(10**18)


def measure_speed() -> float:
    """This machine's speed relative to the one of docs/performance.md: the best of three small proofs."""
    srs, n, d = load_ethereum_srs(), 3, 2_410
    rows = np.random.default_rng(0).integers(-100, 101, (n, d)).astype(np.int16)
    seeds = [Seed(bytes([row]) * 32) for row in range(n)]
    commitments = [commit(srs, row, seed) for row, seed in zip(rows, seeds, strict=True)]
    statement = GramStatement.make(Digest(bytes(32)), d, commitments, compute_gram(rows))
    blinders = [derive_blinders(seed, 1) for seed in seeds]
    times = []
    for _ in range(3):
        start = time.perf_counter()
        prove_gram(srs, statement, rows, blinders)
        times.append(time.perf_counter() - start)
    return REFERENCE_SECONDS / min(times)


def quote(
    file: Annotated[
        Path | None, typer.Argument(help="A project file; flags change what it says.", metavar="FILE")
    ] = None,
    trainers: Annotated[
        int | None, typer.Option("--trainers", "-n", min=3, max=MAX_TRAINERS, help="In each round.")
    ] = None,
    dimension: Annotated[int | None, typer.Option("--dimension", "-d", min=1, help="Parameters of the model.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, max=65_535, help="Rounds.")] = None,
    rule: Annotated[str | None, typer.Option(help=f"How updates are weighed: {', '.join(ON_CHAIN_RULES)}.")] = None,
    powers: Annotated[int, typer.Option(min=16, help="Length of the verifier's reference string.")] = ETHEREUM_POWERS,
    gas_price: Annotated[float, typer.Option(min=0, help="Gwei for a unit of gas.")] = 1.0,
    ether_price: Annotated[float | None, typer.Option(min=0, help="What an ether costs, in any currency.")] = None,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Measure this machine's speed first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute a project's gas and proof times before it exists, from a project file or from flags.

    Gas is within 5 % for settlements and about 20 % for closings (docs/gas.md), if every round becomes final.

    Example: [bold]steelyard owner quote --trainers 10 --dimension 100000 --rounds 20 --gas-price 2[/bold]
    """
    plan = _make_plan(file, trainers, dimension, rounds, rule, powers)
    size = plan.get_size()
    gas = compute_project_gas(size, plan.rounds, plan.rule)
    settling = compute_settle_gas(size, plan.rule, is_first=True)
    speed = measure_speed() if calibrate else 1.0
    seconds = estimate_seconds(size.n, plan.d, speed)
    prices = Prices(round(gas_price * GWEI), None if ether_price is None else Decimal(str(ether_price)))
    source = "measured here" if calibrate else "docs/performance.md"
    if as_json:
        roles = {role: sum(calls.values()) for role, calls in gas.items()}
        print_json(
            {
                "trainers": plan.n,
                "dimension": plan.d,
                "blocks": size.blocks,
                "rounds": plan.rounds,
                "rule": plan.rule,
                "gas": gas,
                "settle": {part: getattr(settling, part) for part in settling.__slots__} | {"total": settling.total},
                "cost": {role: prices.to_json(used) for role, used in roles.items()}
                | {"project": prices.to_json(sum(roles.values()))},
                "seconds": {"source": source, "speed": round(speed, 2)}
                | {name: round(getattr(seconds, name), 3) for name in seconds.__slots__},
            }
        )
        return
    print_lines(
        {
            "project": f"{plan.n} trainers, {_count(plan.d, 'parameter')} in {_count(size.blocks, 'block')}, "
            + _count(plan.rounds, "round"),
            "rule": f"{plan.rule}, {size.f} of {plan.n} trainers assumed dishonest"
            + (", and a root of the owner's in each round" if size.roots else ""),
        }
    )
    for role, calls in gas.items():
        print_lines({role: prices.format(sum(calls.values()))})
        print_lines({f"  {name}": f"{used:,} gas" for name, used in calls.items()})
    print_lines({"whole project": prices.format(sum(sum(calls.values()) for calls in gas.values()))})
    parts = ", ".join(f"{part.replace('_', ' ')} {getattr(settling, part):,}" for part in settling.__slots__)
    print_lines(
        {
            "first settlement": f"{settling.total:,} gas: {parts}",
            "seconds a round": f"commit {seconds.commit:.2f} (each trainer), check {seconds.check_openings:.2f}, "
            f"prove {seconds.prove:.2f}, and shortness {seconds.prove_short:.2f} ({source})",
        }
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a unit of gas in wei, and of an ether in whatever currency."""

    gas: int
    ether: Decimal | None

    def format(self, gas: int) -> str:
        """For people."""
        ether = gas * self.gas / WEI
        money = "" if self.ether is None else f", {ether * self.ether:,.2f} in money"
        return f"{gas:,} gas, {ether:.6f} ether{money}"

    def to_json(self, gas: int) -> dict[str, Any]:
        """For machines: amounts are text."""
        money = {} if self.ether is None else {"money": str(gas * self.gas / WEI * self.ether)}
        return {"gas": gas, "wei": str(gas * self.gas), **money}


def _make_plan(
    file: Path | None, trainers: int | None, dimension: int | None, rounds: int | None, rule: str | None, powers: int
) -> Plan:
    """The file's figures where there is a file, the flags' where they are given."""
    byzantine_bps, default_rule = 3_000, DEFAULT_RULE.name
    if file is not None:
        project = load_project_file(file)
        terms = project.chain
        trainers, rounds = trainers or terms.max_trainers, rounds or terms.rounds
        byzantine_bps, default_rule = terms.byzantine_bps, terms.rule
        dimension = dimension or project.prepare(open_store("memory:")).model.dimension
    if trainers is None or dimension is None or rounds is None:
        raise ConfigError("what is to be quoted? Give a project file, or `--trainers`, `--dimension` and `--rounds`")
    rule = rule or default_rule
    return Plan(trainers, dimension, rounds, get_on_chain_rule(rule).name, byzantine_bps, powers)
