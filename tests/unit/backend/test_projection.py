"""What single events do to the read model, where a random history would not show it."""

from dataclasses import replace

import pytest

from backend.database import Database
from backend.event_log import Facts, build_row, decode_event
from backend.models import Account, Aggregator, Attempt, Balance, Member, Project, Submission
from backend.projection import _apply, apply
from backend.queries import get_project, get_round, get_trainer
from steelyard.chain import events as ev
from steelyard.chain.events import Event, LoggedEvent, event_classes
from steelyard.chain.records import AggregatorTerms, ExclusionReason, LeaveReason, ProjectStatus, RoundOutcome
from steelyard.constants import ROOT_INDEX
from steelyard.storage import compute_cid
from steelyard.types import Address
from tests.backend_chain import (
    AGGREGATOR,
    AGGREGATOR_STAKE,
    MIN_STAKE,
    OWNER,
    TOKEN,
    FakeChain,
    close_settled_project,
    load_bundle,
    make_settled_project,
)

BUNDLE = load_bundle("ev_7_2410_bad")
PROJECT = "0x" + BUNDLE.project_id.hex()
STRANGER = Address("0x" + "99" * 20)


def apply_all(database: Database, chain: FakeChain) -> None:
    with database.write() as session:
        for block in chain.blocks:
            for logged in block.events:
                apply(session, logged, chain.get_facts(logged))


@pytest.fixture
def settled(database: Database, chain: FakeChain) -> Database:
    chain.mine(*make_settled_project(BUNDLE, excluded=STRANGER))
    apply_all(database, chain)
    return database


def follow(database: Database, *events: Event) -> None:
    with database.write() as session:
        for index, event in enumerate(events):
            apply(session, LoggedEvent(event, 1000, index, bytes(32), bytes(32)), Facts())


def test_every_event_of_the_contract_has_a_projection() -> None:
    fallback = _apply.dispatch(Event)
    assert [cls.__name__ for cls in event_classes().values() if _apply.dispatch(cls) is fallback] == []


def test_events_survive_the_log_exactly() -> None:
    chain = FakeChain(7)
    chain.mine_random(120)
    events = [logged for block in chain.blocks for logged in block.events]
    assert len({type(logged.event) for logged in events}) > 20
    assert [decode_event(build_row(logged, Facts())) for logged in events] == [logged.event for logged in events]


def test_a_settlement_gives_rows_to_what_was_weighed_and_reasons_to_what_was_not(settled: Database) -> None:
    with settled.read() as session:
        excluded = session.get_one(Submission, (PROJECT, 1, 0))
        assert (excluded.trainer, excluded.excluded, excluded.row) == (STRANGER, ExclusionReason.UNAVAILABLE, None)
        for row, trainer in enumerate(BUNDLE.trainers):
            submission = session.get_one(Submission, (PROJECT, 1, row + 1))
            assert (submission.trainer, submission.row, submission.excluded) == (trainer, row, ExclusionReason.NONE)
            assert (submission.weight, submission.share) == (BUNDLE.weights[row], BUNDLE.shares[row])
            assert submission.opposed == (row == 5)
        attempt = session.get_one(Attempt, (PROJECT, 1))
        assert attempt.attesters == sum(share > 0 for share in BUNDLE.shares)
        assert attempt.settled_gas == 1_000_005
        assert attempt.outcome is RoundOutcome.NONE


def test_a_round_that_pays_nobody_is_attested_by_those_with_a_weight(database: Database, chain: FakeChain) -> None:
    blocks = make_settled_project(BUNDLE)
    weighed = blocks[-1][1]
    assert isinstance(weighed, ev.RoundWeighed)
    unpaid = ev.RoundWeighed(
        BUNDLE.project_id, 0, 1, BUNDLE.trainers, 2, BUNDLE.budget, BUNDLE.weights, (0,) * 7, (0,) * 7, 0
    )
    chain.mine(*blocks[:-1], [blocks[-1][0], unpaid])
    apply_all(database, chain)
    with database.read() as session:
        assert session.get_one(Attempt, (PROJECT, 1)).attesters == sum(weight > 0 for weight in BUNDLE.weights)


def test_a_final_round_pays_and_forgets_absences(settled: Database) -> None:
    project_id, first = BUNDLE.project_id, BUNDLE.trainers[0]
    follow(
        settled,
        ev.AbsenceRecorded(project_id, first, 1),
        ev.AbsenceRecorded(project_id, STRANGER, 1),
    )
    with settled.write() as session:
        for index, event in enumerate(close_settled_project(BUNDLE)):
            apply(session, LoggedEvent(event, 1001, index, bytes(32), bytes(32)), Facts())
    with settled.read() as session:
        assert session.get_one(Member, (PROJECT, first)).absences == 0
        assert session.get_one(Member, (PROJECT, STRANGER)).absences == 1
        assert session.get_one(Member, (PROJECT, first)).earned == BUNDLE.shares[0]
        assert session.get_one(Balance, (first, TOKEN)).credited == BUNDLE.shares[0]
        assert session.get_one(Account, first).reputation_bps == 5625
        project = session.get_one(Project, PROJECT)
        assert project.paid + project.pool == BUNDLE.budget
        attempt = session.get_one(Attempt, (PROJECT, 1))
        assert (attempt.outcome, attempt.approvals, attempt.objections) == (RoundOutcome.FINAL, 4, 0)


def test_a_root_is_a_row_of_the_owners_and_counts_nowhere(database: Database, chain: FakeChain) -> None:
    """The bundle's last trainer is taken for the owner."""
    *trainers, owner = BUNDLE.trainers

    def take_for_root(event: Event) -> Event | None:
        match event:
            case ev.ProjectCreated():
                return replace(event, owner=owner, rooted=True)
            case ev.UpdateSubmitted(trainer=sender) if sender == owner:
                return ev.RootSubmitted(event.project_id, 0, owner, 1, event.cid, event.commitment_hash)
            case ev.TrainerEnrolled(trainer=account) | ev.StakeLocked(account=account) if account == owner:
                return None
            case _:
                return event

    groups = make_settled_project(BUNDLE)
    chain.mine(*([changed for event in group if (changed := take_for_root(event))] for group in groups))
    apply_all(database, chain)
    follow(database, ev.RoundClosed(BUNDLE.project_id, 0, 1, RoundOutcome.FINAL, 0, 0))
    with database.read() as session:
        assert session.get_one(Project, PROJECT).rooted
        attempt = session.get_one(Attempt, (PROJECT, 1))
        assert (attempt.has_root, attempt.submissions, attempt.members) == (True, len(trainers), len(trainers))
        root = session.get_one(Submission, (PROJECT, 1, ROOT_INDEX))
        assert (root.trainer, root.row, root.weight) == (owner, len(trainers), BUNDLE.weights[-1])
        assert session.get(Member, (PROJECT, owner)) is None
        detail = get_round(session, PROJECT, 0, None)
        assert [entry.trainer for entry in detail.entries] == list(BUNDLE.trainers)
        assert detail.has_root


def test_stakes_move_between_free_locked_and_unbonding(settled: Database) -> None:
    project_id, trainer = BUNDLE.project_id, BUNDLE.trainers[0]
    follow(
        settled,
        ev.StakeSlashed(project_id, trainer, 3, 1),
        ev.StakeReleased(project_id, trainer, MIN_STAKE - 3),
        ev.StakeUnbonding(trainer, TOKEN, 10, 77),
    )
    with settled.read() as session:
        balance = session.get_one(Balance, (trainer, TOKEN))
        assert (balance.free, balance.locked, balance.unbonding) == (MIN_STAKE - 13, 0, 10)
        assert (balance.slashed, balance.available_at) == (3, 77)
        assert session.get_one(Project, PROJECT).pool == 1
    follow_later = LoggedEvent(ev.StakeWithdrawn(trainer, TOKEN, 10, trainer), 1002, 0, bytes(32), bytes(32))
    with settled.write() as session:
        apply(session, follow_later, Facts())
    with settled.read() as session:
        balance = session.get_one(Balance, (trainer, TOKEN))
        assert (balance.unbonding, balance.available_at) == (0, 0)


def test_a_trainer_that_left_while_enrolling_may_come_back(database: Database, chain: FakeChain) -> None:
    blocks = make_settled_project(BUNDLE)
    trainer = BUNDLE.trainers[2]
    left = [ev.TrainerLeft(BUNDLE.project_id, trainer, LeaveReason.LEFT)]
    chain.mine(*blocks[:2], left, [ev.TrainerEnrolled(BUNDLE.project_id, trainer, 6)])
    apply_all(database, chain)
    with database.read() as session:
        member = session.get_one(Member, (PROJECT, trainer))
        assert (member.slot, member.left, session.get_one(Project, PROJECT).active) == (6, LeaveReason.NONE, 7)


def test_the_end_of_a_project_empties_its_pool(settled: Database) -> None:
    follow(settled, ev.ProjectEnded(BUNDLE.project_id, ProjectStatus.FAILED, refund=5, pool=9))
    with settled.read() as session:
        project = session.get_one(Project, PROJECT)
        assert (project.status, project.refund, project.pool, project.pool_split) == (ProjectStatus.FAILED, 5, 0, 9)


def test_an_offer_taken_back_is_remembered(database: Database) -> None:
    terms = AggregatorTerms(2**127, 10, 20, 30)
    follow(database, ev.AggregatorRegistered(AGGREGATOR, TOKEN, terms), ev.AggregatorUnregistered(AGGREGATOR, TOKEN))
    with database.read() as session:
        offer = session.get_one(Aggregator, (AGGREGATOR, TOKEN))
        assert (offer.registered, offer.max_stake, offer.offered_block) == (False, 2**127, 1000)


def test_an_event_without_its_past_is_a_bug_and_says_so(database: Database) -> None:
    with pytest.raises(LookupError, match="TrainerLeaving without Member"):
        follow(database, ev.TrainerLeaving(BUNDLE.project_id, OWNER))


def test_locked_aggregator_stake_is_in_the_projects_token(settled: Database) -> None:
    with settled.read() as session:
        balance = session.get_one(Balance, (AGGREGATOR, TOKEN))
        assert (balance.free, balance.locked) == (0, AGGREGATOR_STAKE)


def test_grants_are_replaced_and_revoked_and_hybrid_keys_kept(settled: Database) -> None:
    manifests = [compute_cid(bytes([number])) for number in range(3)]
    follow(
        settled,
        ev.KeysPublished(BUNDLE.project_id, STRANGER, manifests[0]),
        ev.AccessGranted(BUNDLE.project_id, STRANGER, 3, manifests[1]),
        ev.AccessGranted(BUNDLE.project_id, STRANGER, 1, manifests[2]),
        ev.AccessRevoked(BUNDLE.project_id, Address("0x" + "98" * 20)),
        ev.HybridKeyRegistered(STRANGER, b"\x07" * 32),
    )
    with settled.read() as session:
        (reader,) = get_project(session, PROJECT).readers
        assert (reader.reader, reader.from_round, reader.manifest_cid) == (STRANGER, 1, str(manifests[2]))
        assert not reader.revoked
        assert get_trainer(session, STRANGER, 1).hybrid_digest == "0x" + "07" * 32
    with settled.write() as session:
        apply(
            session,
            LoggedEvent(ev.AccessRevoked(BUNDLE.project_id, STRANGER), 1001, 0, bytes(32), bytes(32)),
            Facts(),
        )
    with settled.read() as session:
        assert get_project(session, PROJECT).readers[0].revoked
