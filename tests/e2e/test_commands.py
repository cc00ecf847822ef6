"""One project through the command line: every role, from an empty disk to a claimed payment and a checked bundle."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aggregator.service import AggregatorService
from scripts.cli import app
from scripts.deploy import load_ethereum_srs_points
from steelyard.chain.deploy import deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.history import EventHistory
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender, SendPolicy
from steelyard.cli_support import open_connection, open_identity, parse_project_id
from steelyard.storage import open_store
from steelyard.types import Address, Cid
from trainer_client.participant import RunOptions
from trainer_client.session import open_session

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("commands")]

UNIT = 10**18
TRAINERS = ("ada", "ben", "cleo")
DATA = "digits:?shard={}/15"
BUDGET, STAKE, OFFER = 1_000 * UNIT, 50 * UNIT, 200 * UNIT
FEE = BUDGET * 500 // 10_000
PROJECT_FILE = Path(__file__).with_name("project.toml")


@dataclass(slots=True)
class Town:
    """Everybody's files, and the node that they share."""

    root: Path
    devnet: Devnet
    addresses: dict[str, Address] = field(default_factory=dict)
    project: str = ""

    def environment(self, name: str) -> dict[str, str]:
        return {
            "STEELYARD_RPC_URL": self.devnet.url,
            "STEELYARD_DEPLOYMENT": str(self.root / "deployment.json"),
            "STEELYARD_STORE": f"local:{self.root / 'blobs'}",
            "STEELYARD_KEYSTORE": str(self.root / f"{name}.json"),
            "STEELYARD_PASSPHRASE_FILE": str(self.root / "passphrase"),
            "STEELYARD_STATE": str(self.root / "state" / name),
        }

    def call(self, name: str, *arguments: str) -> Result:
        """Somebody's command, in this process."""
        result = CliRunner().invoke(app, list(arguments), env=self.environment(name))
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        return result

    def ask(self, name: str, *arguments: str) -> dict[str, Any]:
        """What a command with `--json` prints: one object, and nothing else on stdout."""
        answer = json.loads(self.call(name, *arguments, "--json").stdout)
        assert isinstance(answer, dict)
        return answer

    def spawn(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in a process of its own, whatever its exit code."""
        return subprocess.run(
            [sys.executable, "-m", "scripts.cli", *arguments],
            env={**os.environ, **self.environment(name), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def make_private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A deployed marketplace, and people with keystores, ether and tokens who have done nothing yet."""
    with Devnet() as devnet:
        town = Town(tmp_path_factory.mktemp("town"), devnet)
        make_private(town.root / "passphrase", "correct horse\n")
        rich = Sender(devnet.web3, devnet.account(0), SendPolicy(poll_seconds=0.02))
        token_address = deploy_test_token(rich)
        deployment = deploy(rich, load_ethereum_srs_points(), token=token_address)
        (town.root / "deployment.json").write_text(deployment.dump())
        token = Token(devnet.web3, token_address, sender=rich)
        grants = {"owner": BUDGET, "gil": OFFER, **dict.fromkeys(TRAINERS, STAKE)}
        for name, amount in grants.items():
            made = town.ask(name, "trainer", "init", "--light-kdf")
            town.addresses[name] = Address(made["address"])
            rich.send(town.addresses[name], b"", value=UNIT)
            token.mint(town.addresses[name], amount)
        yield town


@pytest.fixture(scope="module")
def project(town: Town) -> str:
    """A project of one round in which everybody has enrolled, created and started by commands."""
    text = PROJECT_FILE.read_text().replace("rounds = 2", "rounds = 1").replace("epochs = 40", "epochs = 1")
    (town.root / "project.toml").write_text(text)
    token = json.loads((town.root / "deployment.json").read_text())["token"]
    town.call("gil", "aggregator", "register", "--token", token, "--deposit", "200", "--max-stake", "100")
    offer = town.ask("gil", "aggregator", "status", town.addresses["gil"], "--token", token)
    assert (offer["registered"], offer["free"], offer["locked"]) == (True, str(OFFER), "0")

    file = str(town.root / "project.toml")
    poor = {"STEELYARD_KEYSTORE": str(town.root / "ada.json")}
    refused = town.spawn("owner", "owner", "validate", file, "--json", **poor)
    assert (refused.returncode, len(json.loads(refused.stdout)["faults"])) == (7, 1), refused.stderr
    assert "the budget is" in refused.stdout
    assert town.ask("owner", "owner", "validate", file, "--data", "digits:")["valid"]
    assert town.ask("owner", "owner", "fund", file)["allowed"] == str(BUDGET)
    created = town.ask("owner", "owner", "create", file)
    town.project = created["project"]
    assert town.ask("owner", "owner", "status", town.project)["status"] == "enrolling"
    for slot, name in enumerate(TRAINERS):
        prepared = town.ask(name, "trainer", "init", "--register", "--stake", "50")
        assert prepared["address"] == town.addresses[name]
        assert town.ask(name, "trainer", "enrol", town.project, "--yes")["slot"] == slot
    assert "started in" in town.call("owner", "owner", "start", town.project).stdout
    running = town.ask("owner", "owner", "status", town.project)
    assert (running["status"], running["roundStatus"], running["submissions"]) == ("running", "collecting", 0)
    assert running["aggregator"] == town.addresses["gil"]
    return town.project


@pytest.fixture(scope="module")
def finished(town: Town, project: str) -> str:
    """The project after its only round, which real trainers and a real aggregator have played step by step."""
    environment = town.environment("gil")
    store, deployment_file = open_store(environment["STEELYARD_STORE"]), town.root / "deployment.json"

    def connect(name: str) -> tuple[Any, Any]:
        identity = open_identity(town.root / f"{name}.json", town.root / "passphrase")
        return identity, open_connection(town.devnet.url, deployment_file, identity)

    identity, connection = connect("gil")
    marketplace, deployment = connection.marketplace, connection.deployment
    service = AggregatorService(
        marketplace=marketplace,
        history=EventHistory(marketplace.get_events, deployment.block),
        deployment=deployment,
        store=store,
        identity=identity,
    )
    with ExitStack() as stack:
        participants = []
        for shard, name in enumerate(TRAINERS):
            identity, connection = connect(name)
            session = open_session(
                connection,
                identity,
                store,
                parse_project_id(project),
                DATA.format(shard),
                Path(town.environment(name)["STEELYARD_STATE"]),
                options=RunOptions(threads=1),
                report=lambda _what, _particulars: None,
            )
            participants.append(stack.enter_context(session))
        for _ in range(2):
            for participant in participants:
                participant.step()
            service.step()
    return project


def test_every_role_sees_the_end_and_is_paid(town: Town, finished: str) -> None:
    token = json.loads((town.root / "deployment.json").read_text())["token"]
    ended = town.ask("owner", "owner", "status", finished)
    assert (ended["status"], ended["round"]) == ("completed", 1)
    earned = {member["account"]: int(member["earned"]) for member in ended["members"]}
    assert all(earned.values())

    paid = 0
    for name in TRAINERS:
        standing = town.ask(name, "trainer", "status", finished)
        assert standing["project"] == "completed"
        assert int(standing["standing"]["earned"]) == earned[town.addresses[name]]
        reasons = town.ask(name, "trainer", "why", finished, "0")
        assert (reasons["outcome"], reasons["exclusion"]) == ("final", None)
        assert int(reasons["explanation"]["share"]) == earned[town.addresses[name]]
        claimed = town.ask(name, "trainer", "claim")
        assert int(claimed["amount"]) == int(standing["credit"])
        paid += int(claimed["amount"])
        assert town.ask(name, "trainer", "claim") == {"amount": "0", "recipient": town.addresses[name], "tx": None}
    gil = town.ask("gil", "aggregator", "status", town.addresses["gil"], "--token", token)
    assert (gil["credit"], gil["free"], gil["locked"]) == (str(FEE), str(OFFER), "0")
    town.call("gil", "aggregator", "claim", "--token", token)
    dust = int(town.ask("owner", "trainer", "status")["credit"])
    assert paid + FEE + dust == BUDGET
    assert dust < len(TRAINERS)


def test_the_owner_watches_and_evaluates(town: Town, finished: str) -> None:
    now = town.ask("owner", "owner", "watch", finished, "--once")
    assert (now["status"], now["closed"]) == ("completed", [{"round": 0, "attempt": 1, "outcome": "final"}])
    assert sum(member["weight"] for member in now["members"]) == pytest.approx(1)
    picture = town.call("owner", "owner", "watch", finished).stdout
    assert all(town.addresses[name] in picture for name in TRAINERS)
    lines = [json.loads(line) for line in town.call("owner", "owner", "watch", finished, "--json").stdout.splitlines()]
    told = [line["event"] for line in lines]
    assert (told[0], told.count("UpdateSubmitted"), told.count("RoundClosed")) == ("ProjectCreated", len(TRAINERS), 1)

    folder = town.root / "curve"
    arguments = ("--data", "digits:?holdout=0.2&use=holdout", "--out", str(folder), "--publish", "--threads", "1")
    printed = town.call("owner", "owner", "evaluate", finished, *arguments, "--json").stdout.splitlines()
    *points, kept = map(json.loads, printed)
    assert [point["round"] for point in points] == [0, 1]
    assert points[1]["loss"] < points[0]["loss"]
    text = Path(kept["file"]).read_bytes()
    assert json.loads(text)["points"] == points
    assert open_store(town.environment("owner")["STEELYARD_STORE"]).get(Cid.parse(kept["cid"]), len(text)) == text
    assert Path(kept["file"]).with_suffix(".csv").read_text().splitlines()[0] == "round,accuracy,loss,examples"


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt", "model.onnx"])
def test_anybody_exports_the_model(town: Town, finished: str, name: str) -> None:
    out = town.root / name
    made = town.ask("ada", "model", "export", finished, "--out", str(out))
    assert (made["round"], made["recomputed"], made["bytes"]) == (1, True, out.stat().st_size)
    pulled = town.ask("ada", "model", "pull", finished, "--out", str(town.root / "pulled"))
    assert (made["cid"] == pulled["cid"]) is (name == "model.safetensors")


def test_a_file_that_does_not_say_its_format_is_7(town: Town, finished: str) -> None:
    done = town.spawn("ada", "model", "export", finished, "--out", str(town.root / "model.bin"))
    assert (done.returncode, "--format" in done.stderr) == (7, True)


def test_the_owner_takes_out_what_is_left(town: Town, finished: str) -> None:
    credit = int(town.ask("owner", "trainer", "status")["credit"])
    assert int(town.ask("owner", "owner", "withdraw", finished)["amount"]) == credit
    assert town.ask("owner", "trainer", "status")["credit"] == "0"


def test_a_round_is_verified_online_and_its_bundle_offline(town: Town, finished: str) -> None:
    bundle = town.root / "bundle.json"
    online = town.ask("owner", "verify", "round", finished, "0", "--out", str(bundle))
    assert online["checked"] == dict.fromkeys(("proof", "weights", "shares", "aggregate", "model", "chain"), True)
    assert set(online["trainers"]) == {town.addresses[name] for name in TRAINERS}
    offline = town.ask("owner", "verify", "evidence", str(bundle))
    assert offline["checked"] == online["checked"] | {"aggregate": False, "model": False, "chain": False}
    assert offline["shares"] == online["shares"]


class TestExitCodes:
    """Whose fault it is, as a shell sees it: one line and a hint on stderr, nothing on stdout, never a traceback."""

    def assert_fails(self, done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("error: ")
        assert words in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_wrong_passphrase_is_7(self, town: Town, finished: str) -> None:
        wrong = make_private(town.root / "wrong", "incorrect horse\n")
        done = town.spawn("owner", "owner", "start", finished, STEELYARD_PASSPHRASE_FILE=str(wrong))
        self.assert_fails(done, 7, "passphrase")

    def test_an_unknown_project_is_4(self, town: Town) -> None:
        self.assert_fails(town.spawn("owner", "owner", "status", "0x" + "00" * 32, "--json"), 4, "there is no project")

    def test_a_project_that_has_ended_cannot_be_started_which_is_4(self, town: Town, finished: str) -> None:
        self.assert_fails(town.spawn("owner", "owner", "start", finished), 4, "ProjectNotInStatus")

    @pytest.mark.parametrize("key", ["shares", "weights", "gram", "proof"])
    def test_tampered_evidence_is_3(self, town: Town, finished: str, key: str) -> None:
        path, tampered = town.root / "evidence.json", town.root / f"tampered-{key}.json"
        town.ask("owner", "verify", "round", finished, "0", "--out", str(path))
        bundle = json.loads(path.read_text())
        bundle[key] = tamper(bundle[key])
        tampered.write_text(json.dumps(bundle))
        if key == "shares":
            self.assert_fails(town.spawn("owner", "verify", "evidence", str(tampered), "--json"), 3, "share")
            return
        done = CliRunner().invoke(app, ["verify", "evidence", str(tampered)], env=town.environment("owner"))
        assert (done.exit_code, done.stdout) == (3, "")

    def test_a_missing_blob_is_5(self, town: Town, finished: str) -> None:
        elsewhere = f"local:{town.root / 'empty'}"
        done = town.spawn("owner", "verify", "round", finished, "0", "--json", STEELYARD_STORE=elsewhere)
        self.assert_fails(done, 5, "was not found")

    def test_a_node_that_is_down_is_4(self, town: Town, finished: str) -> None:
        done = town.spawn("owner", "owner", "status", finished, STEELYARD_RPC_URL="http://127.0.0.1:9")
        self.assert_fails(done, 4, "node")


def tamper(value: Any) -> Any:
    """The same kind of value, another one."""
    if isinstance(value, dict):
        first = next(iter(value))
        return value | {first: tamper(value[first])}
    if isinstance(value, list):
        return [tamper(value[0]), *value[1:]]
    if isinstance(value, str) and value.isdecimal():
        return str(int(value) + 1)
    assert isinstance(value, str)
    return value[:-1] + ("0" if value[-1] != "0" else "1")
