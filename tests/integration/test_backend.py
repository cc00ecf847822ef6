"""The backend on a real node with the real contracts: in step, through reorgs, kills and restarts; and the keeper."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from backend.cli import app
from backend.database import Database
from backend.event_log import decode_event
from backend.indexer import Indexer, IndexerLimits, IndexerState
from backend.models import Account, Attempt, Balance, Event, Member, Project
from backend.round_status import get_round_status
from backend.source import NodeSource
from scripts.deploy import load_ethereum_srs_points
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.records import Exclusion, ExclusionReason, LeaveReason, ProjectStatus, RoundStatus
from steelyard.chain.rpc import connect
from steelyard.chain.transactions import Sender
from steelyard.gram import load_ethereum_srs
from steelyard.gram.evidence import parse_bundle
from steelyard.keystore import LIGHT_SCRYPT_N, Identity, write_keystore
from steelyard.rounds.evidence import verify_evidence
from steelyard.types import ProjectId
from steelyard.updates.encryption import EncryptionKeyPair
from tests.market_kit import AGGREGATORS, FIRST_TRAINER, OWNER, POLICY, MarketKit, make_honest_updates

pytestmark = pytest.mark.chain

KEEPER = 40
PASSPHRASE = "only for tests"
ACCOUNTS = (OWNER, *AGGREGATORS, *range(FIRST_TRAINER, FIRST_TRAINER + 5))


def wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def check_read_model(kit: MarketKit, database: Database, project_id: ProjectId) -> None:
    """Compares the read model with every event, and with what the contract's views return."""
    market, block = kit.market(), kit.devnet.web3.eth.get_block("latest")
    name = "0x" + project_id.hex()
    with database.read() as session:
        rows = session.scalars(select(Event).order_by(Event.block_number, Event.log_index)).all()
        logged = market.get_events(kit.deployment.block, block["number"])
        assert [(row.block_number, row.log_index) for row in rows] == [(e.block_number, e.log_index) for e in logged]
        assert [decode_event(row) for row in rows] == [each.event for each in logged]

        for account in map(kit.address, ACCOUNTS):
            balance = session.get(Balance, (account, kit.token_address))
            stake = market.get_stake(account, kit.token_address)
            if balance is None:
                assert stake.free == stake.locked == market.get_credit(account, kit.token_address) == 0
                continue
            assert (balance.free, balance.locked, balance.unbonding) == (stake.free, stake.locked, stake.unbonding)
            assert balance.credited - balance.claimed == market.get_credit(account, kit.token_address)
            known = session.get(Account, account)
            assert known is None or known.reputation_bps == market.get_reputation(account)

        project, on_chain = session.get_one(Project, name), market.get_project(project_id)
        assert (project.status, project.pool, project.attempt) == (on_chain.status, on_chain.pool, on_chain.attempt)
        assert project.active == on_chain.active.bit_count()
        for slot, there in enumerate(market.get_members(project_id)):
            here = session.get_one(Member, (name, there.account))
            assert (here.slot, here.strikes, here.absences, here.earned) == (
                slot,
                there.strikes,
                there.absences,
                there.earned,
            )
            assert (here.left is LeaveReason.NONE) == there.active

        attempt, current = session.get_one(Attempt, (name, on_chain.attempt)), market.get_round(project_id)
        assert (attempt.round, attempt.aggregator, attempt.submissions) == (
            current.index,
            current.aggregator,
            current.submissions,
        )
        assert (attempt.attesters, attempt.approvals, attempt.objections) == tuple(
            mask.bit_count() for mask in (current.attesters, current.approvals, current.objections)
        )
        if on_chain.status is ProjectStatus.RUNNING:
            status = get_round_status(attempt, project, block["timestamp"])
            assert status == (current.status, current.outcome)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/backend.sqlite3")
    database.migrate()
    yield database
    database.close()


def test_the_read_model_is_what_the_views_return_even_after_reorgs(kit: MarketKit, database: Database) -> None:
    limits = IndexerLimits(start_block=kit.deployment.block, reorg_depth=64, block_range=20)
    indexer = Indexer(lambda: NodeSource(kit.market()), database, limits)

    def check(project_id: ProjectId) -> None:
        indexer.catch_up()
        check_read_model(kit, database, project_id)

    project_id, trainers = kit.start_project(5, rounds=2)
    check(project_id)
    updates = dict(zip(trainers, make_honest_updates(5, 100), strict=True))
    fork = kit.devnet.snapshot()

    kit.run_round(project_id, updates, opens=False)
    check(project_id)
    kit.devnet.revert(fork)
    kit.devnet.mine(60)
    check(project_id)
    assert indexer.status.reorgs == 1

    rows = kit.submit(project_id, updates)
    kit.settle(project_id, rows[1:], [Exclusion(0, ExclusionReason.MALFORMED)])
    check(project_id)
    kit.devnet.advance_to(kit.market().get_round(project_id).attest_deadline)
    check(project_id)
    kit.market().poke(project_id)
    check(project_id)
    kit.run_round(project_id, updates)
    check(project_id)
    assert kit.market().get_project(project_id).status is ProjectStatus.COMPLETED


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_node_restarted_with_its_state_is_followed_on(database: Database, tmp_path: Path) -> None:
    with Devnet(state_file=tmp_path / "state.json") as devnet:
        sender = Sender(devnet.web3, devnet.account(0), POLICY)
        deployment = deploy(sender, load_ethereum_srs_points(), token=deploy_test_token(sender))
        kit = MarketKit(devnet, deployment)

        def connect_source() -> NodeSource:
            web3 = connect(devnet.url, chain_id=deployment.chain_id)
            return NodeSource(Marketplace(web3, deployment.marketplace))

        limits = IndexerLimits(start_block=deployment.block, poll_seconds=0.05, max_retry_seconds=0.2)
        indexer, stop = Indexer(connect_source, database, limits), threading.Event()
        thread = threading.Thread(target=indexer.run, args=(stop,))
        thread.start()
        kit.fund(OWNER)
        project_id = kit.create_project()
        wait_until(lambda: indexer.status.block_number == devnet.web3.eth.block_number)
        devnet.stop()
        wait_until(lambda: indexer.status.state is IndexerState.RETRYING)
        devnet.start()
        kit.enrol(project_id, [FIRST_TRAINER])
        wait_until(lambda: indexer.status.block_number == devnet.web3.eth.block_number)
        assert (indexer.status.state, indexer.status.reorgs) == (IndexerState.LIVE, 0)
        stop.set()
        thread.join()
        with database.read() as session:
            assert session.get_one(Project, "0x" + project_id.hex()).active == 1


@dataclass(slots=True)
class Process:
    """`steelyard backend run` in a process of its own."""

    kit: MarketKit
    folder: Path
    port: int = field(default_factory=find_free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, command: str = "run") -> subprocess.Popen[bytes]:
        (self.folder / "deployment.json").write_text(self.kit.deployment.dump())
        keystore = self.folder / "keeper.json"
        if not keystore.exists():
            identity = Identity(self.kit.devnet.account(KEEPER), EncryptionKeyPair.from_private_key(b"\x01" * 32))
            write_keystore(keystore, identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
        settings = {
            "RPC_URL": self.kit.devnet.url,
            "DEPLOYMENT": str(self.folder / "deployment.json"),
            "DATABASE_URL": f"sqlite:///{self.folder}/backend.sqlite3",
            "PORT": str(self.port),
            "POLL_SECONDS": "0.05",
            "KEEPER_POLL_SECONDS": "0.05",
            "REORG_DEPTH": "16",
            "BLOCK_RANGE": "3",
        }
        environment = {f"STEELYARD_BACKEND_{name}": value for name, value in settings.items()}
        program = [sys.executable, "-c", "from scripts.cli import main; main()", "backend", command]
        options = ["--keeper-keystore", str(keystore)] if command == "run" else []
        with (self.folder / "backend.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*program, *options],
                env={**os.environ, **environment, "STEELYARD_PASSPHRASE": PASSPHRASE},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        return self.process

    def stop(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.process = None
        return code

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def is_ready(self) -> bool:
        try:
            health = self.get("/v1/ready")
        except httpx.HTTPError:
            return False
        return bool(health["indexed_block"] == self.kit.devnet.web3.eth.block_number)


@pytest.fixture
def backend(kit: MarketKit, tmp_path: Path) -> Iterator[Process]:
    backend = Process(kit, tmp_path)
    yield backend
    if backend.process is not None:
        backend.stop(signal.SIGKILL)


@contextmanager
def listening(url: str, names: list[str]) -> Iterator[None]:
    """Collects the names of streamed events meanwhile."""

    def listen() -> None:
        with httpx.stream("GET", f"{url}/v1/events", timeout=30) as answer:
            started.set()
            names.extend(line.removeprefix("event: ") for line in answer.iter_lines() if line.startswith("event: "))

    started = threading.Event()
    thread = threading.Thread(target=listen)
    thread.start()
    assert started.wait(10)
    yield
    thread.join(15)
    assert not thread.is_alive()


def test_a_killed_backend_loses_nothing_and_its_keeper_ends_what_is_due(kit: MarketKit, backend: Process) -> None:
    market = kit.market()
    project_id, trainers = kit.start_project(5, rounds=2)
    project = f"/v1/projects/0x{project_id.hex()}"
    updates = dict(zip(trainers, make_honest_updates(5, 100), strict=True))

    # Killed as soon as it has begun to index, while the chain goes on.
    backend.start()
    rows = kit.submit(project_id, updates)
    wait_until((backend.folder / "backend.sqlite3").exists)
    kit.settle(project_id, rows)
    backend.stop(signal.SIGKILL)
    for account in trainers[:2]:
        kit.market(account).attest(project_id, 0, opens=True)
    backend.start()
    wait_until(backend.is_ready)

    # Nobody pokes but the keeper, and nobody needs to: a deadline passes, and the next round opens.
    streamed: list[str] = []
    with listening(backend.url, streamed):
        assert market.get_round(project_id).status is RoundStatus.ATTESTING
        kit.devnet.advance_to(market.get_round(project_id).attest_deadline)
        wait_until(lambda: market.get_project(project_id).round == 1)
        wait_until(backend.is_ready)

        shown = backend.get(f"{project}/rounds/0")
        assert (shown["outcome"], len(shown["entries"]), shown["approvals"]) == ("final", 5, 2)
        receipt = kit.devnet.web3.eth.get_transaction_receipt(shown["settled_transaction"])
        assert shown["settled_gas"] == receipt["gasUsed"]
        poke = kit.devnet.web3.eth.get_transaction(shown["closed_transaction"])
        assert poke["from"] == kit.devnet.account(KEEPER).address
        bundle = parse_bundle(httpx.get(f"{backend.url}{project}/rounds/0/evidence").content)
        verify_evidence(load_ethereum_srs(), bundle)
        paid = [int(entry["share"]) for entry in shown["entries"]]
        assert list(bundle.shares) == paid
        assert sum(paid) > 0
        why = backend.get(f"{project}/rounds/0/explanation/{kit.address(trainers[0])}")
        assert int(why["facts"]["share"]) == paid[0]

        said = CliRunner().invoke(app, ["status", "--port", str(backend.port), "--json"])
        assert (said.exit_code, json.loads(said.stdout)["status"]) == (0, "ok")

        # Silence to the end: the keeper takes the project through its last deadlines, one poke each.
        for _ in range(2):
            attempt = market.get_round(project_id)
            kit.devnet.advance_to(attempt.submit_deadline)
            wait_until(partial(is_past, market, project_id, attempt.attempt))
        assert market.get_project(project_id).status is ProjectStatus.FAILED
        wait_until(backend.is_ready)
        assert "steelyard_keeper_failures_total 0.0" in httpx.get(f"{backend.url}/metrics").text
        assert kit.devnet.web3.eth.get_transaction_count(kit.devnet.account(KEEPER).address) == 3

        # SIGTERM ends it in order, event streams included.
        assert backend.stop(signal.SIGTERM) == 0
    assert [name for name in streamed if name == "RoundClosed"] == ["RoundClosed"] * 3
    assert streamed[-1] == "ProjectEnded"

    database = Database(f"sqlite:///{backend.folder}/backend.sqlite3")
    check_read_model(kit, database, project_id)
    assert backend.start("rebuild").wait(30) == 0
    check_read_model(kit, database, project_id)
    database.close()
    log = (backend.folder / "backend.log").read_text()
    assert PASSPHRASE not in log
    assert all(json.loads(line)["level"] in {"info", "warning"} for line in log.splitlines())


def is_past(market: Any, project_id: ProjectId, attempt: int) -> bool:
    project = market.get_project(project_id)
    return project.attempt > attempt or project.status is not ProjectStatus.RUNNING
