"""docs/howto/wallet.md, run as it stands: its commands with cast, its explorer's table against the ABI."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from typer.testing import CliRunner

from scripts.owner import app
from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import signature_hash
from steelyard.chain.events import ProjectCreated
from steelyard.chain.records import ProjectStatus
from steelyard.types import ProjectId
from tests.market_kit import AGGREGATORS, DEPLOYER, OWNER, WEALTH, MarketKit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "wallet.md").read_text()
BLOCKS = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", PAGE, re.M | re.S))
TRAINERS = (10, 11, 12)
STAKE = 50 * 10**18
BUDGET = 1_000 * 10**18
STAKES = 1_000 * 10**18


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
        self.variables |= {name: kept[name] for name in ("OWNER", "PROJECT") if name in kept}
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
        shell.run("enrol", TRAINER_KEY=key_of(kit, trainer), KEY="0x" + bytes([trainer] * 32).hex())
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
def test_a_wallet_alone_cancels(kit: MarketKit, tmp_path: Path, prepared: dict[str, Any]) -> None:
    shell = open_shell(kit, tmp_path, prepared)
    owned = kit.token().get_balance(kit.address(OWNER))
    for block in ("create", "cancel", "claim"):
        shell.run(block)
    assert kit.market().get_project(get_project_id(shell)).status is ProjectStatus.CANCELLED
    assert kit.token().get_balance(kit.address(OWNER)) == owned


@pytest.mark.chain
def test_the_form_of_an_explorer_creates_the_same_project(kit: MarketKit, prepared: dict[str, Any]) -> None:
    contract = kit.devnet.web3.eth.contract(prepared["marketplace"], abi=load_artifact("Steelyard").abi)
    (described,) = [entry for entry in load_artifact("Steelyard").abi if entry.get("name") == "createProject"]
    params = read_form(described["inputs"][0]["components"], json.loads(prepared["form"]))
    kit.token(OWNER).approve(kit.deployment.marketplace, BUDGET)
    data = contract.encode_abi("createProject", [params])
    receipt = kit.sender(OWNER).send(kit.deployment.marketplace, bytes.fromhex(data[2:]))
    created = receipt.find(ProjectCreated)
    assert (created.owner, created.params.budget) == (kit.address(OWNER), BUDGET)


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
