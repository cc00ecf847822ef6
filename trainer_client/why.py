"""Why a trainer was paid what it was paid in a round: from events alone, weighed again and compared with the chain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from steelyard.chain.events import LoggedEvent
from steelyard.chain.records import RoundOutcome
from steelyard.errors import ConfigError
from steelyard.rounds.explain import Explanation, explain_payment, render_explanation
from steelyard.rounds.global_model import reweigh
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.types import Address, ProjectId


@dataclass(frozen=True, slots=True)
class Answer:
    """Why one trainer was paid what it was paid. `explanation` is None where it had no row in the round."""

    record: SettledRound
    trainer: Address
    explanation: Explanation | None
    exclusion: str | None

    @property
    def standing(self) -> str:
        """Whether the payment counts."""
        match self.record.outcome:
            case RoundOutcome.FINAL:
                return "final"
            case RoundOutcome.NONE:
                return "not final yet: it is being attested"
            case outcome:
                return f"undone: the attempt ended as {outcome.name.lower()}"

    def to_json(self) -> dict[str, object]:
        """Everything, as nested dictionaries of primitives."""
        return {
            "trainer": self.trainer,
            "round": self.record.round_index,
            "attempt": self.record.attempt,
            "outcome": self.record.outcome.name.lower(),
            "tx": self.record.tx_hash,
            "block": self.record.block_number,
            "trainers": list(self.record.trainers),
            "excluded": [
                {"trainer": trainer, "reason": exclusion.reason.name.lower()}
                for trainer, exclusion in zip(self.record.excluded, self.record.settlement.exclusions, strict=True)
            ],
            "exclusion": self.exclusion,
            "explanation": None if self.explanation is None else self.explanation.to_json(),
        }

    def render(self, amount: Callable[[int], str]) -> Iterator[str]:
        """Paragraphs of plain text."""
        record = self.record
        yield f"Round {record.round_index}, attempt {record.attempt}: {self.standing}. Trainer {self.trainer}."
        if self.exclusion is not None:
            yield f"Outcome: its submission was excluded before weighing, because it was {self.exclusion}."
        elif self.explanation is None:
            yield "Outcome: it submitted nothing in this attempt, so it earned nothing."
        else:
            yield from render_explanation(self.explanation, lambda row: record.trainers[row], amount)
        yield f"Transaction: 0x{record.tx_hash.hex()} in block {record.block_number:,}."


def find_round(events: Sequence[LoggedEvent], project_id: ProjectId, round_index: int) -> SettledRound:
    """The last settled attempt of a round: the final one, if there is one.

    Raises:
      ConfigError: no attempt at the round was settled.
    """
    records = [record for record in collect_settled_rounds(events, project_id) if record.round_index == round_index]
    if not records:
        raise ConfigError(f"round {round_index} has not been settled")
    return records[-1]


def explain_round(project: ProjectTerms, record: SettledRound, trainer: Address) -> Answer:
    """Weighs the round again and explains the trainer's part.

    Raises:
      EvidenceError: the chain's weights or contributions are not what the rule gives.
    """
    row = record.get_row(trainer)
    if row is None:
        reasons = dict(zip(record.excluded, record.settlement.exclusions, strict=True))
        exclusion = reasons[trainer].reason.name.lower().replace("_", " ") if trainer in reasons else None
        return Answer(record, trainer, None, exclusion)
    weighing = reweigh(project.rule, project.params.dimension, record)
    return Answer(record, trainer, explain_payment(weighing, record.budget, row), None)
