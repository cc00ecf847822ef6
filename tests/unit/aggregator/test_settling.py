"""One attempt from its submissions to the call of `settle`, with a marketplace that writes down what it is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import pytest

from aggregator.collector import Collector
from aggregator.settling import RoundWork, Settled, WaitingError
from steelyard.chain.client import Marketplace
from steelyard.chain.events import UpdateSubmitted
from steelyard.chain.records import Exclusion, ExclusionReason, Settlement
from steelyard.chain.transactions import Receipt
from steelyard.constants import ROOT_INDEX
from steelyard.errors import (
    ChainTimeoutError,
    RootUnusableError,
    StorageUnavailableError,
    TooFewUpdatesError,
    TooManyExclusionsError,
)
from steelyard.gram import (
    GramProof,
    GramStatement,
    ShortnessProof,
    compute_context,
    shortness_length,
    verify_aggregate_opening,
    verify_gram,
    verify_shortness,
)
from steelyard.gram.points import POINT_BYTES
from steelyard.models.safetensors_io import decode_model
from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.submission import Submission
from steelyard.rules.registry import DEFAULT_RULE, RULES, Rule
from steelyard.spec import ProjectSpec
from steelyard.storage import MemoryBlobStore, compute_cid
from steelyard.types import Cid, ProjectId
from steelyard.updates.aggregate import compute_next_parameters, decode_aggregate
from tests import bad_submissions
from tests.bad_submissions import Bench
from tests.rounds_kit import CHAIN_ID, MARKETPLACE, PROJECT, Kit, make_spec

N = 7
"""With 30 % Byzantine, two of seven may be excluded."""

RECEIPT = Receipt("0x01", 1, "0x02", 1_000_000, 1, None, ())


@dataclass(slots=True)
class Ledger:
    """Stands in for the marketplace."""

    sent: list[tuple[ProjectId, int, Settlement]] = field(default_factory=list)
    refuse: Exception | None = None

    def settle(self, project_id: ProjectId, round_index: int, settlement: Settlement) -> Receipt:
        if self.refuse is not None:
            raise self.refuse
        self.sent.append((project_id, round_index, settlement))
        return RECEIPT


class FullStore(MemoryBlobStore):
    """Takes nothing more once it is told that it is full."""

    full = False

    def _write(self, cid: Cid, data: bytes) -> None:
        if self.full:
            raise StorageUnavailableError("no room")
        super()._write(cid, data)


@dataclass(slots=True)
class Scene:
    """An attempt of `N` trainers. Where the rule is rooted, the last of them is the owner, and its update the root."""

    kit: Kit
    store: FullStore = field(default_factory=FullStore)
    ledger: Ledger = field(default_factory=Ledger)
    submissions: list[UpdateSubmitted] = field(default_factory=list)
    rule: Rule = DEFAULT_RULE
    work: RoundWork = field(init=False)
    model: GlobalModel = field(init=False)
    spec: ProjectSpec = field(default_factory=make_spec)

    def __post_init__(self) -> None:
        context = self.kit.context()
        collector = Collector(self.store, self.kit.srs, self.kit.key_pair, context)
        self.work = RoundWork(context, self.rule, self.kit.srs, self.store, collector)
        self.model = GlobalModel(0, np.linspace(-1, 1, self.kit.dimension, dtype=np.float32))

    def post(
        self, *, bad: dict[int, Callable[[Bench], Submission]] | None = None, missing: tuple[int, ...] = ()
    ) -> None:
        """Everybody submits; some badly, and of some the store has nothing."""
        kit = self.kit
        for row, trainer in enumerate(kit.trainers):
            other = kit.trainers[row - 1]
            bench = Bench(kit.srs, kit.updates[row], kit.key_pair.public_key, kit.payload_context(row), other)
            submission = (bad or {}).get(row, Bench.submit)(bench)
            cid = compute_cid(submission.blob) if row in missing else self.store.put(submission.blob)
            index = ROOT_INDEX if self.rule.rooted and row == len(kit.trainers) - 1 else row
            self.submissions.append(UpdateSubmitted(PROJECT, 0, trainer, 1, index, cid, submission.commitment_hash))

    def settle(self, *, give_up: bool = False) -> Settled:
        marketplace = cast("Marketplace", self.ledger)
        return self.work.settle(marketplace, self.submissions, self.model, self.spec, give_up=give_up)

    def verify(self, rows: list[int]) -> Settlement:
        """Checks the one settlement that was sent as the contract, a trainer and the next round would."""
        kit, spec = self.kit, self.spec
        ((project_id, round_index, settlement),) = self.ledger.sent
        assert (project_id, round_index) == (PROJECT, 0)
        context = compute_context(
            CHAIN_ID,
            MARKETPLACE,
            PROJECT,
            0,
            [kit.trainers[row] for row in rows],
            [self.submissions[row].commitment_hash for row in rows],
        )
        statement = GramStatement(context, len(rows), kit.dimension, settlement.commitments, settlement.gram)
        verify_gram(kit.srs, statement, GramProof.decode(settlement.proof, 1))

        trainers = len(rows) - self.rule.rooted
        f = min(trainers * 3 // 10, (trainers - 3) // 2)
        updates = [kit.updates[row].tolist() for row in rows]
        gram = [[sum(map(int.__mul__, a, b)) for b in updates] for a in updates]
        weighing = self.rule.weigh(gram, f, kit.dimension)
        size = shortness_length(kit.srs.payload, len(rows)) if spec.shortness == "required" else 0
        aggregate = decode_aggregate(self.store.get(settlement.aggregate_cid, 1 << 20), kit.dimension, 1, size)
        commitments = [settlement.commitments[POINT_BYTES * i : POINT_BYTES * (i + 1)] for i in range(len(rows))]
        if size:
            proof = ShortnessProof.decode(aggregate.shortness, kit.srs.payload, len(rows))
            verify_shortness(kit.srs, kit.dimension, commitments, proof)
        verify_aggregate_opening(kit.srs, aggregate.vector, aggregate.blinders, commitments, weighing.weights)
        assert settlement.blinders == b"".join(blinder.to_bytes(32, "big") for blinder in aggregate.blinders)

        published = decode_model(self.store.get(aggregate.next_model, 1 << 20), spec.model.shapes)
        expected = compute_next_parameters(
            self.model.parameters, aggregate.vector, weighing.normaliser, spec.quantisation.scale
        )
        assert np.array_equal(published, expected)
        return settlement


@pytest.fixture
def scene() -> Scene:
    return Scene(Kit.make(n=N))


def test_a_settlement_holds_proof_aggregate_and_next_model(scene: Scene) -> None:
    scene.post()
    settled = scene.settle()

    assert scene.verify(list(range(N))).exclusions == ()
    assert (settled.receipt, settled.rows, settled.excluded) == (RECEIPT, N, ())
    assert {"collect", "openings", "proof", "publish", "settle"} <= set(settled.seconds)


def test_shortness_is_proved_only_where_the_project_asks_for_it(scene: Scene) -> None:
    scene.spec = scene.spec.model_copy(update={"shortness": "none"})
    scene.post()
    scene.settle()
    scene.verify(list(range(N)))


def test_bad_submissions_are_left_out_with_their_reasons_and_the_rest_is_proved(scene: Scene) -> None:
    scene.post(bad={5: bad_submissions.another_update, 1: bad_submissions.to_another_key})
    settled = scene.settle()

    settlement = scene.verify([0, 2, 3, 4, 6])
    assert settlement.exclusions == (
        Exclusion(1, ExclusionReason.UNDECRYPTABLE),
        Exclusion(5, ExclusionReason.NOT_OPENING),
    )
    assert (settled.rows, settled.excluded) == (5, settlement.exclusions)


@pytest.mark.parametrize("zero", [1, N - 1, N])
def test_updates_that_are_all_zero_are_weighed_like_any_other(scene: Scene, zero: int) -> None:
    """Honest trainers never send them; whoever does must not stop the round."""
    for update in scene.kit.updates[:zero]:
        update[:] = 0
    scene.post()
    scene.settle()
    scene.verify(list(range(N)))


class TestRoot:
    @pytest.fixture
    def rooted(self) -> Scene:
        return Scene(Kit.make(n=N + 1), rule=RULES["fltrust"])

    def test_it_is_the_last_row_and_part_of_everything_but_the_aggregate(self, rooted: Scene) -> None:
        rooted.post(bad={2: bad_submissions.to_another_key})
        settled = rooted.settle()
        settlement = rooted.verify([0, 1, 3, 4, 5, 6, 7])
        assert settlement.exclusions == (Exclusion(2, ExclusionReason.UNDECRYPTABLE),)
        assert (settled.rows, settled.excluded) == (7, settlement.exclusions)

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (bad_submissions.to_another_key, "undecryptable"),
            (bad_submissions.wrong_dimension, "malformed"),
            (bad_submissions.another_update, "not opening"),
        ],
    )
    def test_a_bad_one_cannot_be_excluded_so_nothing_is_settled(
        self, rooted: Scene, make: Callable[[Bench], Submission], reason: str
    ) -> None:
        rooted.post(bad={N: make})
        with pytest.raises(RootUnusableError, match=reason):
            rooted.settle()
        assert rooted.ledger.sent == []

    def test_it_is_waited_for_and_then_given_up(self, rooted: Scene) -> None:
        rooted.post(missing=(N,))
        with pytest.raises(WaitingError):
            rooted.settle()
        with pytest.raises(RootUnusableError, match="unavailable"):
            rooted.settle(give_up=True)

    def test_it_does_not_make_more_exclusions_bearable(self, rooted: Scene) -> None:
        """Seven trainers tolerate two."""
        rooted.post(bad=dict.fromkeys((0, 1, 2), bad_submissions.to_another_key))
        with pytest.raises(TooManyExclusionsError, match="tolerates 2"):
            rooted.settle()


class TestMissing:
    def test_it_is_waited_for_and_nothing_is_sent(self, scene: Scene) -> None:
        scene.post(missing=(4, 2))
        with pytest.raises(WaitingError) as caught:
            scene.settle()
        assert caught.value.missing == (2, 4)
        assert scene.ledger.sent == []

    def test_once_given_up_it_is_excluded_as_unavailable(self, scene: Scene) -> None:
        scene.post(bad={5: bad_submissions.another_seed}, missing=(2,))
        scene.settle(give_up=True)
        assert scene.verify([0, 1, 3, 4, 6]).exclusions == (
            Exclusion(2, ExclusionReason.UNAVAILABLE),
            Exclusion(5, ExclusionReason.NOT_OPENING),
        )

    def test_what_arrives_at_the_last_moment_counts(self, scene: Scene) -> None:
        scene.post(missing=(2,))
        late = scene.kit.submit(2)
        scene.submissions[2] = replace(
            scene.submissions[2], cid=compute_cid(late.blob), commitment_hash=late.commitment_hash
        )
        with pytest.raises(WaitingError):
            scene.settle()
        scene.store.put(late.blob)
        scene.settle(give_up=True)
        assert scene.verify(list(range(N))).exclusions == ()


@pytest.mark.parametrize("give_up", [False, True])
def test_too_many_bad_submissions_leave_nothing_to_settle(scene: Scene, give_up: bool) -> None:
    scene.post(bad=dict.fromkeys((0, 3, 6), bad_submissions.another_seed))
    known = set(scene.store._blobs)
    with pytest.raises(TooManyExclusionsError) as caught:
        scene.settle(give_up=give_up)
    assert (caught.value.excluded, caught.value.limit) == (3, 2)
    assert scene.ledger.sent == []
    assert set(scene.store._blobs) == known, "published an aggregate of a round that cannot be settled"


def test_too_many_missing_submissions_leave_nothing_to_settle(scene: Scene) -> None:
    scene.post(missing=tuple(range(N)))
    with pytest.raises(TooManyExclusionsError):
        scene.settle(give_up=True)
    assert scene.ledger.sent == []


def test_two_submissions_are_too_few() -> None:
    scene = Scene(Kit.make(n=2))
    scene.post()
    with pytest.raises(TooFewUpdatesError):
        scene.settle()
    assert scene.ledger.sent == []


def test_nothing_is_settled_that_cannot_be_published(scene: Scene) -> None:
    scene.post()
    scene.store.full = True
    with pytest.raises(StorageUnavailableError):
        scene.settle()
    assert scene.ledger.sent == []
    scene.store.full = False
    scene.settle()
    scene.verify(list(range(N)))


def test_a_settlement_that_was_not_mined_is_made_again_the_same(scene: Scene) -> None:
    """Also by a new process: sum and model are functions of the submissions, only the proofs are drawn again."""
    scene.post(bad={1: bad_submissions.damaged})
    scene.ledger.refuse = ChainTimeoutError("not mined")
    with pytest.raises(ChainTimeoutError):
        scene.settle()
    scene.ledger.refuse = None
    published = set(scene.store._blobs)

    restarted = Scene(scene.kit, scene.store, scene.ledger, scene.submissions)
    restarted.settle()
    settlement = restarted.verify([0, 2, 3, 4, 5, 6])
    assert set(scene.store._blobs) - published == {settlement.aggregate_cid}
