"""What a project costs in gas, before it exists.

Prices of precompiles are those of EIP-2537 and exact. All else is linear in a few sizes, with coefficients that
`python -m scripts.measure_gas` fits to real transactions (`gas_coefficients.json`); docs/gas.md has the table and the
error. What a transaction costs also depends a little on its data: zero bytes are cheaper.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from steelyard.constants import MAX_TRAINERS

MASK_SLOTS: Final = 8
MAX_COMMITMENTS: Final = 1_024
MIN_ROWS: Final = 3

MSM_TERM_GAS: Final = 12_000
MODEXP_GAS: Final = 1_354
"""EIP-2565, as measured. EIP-7883 makes it 4,064."""
G2_MULTIPLICATION_GAS: Final = 22_500
G2_ADDITION_GAS: Final = 600
TWO_PAIRINGS_GAS: Final = 37_700 + 2 * 32_600

# EIP-2537, discounts in thousandths for 1 to 128 terms in G1.
# fmt: off
MSM_DISCOUNTS: Final = (
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665, 661, 658, 654,
    651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615, 613, 611, 609, 608, 606, 604,
    603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581, 580, 579, 577, 576, 575, 574,
    573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 551,
    550, 549, 548, 547, 547, 546, 545, 544, 543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532,
    532, 531, 530, 529, 528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Size:
    """What the cost of a round depends on.

    Args:
      n: rows, 3 to 32.
      blocks: `B`, commitments of a row.
      f: trainers' rows assumed dishonest.
      roots: rows that are no trainer's: 1 where the rule is rooted.
    """

    n: int
    blocks: int
    f: int
    roots: int = 0

    def __post_init__(self) -> None:
        if not MIN_ROWS <= self.n <= MAX_TRAINERS:
            raise ValueError(f"a round has {MIN_ROWS} to {MAX_TRAINERS} rows, not {self.n}")
        if not 0 < self.n * self.blocks <= MAX_COMMITMENTS:
            raise ValueError(
                f"{self.n} rows of {self.blocks} blocks are {self.n * self.blocks:,} commitments; "
                f"a settlement carries {MAX_COMMITMENTS:,} at most"
            )
        if not 0 <= 2 * self.f <= self.trainers - MIN_ROWS:
            most = (self.trainers - MIN_ROWS) // 2
            raise ValueError(f"{self.trainers} trainers tolerate {most} dishonest ones, not {self.f}")

    @property
    def trainers(self) -> int:
        """Rows that are paid."""
        return self.n - self.roots

    def get_terms(self) -> dict[str, int]:
        """The terms that coefficients multiply, by their names in the file."""
        width = (self.n + 8) // 9 * 3  # words of a packed row (GramSteps.sol)
        return {
            "1": 1,
            "n": self.n,
            "B": self.blocks,
            "nB": self.n * self.blocks,
            "n²": self.n**2,
            "n·w": self.n * width,
            "n·w·f": self.n * width * self.f,
            "⌈n/2⌉": (self.n + 1) // 2,
            "⌈n/16⌉": (self.n + 15) // 16,
        }


@dataclass(frozen=True, slots=True)
class SettleGas:
    """The gas of one settlement, by what it is spent on.

    Args:
      calldata: the 21,000 of every transaction, and its bytes.
      precompiles: multi-scalar multiplication, pairings, one inverse.
      verifier: the rest of the proof's verification: hashes, the quadratic form, copying.
      rule: the weighing.
      storage: reading submissions; pending shares, reputations and strikes.
      events: all that settled a round, so that logs alone suffice to check it.
      rest: matching rows, encoding, shares.
    """

    calldata: int
    precompiles: int
    verifier: int
    rule: int
    storage: int
    events: int
    rest: int

    @property
    def total(self) -> int:
        """What the transaction uses."""
        return sum(getattr(self, field.name) for field in fields(self))


def compute_blocks(d: int, powers: int) -> int:
    """`B`: how many commitments a row of `d` entries needs over a string of `powers` points (docs/proof.md).

    Raises:
      ValueError: no entries, or a string without room for any.
    """
    payload = powers - MASK_SLOTS
    if d < 1 or payload < 1:
        raise ValueError(f"{d:,} entries do not fit blocks of {payload:,}")
    return -(-d // payload)


def compute_tolerated(n: int, byzantine_bps: int) -> int:
    """`f`, as the contract computes it (docs/rules.md)."""
    return min(n * byzantine_bps // 10_000, (n - MIN_ROWS) // 2)


def compute_msm_gas(terms: int) -> int:
    """The price of a multi-scalar multiplication in G1 (EIP-2537)."""
    return terms * MSM_TERM_GAS * MSM_DISCOUNTS[min(terms, len(MSM_DISCOUNTS)) - 1] // 1_000


def compute_precompile_gas(size: Size) -> int:
    """What the proof's precompile calls cost."""
    msm = compute_msm_gas(size.n * size.blocks + size.blocks + 5)
    return MODEXP_GAS + msm + G2_MULTIPLICATION_GAS + G2_ADDITION_GAS + TWO_PAIRINGS_GAS


def _count_trainers(size: Size) -> Size:
    return replace(size, n=size.trainers, roots=0)


def compute_settle_gas(size: Size, rule: str, *, is_first: bool) -> SettleGas:
    """The gas of a settlement.

    Args:
      size: of the round.
      rule: one of the offered rules.
      is_first: whether it is the project's first; later ones overwrite storage, which costs less.

    Raises:
      KeyError: no such rule.
    """
    return SettleGas(
        calldata=_evaluate("calldata", size),
        precompiles=compute_precompile_gas(size),
        verifier=_evaluate("verifier", size),
        rule=_evaluate(f"rule {rule}", size),
        storage=_evaluate("storage first" if is_first else "storage later", _count_trainers(size)),
        events=_evaluate("events", size),
        rest=_evaluate("rest", size),
    )


def compute_poke_gas(size: Size, *, is_first: bool, is_last: bool) -> int:
    """The gas of closing a final round: paying, rating, and opening the next or ending the project."""
    size = _count_trainers(size)
    gas = _evaluate("poke first" if is_first else "poke later", size)
    if is_last:
        gas += _evaluate("poke last", size) - _evaluate("poke later", size)
    return gas


def get_call_gas(name: str) -> int:
    """The gas of a transaction whose cost depends on nothing: `submit`, `attest`, `enrol` and so on.

    Raises:
      KeyError: no such call.
    """
    return int(_load()["calls"][name])


def compute_project_gas(size: Size, rounds: int, rule: str) -> dict[str, dict[str, int]]:
    """The gas of a project in which every round becomes final, by role and transaction, `settle` and all.

    The roles: the owner; all trainers together; the aggregator, if one serves all rounds; and whoever closes
    rounds, which anybody may. As many trainers attest as decide a round.

    Raises:
      ValueError: no rounds.
    """
    if rounds < 1:
        raise ValueError("a project has at least one round")
    settled = [compute_settle_gas(size, rule, is_first=index == 0).total for index in range(min(rounds, 2))]
    closed = [
        compute_poke_gas(size, is_first=index == 0, is_last=index == rounds - 1)
        for index in (0, 1, rounds - 1)[:rounds]
    ]
    n, votes = size.trainers, size.trainers // 2 + 1
    enrolling = sum(get_call_gas(name) for name in ("registerKey", "registerHybridKey", "approve", "deposit", "enrol"))
    leaving = sum(get_call_gas(name) for name in ("claim", "unbond", "withdraw"))
    offering = sum(
        get_call_gas(name) for name in ("registerKey", "registerHybridKey", "approve", "deposit", "registerAggregator")
    )
    return {
        "owner": {
            "create": get_call_gas("approve") + get_call_gas("createProject"),
            "start": get_call_gas("start"),
            **({"root": rounds * get_call_gas("submitRoot")} if size.roots else {}),
            "claim": get_call_gas("claim"),
        },
        "trainers": {
            "enrol": n * enrolling,
            "submit": n * rounds * get_call_gas("submit"),
            "attest": votes * rounds * get_call_gas("attest"),
            "leave": n * leaving,
        },
        "aggregator": {"offer": offering, "settle": settled[0] + (rounds - 1) * settled[-1], "leave": leaving},
        "anybody": {"poke": closed[0] + max(rounds - 2, 0) * closed[min(1, rounds - 1)] + (rounds > 1) * closed[-1]},
    }


def _evaluate(part: str, size: Size) -> int:
    coefficients: Mapping[str, float] = _load()["parts"][part]
    terms = size.get_terms()
    return round(sum(coefficient * terms[name] for name, coefficient in coefficients.items()))


@cache
def _load() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files(__package__).joinpath("gas_coefficients.json").read_text("utf-8"))
    return document
