"""Submissions and votes that must not count: named, refused, and nothing lost. On a real chain."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from steelyard.chain import reverts
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import RoundClosed, UpdateSubmitted
from steelyard.chain.records import Exclusion, ExclusionReason, RoundOutcome, RoundStatus
from steelyard.errors import TransactionRevertedError
from steelyard.rounds.submission import OpenedSubmission
from steelyard.types import Cid, Codec, Digest, ProjectId, UpdateVector
from tests.market_kit import (
    AGGREGATORS,
    BUDGET,
    OWNER,
    SOME_CID,
    MarketKit,
    make_honest_updates,
    make_settlement,
)
from tests.refusals import encode, expect, fail_when_mined, unchanged

pytestmark = pytest.mark.chain

STRANGER = 40
FRESH = Digest(bytes([9]) * 32)
N = 6


@dataclass(frozen=True)
class Project:
    """A running project of six trainers. The last but one's update points the other way, so it will not be paid."""

    kit: MarketKit
    project_id: ProjectId
    trainers: list[int]
    rows: list[OpenedSubmission]

    def refuse_submission(
        self,
        account: int,
        error: TransactionRevertedError,
        *,
        round_index: int = 0,
        cid: Cid = SOME_CID,
        digest: bytes = FRESH,
    ) -> None:
        """In simulation, and when it is sent all the same."""
        with unchanged(self.kit):
            with expect(error):
                self.kit.market(account).submit(self.project_id, round_index, cid, Digest(digest))
            data = encode("submit", self.project_id, round_index, cid, digest)
            fail_when_mined(self.kit, account, error, data)

    def refuse_vote(self, account: int, error: TransactionRevertedError, *, round_index: int = 0) -> None:
        """Either vote, in simulation and when it is sent all the same."""
        with unchanged(self.kit):
            for opens in (True, False):
                with expect(error):
                    self.kit.market(account).attest(self.project_id, round_index, opens=opens)
                fail_when_mined(self.kit, account, error, encode("attest", self.project_id, round_index, opens))

    def post(self, first: int, last: int) -> None:
        """The trainers from `first` to before `last` submit."""
        self.kit.post(self.project_id, self.trainers[first:last], self.rows[first:last])

    def settle(self) -> None:
        """With the first submission excluded."""
        settlement = make_settlement(
            self.kit.weigh(self.project_id, self.rows[1:]), [Exclusion(0, ExclusionReason.NOT_OPENING)]
        )
        self.kit.market(AGGREGATORS[0]).settle(self.project_id, 0, settlement)

    def not_in(self, expected: RoundStatus, current: RoundStatus) -> TransactionRevertedError:
        return reverts.RoundNotInStatusError(self.project_id, current, expected)


@pytest.fixture(scope="module")
def running(devnet: Devnet, deployment: Deployment) -> Iterator[Project]:
    snapshot, kit = devnet.snapshot(), MarketKit(devnet, deployment)
    updates: list[UpdateVector] = make_honest_updates(N, 100)
    updates[4] = -4 * updates[4]
    try:
        project_id, trainers = kit.start_project(N)
        yield Project(kit, project_id, trainers, kit.make_rows(dict(zip(trainers, updates, strict=True))))
    finally:
        devnet.revert(snapshot)


@pytest.fixture
def project(devnet: Devnet, running: Project) -> Iterator[Project]:
    """Its first round collects. What a test does on the chain is undone afterwards."""
    snapshot = devnet.snapshot()
    yield running
    devnet.revert(snapshot)


def test_submission_that_must_not_count_is_refused(project: Project) -> None:
    kit, project_id, trainers = project.kit, project.project_id, project.trainers
    project.post(0, 2)
    taken = project.rows[0].commitment_hash
    second = trainers[1]
    for digest in (project.rows[1].commitment_hash, FRESH, taken):
        project.refuse_submission(second, reverts.AlreadySubmittedError(project_id, kit.address(second)), digest=digest)
    third = trainers[2]
    project.refuse_submission(third, reverts.DuplicateCommitmentError(project_id, taken), digest=taken)
    project.refuse_submission(third, reverts.ZeroValueError(), digest=bytes(32))
    for codec in (0, 0x54, 0x71, 0xFF):
        bad = Cid(codec, SOME_CID.digest)  # type: ignore[arg-type]
        project.refuse_submission(third, reverts.InvalidCidError(SOME_CID.digest, codec), cid=bad)
    nowhere = Cid(Codec.DAG_PB, bytes(32))
    project.refuse_submission(third, reverts.InvalidCidError(nowhere.digest, Codec.DAG_PB), cid=nowhere)
    for given in (1, 2**256 - 1):
        project.refuse_submission(third, reverts.WrongRoundError(project_id, given, 0), round_index=given)

    project.post(2, N)
    project.settle()
    events = kit.market().get_events(0, kit.devnet.web3.eth.block_number, kinds=[UpdateSubmitted])
    submitted = [logged.event for logged in events if isinstance(logged.event, UpdateSubmitted)]
    assert [(event.trainer, event.index) for event in submitted] == [
        (kit.address(trainer), index) for index, trainer in enumerate(trainers)
    ]


def test_submission_for_a_place_of_somebody_else_is_refused(project: Project) -> None:
    kit = project.kit
    member = kit.create_project()
    kit.enrol(member, [STRANGER])  # a trainer with stake and key, of another project
    for account in (OWNER, AGGREGATORS[0], STRANGER):
        error = reverts.NotEnrolledError(project.project_id, kit.address(account))
        project.refuse_submission(account, error, digest=project.rows[0].commitment_hash)
        project.refuse_submission(account, error)
    project.post(0, N)
    project.settle()


def test_late_submission_is_refused(project: Project) -> None:
    late = project.trainers[5]
    project.post(0, 3)
    deadline = project.kit.market().get_round(project.project_id).submit_deadline
    project.kit.devnet.advance_to(deadline)
    weighing = project.not_in(RoundStatus.COLLECTING, RoundStatus.WEIGHING)
    project.refuse_submission(late, weighing, digest=project.rows[5].commitment_hash)
    project.refuse_submission(project.trainers[0], weighing)
    project.kit.settle(project.project_id, project.rows[:3])
    project.refuse_submission(late, project.not_in(RoundStatus.COLLECTING, RoundStatus.ATTESTING))


def test_submission_after_everybody_has_submitted_is_refused(project: Project) -> None:
    project.post(0, N)
    project.refuse_submission(project.trainers[0], project.not_in(RoundStatus.COLLECTING, RoundStatus.WEIGHING))
    project.settle()


def test_submission_to_a_round_with_too_few_is_refused(project: Project) -> None:
    project.post(0, 2)
    project.kit.devnet.advance_to(project.kit.market().get_round(project.project_id).submit_deadline)
    project.refuse_submission(project.trainers[2], project.not_in(RoundStatus.COLLECTING, RoundStatus.DECIDED))


def test_vote_that_must_not_count_is_refused(project: Project) -> None:
    kit, project_id, trainers = project.kit, project.project_id, project.trainers
    project.refuse_vote(trainers[1], project.not_in(RoundStatus.ATTESTING, RoundStatus.COLLECTING))
    project.post(0, N)
    project.refuse_vote(trainers[1], project.not_in(RoundStatus.ATTESTING, RoundStatus.WEIGHING))
    project.settle()
    attesters = kit.market().get_round(project_id).attesters
    voters = [trainer for slot, trainer in enumerate(trainers) if attesters >> slot & 1]
    assert voters == [trainers[slot] for slot in (1, 2, 3, 5)], "neither the excluded row nor the unpaid one may vote"

    for account in (OWNER, AGGREGATORS[0], STRANGER, trainers[0], trainers[4]):
        project.refuse_vote(account, reverts.NotAttesterError(project_id, kit.address(account)))
    for given in (1, 2**256 - 1):
        project.refuse_vote(voters[0], reverts.WrongRoundError(project_id, given, 0), round_index=given)

    kit.market(voters[0]).attest(project_id, 0, opens=True)
    kit.market(voters[1]).attest(project_id, 0, opens=False)
    for voter in voters[:2]:
        project.refuse_vote(voter, reverts.AlreadyAttestedError(project_id, kit.address(voter)))
    kit.market(voters[2]).attest(project_id, 0, opens=True)
    assert kit.market().get_round(project_id).status is RoundStatus.ATTESTING
    kit.market(voters[3]).attest(project_id, 0, opens=True)
    for voter in (voters[0], trainers[0]):
        project.refuse_vote(voter, project.not_in(RoundStatus.ATTESTING, RoundStatus.DECIDED))

    closed = kit.market().poke(project_id).find(RoundClosed)
    assert closed.outcome is RoundOutcome.FINAL
    shares = sum(kit.market().get_credit(kit.address(trainer), kit.token_address) for trainer in voters)
    fee = BUDGET // 2 * 500 // 10_000
    assert shares == closed.paid == BUDGET // 2 - fee - closed.to_pool


def test_late_vote_is_refused(project: Project) -> None:
    project.post(0, N)
    project.settle()
    project.kit.devnet.advance_to(project.kit.market().get_round(project.project_id).attest_deadline)
    project.refuse_vote(project.trainers[1], project.not_in(RoundStatus.ATTESTING, RoundStatus.DECIDED))
