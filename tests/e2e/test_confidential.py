"""Confidential projects, hybrid, and plain with a root: who can read what, who cannot, what is left on the disks."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from aggregator.service import AggregatorService
from scripts.cli import app
from scripts.deploy import load_ethereum_srs_points
from scripts.model import pull_model
from scripts.owner_evaluate import Evaluator, Models
from steelyard.chain.deploy import deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import LoggedEvent, RoundClosed, RoundSettled
from steelyard.chain.history import EventHistory
from steelyard.chain.records import ProjectStatus
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender, SendPolicy
from steelyard.cli_support import Connection, open_connection, open_identity, parse_project_id
from steelyard.errors import AccessError, ChainUnavailableError, StorageUnavailableError
from steelyard.keystore import Identity
from steelyard.rounds import submission
from steelyard.rounds.evaluation import Curve, Point
from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.project import open_project
from steelyard.storage import BlobStore, open_store
from steelyard.types import Address, Cid, Sealing
from steelyard.updates import payload as payload_module
from steelyard.updates.compression import compress
from steelyard.updates.content import CONTENT_OVERHEAD_BYTES
from steelyard.updates.encryption import PayloadContext
from steelyard.updates.payload import UpdatePayload
from tests.e2e.test_commands import DATA, OFFER, PROJECT_FILE, STAKE, TRAINERS, UNIT, Town, make_private
from trainer_client.participant import Participant, RunOptions
from trainer_client.session import open_session

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("confidential")]

READERS = ("auditor", "mallory", "stranger")


@dataclass(slots=True)
class Secret:
    """The project, and everything that must not be found on any disk."""

    town: Town
    store: BlobStore
    payloads: list[UpdatePayload] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    def identity(self, name: str) -> Identity:
        return open_identity(self.town.root / f"{name}.json", self.town.root / "passphrase")

    def connect(self, name: str) -> Connection:
        return open_connection(self.town.devnet.url, self.town.root / "deployment.json", self.identity(name))

    @property
    def project_id(self) -> Any:
        return parse_project_id(self.town.project)

    def service(self, name: str) -> AggregatorService:
        connection = self.connect(name)
        history = EventHistory(connection.marketplace.get_events, connection.deployment.block)
        return AggregatorService(
            connection.marketplace, history, connection.deployment, self.store, self.identity(name)
        )

    def trainer(self, stack: ExitStack, name: str) -> Participant:
        session = open_session(
            self.connect(name),
            self.identity(name),
            self.store,
            self.project_id,
            DATA.format(TRAINERS.index(name)),
            Path(self.town.environment(name)["STEELYARD_STATE"]),
            options=RunOptions(threads=1),
            report=lambda what, particulars: self.logs.append(f"{what} {dict(particulars)}"),
        )
        return stack.enter_context(session)

    def play(self, aggregator: str, before_the_end: Callable[[], object] = lambda: None) -> None:
        """A round, everybody truthfully, each with a program that has just been started."""
        service = self.service(aggregator)
        with ExitStack() as stack:
            trainers = [self.trainer(stack, name) for name in TRAINERS]
            for trainer in trainers:
                trainer.step()
            service.step()
            for trainer in trainers:
                trainer.step()
            before_the_end()
            service.step()

    def refuse(self, name: str, *arguments: str) -> Result:
        """Somebody's command, in this process, that fails."""
        return CliRunner().invoke(app, list(arguments), env=self.town.environment(name))

    def pull(self, name: str, round_index: int | None = None) -> Any:
        connection = self.connect(name)
        identity = self.identity(name)
        return pull_model(
            connection.marketplace, connection.deployment, self.store, self.project_id, round_index, identity
        )


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    """Two rounds, each with another aggregator. Between them a trainer loses its machine, and readers come and go."""
    with Devnet() as devnet, pytest.MonkeyPatch.context() as patch:
        town = Town(tmp_path_factory.mktemp("secret"), devnet)
        secret = Secret(town, open_store(f"local:{town.root / 'blobs'}"))
        seal = payload_module.seal_payload

        def spy(payload: UpdatePayload, key: bytes, context: PayloadContext) -> bytes:
            secret.payloads.append(payload)
            return seal(payload, key, context)

        patch.setattr(submission, "seal_payload", spy)
        structlog.configure(
            processors=[structlog.processors.JSONRenderer()], logger_factory=lambda *_: _Logger(secret.logs)
        )
        _settle_in(town)
        _play(secret)
        yield secret
        structlog.reset_defaults()


class _Logger:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def msg(self, line: str) -> None:
        self._lines.append(line)

    debug = info = warning = error = msg


def _settle_in(town: Town) -> None:
    make_private(town.root / "passphrase", "correct horse\n")
    rich = Sender(town.devnet.web3, town.devnet.account(0), SendPolicy(poll_seconds=0.02))
    token_address = deploy_test_token(rich)
    (town.root / "deployment.json").write_text(deploy(rich, load_ethereum_srs_points(), token=token_address).dump())
    token = Token(town.devnet.web3, token_address, sender=rich)
    grants = {"owner": 1_000 * UNIT, "gil": OFFER, "hal": OFFER, **dict.fromkeys(TRAINERS, STAKE)}
    for name in (*grants, *READERS):
        made = town.ask(name, "keys", "new", "--light-kdf")
        town.addresses[name] = Address(made["address"])
        rich.send(town.addresses[name], b"", value=UNIT)
    for name, amount in grants.items():
        token.mint(town.addresses[name], amount)


def _play(secret: Secret) -> None:
    town = secret.town
    token = json.loads((town.root / "deployment.json").read_text())["token"]
    text = PROJECT_FILE.read_text().replace("epochs = 40", "epochs = 1").replace("epochs = 3", "epochs = 1")
    text = text.replace('title = "', 'confidential = true\nsealing = "x25519-mlkem768"\ntitle = "')
    text = text.replace("[spec]", f'aggregator = "{town.addresses["gil"]}"\n\n[spec]')
    (town.root / "project.toml").write_text(text)
    for name in ("gil", "hal"):
        town.call(name, "aggregator", "register", "--token", token, "--deposit", "200", "--max-stake", "100")
    town.project = town.ask("owner", "owner", "create", str(town.root / "project.toml"))["project"]
    for name in TRAINERS:
        town.ask(name, "trainer", "enrol", town.project, "--deposit", "--yes")
    for name in READERS:
        town.ask(name, "keys", "register")
    town.call("owner", "owner", "start", town.project)
    secret.play("gil", lambda: town.call("gil", "aggregator", "unregister", "--token", token))

    town.ask("owner", "owner", "grant", town.project, town.addresses["auditor"], "--from-round", "0")
    town.ask("owner", "owner", "grant", town.project, town.addresses["mallory"])
    town.call("owner", "owner", "revoke", town.project, town.addresses["mallory"])
    rmtree(town.environment("ada")["STEELYARD_STATE"])
    secret.play("hal")


def test_the_project_is_completed_and_paid(secret: Secret) -> None:
    market = secret.connect("owner").marketplace
    assert market.get_project(secret.project_id).status is ProjectStatus.COMPLETED
    assert all(member.earned for member in market.get_members(secret.project_id))


def test_those_who_are_due_the_models_compute_them_again(secret: Secret) -> None:
    files = [secret.pull(name) for name in ("owner", *TRAINERS, "auditor")]
    assert all(pulled.recomputed for pulled in files)
    assert len({pulled.content for pulled in files}) == 1
    assert len({secret.pull("owner", index).content for index in range(3)}) == 3
    connection = secret.connect("owner")
    events = connection.marketplace.get_events(0, connection.marketplace.get_block_number(), kinds=[RoundSettled])
    aggregators = [logged.event.aggregator for logged in events if isinstance(logged.event, RoundSettled)]
    assert aggregators == [secret.town.addresses[name] for name in ("gil", "hal")], "the second began without a key"


def test_a_revoked_reader_reads_what_was_published_before_and_nothing_after(secret: Secret) -> None:
    early = secret.pull("mallory", 1)
    assert not early.recomputed
    assert early.content == secret.pull("owner", 1).content
    for round_index in (0, 2, None):
        with pytest.raises(AccessError, match="confidential"):
            secret.pull("mallory", round_index)


@pytest.mark.parametrize("round_index", [0, 1, 2])
def test_strangers_and_former_aggregators_without_a_grant_read_nothing(secret: Secret, round_index: int) -> None:
    for name in ("stranger", "gil", "hal"):
        with pytest.raises(AccessError, match="none of your keys opens"):
            secret.pull(name, round_index)


def test_the_commands_say_who_reads_and_refuse_whom_they_should(secret: Secret, tmp_path: Path) -> None:
    town, file = secret.town, tmp_path / "model.safetensors"
    assert town.ask("stranger", "owner", "readers", town.project)["readers"] == {town.addresses["auditor"]: 0}
    pulled = town.ask("auditor", "model", "pull", town.project, "--out", str(file))
    assert (pulled["round"], pulled["recomputed"]) == (2, True)
    assert file.read_bytes() == secret.pull("owner").content
    checked = town.ask("auditor", "verify", "round", town.project, "1")["checked"]
    assert all(checked.values())
    public = town.ask("stranger", "verify", "round", town.project, "1")["checked"]
    assert {name for name, found in public.items() if not found} == {"aggregate", "model"}, (
        "pay is everybody's to check"
    )
    refused = secret.refuse("stranger", "model", "pull", town.project, "--out", str(tmp_path / "x"))
    assert refused.exit_code == 7
    assert "confidential" in refused.stderr
    assert "owner grant" in refused.stderr
    assert not (tmp_path / "x").exists()
    denied = secret.refuse("ada", "owner", "grant", town.project, town.addresses["stranger"])
    assert denied.exit_code == 4
    assert "NotAuthorized" in denied.stderr


def test_a_member_hands_the_key_to_the_owner_or_another_member_only(secret: Secret) -> None:
    town = secret.town
    assert town.ask("ada", "trainer", "share", town.project, town.addresses["owner"])["round"] == 2
    refused = secret.refuse("ada", "trainer", "share", town.project, town.addresses["stranger"])
    assert (refused.exit_code, "neither the owner nor a member" in refused.stderr) == (7, True)


@pytest.mark.parametrize(("name", "group"), [("ben", "trainer"), ("hal", "aggregator")])
def test_a_copy_of_the_keystore_and_the_chain_are_enough_to_be_paid(
    secret: Secret, tmp_path: Path, name: str, group: str
) -> None:
    """Everything else of a trainer or an aggregator is lost: a machine that has nothing goes on."""
    town, copy = secret.town, tmp_path / "copy.json"
    make_private(copy, (town.root / f"{name}.json").read_text())
    environment = town.environment(name) | {"STEELYARD_KEYSTORE": str(copy), "STEELYARD_STATE": str(tmp_path / "state")}
    market = secret.connect(name).marketplace
    token = market.get_project(secret.project_id).params.token
    assert market.get_credit(town.addresses[name], token) > 0
    result = CliRunner().invoke(app, [group, "claim", "--token", token], env=environment)
    assert result.exit_code == 0, result.output
    assert market.get_credit(town.addresses[name], token) == 0


def test_updates_seeds_keys_and_models_are_on_no_disk_and_in_no_log(secret: Secret) -> None:
    assert len(secret.payloads) == 2 * len(TRAINERS)
    forbidden: dict[str, bytes] = {"a model's file": b"layers.0.weight"}
    for number, payload in enumerate(secret.payloads):
        assert payload.content_key
        raw = payload.update.astype("<i2").tobytes()
        forbidden |= {
            f"update {number}": raw[:64],
            f"compressed update {number}": compress(raw)[16:80],
            f"seed {number}": payload.seed,
            f"seed {number} in hex": payload.seed.hex().encode(),
            f"content key {number}": payload.content_key,
            f"content key {number} in hex": payload.content_key.hex().encode(),
        }
    for name in secret.town.addresses:
        identity = secret.identity(name)
        for private_key in (bytes(identity.account.key), *(pair.private_key for pair in identity.key_pairs)):
            forbidden |= {f"a key of {name}": private_key, f"a key of {name} in hex": private_key.hex().encode()}
    files = {path: path.read_bytes() for path in secret.town.root.rglob("*") if path.is_file()}
    assert len(files) > 20
    found = [
        (name, str(path))
        for name, needle in forbidden.items()
        for path, content in {**files, Path("logs"): "\n".join(secret.logs).encode()}.items()
        if needle in content
    ]
    assert found == []
    assert any(name.startswith("round settled") or "settled" in name for name in secret.logs), "logs were captured"


def test_every_published_model_is_sealed_and_there(secret: Secret) -> None:
    """The next aggregator starts from it: trainers put it back where it was missing."""
    sizes = [len(content) for content in _blobs(secret) if content.startswith(b"SYC1")]
    plain = len(secret.pull("owner").content)
    assert sizes == [plain + CONTENT_OVERHEAD_BYTES] * 3


def _blobs(secret: Secret) -> list[bytes]:
    return [path.read_bytes() for path in (secret.town.root / "blobs").rglob("*") if path.is_file()]


def test_the_owner_evaluates_what_only_it_and_its_readers_may_read(secret: Secret, tmp_path: Path) -> None:
    town = secret.town
    arguments = ("owner", "evaluate", town.project, "--data", "digits:?holdout=0.2&use=holdout", "--threads", "1")
    printed = town.call("owner", *arguments, "--follow", "--json", "--out", str(tmp_path)).stdout.splitlines()
    *points, _ = map(json.loads, printed)
    assert [point["round"] for point in points] == [0, 1, 2]
    assert points[2]["loss"] < points[0]["loss"]
    refused = secret.refuse("stranger", *arguments, "--out", str(tmp_path / "stranger"))
    assert (refused.exit_code, "confidential" in refused.stderr) == (7, True)


def test_the_curve_goes_on_through_reorganisations_and_outages(secret: Secret) -> None:
    """The node forgets blocks and finds them again, or does not answer; so does the store."""
    rng, connection, owner = random.Random(7), secret.connect("owner"), secret.identity("owner")
    market, store = connection.marketplace, Flaky(secret.store)
    events = market.get_events(connection.deployment.block, market.get_block_number(), project_id=secret.project_id)
    closed = [logged.block_number for logged in events if isinstance(logged.event, RoundClosed)]
    terms = open_project(market, connection.deployment, secret.store, secret.project_id)
    final, is_down = 0, False
    warned: list[str] = []

    def get_events(first: int, last: int) -> list[LoggedEvent]:
        if is_down:
            raise ChainUnavailableError("the node cannot be reached")
        head = closed[final] - 1 if final < len(closed) else last
        return [logged for logged in events if first <= logged.block_number <= min(last, head)]

    def measure(model: GlobalModel) -> Point:
        return Point(round=model.round_index, accuracy=0, loss=float(abs(model.parameters).sum()), examples=1)

    curves: list[Curve] = []
    history = EventHistory(get_events, connection.deployment.block, reorg_depth=10**6)
    models = Models(connection, store, terms, owner, history)
    evaluator = Evaluator(models, measure, curves.append, lambda _point: None, warned.append)
    evaluator.look()
    expected = list(evaluator.points)
    for _ in range(20):
        final, is_down, store.fails = rng.randrange(3), rng.random() < 0.2, rng.random() < 0.2
        try:
            evaluator.look()
        except (ChainUnavailableError, StorageUnavailableError):
            continue
        assert [point.round for point in evaluator.points] == list(range(final + 1))
        expected += evaluator.points[len(expected) :]
        assert evaluator.points == expected[: final + 1], "a model that came back is another"
        assert list(curves[-1].points) == evaluator.points
    assert len(expected) == 3
    assert any("took back the models from round 1 on" in text for text in warned)


class Flaky(BlobStore):
    """A store that does not answer now and then."""

    def __init__(self, store: BlobStore) -> None:
        self.store = store
        self.fails = False

    def _check(self) -> None:
        if self.fails:
            raise StorageUnavailableError("no answer")

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        self._check()
        return self.store.get(cid, max_bytes)

    def _has(self, cid: Cid) -> bool:
        self._check()
        return self.store.has(cid)

    def _write(self, cid: Cid, data: bytes) -> None:
        raise StorageUnavailableError(f"{cid} is not to be written: {len(data)} bytes")


def test_a_rooted_project_is_confidential_with_plain_keys_too(secret: Secret) -> None:
    """FLTrust with X25519: the owner's root is sealed as updates are, and read by the aggregator alone."""
    town = replace(secret.town)
    rooted = Secret(town, secret.store)
    token = json.loads((town.root / "deployment.json").read_text())["token"]
    rich = Sender(town.devnet.web3, town.devnet.account(0), SendPolicy(poll_seconds=0.02))
    Token(town.devnet.web3, token, sender=rich).mint(town.addresses["owner"], 1_000 * UNIT)
    text = (town.root / "project.toml").read_text().replace('sealing = "x25519-mlkem768"\n', "")
    text = text.replace(town.addresses["gil"], town.addresses["hal"]).replace("rounds = 2", "rounds = 1")
    (town.root / "rooted.toml").write_text(text.replace("[chain]\n", '[chain]\nrule = "fltrust"\n'))
    town.project = town.ask("owner", "owner", "create", str(town.root / "rooted.toml"))["project"]
    for name in TRAINERS:
        town.ask(name, "trainer", "enrol", town.project, "--yes", "--deposit")
    town.call("owner", "owner", "start", town.project)
    assert town.ask("owner", "owner", "status", town.project)["hasRoot"] is False
    sent = len(secret.payloads)
    root_data = ("--data", "digits:?shard=9/15", "--threads", "1", "--once", "--json")
    reported = town.call("owner", "owner", "root", "run", town.project, *root_data).stdout.splitlines()
    assert [json.loads(line)["event"] for line in reported][-1] == "submitted"
    assert town.ask("owner", "owner", "status", town.project)["hasRoot"] is True
    rooted.play("hal")

    market = rooted.connect("owner").marketplace
    assert market.get_project(rooted.project_id).status is ProjectStatus.COMPLETED
    terms = open_project(market, rooted.connect("owner").deployment, rooted.store, rooted.project_id)
    assert (terms.spec.sealing, terms.spec.confidential, terms.rule.rooted) == (Sealing.X25519, True, True)
    files = [rooted.pull(name) for name in ("owner", *TRAINERS)]
    assert all(pulled.recomputed for pulled in files)
    assert len({pulled.content for pulled in files}) == 1
    for name in ("stranger", "hal", "auditor"):
        with pytest.raises(AccessError, match="none of your keys opens"):
            rooted.pull(name)
    public = town.ask("stranger", "verify", "round", town.project, "0")["checked"]
    assert {name for name, found in public.items() if not found} == {"aggregate", "model"}
    root = secret.payloads[sent]
    assert root.content_key
    needle = root.update.astype("<i2").tobytes()[:64]
    assert not any(needle in content or bytes(root.seed) in content for content in _blobs(rooted))


def test_an_owner_that_keeps_the_first_key_to_itself_costs_nobody_but_itself(secret: Secret) -> None:
    """Nobody can train, so nobody submits and nobody is blamed; two such attempts end the project. Runs last."""
    town, connection = secret.town, secret.connect("owner")
    market = connection.marketplace
    token = market.get_project(secret.project_id).params.token
    rich = Sender(town.devnet.web3, town.devnet.account(0), SendPolicy(poll_seconds=0.02))
    Token(town.devnet.web3, token, sender=rich).mint(town.addresses["owner"], 1_000 * UNIT)
    town.project = town.ask("owner", "owner", "create", str(town.root / "project.toml"))["project"]
    for name in TRAINERS:
        town.ask(name, "trainer", "enrol", town.project, "--yes")
    before = [market.get_reputation(town.addresses[name]) for name in TRAINERS]
    market.start(secret.project_id)
    with ExitStack() as stack:
        trainer = secret.trainer(stack, "ada")
        with pytest.raises(AccessError, match="none of your keys opens the model that round 0"):
            trainer.step()
    for _ in range(2):
        town.devnet.advance_to(market.get_round(secret.project_id).submit_deadline)
        market.poke(secret.project_id)
    assert market.get_project(secret.project_id).status is ProjectStatus.FAILED
    assert [market.get_reputation(town.addresses[name]) for name in TRAINERS] == before
    assert all(member.absences == 0 for member in market.get_members(secret.project_id))
    assert market.get_credit(town.addresses["owner"], token) >= 1_000 * UNIT
