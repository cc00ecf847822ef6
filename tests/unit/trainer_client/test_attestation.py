"""What a trainer finds out about an aggregate, what it votes, and how a payment is explained: on rounds in memory."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from steelyard.chain.events import LoggedEvent, RoundSettled
from steelyard.chain.records import Exclusion, ExclusionReason, RoundOutcome
from steelyard.errors import ConfigError, EvidenceError, StorageUnavailableError
from steelyard.models.initial import compute_initial_parameters
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.rules.registry import DEFAULT_RULE, MEAN
from steelyard.storage import MemoryBlobStore, compute_cid
from steelyard.types import Address, Cid
from steelyard.updates.aggregate import Aggregate, decode_aggregate, encode_aggregate
from tests.rounds_kit import CHAIN_ID, MARKETPLACE, PROJECT, Kit, PlayedRound, make_spec, make_store, play_round
from tests.unit.trainer_client.support import make_params
from trainer_client.attestation import Finding, ObjectWhen, compute_vote, judge_aggregate
from trainer_client.why import explain_round, find_round

STRANGER = Address("0x" + "ee" * 20)


@dataclass(slots=True)
class Scene:
    """A settled round of five trainers."""

    project: ProjectTerms
    store: MemoryBlobStore
    model: GlobalModel
    played: PlayedRound

    @property
    def record(self) -> SettledRound:
        return collect_settled_rounds(self.played.events, PROJECT)[-1]

    @property
    def trainers(self) -> tuple[Address, ...]:
        return self.record.trainers

    def republish(self, change: Callable[[Aggregate], Aggregate]) -> SettledRound:
        """The record of a settlement whose aggregate was changed before it was published."""
        cid = self.store.put(encode_aggregate(change(self.played.aggregate)))
        return replace(self.record, settlement=replace(self.record.settlement, aggregate_cid=cid))

    def judge(self, record: SettledRound | None = None) -> Finding:
        return judge_aggregate(self.project, self.store, self.model, record or self.record).finding


@pytest.fixture
def scene() -> Scene:
    spec = make_spec()
    initial = compute_initial_parameters(spec.model, 1)
    spec = make_spec(initial)
    store, kit = make_store(initial, spec), Kit.make()
    model = fetch_initial_model(store, spec)
    params = make_params(dimension=spec.model.dimension)
    project = ProjectTerms(CHAIN_ID, MARKETPLACE, PROJECT, params, spec, DEFAULT_RULE, kit.srs)
    return Scene(project, store, model, play_round(kit, store, model, spec))


class TestJudgement:
    def test_an_honest_aggregate_is_true(self, scene: Scene) -> None:
        assert scene.judge() is Finding.TRUE

    @pytest.mark.parametrize(
        "change",
        [
            lambda aggregate: replace(aggregate, vector=aggregate.vector * 2),
            lambda aggregate: replace(aggregate, blinders=(aggregate.blinders[0] ^ 1,)),
            lambda aggregate: replace(aggregate, next_model=compute_cid(b"mine")),
            lambda aggregate: replace(aggregate, shortness=b""),
            lambda aggregate: replace(aggregate, shortness=aggregate.shortness[:-1] + b"\0"),
            lambda aggregate: replace(aggregate, shortness=bytes(len(aggregate.shortness))),
        ],
        ids=["vector", "blinder", "next model", "no shortness proof", "false shortness proof", "empty shortness proof"],
    )
    def test_a_false_aggregate_is_false(self, scene: Scene, change: Callable[[Aggregate], Aggregate]) -> None:
        assert scene.judge(scene.republish(change)) is Finding.FALSE

    @pytest.mark.parametrize("blob", [b"", b"SYA2", b"rubbish", bytes(1 << 20)])
    def test_something_else_behind_the_identifier_is_false(self, scene: Scene, blob: bytes) -> None:
        settlement = replace(scene.record.settlement, aggregate_cid=scene.store.put(blob))
        assert scene.judge(replace(scene.record, settlement=settlement)) is Finding.FALSE

    def test_what_the_store_does_not_have_is_missing(self, scene: Scene) -> None:
        settlement = replace(scene.record.settlement, aggregate_cid=compute_cid(b"never stored"))
        assert scene.judge(replace(scene.record, settlement=settlement)) is Finding.MISSING

    def test_a_store_that_does_not_answer_or_hands_out_other_bytes_says_nothing_about_the_aggregator(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_self: MemoryBlobStore, _cid: Cid, _max_bytes: int) -> bytes:
            raise StorageUnavailableError("down")

        for read in (fail, lambda *_: b"other bytes"):
            monkeypatch.setattr(MemoryBlobStore, "_read", read)
            assert scene.judge() is Finding.UNREACHABLE

    def test_weights_that_this_program_does_not_arrive_at_are_not_held_against_the_aggregator(
        self, scene: Scene
    ) -> None:
        scene.project = replace(scene.project, rule=MEAN)
        with pytest.raises(EvidenceError, match="gives other weights"):
            scene.judge()

    def test_the_aggregate_that_was_published_is_the_one_that_was_judged(self, scene: Scene) -> None:
        blob = scene.store.get(scene.record.settlement.aggregate_cid, 1 << 20)
        assert (
            decode_aggregate(blob, 27, 1, len(scene.played.aggregate.shortness)).vector == scene.played.aggregate.vector
        ).all()


@pytest.mark.parametrize(
    ("finding", "object_when", "is_last_call"), list(itertools.product(Finding, ObjectWhen, (True, False)))
)
def test_a_vote_is_yes_only_for_what_is_true_and_no_only_as_far_as_was_asked(
    finding: Finding, object_when: ObjectWhen, is_last_call: bool
) -> None:
    vote = compute_vote(finding, object_when, is_last_call=is_last_call)
    if finding in (Finding.TRUE, Finding.FALSE):
        assert vote is (finding is Finding.TRUE)
    else:
        severity = [Finding.FALSE.value, Finding.MISSING.value, Finding.UNREACHABLE.value]
        is_asked = severity.index(finding.value) <= severity.index(object_when.value)
        assert vote is (False if is_asked and is_last_call else None)


class TestWhy:
    def test_a_paid_trainer_learns_its_figures_and_they_are_the_chains(self, scene: Scene) -> None:
        record = find_round(scene.played.events, PROJECT, 0)
        for row, trainer in enumerate(record.trainers):
            answer = explain_round(scene.project, record, trainer)
            assert answer.explanation is not None
            assert answer.explanation.share == record.shares[row]
            assert answer.explanation.weight == record.weights[row]
            text = "\n".join(answer.render("{:,} units".format))
            assert f"{record.shares[row]:,} units of" in text
            assert "final" in text
            assert record.tx_hash.hex() in text
            assert answer.to_json()["explanation"] == answer.explanation.to_json()

    def test_who_did_not_submit_is_told_so(self, scene: Scene) -> None:
        answer = explain_round(scene.project, scene.record, STRANGER)
        assert answer.explanation is None
        assert "submitted nothing" in "\n".join(answer.render(str))

    def test_who_was_excluded_learns_the_reason(self, scene: Scene) -> None:
        settlement = replace(scene.record.settlement, exclusions=(Exclusion(5, ExclusionReason.NOT_OPENING),))
        record = replace(scene.record, settlement=settlement, excluded=(STRANGER,))
        answer = explain_round(scene.project, record, STRANGER)
        assert "excluded before weighing, because it was not opening" in "\n".join(answer.render(str))
        assert answer.to_json()["excluded"] == [{"trainer": STRANGER, "reason": "not_opening"}]

    @pytest.mark.parametrize(
        ("outcome", "words"), [(RoundOutcome.NONE, "not final yet"), (RoundOutcome.VOID, "undone: .* void")]
    )
    def test_what_does_not_count_is_said_so(self, scene: Scene, outcome: RoundOutcome, words: str) -> None:
        answer = explain_round(scene.project, replace(scene.record, outcome=outcome), scene.trainers[0])
        assert re.search(words, next(answer.render(str)))

    def test_a_chain_that_paid_otherwise_is_found_out(self, scene: Scene) -> None:
        record = replace(scene.record, weights=(1, *scene.record.weights[1:]))
        with pytest.raises(EvidenceError, match="gives other weights"):
            explain_round(scene.project, record, record.trainers[0])

    def test_a_round_that_was_not_settled_is_refused(self, scene: Scene) -> None:
        with pytest.raises(ConfigError, match="round 7"):
            find_round(scene.played.events, PROJECT, 7)

    def test_the_last_attempt_at_a_round_is_the_one_that_is_explained(self, scene: Scene) -> None:
        def again(logged: LoggedEvent) -> LoggedEvent:
            return replace(logged, event=replace(logged.event, attempt=2))  # type: ignore[call-arg]

        events = [*scene.played.events, *map(again, scene.played.events)]
        assert any(isinstance(logged.event, RoundSettled) for logged in events)
        assert find_round(events, PROJECT, 0).attempt == 2
