from dataclasses import replace

import numpy as np
import pytest

from steelyard.chain.events import LoggedEvent, RootSubmitted, RoundClosed, UpdateSubmitted
from steelyard.chain.records import Exclusion, ExclusionReason, RoundOutcome
from steelyard.constants import ROOT_INDEX
from steelyard.models.initial import compute_initial_parameters
from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.records import collect_settled_rounds, collect_submissions, select_final
from steelyard.rounds.settlement import weigh_round
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.storage import compute_cid
from steelyard.types import Address, Digest, ProjectId
from tests.rounds_kit import PROJECT, Kit, PlayedRound, make_spec, make_store, play_round


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.make(n=5)


@pytest.fixture(scope="module")
def played(kit: Kit) -> PlayedRound:
    initial = compute_initial_parameters(make_spec().model, seed=1)
    spec = make_spec(initial)
    return play_round(kit, make_store(initial, spec), GlobalModel(0, initial), spec)


def test_a_round_is_read_from_its_events(kit: Kit, played: PlayedRound) -> None:
    (record,) = collect_settled_rounds(played.events, PROJECT)

    assert record.trainers == tuple(kit.trainers)
    assert record.weights == played.weighed.weighing.weights
    assert b"".join(record.commitments) == played.weighed.commitments
    assert record.outcome is RoundOutcome.FINAL
    assert select_final([record]) == (record,)
    assert [record.get_row(trainer) for trainer in kit.trainers] == [0, 1, 2, 3, 4]


def test_events_of_other_projects_are_ignored(played: PlayedRound) -> None:
    assert collect_settled_rounds(played.events, ProjectId(b"\x08" * 32)) == ()
    assert collect_submissions(played.events, ProjectId(b"\x08" * 32), 1) == ()


def test_submissions_come_in_their_order(kit: Kit, played: PlayedRound) -> None:
    shuffled = [played.events[i] for i in np.random.default_rng(0).permutation(len(played.events))]
    assert [s.trainer for s in collect_submissions(shuffled, PROJECT, 1)] == kit.trainers


def test_a_root_is_the_last_submission_whenever_it_came(kit: Kit, played: PlayedRound) -> None:
    owner = Address("0x" + "0f" * 20)
    root = RootSubmitted(PROJECT, 0, owner, 1, compute_cid(b"root"), Digest(b"\x0f" * 32))
    elsewhere = replace(root, project_id=ProjectId(b"\x08" * 32))
    first = [replace(played.events[0], event=event) for event in (elsewhere, root)]
    submissions = collect_submissions([*first, *played.events], PROJECT, 1)
    assert [s.trainer for s in submissions] == [*kit.trainers, owner]
    assert (submissions[-1].index, submissions[-1].commitment_hash) == (ROOT_INDEX, root.commitment_hash)

    (record,) = collect_settled_rounds([*first, *played.events], PROJECT)
    assert record.commitment_hashes[-1] == root.commitment_hash
    assert len(record.commitment_hashes) == len(kit.trainers) + 1


def test_an_open_round_has_no_outcome(played: PlayedRound) -> None:
    unclosed = [logged for logged in played.events if not isinstance(logged.event, RoundClosed)]
    (record,) = collect_settled_rounds(unclosed, PROJECT)

    assert record.outcome is RoundOutcome.NONE
    assert select_final([record]) == ()


def test_a_void_attempt_does_not_count_and_its_repetition_does(kit: Kit, played: PlayedRound) -> None:
    def repeat(logged: LoggedEvent) -> LoggedEvent:
        return replace(logged, event=replace(logged.event, attempt=2))  # type: ignore[call-arg]

    first = [
        replace(logged, event=replace(logged.event, outcome=RoundOutcome.VOID))
        if isinstance(logged.event, RoundClosed)
        else logged
        for logged in played.events
    ]
    records = collect_settled_rounds([*first, *map(repeat, played.events)], PROJECT)

    assert [(record.attempt, record.outcome) for record in records] == [(1, RoundOutcome.VOID), (2, RoundOutcome.FINAL)]
    assert [record.attempt for record in select_final(records)] == [2]


def test_an_excluded_submission_is_no_row(kit: Kit) -> None:
    submissions = [kit.submit(row) for row in range(5)]
    opened = [kit.open(row, submission) for row, submission in enumerate(submissions) if row != 1]
    weighed = weigh_round(kit.srs, DEFAULT_RULE, kit.context(), opened)
    exclusions = (Exclusion(1, ExclusionReason.UNAVAILABLE),)
    events = kit.log(submissions, opened, exclusions, weighed, b"aggregate")
    (record,) = collect_settled_rounds(events, PROJECT)

    assert record.n == 4
    assert record.excluded == (kit.trainers[1],)
    assert record.get_row(kit.trainers[1]) is None
    assert record.get_row(kit.trainers[2]) == 1
    assert record.commitment_hashes == tuple(row.commitment_hash for row in opened)
    assert sum(isinstance(logged.event, UpdateSubmitted) for logged in events) == 5
