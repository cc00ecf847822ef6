"""What a project will cost in gas and time, before it exists. Pure."""

from dataclasses import dataclass
from typing import Final

from steelyard.chain.gas_model import Size, compute_blocks, compute_tolerated
from steelyard.errors import ConfigError
from steelyard.rules import get_on_chain_rule

ETHEREUM_POWERS: Final = 4_096
REFERENCE_SECONDS: Final = 0.22
"""A proof for a small round on the machine of docs/performance.md, which `estimate_seconds` is about."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a quote is for: updates of `n` trainers, `d` entries each, in each of `rounds` rounds."""

    n: int
    d: int
    rounds: int
    rule: str
    byzantine_bps: int
    powers: int

    def get_size(self) -> Size:
        """Of each round.

        Raises:
          ConfigError: it cannot be settled on chain.
        """
        try:
            blocks, roots = compute_blocks(self.d, self.powers), int(get_on_chain_rule(self.rule).rooted)
            return Size(self.n + roots, blocks, compute_tolerated(self.n, self.byzantine_bps), roots)
        except ValueError as error:
            raise ConfigError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of one round, without training and transfers."""

    commit: float
    check_openings: float
    prove: float
    prove_short: float
    """Where the project asks for a shortness proof, as it does unless its specification says otherwise."""


def estimate_seconds(n: int, d: int, speed: float = 1.0) -> Seconds:
    """How long a round's cryptography takes, after the table of docs/performance.md: right to about a factor of two.

    Args:
      n: rows.
      d: entries of a row.
      speed: of this machine, relative to the one of the table.
    """
    prove = (REFERENCE_SECONDS + (8e-7 + 1.5e-8 * n) * d) / speed
    return Seconds(
        commit=1.7e-6 * d / speed,
        check_openings=(0.05 + 2.2e-8 * n * d) / speed,
        prove=prove,
        prove_short=1.7 * prove,  # docs/shortness.md, section 8
    )
