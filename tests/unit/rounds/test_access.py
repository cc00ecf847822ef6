"""A confidential round in memory: who opens it, and what a member objects to."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from eth_account import Account

from steelyard.chain.events import (
    AccessGranted,
    AccessRevoked,
    Event,
    KeysPublished,
    LoggedEvent,
    RoundOpened,
    RoundSettled,
)
from steelyard.errors import AccessError
from steelyard.keystore import Identity, make_identity, rotate
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.access import (
    AttesterAccess,
    SealedAccess,
    SealedOutlet,
    find_attempt_readers,
    find_manifests,
    find_readers,
    get_content_key,
    list_recipients,
    make_context,
    make_initial_context,
    open_access,
    wrap_for,
)
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model, fetch_published_model, sync_global_model
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.records import SettledRound, collect_settled_rounds
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.storage import MemoryBlobStore, compute_cid
from steelyard.types import Address, ProjectId
from steelyard.updates.aggregate import encode_aggregate
from steelyard.updates.content import ContentKind, open_content, seal_content
from steelyard.updates.manifest import decode_envelope, encode_manifest
from tests.rounds_kit import CHAIN_ID, MARKETPLACE, PROJECT, Kit, make_spec, play_round
from tests.unit.trainer_client.support import make_params
from trainer_client.attestation import Finding, Judgement, judge_aggregate

KEYS = [bytes([number]) * 32 for number in (1, 2)]
"""Content keys of models 0 and 1."""


def make_person(number: int) -> Identity:
    return make_identity(Account.from_key(bytes([number]) * 32))


def log(*events: Event) -> list[LoggedEvent]:
    return [LoggedEvent(event, index, 0, bytes(32), bytes(32)) for index, event in enumerate(events)]


@dataclass(slots=True)
class Scene:
    """One settled round of a confidential project: its owner, two members, an auditor and a stranger."""

    project: ProjectTerms
    store: MemoryBlobStore
    model: GlobalModel
    following: GlobalModel
    aggregate: bytes
    """In clear."""
    record: SettledRound
    people: dict[str, Identity]

    @property
    def due(self) -> list[Address]:
        return [self.people[name].address for name in ("owner", "ada", "ben")]

    def outlet(self, names: tuple[str, ...], key: bytes = KEYS[1]) -> SealedOutlet:
        public_keys = {self.people[name].address: self.people[name].public_key for name in names}
        return SealedOutlet(self.store, self.project, 1, key, wrap_for(self.project, 1, key, dict(public_keys)))

    def publish(self, outlet: SealedOutlet) -> SettledRound:
        cid = outlet.put_aggregate(self.aggregate)
        return replace(self.record, settlement=replace(self.record.settlement, aggregate_cid=cid))

    def access(self, name: str, *events: Event) -> SealedAccess:
        access = open_access(self.project, self.store, self.people[name], lambda: log(*events))
        assert isinstance(access, SealedAccess)
        return access

    def judge(
        self,
        record: SettledRound,
        has_usable_key: Callable[[Address], bool] = lambda _: True,
        allowed: tuple[Address, ...] = (),
    ) -> Judgement:
        access = self.access("ada")
        strict = AttesterAccess(access, self.project, self.people["ada"], self.due, allowed, has_usable_key)
        return judge_aggregate(self.project, self.store, self.model, record, strict)


@pytest.fixture
def scene() -> Scene:
    people = {name: make_person(number) for number, name in enumerate(("owner", "ada", "ben", "auditor", "eve"), 1)}
    spec, store, kit = make_spec(), MemoryBlobStore(), Kit.make()
    params = make_params(dimension=spec.model.dimension, owner=people["owner"].address)
    initial = GlobalModel(0, compute_initial_parameters(spec.model, 1))
    context = make_initial_context(CHAIN_ID, MARKETPLACE, params.owner)
    sealed = seal_content(encode_model(initial.parameters, spec.model.shapes), KEYS[0], context)
    spec = spec.model_copy(update={"initial_model": store.put(sealed), "confidential": True})
    played = play_round(kit, MemoryBlobStore(), initial, spec.model_copy(update={"confidential": False}))
    project = ProjectTerms(CHAIN_ID, MARKETPLACE, PROJECT, params, spec, DEFAULT_RULE, kit.srs)
    content = encode_model(played.model.parameters, spec.model.shapes)
    model_cid = compute_cid(seal_content(content, KEYS[1], make_context(project, 1)))
    aggregate = encode_aggregate(replace(played.aggregate, next_model=model_cid))
    record = collect_settled_rounds(played.events, PROJECT)[-1]
    return Scene(project, store, initial, played.model, aggregate, record, people)


EVERYBODY = ("owner", "ada", "ben")


def test_members_read_the_round_and_get_the_key_of_the_next(scene: Scene) -> None:
    record = scene.publish(scene.outlet(EVERYBODY))
    for name in EVERYBODY:
        access = scene.access(name)
        model = sync_global_model(
            scene.model, [record], scene.store, scene.project.srs, DEFAULT_RULE, scene.project.spec, access
        )
        assert (model.parameters == scene.following.parameters).all()
        assert get_content_key(access, 1) == KEYS[1]
        with pytest.raises(AccessError, match="round 0 starts from was not opened"):
            access.get_key(0)


@pytest.mark.parametrize("name", ["auditor", "eve"])
def test_whoever_is_not_named_reads_nothing(scene: Scene, name: str) -> None:
    record = scene.publish(scene.outlet(EVERYBODY))
    with pytest.raises(AccessError, match="none of your keys opens the aggregate that round 1") as caught:
        fetch_published_model(scene.store, scene.project.srs, scene.project.spec, record, scene.access(name))
    assert "owner grant" in caught.value.hint
    with pytest.raises(AccessError, match="need a key"):
        fetch_published_model(scene.store, scene.project.srs, scene.project.spec, record)
    with pytest.raises(AccessError, match="need a key"):
        fetch_initial_model(scene.store, scene.project.spec)
    nobody = open_access(scene.project, scene.store, None, list)
    with pytest.raises(AccessError, match="none of your keys"):
        fetch_initial_model(scene.store, scene.project.spec, nobody)


def test_a_manifest_opens_what_it_covers(scene: Scene) -> None:
    auditor = scene.people["auditor"]
    wraps = wrap_for(scene.project, 0, KEYS[0], {auditor.address: auditor.public_key})
    good = scene.store.put(encode_manifest({0: wraps}))
    rubbish = scene.store.put(b"rubbish")
    lost = compute_cid(b"lost")
    events = [
        KeysPublished(PROJECT, scene.due[0], good),
        AccessGranted(PROJECT, auditor.address, 0, rubbish),
        KeysPublished(PROJECT, scene.due[1], lost),
    ]
    access = scene.access("auditor", *events)
    assert (fetch_initial_model(scene.store, scene.project.spec, access).parameters == scene.model.parameters).all()
    with pytest.raises(AccessError):
        fetch_initial_model(scene.store, scene.project.spec, scene.access("eve", *events))
    record = scene.publish(scene.outlet(EVERYBODY))
    with pytest.raises(AccessError):
        fetch_published_model(scene.store, scene.project.srs, scene.project.spec, record, access)


def test_a_rotated_keystore_reads_what_was_wrapped_for_its_old_keys(scene: Scene) -> None:
    record = scene.publish(scene.outlet(EVERYBODY))
    scene.people["ada"] = rotate(scene.people["ada"])
    scene.access("ada").open_aggregate(1, scene.store.get(record.settlement.aggregate_cid, 1 << 20))


def test_an_aggregator_begins_with_the_one_key_that_fits(scene: Scene) -> None:
    offered = [b"\xee" * 32, KEYS[1], KEYS[0]]
    access = SealedAccess(scene.project, lambda _round, _wraps: iter(offered))
    assert (fetch_initial_model(scene.store, scene.project.spec, access).parameters == scene.model.parameters).all()
    assert access.get_key(0) == KEYS[0]
    useless = SealedAccess(scene.project, lambda _round, _wraps: iter(offered[:2]))
    with pytest.raises(AccessError):
        fetch_initial_model(scene.store, scene.project.spec, useless)


class TestAttestation:
    def test_a_true_round_is_true_and_its_model_is_put_where_it_was_missing(self, scene: Scene) -> None:
        outlet = scene.outlet(EVERYBODY)
        record = scene.publish(outlet)
        assert scene.judge(record).finding is Finding.TRUE
        content = encode_model(scene.following.parameters, scene.project.spec.model.shapes)
        sealed = seal_content(content, KEYS[1], make_context(scene.project, 1))
        assert scene.store.get(compute_cid(sealed), 1 << 20) == sealed
        assert open_content(sealed, KEYS[1], make_context(scene.project, 1)) == content

    @pytest.mark.parametrize("left_out", EVERYBODY)
    def test_leaving_out_owner_or_member_is_objected_to(self, scene: Scene, left_out: str) -> None:
        record = scene.publish(scene.outlet(tuple(name for name in EVERYBODY if name != left_out)))
        judgement = scene.judge(record)
        assert judgement.finding is Finding.FALSE
        assert f"not wrapped for {scene.people[left_out].address}" in judgement.reason

    def test_letting_in_somebody_who_is_not_due_the_key_is_objected_to(self, scene: Scene) -> None:
        record = scene.publish(scene.outlet((*EVERYBODY, "eve")))
        judgement = scene.judge(record)
        assert judgement.finding is Finding.FALSE
        assert f"wrapped for {scene.people['eve'].address}, who is not due it" in judgement.reason
        assert scene.judge(record, allowed=(scene.people["eve"].address,)).finding is Finding.TRUE

    def test_an_empty_wrap_passes_only_where_the_reader_has_no_usable_key(self, scene: Scene) -> None:
        ben = scene.people["ben"].address
        outlet = scene.outlet(EVERYBODY)
        record = scene.publish(replace(outlet, wraps={**outlet.wraps, ben: b""}))
        assert scene.judge(record).finding is Finding.FALSE
        assert scene.judge(record, lambda account: account != ben).finding is Finding.TRUE

    def test_a_wrap_of_another_key_is_objected_to(self, scene: Scene) -> None:
        outlet, other = scene.outlet(EVERYBODY), scene.outlet(EVERYBODY, b"\x09" * 32)
        ada = scene.people["ada"].address
        judgement = scene.judge(scene.publish(replace(outlet, wraps={**outlet.wraps, ada: other.wraps[ada]})))
        assert judgement.finding is Finding.FALSE
        assert "does not open it" in judgement.reason

    def test_an_aggregate_in_clear_is_objected_to(self, scene: Scene) -> None:
        cid = scene.store.put(scene.aggregate)
        record = replace(scene.record, settlement=replace(scene.record.settlement, aggregate_cid=cid))
        assert scene.judge(record).finding is Finding.FALSE

    def test_a_model_under_another_key_than_the_aggregate_is_objected_to(self, scene: Scene) -> None:
        """Its identifier is not that of what the aggregate leads to: readers of the file could not open it."""
        record = scene.publish(scene.outlet(EVERYBODY, b"\x09" * 32))
        judgement = scene.judge(record)
        assert judgement.finding is Finding.FALSE
        assert "names the next model" in judgement.reason

    def test_each_attempt_is_judged_by_its_own_key(self, scene: Scene) -> None:
        access = scene.access("ada")
        strict = AttesterAccess(access, scene.project, scene.people["ada"], scene.due, (), lambda _: True)
        for key, finding in ((b"\x09" * 32, Finding.FALSE), (KEYS[1], Finding.TRUE)):
            record = scene.publish(scene.outlet(EVERYBODY, key))
            assert judge_aggregate(scene.project, scene.store, scene.model, record, strict).finding is finding
        assert access.get_key(1) == KEYS[1], "what is found is shared"


def test_grants_are_open_until_they_are_revoked_and_begin_where_they_say(scene: Scene) -> None:
    auditor, eve = scene.people["auditor"].address, scene.people["eve"].address
    other = ProjectId(b"\x99" * 32)
    cids = [compute_cid(bytes([number])) for number in range(5)]
    events = log(
        AccessGranted(PROJECT, auditor, 5, cids[0]),
        AccessGranted(PROJECT, eve, 0, cids[1]),
        AccessGranted(other, scene.due[1], 0, cids[2]),
        AccessGranted(PROJECT, auditor, 2, cids[3]),
        AccessRevoked(other, auditor),
        AccessRevoked(PROJECT, eve),
        KeysPublished(PROJECT, auditor, cids[4]),
    )
    assert find_readers(events, PROJECT) == {auditor: 2}
    assert find_manifests(events, PROJECT) == (cids[4], cids[3], cids[1], cids[0])
    members = scene.due[1:]
    assert list_recipients(scene.project, members, events, 1) == tuple(scene.due)
    assert list_recipients(scene.project, members, events, 2) == (*scene.due, auditor)
    owner = scene.due[0]
    assert list_recipients(scene.project, [*members, owner], log(), 1) == tuple(scene.due), "nobody twice"


def test_an_envelope_names_grants_that_were_open_all_along_and_none_that_was_closed(scene: Scene) -> None:
    early, closed, late, withdrawn, later_rounds = (make_person(number).address for number in range(10, 15))
    cid = compute_cid(b"manifest")
    events = log(
        AccessGranted(PROJECT, early, 0, cid),
        AccessGranted(PROJECT, closed, 0, cid),
        AccessRevoked(PROJECT, closed),
        AccessGranted(PROJECT, withdrawn, 0, cid),
        AccessGranted(PROJECT, later_rounds, 2, cid),
        RoundOpened(PROJECT, 0, 1, scene.due[0], 0, 0),
        AccessRevoked(PROJECT, withdrawn),
        AccessGranted(PROJECT, late, 0, cid),
        RoundSettled(PROJECT, 0, scene.due[0], 1, 0, scene.record.settlement),
        AccessGranted(PROJECT, closed, 0, cid),
    )
    due, allowed = find_attempt_readers(events, PROJECT, 1, 1)
    assert due == (early,)
    assert allowed == {early, late, withdrawn, later_rounds}


def test_what_is_in_the_envelope_is_not_the_aggregate_in_clear(scene: Scene) -> None:
    record = scene.publish(scene.outlet(EVERYBODY))
    blob = scene.store.get(record.settlement.aggregate_cid, 1 << 20)
    assert b"SYA2" not in blob
    wraps, sealed = decode_envelope(blob, 1)
    assert list(wraps) == sorted(scene.due)
    assert open_content(sealed, KEYS[1], make_context(scene.project, 1, ContentKind.AGGREGATE)) == scene.aggregate
