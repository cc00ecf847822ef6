"""Who plays: seven trainers with good, noisy and dishonest data, two aggregators, an owner and a keeper."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HONEST_SHARDS: Final = 5
HOLDOUT: Final = "holdout=0.2&seed=3"
HOLDOUT_DATA: Final = f"digits:?{HOLDOUT}&use=holdout"


class Conduct(enum.StrEnum):
    """What a trainer sends."""

    HONEST = "honest"
    REVERSED = "reversed"
    """Its update times −4."""
    NOISE = "noise"
    """Gaussian noise as long as an honest update."""


@dataclass(frozen=True, slots=True)
class Role:
    """A trainer of the demo."""

    name: str
    conduct: Conduct
    shard: int
    label_noise: float

    @property
    def data(self) -> str:
        """Its data source: one of five parts of the bundled digits, some labels replaced by random ones."""
        noise = f"&noise={self.label_noise}" if self.label_noise else ""
        return f"digits:?{HOLDOUT}&use=train&shard={self.shard}/{HONEST_SHARDS}{noise}"

    @property
    def quality(self) -> str:
        """In words, for tables."""
        match self.conduct:
            case Conduct.REVERSED:
                return "update × −4"
            case Conduct.NOISE:
                return "sends noise"
            case _:
                return f"{self.label_noise:.0%} wrong labels"

    @property
    def is_honest(self) -> bool:
        return self.conduct is Conduct.HONEST


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and what project."""

    trainers: tuple[Role, ...]
    aggregators: tuple[str, ...]
    project_file: Path


TRAINERS: Final = (
    Role("Ada", Conduct.HONEST, 0, 0.0),
    Role("Ben", Conduct.HONEST, 1, 0.0),
    Role("Cleo", Conduct.HONEST, 2, 0.1),
    Role("Dan", Conduct.HONEST, 3, 0.25),
    Role("Eve", Conduct.HONEST, 4, 0.4),
    Role("Mallory", Conduct.REVERSED, 0, 0.0),
    Role("Nick", Conduct.NOISE, 1, 0.0),
)
"""The dishonest two hold shards of their own to train on, so that what they send has the size of honest work."""

DEMO: Final = Cast(TRAINERS, ("Gil", "Hana"), Path(__file__).with_name("project.toml"))
