"""The demo's report: what it contains, and what has to hold for the demo to have succeeded."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from scripts.demo.cast import TRAINERS, Conduct
from steelyard.cli_support import format_amount

MIN_ACCURACY: Final = 0.90
MAX_DISHONEST_PART: Final = 0.01
MIN_RANK_CORRELATION: Final = 0.6


@dataclass(frozen=True, slots=True)
class TrainerLine:
    """A trainer at the end. Amounts in the token's smallest unit."""

    name: str
    address: str
    conduct: str
    label_noise: float
    rounds_accepted: int
    """Final rounds in which it had a weight."""
    mean_weight: float
    """Mean part of all weights, over the final rounds."""
    earned: int
    """Shares of rounds."""
    pool_split: int
    pay: int
    """All that it was credited."""
    claimed: int
    reputation_bps: int
    strikes: int
    stake_left: int


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A final round."""

    round: int
    attempt: int
    aggregator: str
    accuracy: float
    rows: int
    excluded: int
    settle_gas: int
    mean_submit_gas: float
    attestations: int
    seconds: float
    steps: dict[str, float]
    weights: dict[str, str]
    shares: dict[str, str]
    evidence: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every token unit, before and after. `after` counts the balance and what is staked, by name."""

    supply: int
    before: dict[str, int]
    after: dict[str, int]
    staked: dict[str, int]
    contract_balance: int
    contract_stakes: int
    contract_credits: int
    contract_burnt: int

    @property
    def unaccounted(self) -> int:
        """Units of the supply that nobody holds, plus units of the contract that belong to nobody: has to be 0."""
        held = sum(self.after.values()) + self.contract_balance
        owed = self.contract_stakes + self.contract_credits + self.contract_burnt
        return abs(self.supply - held) + abs(self.contract_balance - owed)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the demo found."""

    status: str
    project_id: str
    trainers: tuple[TrainerLine, ...]
    rounds: tuple[RoundLine, ...]
    accounts: Accounts
    evidence_verified: bool
    backend_agrees: bool
    blocks_received: dict[str, int]
    """By bitswap from the other node, by IPFS node; empty without nodes."""
    seconds: float

    @property
    def accuracy(self) -> float:
        """Of the last model on held-out data."""
        return self.rounds[-1].accuracy if self.rounds else 0.0

    @property
    def dishonest_part(self) -> float:
        """What dishonest trainers earned, of all that trainers earned."""
        total = sum(line.pay for line in self.trainers)
        return sum(line.pay for line in self.trainers if line.conduct != Conduct.HONEST) / total if total else 0.0

    @property
    def rank_correlation(self) -> float:
        """Spearman's coefficient between pay and label noise among honest trainers, sign turned: 1 is best."""
        honest = [line for line in self.trainers if line.conduct == Conduct.HONEST]
        if len({line.pay for line in honest}) < 2:
            return 0.0
        result = spearmanr([-line.label_noise for line in honest], [float(line.pay) for line in honest])
        return float(result.statistic)

    def find_failures(self, rounds: int) -> list[str]:
        """What does not hold, in words; empty if the demo succeeded."""
        honest = [line for line in self.trainers if line.conduct == Conduct.HONEST]
        noisiest = max(honest, key=lambda line: line.label_noise)
        conditions = {
            f"the project is {self.status}, not completed": self.status == "completed",
            f"{len(self.rounds)} rounds were final, not {rounds}": len(self.rounds) == rounds,
            f"accuracy on held-out data is {self.accuracy:.3f}, below {MIN_ACCURACY}": self.accuracy >= MIN_ACCURACY,
            f"{self.accounts.unaccounted:,} token units are unaccounted for": self.accounts.unaccounted == 0,
            f"dishonest trainers earned {self.dishonest_part:.2%}": self.dishonest_part < MAX_DISHONEST_PART,
            f"pay and data quality correlate by {self.rank_correlation:.2f} only": self.rank_correlation
            >= MIN_RANK_CORRELATION,
            f"{noisiest.name}, with the most wrong labels, did not earn least": noisiest.pay
            == min(line.pay for line in honest),
            "a trainer did not get what it was credited": all(line.pay == line.claimed for line in self.trainers),
            "an evidence bundle does not verify": self.evidence_verified,
            "the backend tells another story than the chain": self.backend_agrees,
            "an IPFS node got nothing from the other": all(self.blocks_received.values()),
        }
        return [failure for failure, holds in conditions.items() if not holds]

    def to_json(self) -> dict[str, Any]:
        """For `report.json`: token units, which outgrow a float, are decimal strings."""
        document = asdict(self)
        document["accounts"]["unaccounted"] = self.accounts.unaccounted
        summary = {
            "accuracy": self.accuracy,
            "dishonest_part": self.dishonest_part,
            "rank_correlation": self.rank_correlation,
        }
        return {**summary, **{key: _to_primitives(value, key in _AMOUNTS) for key, value in document.items()}}

    def write(self, path: Path) -> None:
        """Writes `report.json`."""
        path.write_text(json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n")

    def print(self, console: Console) -> None:
        """The final tables."""
        console.print(_make_trainer_table(self.trainers), soft_wrap=True)
        console.print(_make_round_table(self.rounds), soft_wrap=True)
        if self.blocks_received:
            listed = ", ".join(f"that of {name} {count:,}" for name, count in self.blocks_received.items())
            console.print(f"Blocks that each IPFS node got from the other by bitswap: {listed}.")


_AMOUNTS: Final = frozenset({"earned", "pool_split", "pay", "claimed", "stake_left", "accounts"})


def _to_primitives(value: Any, is_amount: bool) -> Any:
    match value:
        case dict():
            return {key: _to_primitives(item, is_amount or key in _AMOUNTS) for key, item in value.items()}
        case list() | tuple():
            return [_to_primitives(item, is_amount) for item in value]
        case int() if is_amount:
            return str(value)
        case _:
            return value


def _make_trainer_table(trainers: Iterable[TrainerLine]) -> Table:
    table = Table(title="\nWho was paid what", box=SIMPLE)
    table.add_column("trainer")
    table.add_column("data")
    for heading in ("accepted", "mean weight", "pay", "reputation", "strikes", "stake left"):
        table.add_column(heading, justify="right")
    qualities = {role.name: role.quality for role in TRAINERS}
    for line in trainers:
        table.add_row(
            line.name,
            qualities[line.name],
            str(line.rounds_accepted),
            f"{line.mean_weight:.1%}",
            format_amount(round(line.pay, -16), 18),
            f"{line.reputation_bps / 100:.1f} %",
            str(line.strikes),
            format_amount(line.stake_left, 18),
        )
    return table


def _make_round_table(rounds: Iterable[RoundLine]) -> Table:
    table = Table(title="\nRounds", box=SIMPLE)
    for heading in ("round", "aggregator", "accuracy", "rows", "settle gas", "submit gas", "proof", "seconds"):
        table.add_column(heading, justify="left" if heading == "aggregator" else "right")
    for line in rounds:
        table.add_row(
            str(line.round),
            line.aggregator,
            f"{line.accuracy:.1%}",
            str(line.rows),
            f"{line.settle_gas:,}",
            f"{line.mean_submit_gas:,.0f}",
            f"{line.steps.get('proof', 0.0):.2f} s",
            f"{line.seconds:.1f}",
        )
    return table
