"""A settled round as the chain's events tell it. Pure: events in, records out.

Everything that a round was decided by is in three events, `UpdateSubmitted`, `RoundSettled` and `RoundWeighed`, and how
it ended in a fourth, `RoundClosed`. Whoever has the logs needs neither state nor transactions. The root that a rooted
project's owner submits (`RootSubmitted`) is a submission like the others, behind them all.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from steelyard.chain.events import (
    Event,
    LoggedEvent,
    RootSubmitted,
    RoundClosed,
    RoundSettled,
    RoundWeighed,
    UpdateSubmitted,
)
from steelyard.chain.records import RoundOutcome, Settlement
from steelyard.constants import ROOT_INDEX
from steelyard.types import Address, Digest, ProjectId


@dataclass(frozen=True, slots=True)
class SettledRound:
    """One attempt that was settled. Tuples are by row: submissions in order, less the excluded ones, a root last."""

    project_id: ProjectId
    round_index: int
    attempt: int
    aggregator: Address
    attest_deadline: int
    settlement: Settlement
    trainers: tuple[Address, ...]
    commitment_hashes: tuple[Digest, ...]
    excluded: tuple[Address, ...]
    """Who the exclusions of the settlement are about, in their order."""
    f: int
    budget: int
    """What the rows share, in token units."""
    weights: tuple[int, ...]
    contributions: tuple[int, ...]
    shares: tuple[int, ...]
    opposed: int
    """Bit `i` is set where row `i` earned a strike."""
    tx_hash: bytes
    block_number: int
    outcome: RoundOutcome = RoundOutcome.NONE
    """How the attempt was closed; NONE while it is open."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.trainers)

    @property
    def commitments(self) -> tuple[bytes, ...]:
        """`C_i^0 ‖ … ‖ C_i^{B−1}` of each row."""
        size = len(self.settlement.commitments) // self.n
        return tuple(self.settlement.commitments[size * i : size * (i + 1)] for i in range(self.n))

    def get_row(self, trainer: Address) -> int | None:
        """The trainer's row, or the owner's for its root; None for who did not submit or was excluded."""
        return self.trainers.index(trainer) if trainer in self.trainers else None


def collect_submissions(
    events: Iterable[LoggedEvent], project_id: ProjectId, attempt: int
) -> tuple[UpdateSubmitted, ...]:
    """The submissions of one attempt, in their order; a root is the last, with the index `ROOT_INDEX`."""
    found = [
        submission
        for logged in events
        if (submission := _read_submission(logged.event)) is not None
        and (submission.project_id, submission.attempt) == (project_id, attempt)
    ]
    return tuple(sorted(found, key=lambda submission: submission.index))


def collect_settled_rounds(events: Iterable[LoggedEvent], project_id: ProjectId) -> tuple[SettledRound, ...]:
    """The settled attempts of a project, oldest first.

    Args:
      events: the marketplace's events, in the order of the chain, at least all of this project's.
      project_id: the project.
    """
    submissions: dict[int, dict[int, UpdateSubmitted]] = defaultdict(dict)
    settled: dict[int, LoggedEvent] = {}
    rounds: dict[int, SettledRound] = {}
    for logged in events:
        submission = _read_submission(logged.event)
        if submission is not None and submission.project_id == project_id:
            submissions[submission.attempt][submission.index] = submission
        match logged.event:
            case RoundSettled() as event if event.project_id == project_id:
                settled[event.attempt] = logged
            case RoundWeighed() as weighed if weighed.project_id == project_id:
                rounds[weighed.attempt] = _join(settled[weighed.attempt], weighed, submissions[weighed.attempt])
            case RoundClosed() as closed if closed.project_id == project_id and closed.attempt in rounds:
                rounds[closed.attempt] = replace(rounds[closed.attempt], outcome=closed.outcome)
            case _:
                pass
    return tuple(rounds[attempt] for attempt in sorted(rounds))


def select_final(rounds: Iterable[SettledRound]) -> tuple[SettledRound, ...]:
    """The attempts that counted, one a round, in the order of rounds."""
    return tuple(record for record in rounds if record.outcome is RoundOutcome.FINAL)


def _read_submission(event: Event) -> UpdateSubmitted | None:
    match event:
        case UpdateSubmitted():
            return event
        case RootSubmitted(project_id, index, owner, attempt, cid, commitment_hash):
            return UpdateSubmitted(project_id, index, owner, attempt, ROOT_INDEX, cid, commitment_hash)
        case _:
            return None


def _join(logged: LoggedEvent, weighed: RoundWeighed, submissions: dict[int, UpdateSubmitted]) -> SettledRound:
    settled = logged.event
    assert isinstance(settled, RoundSettled)  # noqa: S101 - stored as such above
    exclusions = settled.settlement.exclusions
    left_out = {exclusion.index for exclusion in exclusions}
    rows = [submissions[index] for index in sorted(submissions) if index not in left_out]
    return SettledRound(
        project_id=settled.project_id,
        round_index=settled.round,
        attempt=settled.attempt,
        aggregator=settled.aggregator,
        attest_deadline=settled.attest_deadline,
        settlement=settled.settlement,
        trainers=weighed.trainers,
        commitment_hashes=tuple(Digest(row.commitment_hash) for row in rows),
        excluded=tuple(submissions[exclusion.index].trainer for exclusion in exclusions),
        f=weighed.f,
        budget=weighed.budget,
        weights=weighed.weights,
        contributions=weighed.contributions,
        shares=weighed.shares,
        opposed=weighed.opposed,
        tx_hash=logged.tx_hash,
        block_number=logged.block_number,
    )
