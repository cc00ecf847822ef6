"""docs/howto/wallet.md, run as it stands: its commands with cast, its explorer's table against the ABI."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from eth_utils.crypto import keccak
from typer.testing import CliRunner

from scripts.owner import app
from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import signature_hash
from steelyard.chain.events import AccessGranted, AccessRevoked, KeysPublished, ProjectCreated
from steelyard.chain.records import ProjectStatus, Stake
from steelyard.chain.transactions import Receipt
from steelyard.storage import compute_cid
from steelyard.types import ProjectId
from tests.market_kit import AGGREGATORS, DEPLOYER, OWNER, WEALTH, MarketKit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "wallet.md").read_text()
BLOCKS = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", PAGE, re.M | re.S))
TRAINERS = (10, 11, 12)
STAKE = 50 * 10**18
BUDGET = 1_000 * 10**18
STAKES = 1_000 * 10**18
EXPLORER_CALLS = set(re.findall(r"`(\w+\([\w(),]*\))`", PAGE.split("## In a block explorer")[1]))
KEPT = ("OWNER", "PROJECT", "SIGNER", "PERMIT", "DIGEST")
"""Variables that blocks set for those after them."""


def find_cast() -> str:
    """The `cast` on PATH, or else the one that npm installed here."""
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "node_modules" / ".bin")])
    found = shutil.which("cast", path=path)
    assert found, "no cast: install Foundry, or run `npm ci`"
    return found


class Shell:
    """Runs blocks of the page one after the other; variables that a block sets stay."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.variables = {"PATH": f"{Path(find_cast()).parent}:/usr/bin:/bin", "HOME": str(folder), **variables}
        self._kept = folder / "variables"

    def run(self, block: str, **variables: str) -> str:
        """What a block prints. Fails with what `cast` says if a command of it does."""
        script = f"set -aeuo pipefail\n{BLOCKS[block]}\nenv -0 > {self._kept}"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.variables | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        kept = dict(line.split("=", 1) for line in self._kept.read_text().split("\0") if line)
        self.variables |= {name: kept[name] for name in KEPT if name in kept}
        return done.stdout


@pytest.fixture
def prepared(kit: MarketKit, tmp_path: Path) -> dict[str, Any]:
    """A drafted project, in storage, and people who have tokens and a wallet each."""
    for account in (OWNER, *TRAINERS):
        kit.token(DEPLOYER).mint(kit.address(account), 100 * WEALTH + BUDGET)
    (tmp_path / "deployment.json").write_text(kit.deployment.dump())
    file = tmp_path / "project.toml"
    example = (ROOT / "scripts" / "project_example.toml").read_text()
    file.write_text(example.replace("min_trainers = 5", "min_trainers = 3"))
    where = {
        "STEELYARD_RPC_URL": kit.devnet.url,
        "STEELYARD_DEPLOYMENT": str(tmp_path / "deployment.json"),
        "STEELYARD_STORE": f"local:{tmp_path / 'blobs'}",
    }
    done = CliRunner().invoke(app, ["prepare", str(file), "--owner", kit.address(OWNER), "--json"], env=where)
    assert done.exit_code == 0, done.output
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def open_shell(kit: MarketKit, folder: Path, prepared: dict[str, Any]) -> Shell:
    return Shell(
        folder,
        ETH_RPC_URL=kit.devnet.url,
        MARKET=prepared["marketplace"],
        TOKEN=prepared["token"],
        BUDGET=prepared["budget"],
        PARAMS=prepared["params"],
        STAKE=str(STAKE),
        OWNER_KEY=key_of(kit, OWNER),
        ANYBODY_KEY=key_of(kit, 20),
        TRAINER_KEY=key_of(kit, TRAINERS[0]),
    )


def offer_aggregator(kit: MarketKit) -> None:
    """Somebody who can be drawn: its offer is a program's work, not a wallet's."""
    kit.token().mint(kit.address(AGGREGATORS[0]), STAKES)
    kit.offer_aggregator(stake=WEALTH)
    kit.token(AGGREGATORS[0]).approve(kit.deployment.marketplace, STAKES)
    kit.market(AGGREGATORS[0]).deposit(kit.token_address, STAKES)


def key_of(kit: MarketKit, account: int) -> str:
    return "0x" + bytes(kit.devnet.account(account).key).hex()


def get_project_id(shell: Shell) -> ProjectId:
    return ProjectId(bytes.fromhex(shell.variables["PROJECT"][2:]))


@pytest.mark.chain
def test_a_wallet_alone_plays_every_part(kit: MarketKit, tmp_path: Path, prepared: dict[str, Any]) -> None:
    """Nobody trains, so the project fails after two attempts, and everybody gets everything back."""
    offer_aggregator(kit)
    shell, market = open_shell(kit, tmp_path, prepared), kit.market()
    owned = kit.token().get_balance(kit.address(OWNER))
    shell.run("create")
    project_id = get_project_id(shell)
    assert market.get_project(project_id).status is ProjectStatus.ENROLLING
    assert kit.token().get_balance(kit.address(OWNER)) == owned - BUDGET
    for trainer in TRAINERS:
        for block in ("register", "deposit", "enrol"):
            shell.run(block, TRAINER_KEY=key_of(kit, trainer), KEY="0x" + bytes([trainer] * 32).hex())
    assert [member.account for member in market.get_members(project_id)] == [kit.address(t) for t in TRAINERS]
    shell.run("start")
    while market.get_project(project_id).status is ProjectStatus.RUNNING:
        kit.devnet.advance_to(market.get_round(project_id).submit_deadline + 1)
        shell.run("poke")
    assert market.get_project(project_id).status is ProjectStatus.FAILED
    assert shell.run("claim").split()[0] == str(BUDGET)
    assert kit.token().get_balance(kit.address(OWNER)) == owned

    before = kit.token().get_balance(kit.address(TRAINERS[0]))
    shell.run("unbond")
    kit.devnet.advance(market.get_unbonding_seconds() + 1)
    shell.run("withdraw")
    assert kit.token().get_balance(kit.address(TRAINERS[0])) == before + STAKE


@pytest.mark.chain
def test_a_wallet_alone_pays_by_permit_lets_others_read_and_takes_everything_back(
    kit: MarketKit, tmp_path: Path, prepared: dict[str, Any]
) -> None:
    shell, market, elsewhere = open_shell(kit, tmp_path, prepared), kit.market(), kit.address(30)
    owned = kit.token().get_balance(kit.address(OWNER))
    shell.run("permit", SIGNER_KEY=key_of(kit, OWNER), AMOUNT=str(BUDGET))
    shell.run("createpermitted")
    project_id = get_project_id(shell)
    assert market.get_project(project_id).status is ProjectStatus.ENROLLING
    assert kit.token().get_balance(kit.address(OWNER)) == owned - BUDGET
    assert kit.token().get_allowance(kit.address(OWNER), market.address) == 0

    key, digest = bytes([TRAINERS[0]] * 32), bytes([99] * 32)
    shell.run("register", KEY="0x" + key.hex())
    shell.run("hybrid", HYBRID="0x" + digest.hex())
    trainer = kit.address(TRAINERS[0])
    assert (market.get_key(trainer), market.get_hybrid_digest(trainer)) == (key, digest)
    shell.run("permit", SIGNER_KEY=key_of(kit, TRAINERS[0]), AMOUNT=str(STAKE))
    shell.run("depositpermitted")
    shell.run("enrol")
    assert market.get_stake(trainer, kit.token_address).locked > 0
    shell.run("leave")
    assert market.get_stake(trainer, kit.token_address) == Stake(STAKE, 0, 0, 0)

    manifest = compute_cid(b"wrapped keys")
    kit.market(30).register_key(key)
    for block in ("grant", "publish", "revoke"):
        shell.run(block, READER=elsewhere, MANIFEST=str(manifest))
    kinds = (AccessGranted, AccessRevoked, KeysPublished)
    events = market.get_events(0, market.get_block_number(), kinds=kinds, project_id=project_id)
    assert [logged.event for logged in events] == [
        AccessGranted(project_id, elsewhere, 0, manifest),
        KeysPublished(project_id, kit.address(OWNER), manifest),
        AccessRevoked(project_id, elsewhere),
    ]

    shell.run("cancel")
    assert market.get_project(project_id).status is ProjectStatus.CANCELLED
    shell.run("claimelsewhere", RECIPIENT=elsewhere)
    assert kit.token().get_balance(elsewhere) == BUDGET


def test_every_block_of_the_page_is_run() -> None:
    run = set(re.findall(r'run\("(\w+)"', Path(__file__).read_text()))
    run |= {name for names in re.findall(r"for block in \((.*)\):", Path(__file__).read_text()) for name in eval(names)}  # noqa: S307
    assert set(BLOCKS) == run


@dataclass
class Explorer:
    """*Write contract*: texts in fields, and a connected wallet."""

    kit: MarketKit

    def write(self, account: int, call: str, *fields: Any) -> Receipt:
        """Sends what the page's row says: its function, and a text, or a JSON list of texts, in each field."""
        assert call in EXPLORER_CALLS
        name = call.split("(", maxsplit=1)[0]
        artifact = load_artifact("TestToken" if name == "approve" else "Steelyard")
        address = self.kit.token_address if name == "approve" else self.kit.deployment.marketplace
        (described,) = [entry for entry in artifact.abi if entry.get("name") == name and entry["type"] == "function"]
        values = read_form(described["inputs"], [json.loads(f) if f.startswith("[") else f for f in map(str, fields)])
        data = self.kit.devnet.web3.eth.contract(cast("Any", address), abi=artifact.abi).encode_abi(name, values)
        return self.kit.sender(account).send(address, bytes.fromhex(data[2:]))


def sign_by_wallet(kit: MarketKit, account: int, amount: int) -> str:
    """The four texts of a permit, as a wallet that signs typed data leaves them."""
    deadline = kit.market().get_timestamp() + 3_600
    permit = kit.token().sign_permit(kit.devnet.account(account), kit.deployment.marketplace, amount, deadline)
    return json.dumps([str(permit.deadline), str(permit.v), "0x" + permit.r.hex(), "0x" + permit.s.hex()])


@pytest.mark.chain
def test_an_explorers_forms_do_the_same(kit: MarketKit, prepared: dict[str, Any]) -> None:
    explorer, market, token = Explorer(kit), kit.market(), kit.token_address
    offer_aggregator(kit)
    create, create_with_permit = sorted(call for call in EXPLORER_CALLS if call.startswith("createProject"))
    kit.token().mint(kit.address(OWNER), BUDGET)
    explorer.write(OWNER, "approve(address,uint256)", market.address, BUDGET)
    first = explorer.write(OWNER, create, prepared["form"]).find(ProjectCreated)
    permit = sign_by_wallet(kit, OWNER, BUDGET)
    second = explorer.write(OWNER, create_with_permit, prepared["form"], permit).find(ProjectCreated)
    assert (first.owner, first.params.budget, first.params) == (kit.address(OWNER), BUDGET, second.params)
    project, other = ("0x" + event.project_id.hex() for event in (first, second))

    for trainer in TRAINERS:
        explorer.write(trainer, "registerKey(bytes32)", "0x" + bytes([trainer] * 32).hex())
        explorer.write(trainer, "registerHybridKey(bytes32)", "0x" + bytes([trainer + 1] * 32).hex())
        permit = sign_by_wallet(kit, trainer, STAKE)
        explorer.write(
            trainer, "depositWithPermit(address,uint128,(uint256,uint8,bytes32,bytes32))", token, STAKE, permit
        )
        explorer.write(trainer, "enrol(bytes32)", project)
    explorer.write(TRAINERS[0], "approve(address,uint256)", market.address, STAKE)
    explorer.write(TRAINERS[0], "deposit(address,uint128)", token, STAKE)
    explorer.write(TRAINERS[0], "enrol(bytes32)", other)
    explorer.write(TRAINERS[0], "leave(bytes32)", other)
    manifest = compute_cid(b"wrapped keys")
    explorer.write(30, "registerKey(bytes32)", "0x" + bytes([30] * 32).hex())
    tuple_ = json.dumps(["0x" + manifest.digest.hex(), "85"])
    explorer.write(OWNER, "grantAccess(bytes32,address,uint256,(bytes32,uint8))", project, kit.address(30), 0, tuple_)
    explorer.write(OWNER, "publishKeys(bytes32,(bytes32,uint8))", project, tuple_)
    explorer.write(OWNER, "revokeAccess(bytes32,address)", project, kit.address(30))

    explorer.write(OWNER, "start(bytes32)", project)
    explorer.write(OWNER, "cancel(bytes32)", other)
    kit.devnet.advance_to(market.get_round(first.project_id).submit_deadline + 1)
    explorer.write(20, "poke(bytes32)", project)
    assert market.get_project(first.project_id).attempt == 2
    explorer.write(OWNER, "claim(address,address)", token, kit.address(31))
    assert kit.token().get_balance(kit.address(31)) == BUDGET
    explorer.write(TRAINERS[0], "unbond(address,uint128)", token, STAKE)
    kit.devnet.advance(market.get_unbonding_seconds() + 1)
    explorer.write(TRAINERS[0], "withdraw(address,address)", token, kit.address(31))
    assert kit.token().get_balance(kit.address(31)) == BUDGET + STAKE


def read_form(components: list[dict[str, Any]], values: list[Any]) -> tuple[Any, ...]:
    """What an explorer makes of a list of texts, by the types of the ABI."""
    read: list[Any] = []
    for component, value in zip(components, values, strict=True):
        if component["type"] == "tuple":
            read.append(read_form(component["components"], value))
        else:
            read.append(int(value) if component["type"].startswith("uint") else value)
    return tuple(read)


def test_every_function_that_the_page_names_exists() -> None:
    abi = [*load_artifact("Steelyard").abi, *load_artifact("TestToken").abi]
    selectors = {bytes(signature_hash(entry))[:4] for entry in abi if entry["type"] == "function"}
    named = re.findall(r"[`\"=](\w+\((?:[a-z0-9,()]*)\))[`\"]", PAGE)
    named += re.findall(r'"(\w+\([a-z0-9,()]*?\))\(uint256\)"', PAGE)
    assert len(set(named)) >= 15
    unknown = [name for name in named if keccak(text=re.sub(r"\)\(uint256\)$", ")", name))[:4] not in selectors]
    assert unknown == []
