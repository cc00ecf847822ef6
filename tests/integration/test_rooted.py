"""Projects whose rule needs a root of the owner's, on a real node with real proofs: from the owner's data to the pay.

Also `nna`, which needs none: it goes the same way to the chain.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from scripts.owner import app as owner_app
from steelyard.chain import reverts
from steelyard.chain.client import Marketplace
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import (
    AbsenceRecorded,
    RootSubmitted,
    RoundSettled,
    RoundWeighed,
    StakeSlashed,
)
from steelyard.chain.records import ProjectStatus, RoundOutcome, RoundStatus
from steelyard.errors import ConfigError, EvidenceError, MalformedUpdateError, TransactionRevertedError
from steelyard.gram import dump_bundle, load_ethereum_srs, parse_bundle
from steelyard.keystore import LIGHT_SCRYPT_N, PASSPHRASE_VARIABLE, Identity, write_keystore
from steelyard.rounds.audit import audit_payment, audit_round
from steelyard.rounds.evidence import verify_evidence
from steelyard.rounds.global_model import fetch_initial_model
from steelyard.rounds.project import open_project
from steelyard.rounds.records import collect_settled_rounds
from steelyard.rounds.submission import Submission
from steelyard.rules import RULES, get_rule
from steelyard.storage import compute_cid
from steelyard.types import Digest, ProjectId
from steelyard.updates.encryption import EncryptionKeyPair
from tests import bad_submissions
from tests.bad_submissions import Bench
from tests.integration.arena_kit import FIRST, SECOND, Arena, Reports, make_arena
from tests.integration.trainer_kit import PASSPHRASE, TRAINERS
from tests.market_kit import AGGREGATORS, OWNER, MarketKit, make_honest_updates
from tests.refusals import encode, expect, fail_when_mined, unchanged
from trainer_client.cli import app as trainer_app
from trainer_client.decision import Stop, Train, Wait
from trainer_client.journal import Entry, Prepared
from trainer_client.session import open_root_session
from trainer_client.why import explain_round

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("rooted")]

SRS = load_ethereum_srs()
D = 100


@pytest.fixture(scope="module")
def fresh_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with Devnet() as devnet:
        yield make_arena(tmp_path_factory.mktemp("rooted"), devnet, RULES["fltrust"])


# ---------------------------------------------------------------------------------------------------- the contract


@pytest.mark.parametrize("name", ["nna", "fltrust"])
def test_a_round_with_a_real_proof_is_weighed_as_the_rule_says(kit: MarketKit, name: str) -> None:
    """Six honest trainers, and one that sends the opposite four times over: it is struck and slashed."""
    rule = get_rule(name)
    project_id, trainers = kit.start_project(7, rounds=1, max_strikes=1, rule=kit.deployment.rules[name])
    updates = make_honest_updates(8, D, seed=3)
    updates[6] = (-4 * updates[6].astype(np.int32)).clip(-(2**15), 2**15 - 1).astype(np.int16)
    senders = trainers + [OWNER] * rule.rooted
    kit.run_round(project_id, dict(zip(senders, updates, strict=False)))

    market = kit.market()
    events = market.get_events(0, market.get_block_number(), project_id=project_id)
    (record,) = collect_settled_rounds(events, project_id)
    assert record.trainers == tuple(map(kit.address, senders))
    rows = [[int(x) for x in update] for update in updates[: record.n]]
    gram = [[sum(map(int.__mul__, a, b)) for b in rows] for a in rows]
    weighing = rule.weigh(gram, record.f, D)
    assert record.f == 2
    assert record.weights == weighing.weights
    assert record.contributions == weighing.contributions
    assert record.opposed == 1 << 6
    assert record.weights[6:] == record.shares[6:] == (0,) * (1 + rule.rooted)
    assert record.outcome is RoundOutcome.FINAL
    assert market.get_project(project_id).status is ProjectStatus.COMPLETED
    assert [e.event.account for e in events if isinstance(e.event, StakeSlashed)] == [kit.address(trainers[6])]
    assert market.get_reputation(kit.address(OWNER)) == 5_000

    bundle = audit_payment(record, market.chain_id, market.address, D, SRS, rule)
    verify_evidence(SRS, parse_bundle(dump_bundle(bundle)))
    richer = replace(bundle, shares=(*bundle.shares[:-1], bundle.shares[-1] + 1))
    with pytest.raises(EvidenceError, match="share"):
        verify_evidence(SRS, richer)


class TestRefusals:
    """Roots that must not count: named, refused, and nothing changed. In simulation and when sent all the same."""

    @pytest.fixture
    def project_id(self, kit: MarketKit) -> ProjectId:
        project_id, _ = kit.start_project(3, rule=kit.deployment.rules["fltrust"])
        return project_id

    def refuse(
        self,
        kit: MarketKit,
        project_id: ProjectId,
        account: int,
        error: TransactionRevertedError,
        *,
        round_index: int = 0,
        digest: bytes = bytes([9]) * 32,
    ) -> None:
        cid = compute_cid(b"root")
        with unchanged(kit):
            with expect(error):
                kit.market(account).submit_root(project_id, round_index, cid, Digest(digest))
            fail_when_mined(kit, account, error, encode("submitRoot", project_id, round_index, cid, digest))

    def test_only_the_owner_and_only_once_and_only_its_own(self, kit: MarketKit, project_id: ProjectId) -> None:
        owner, trainer = kit.address(OWNER), 10
        updates = dict(zip([10, 11, 12, OWNER], make_honest_updates(4, D), strict=True))
        rows = kit.make_rows(updates)
        for account in (trainer, AGGREGATORS[0]):
            refusal = reverts.NotAuthorizedError(kit.address(account), owner)
            self.refuse(kit, project_id, account, refusal)
        self.refuse(kit, project_id, OWNER, reverts.WrongRoundError(project_id, 1, 0), round_index=1)
        self.refuse(kit, project_id, OWNER, reverts.ZeroValueError(), digest=bytes(32))
        kit.post(project_id, [10], rows[:1])
        taken = rows[0].commitment_hash
        self.refuse(kit, project_id, OWNER, reverts.DuplicateCommitmentError(project_id, taken), digest=taken)
        kit.post(project_id, [OWNER], rows[3:])
        self.refuse(kit, project_id, OWNER, reverts.AlreadySubmittedError(project_id, owner))
        kit.post(project_id, [11, 12], rows[1:3])
        late = reverts.RoundNotInStatusError(project_id, RoundStatus.WEIGHING, RoundStatus.COLLECTING)
        self.refuse(kit, project_id, OWNER, late)
        kit.settle(project_id, rows)

    def test_not_where_there_is_no_use_for_one(self, kit: MarketKit) -> None:
        project_id, _ = kit.start_project(3)
        self.refuse(kit, project_id, OWNER, reverts.NotRootedError(project_id))

    def test_not_as_a_trainer(self, kit: MarketKit) -> None:
        kit.fund(OWNER)
        project_id = kit.create_project(rule=kit.deployment.rules["fltrust"])
        kit.market(OWNER).register_key(bytes([1]) * 32)
        kit.market(OWNER).deposit(kit.token_address, 1_000)
        error = reverts.OwnerMayNotTrainError(project_id, kit.address(OWNER))
        with unchanged(kit):
            with expect(error):
                kit.market(OWNER).enrol(project_id)
            fail_when_mined(kit, OWNER, error, encode("enrol", project_id))


# ---------------------------------------------------------------------------------------------------- the programs


def test_owner_trainers_and_aggregator_bring_a_round_to_its_end(arena: Arena) -> None:
    reports: Reports = []
    service = arena.service(FIRST)
    with arena.participants() as participants, arena.root_source(reports) as source:
        for participant in participants:
            assert isinstance(participant.step(), Train)
        assert arena.round_status is RoundStatus.COLLECTING
        assert isinstance(source.step(), Train)
        assert isinstance(source.step(), Wait)
        arena.finish(participants, service)
        assert isinstance(source.step(), Stop)
    assert [what for what, _ in reports] == ["training", "trained", "submitted", "waiting", "ended"]

    (weighed,) = arena.events(RoundWeighed)
    assert weighed.trainers[-1] == arena.owner
    assert len(weighed.trainers) == TRAINERS + 1
    assert (weighed.weights[-1], weighed.shares[-1]) == (0, 0)
    assert all(weighed.shares[:-1])
    assert arena.outcomes() == [RoundOutcome.FINAL]
    arena.verify_money()

    world = arena.world
    events = arena.market.get_events(world.deployment.block, arena.market.get_block_number())
    (record,) = collect_settled_rounds(events, world.project_id)
    project = open_project(arena.market, world.deployment, world.store, world.project_id)
    start = fetch_initial_model(world.store, world.spec)
    market = arena.market
    audit = audit_round(record, start, market.chain_id, market.address, world.store, world.srs, world.rule, world.spec)
    assert audit.bundle.trainers[-1] == arena.owner
    assert not np.array_equal(audit.model.parameters, start.parameters)

    mine = "\n".join(explain_round(project, record, world.trainer(0).address).render(str))
    assert "one of 5 weighed by fltrust against the owner's root" in mine
    assert "the root +0." in mine
    owners = "\n".join(explain_round(project, record, arena.owner).render(str))
    assert f"Outcome: {arena.owner} earned nothing, because it is the owner's root update" in owners


def kill_before_submitting(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """The owner is killed when its root is stored, and not yet on the chain."""

    class Crash(BaseException):
        """Like SIGKILL."""

    def crash(*_arguments: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Marketplace, "submit_root", crash)
        with arena.root_source() as source, pytest.raises(Crash):
            source.step()
        prepared = source.dispatch.journal.get(1, 0).prepared
    assert prepared is not None
    return prepared


def test_an_owner_that_is_killed_and_started_again_sends_one_root(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = kill_before_submitting(arena, monkeypatch)
    reports: Reports = []
    with arena.root_source(reports) as source:
        source.step()
        source.step()
        entry = source.dispatch.journal.get(1, 0)
    assert [what for what, _ in reports] == ["submitted", "waiting"]
    (root,) = arena.events(RootSubmitted)
    assert entry == Entry(1, 0, prepared, entry.submitted_tx)
    assert (root.cid, root.commitment_hash) == (prepared.cid, prepared.commitment_hash)


def test_a_root_whose_hash_a_trainer_took_first_is_made_anew(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = kill_before_submitting(arena, monkeypatch).commitment_hash
    arena.post(0, replace(arena.bench(0).submit(), commitment_hash=taken))
    reports: Reports = []
    with arena.root_source(reports) as source:
        source.step()
        source.step()
    assert [what for what, _ in reports] == ["reverted", "training", "trained", "submitted"]
    (root,) = arena.events(RootSubmitted)
    assert root.commitment_hash != taken


def test_it_goes_on_by_itself_until_the_project_ends(arena: Arena) -> None:
    reports: Reports = []
    with arena.participants() as participants, arena.root_source(reports) as source:
        stop = threading.Event()
        running = threading.Thread(target=source.run, args=(stop,))
        running.start()
        try:
            for participant in participants:
                participant.step()
            while arena.round_status is RoundStatus.COLLECTING:
                running.join(0.02)
                assert running.is_alive()
            arena.finish(participants, arena.service(FIRST))
            running.join(60)
            assert not running.is_alive(), "the project has ended"
        finally:
            stop.set()
            running.join()
    assert [what for what, _ in reports if what != "waiting"] == ["training", "trained", "submitted", "ended"]


def test_training_that_diverges_gives_no_root_and_is_not_tried_again(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_arguments: object, **_options: object) -> None:
        raise MalformedUpdateError("the loss became nan in epoch 1: training diverged")

    monkeypatch.setattr("trainer_client.dispatch.prepare_submission", diverge)
    reports: Reports = []
    with arena.root_source(reports) as source:
        assert isinstance(source.step(), Train)
        assert isinstance(source.step(), Wait)
    assert [what for what, _ in reports] == ["training", "no root", "waiting"]
    assert arena.events(RootSubmitted) == []


@pytest.mark.parametrize(
    "make",
    [bad_submissions.to_another_key, bad_submissions.another_update, bad_submissions.wrong_dimension],
    ids=lambda make: make.__name__,
)
def test_a_bad_root_ends_the_attempt_and_costs_nobody_but_the_owner(
    arena: Arena, make: Callable[[Bench], Submission]
) -> None:
    for number in range(TRAINERS):
        arena.post(number, arena.bench(number).submit())
    arena.post_root(make(arena.root_bench()))
    before = arena.stake(arena.identity(FIRST).address)
    arena.service(FIRST).step()
    assert arena.outcomes() == [RoundOutcome.ABANDONED]
    assert not any(map(arena.events, (StakeSlashed, AbsenceRecorded, RoundSettled)))
    assert sum(arena.stake(arena.identity(FIRST).address)) == sum(before)

    # The round is repeated, and a good root settles it.
    for number in range(TRAINERS):
        arena.post(number, arena.bench(number).submit())
    arena.post_root(arena.root_bench().submit())
    arena.service(SECOND).step()
    assert arena.round_status is RoundStatus.ATTESTING


def test_a_root_that_the_store_does_not_have_is_waited_for(arena: Arena) -> None:
    for number in range(TRAINERS):
        arena.post(number, arena.bench(number).submit())
    root = arena.root_bench().submit()
    arena.post_root(root, stored=False)
    service = arena.service(FIRST)
    service.step()
    assert arena.round_status is RoundStatus.WEIGHING
    arena.world.store.put(root.blob)
    service.step()
    (settled,) = arena.events(RoundSettled)
    assert settled.settlement.exclusions == ()


def test_an_owner_that_stays_away_ends_the_project(arena: Arena) -> None:
    for attempt in (1, 2):
        for number in range(TRAINERS):
            arena.post(number, arena.bench(number).submit())
        assert arena.round_status is RoundStatus.COLLECTING
        arena.world.devnet.advance_to(arena.market.get_round(arena.world.project_id).submit_deadline)
        arena.service(FIRST).step()
        assert arena.outcomes() == [RoundOutcome.TOO_FEW] * attempt
    assert arena.market.get_project(arena.world.project_id).status is ProjectStatus.FAILED
    assert not any(map(arena.events, (StakeSlashed, AbsenceRecorded)))
    arena.verify_money()


def test_nobody_else_sends_roots(arena: Arena) -> None:
    world = arena.world
    stranger = Identity(world.account(FIRST), EncryptionKeyPair.generate())
    connection = replace(world.connection(0), marketplace=world.market(stranger.account))
    with (
        arena.root_source() as source,
        pytest.raises(ConfigError, match=f"only the owner {arena.owner}"),
        open_root_session(
            connection,
            stranger,
            world.store,
            world.project_id,
            f"{arena.data}&shard=0/3",
            world.state,
            options=source.options,
            report=source.dispatch.report,
        ),
    ):
        pass


# ---------------------------------------------------------------------------------------------------- the commands


def call(arena: Arena, app: Typer, *arguments: str) -> Result:
    """A command of the owner's."""
    folder, world = arena.world.state, arena.world
    keystore, deployment = folder / "owner.json", folder / "deployment.json"
    if not keystore.exists():
        write_keystore(keystore, arena.owner_identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
        deployment.write_text(world.deployment.dump())
    environment = {
        "STEELYARD_RPC_URL": world.devnet.url,
        "STEELYARD_DEPLOYMENT": str(deployment),
        "STEELYARD_STORE": f"local:{arena.blobs}",
        "STEELYARD_KEYSTORE": str(keystore),
        "STEELYARD_STATE": str(folder),
        PASSPHRASE_VARIABLE: PASSPHRASE,
    }
    return CliRunner().invoke(app, list(arguments), env=environment)


def test_the_owner_sends_its_root_by_a_command_and_is_told_when_it_is_missing(arena: Arena) -> None:
    project = "0x" + arena.world.project_id.hex()
    assert "missing: `steelyard owner root run`" in call(arena, owner_app, "status", project).output
    sent = ("root", "run", project, "--data", f"{arena.data}&shard=0/3", "--threads", "1", "--once", "--json")
    first, second = call(arena, owner_app, *sent), call(arena, owner_app, *sent)
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    events = [[json.loads(line)["event"] for line in result.stdout.splitlines()] for result in (first, second)]
    assert events == [["training", "trained", "submitted"], ["waiting"]]
    assert len(arena.events(RootSubmitted)) == 1
    shown = json.loads(call(arena, owner_app, "status", project, "--json").stdout)
    assert (shown["rooted"], shown["hasRoot"], shown["submissions"]) == (True, True, 0)


def test_a_trainer_is_told_whose_root_it_will_be_held_against(arena: Arena) -> None:
    declined = call(arena, trainer_app, "enrol", "0x" + arena.world.project_id.hex(), "--deposit")
    assert f"fltrust: weight and pay follow an update that the owner {arena.owner} sends each round" in declined.output
