"""Whole rounds over a store that is down, lies or forgets: what it costs is time, and nothing is lost."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aggregator.service import Patience
from scripts.cli import app
from scripts.storage import find_durable
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import Attested, LoggedEvent, RoundSettled, UpdateSubmitted
from steelyard.chain.history import REORG_DEPTH
from steelyard.chain.records import ExclusionReason, ProjectStatus, RoundOutcome, RoundStatus
from steelyard.cli_support import Connection
from steelyard.errors import StorageUnavailableError
from steelyard.rounds.audit import audit_round
from steelyard.rounds.global_model import fetch_initial_model
from steelyard.rounds.records import collect_settled_rounds, select_final
from steelyard.rounds.retention import Kind, compute_holds
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.storage import BlobStore, KuboBlobStore, LocalBlobStore
from steelyard.storage.cid import Subtree, encode_node
from steelyard.storage.kubo import KuboPatience
from steelyard.types import Cid, Codec, Digest
from tests.fake_ipfs import FakeIpfs, drip, hang_up, message, send, status
from tests.integration.arena_kit import FIRST, Arena, Reports, make_arena
from tests.integration.trainer_kit import TRAINERS
from trainer_client.decision import Stop, StopReason, Train
from trainer_client.participant import Participant

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("storage faults")]

ROUNDS = 2
PATIENCE = KuboPatience(find_seconds=0.3, answer_seconds=0.3, attempts=2, first_pause_seconds=0.01)


@pytest.fixture(scope="module")
def fresh_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("storage")
    with Devnet() as devnet:
        arena = make_arena(folder, devnet, rounds=ROUNDS)
        (folder / "deployment.json").write_text(arena.world.deployment.dump())
        yield arena


@pytest.fixture
def node(arena: Arena) -> Iterator[FakeIpfs]:
    """A node that holds what the owner has stored."""
    spec = arena.world.spec
    with FakeIpfs() as fake:
        for cid in (arena.market.get_project(arena.world.project_id).params.spec_cid, spec.initial_model):
            fake.add(arena.world.store.get(cid, 10**7))
        yield fake


def over(arena: Arena, store: BlobStore) -> Arena:
    """The same arena with another store for everybody."""
    return replace(arena, world=replace(arena.world, store=store))


def events_of(arena: Arena) -> tuple[LoggedEvent, ...]:
    market = arena.market
    return tuple(market.get_events(arena.world.deployment.block, market.get_block_number()))


def count_trained(reports: Reports) -> int:
    return sum(what == "training" for what, _ in reports)


@dataclass
class Outage:
    """Every step first meets a node that is down, then one that is up again."""

    node: FakeIpfs

    def meet(self, step: Callable[[], object], part: str = "/api") -> None:
        """A step that says that the node is down, and succeeds afterwards."""
        self.node.misbehaviours[part] = hang_up
        with pytest.raises(StorageUnavailableError, match="no answer from the IPFS node") as raised:
            step()
        assert "running" in raised.value.hint
        del self.node.misbehaviours[part]
        step()


def test_a_node_that_is_down_at_every_step_costs_time_and_nothing_else(arena: Arena, node: FakeIpfs) -> None:
    arena = over(arena, KuboBlobStore(node.url, PATIENCE))
    outage, reports = Outage(node), Reports()

    def open_and_close() -> None:
        with arena.participants([0]):
            pass

    outage.meet(open_and_close)  # the specification
    with arena.participants(range(TRAINERS), reports) as participants:
        service = arena.service(FIRST)
        outage.meet(participants[0].step, "cat")  # the initial model
        assert count_trained(reports) == 1
        for participant in participants[1:]:
            outage.meet(participant.step, "add")  # the payload
        assert count_trained(reports) == TRAINERS, "somebody trained twice"
        assert len(arena.events(UpdateSubmitted)) == TRAINERS

        for part, lasts in (("/api", "the payloads"), ("add", "the aggregate and the model")):
            node.misbehaviours[part] = status(503)
            service.step()
            assert arena.round_status is RoundStatus.WEIGHING, f"settled without {lasts}"
            del node.misbehaviours[part]
        service.step()
        assert arena.round_status is RoundStatus.ATTESTING

        node.misbehaviours["/api"] = hang_up
        reports.clear()
        for participant in participants:
            participant.step()
        assert {(what, particulars.get("finding")) for what, particulars in reports} == {("unsettled", "unreachable")}
        del node.misbehaviours["/api"]
        for participant in participants:
            participant.step()
        service.step()
        assert arena.outcomes() == [RoundOutcome.FINAL]
        play_round(arena, participants)
        assert_completed(arena, participants)


def play_round(arena: Arena, participants: list[Participant], between: Callable[[], None] = lambda: None) -> None:
    """A whole round, `between` after each of its phases."""
    for participant in participants:
        assert isinstance(participant.step(), Train)
    between()
    service = arena.service(FIRST)
    service.step()
    between()
    for participant in participants:
        participant.step()
    between()
    service.step()
    between()


def assert_completed(arena: Arena, participants: list[Participant]) -> None:
    assert arena.market.get_project(arena.world.project_id).status is ProjectStatus.COMPLETED
    assert {participant.step() for participant in participants} == {Stop(StopReason.ENDED)}
    arena.verify_money()


def test_a_trainer_that_is_killed_with_the_node_down_trains_again_and_goes_on(arena: Arena, node: FakeIpfs) -> None:
    arena = over(arena, KuboBlobStore(node.url, PATIENCE))
    with arena.participants([0]) as (participant,):
        node.misbehaviours["add"] = message("write /data/ipfs: no space left on device")
        with pytest.raises(StorageUnavailableError, match="no space left on device"):
            participant.step()
    assert arena.events(UpdateSubmitted) == []
    node.misbehaviours.clear()
    with arena.participants([0]) as (participant,):
        assert isinstance(participant.step(), Train)
    assert len(arena.events(UpdateSubmitted)) == 1


@pytest.mark.parametrize(
    "misbehave",
    [send(b"other bytes"), drip(b"HTTP/1.1 200 OK\r\n\r\n")],
    ids=["other bytes", "slow"],
)
def test_one_payload_that_does_not_come_is_left_out_and_the_round_goes_on(
    arena: Arena, node: FakeIpfs, misbehave: Callable[..., bool]
) -> None:
    arena = over(arena, KuboBlobStore(node.url, PATIENCE))
    with arena.participants() as participants:
        for participant in participants:
            participant.step()
        lost = arena.events(UpdateSubmitted)[2]
        node.misbehaviours[str(lost.cid)] = misbehave
        arena.service(FIRST, patience=Patience(missing_seconds=0.0)).step()
        (settled,) = arena.events(RoundSettled)
        assert [exclusion.index for exclusion in settled.settlement.exclusions] == [lost.index]
        assert {exclusion.reason for exclusion in settled.settlement.exclusions} == {ExclusionReason.UNAVAILABLE}


@pytest.mark.parametrize("kind", ["a directory", "another layout"])
def test_a_payload_that_is_no_file_is_malformed_at_once(arena: Arena, node: FakeIpfs, kind: str) -> None:
    """Whoever names it is to blame, so nobody waits for it."""
    arena = over(arena, KuboBlobStore(node.url, PATIENCE))
    bad = add_block(node, bytes.fromhex("0a020801")) if kind == "a directory" else add_in_other_layout(node)
    with arena.participants(range(TRAINERS - 1)) as participants:
        for participant in participants:
            participant.step()
        last = arena.world.market(arena.world.trainer(TRAINERS - 1).account)
        last.submit(arena.world.project_id, 0, bad, Digest(bytes([7]) * 32))
        arena.service(FIRST).step()
    (settled,) = arena.events(RoundSettled)
    assert [exclusion.reason for exclusion in settled.settlement.exclusions] == [ExclusionReason.MALFORMED]


def test_an_aggregate_that_is_no_file_is_objected_to(arena: Arena, node: FakeIpfs) -> None:
    """Without proof that the identifier itself is at fault, trainers would be silent, and silence is consent."""
    arena = over(arena, KuboBlobStore(node.url, PATIENCE))
    with arena.participants() as participants:
        for participant in participants:
            participant.step()
        directory = add_block(node, bytes.fromhex("0a020801"))
        publish, arena.world.store = arena.world.store, PublishesElsewhere(arena.world.store, directory)
        arena.world.settle()
        arena.world.store = publish
        for participant in participants:
            participant.step()
    assert {vote.opens for vote in arena.events(Attested)} == {False}


class PublishesElsewhere(BlobStore):
    """Takes what is put, and calls it something else."""

    def __init__(self, store: BlobStore, name: Cid) -> None:
        self._store = store
        self._name = name

    def put(self, data: bytes) -> Cid:
        self._store.put(data)
        return self._name

    def _write(self, cid: Cid, data: bytes) -> None:
        raise AssertionError("nobody writes here")

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        return self._store.get(cid, max_bytes)

    def _has(self, cid: Cid) -> bool:
        return self._store.has(cid)


def add_block(node: FakeIpfs, block: bytes) -> Cid:
    cid = Cid(Codec.DAG_PB, hashlib.sha256(block).digest())
    node.blocks[cid] = block
    return cid


def add_in_other_layout(node: FakeIpfs) -> Cid:
    """A file of one chunk with a node above it, as `ipfs add` without `--raw-leaves` would have it."""
    leaf = node.add(b"short", pin=False)
    return add_block(node, encode_node([Subtree(leaf, 5, 5)]))


class TestRetention:
    """The project completes although its store loses everything that the policy lets it lose."""

    def lose(self, arena: Arena, store: LocalBlobStore, folder: Path) -> int:
        """Deletes whatever need not be kept, and returns how much that was."""
        world = arena.world
        world.devnet.mine(REORG_DEPTH)
        head = arena.market.get_block_number()
        kept = {hold.cid for hold in compute_holds(events_of(arena)) if not hold.is_over(head)}
        kept |= {hold.cid for hold in find_durable(Connection(world.deployment, arena.market), store, world.project_id)}
        lost = [path for path in folder.iterdir() if path.name not in set(map(str, kept))]
        for path in lost:
            path.unlink()
        return len(lost)

    @pytest.mark.deep
    def test_with_a_directory(self, arena: Arena, tmp_path: Path) -> None:
        folder = tmp_path / "blobs"
        store = LocalBlobStore(folder)
        for cid in (arena.market.get_project(arena.world.project_id).params.spec_cid, arena.world.spec.initial_model):
            store.put(arena.world.store.get(cid, 10**7))
        arena, lost = over(arena, store), [0]

        def forget() -> None:
            store.put(b"something that nobody needs")
            lost[0] += self.lose(arena, store, folder)

        with arena.participants() as participants:
            for _ in range(ROUNDS):
                play_round(arena, participants, forget)
            assert_completed(arena, participants)
        assert lost[0] > ROUNDS * TRAINERS
        assert len(arena.events(UpdateSubmitted)) == ROUNDS * TRAINERS
        audit_all(arena)

    def test_programs_let_go_of_their_own_payloads(self, arena: Arena, node: FakeIpfs) -> None:
        arena = over(arena, KuboBlobStore(node.url, PATIENCE))
        with arena.participants() as participants:
            play_round(arena, participants)
            payloads = {event.cid for event in arena.events(UpdateSubmitted)}
            assert payloads < node.pins, "let go of before it is certain that the round stays closed"
            arena.world.devnet.mine(REORG_DEPTH)
            for participant in participants:
                participant.step()
            assert not payloads & node.pins
            node.collect_garbage()
            arena.service(FIRST).step()
            for participant in participants:
                participant.step()
            arena.service(FIRST).step()
            assert_completed(arena, participants)
        audit_all(arena)

    def test_commands(self, arena: Arena, fresh_arena: Arena, tmp_path: Path, node: FakeIpfs) -> None:
        world = arena.world
        arena = over(arena, KuboBlobStore(node.url, PATIENCE))
        with arena.participants() as participants:
            play_round(arena, participants)
        payloads = {str(event.cid) for event in arena.events(UpdateSubmitted)}
        deployment = fresh_arena.world.state / "deployment.json"
        options = ["--rpc-url", world.devnet.url, "--deployment", str(deployment), "--json", "--store"]

        def run(*arguments: str, store: str = f"kubo:{node.url}", code: int = 0) -> list[dict[str, object]]:
            result = CliRunner().invoke(app, ["storage", *arguments, *options, store])
            assert result.exit_code == code, result.output
            return [json.loads(line) for line in result.stdout.splitlines()]

        assert run("gc") == [], "the round may still be reopened"
        world.devnet.mine(REORG_DEPTH)
        (stat,) = run("stat")
        assert stat["kinds"] == {
            "specification": {"known": 1, "here": 1, "expired": 0},
            "payload": {"known": TRAINERS, "here": TRAINERS, "expired": TRAINERS},
            "aggregate": {"known": 1, "here": 1, "expired": 0},
        }
        assert {line["cid"] for line in run("gc", "--dry-run")} == payloads
        assert {line["cid"] for line in run("gc")} == payloads
        assert run("gc") == []
        node.collect_garbage()

        project = "0x" + world.project_id.hex()
        with FakeIpfs(node.blocks) as second:
            pinned = run("pin", project, store=f"kubo:{second.url}")
            assert {line["done"] for line in pinned} == {"pinned"}
            kinds = {"specification", "initial model", "aggregate", "model"}
            assert {line["kind"] for line in pinned} == kinds
            assert {str(cid) for cid in second.pins} == {line["cid"] for line in pinned}
            assert not payloads & {str(cid) for cid in second.pins}

        (model,) = (Cid.parse(str(line["cid"])) for line in pinned if line["kind"] == Kind.MODEL.value)
        node.pins.discard(model)
        node.collect_garbage()
        missing = run("pin", project, code=StorageUnavailableError.exit_code)
        assert [line["kind"] for line in missing if line["done"] == "missing"] == ["model"]


def audit_all(arena: Arena) -> None:
    """A stranger who comes afterwards finds everything that it takes to check every round."""
    world, market = arena.world, arena.market
    model = fetch_initial_model(world.store, world.spec)
    final = select_final(collect_settled_rounds(events_of(arena), world.project_id))
    assert len(final) == ROUNDS
    for record in final:
        audit = audit_round(
            record, model, market.chain_id, market.address, world.store, world.srs, DEFAULT_RULE, world.spec
        )
        model = audit.model
