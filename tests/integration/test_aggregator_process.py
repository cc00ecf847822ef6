"""`steelyard aggregator run` as a service manager sees it: settings, metrics, readiness, SIGTERM in a round."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.collector import Collection, Collector
from steelyard.chain.events import RoundSettled
from steelyard.chain.records import ProjectStatus, RoundOutcome, RoundStatus
from steelyard.keystore import LIGHT_SCRYPT_N, write_keystore
from tests import bad_submissions
from tests.integration.arena_kit import FIRST, Arena
from tests.integration.trainer_kit import PASSPHRASE, STAKE, TRAINERS
from tests.prometheus import read_metrics

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("aggregator")]

PATIENCE_SECONDS = 60.0
BAD = 1


@dataclass
class Running:
    """A process that has said that it is ready."""

    process: subprocess.Popen[str]
    log: Path
    url: str

    def read(self) -> dict[str, float]:
        return read_metrics(self.url + "/metrics", "steelyard_aggregator_")

    def await_metric(self, holds: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(read := self.read()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return read

    def stop(self, number: signal.Signals) -> list[dict[str, Any]]:
        """Tells it to end, and returns its log."""
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE_SECONDS) == 0, self.log.read_text()
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        assert lines[-1]["event"] == "aggregator stopped"
        return lines


@contextmanager
def running(arena: Arena, folder: Path) -> Iterator[Running]:
    """The first aggregator's program, with its settings in a file."""
    keystore, passphrase = folder / "aggregator.json", folder / "passphrase"
    if not keystore.exists():
        write_keystore(keystore, arena.identity(FIRST), PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
        passphrase.write_text(PASSPHRASE)
        passphrase.chmod(0o600)
        (folder / "deployment.json").write_text(arena.world.deployment.dump())
        settings = {
            "RPC_URL": arena.world.devnet.url,
            "DEPLOYMENT": folder / "deployment.json",
            "STORE": f"local:{arena.blobs}",
            "KEYSTORE": keystore,
            "PASSPHRASE_FILE": passphrase,
            "AGGREGATOR_MONITOR_PORT": 0,
            "AGGREGATOR_POLL_SECONDS": 0.1,
        }
        (folder / "settings").write_text("".join(f"STEELYARD_{name}={value}\n" for name, value in settings.items()))
    log = folder / f"log-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "scripts.cli", "--settings", str(folder / "settings"), "aggregator", "run"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr, env=environment, text=True)
    try:
        yield Running(process, log, f"http://127.0.0.1:{_await_port(process, log)}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _await_port(process: subprocess.Popen[str], log: Path) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "\n" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ready = json.loads(log.read_text().splitlines()[0])
    assert ready["event"] == "aggregator ready"
    return int(ready["monitor_port"])


def test_a_round_outlives_the_process_that_is_stopped_in_it(arena: Arena, tmp_path: Path) -> None:
    token = arena.token
    for number in range(2):
        make = bad_submissions.to_another_key if number == BAD else bad_submissions.Bench.submit
        arena.post(number, make(arena.bench(number)))
    with running(arena, tmp_path) as collecting:
        read = collecting.await_metric(lambda read: read["ready"] == 1)
        assert httpx.get(collecting.url + "/ready", timeout=30).status_code == 200
        assert (read["rounds/open"], read["rounds/final"]) == (1, 0)
        assert (read[f"stake/locked/{token}"], read["gas_balance_wei"] > 0) == (STAKE, True)
        collecting.stop(signal.SIGTERM)

    for number in range(2, TRAINERS):
        arena.post(number, arena.bench(number).submit())
    with running(arena, tmp_path) as weighing:
        read = weighing.await_metric(lambda read: read.get("transactions_total/settle/mined") == 1)
        assert (read["step_seconds_count/proof"], read["excluded_total/undecryptable"]) == (1, 1)
        assert read["step_seconds_sum/proof"] > 0
        assert arena.stake(arena.identity(FIRST).address) == (STAKE, STAKE)
        arena.vote(number for number in range(TRAINERS) if number != BAD)
        weighing.await_metric(lambda read: read["rounds/final"] == 1)
        lines = weighing.stop(signal.SIGINT)
    (settled,) = (line for line in lines if line["event"] == "round settled")
    assert settled["excluded"] == ["undecryptable"]
    assert len(arena.events(RoundSettled)) == 1
    assert arena.outcomes() == [RoundOutcome.FINAL]
    assert arena.market.get_project(arena.world.project_id).status is ProjectStatus.COMPLETED
    arena.verify_money()


def test_told_to_stop_while_it_weighs_it_settles_first(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(TRAINERS):
        arena.post(number, arena.bench(number).submit())
    stop, check = threading.Event(), Collector.check_openings

    def check_and_be_stopped(self: Collector, collection: Collection) -> Collection:
        stop.set()
        return check(self, collection)

    monkeypatch.setattr(Collector, "check_openings", check_and_be_stopped)
    arena.service(FIRST).run(stop)
    assert arena.round_status is RoundStatus.ATTESTING


def test_without_ether_it_says_so_and_settles_once_it_has_some(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(TRAINERS):
        arena.post(number, arena.bench(number).submit())
    devnet, address = arena.world.devnet, arena.identity(FIRST).address
    devnet.request("anvil_setBalance", [address, "0x0"])
    service, stop = arena.service(FIRST), threading.Event()
    fail = service.monitor.fail

    def fail_and_stop(error: Exception) -> None:
        fail(error)
        stop.set()

    monkeypatch.setattr(service.monitor, "fail", fail_and_stop)
    service.run(stop)
    state = service.monitor.to_json()
    assert (state["status"], state["gas_balance_wei"]) == ("degraded", "0")
    assert isinstance(error := state["last_error"], dict)
    assert error["kind"] == "InsufficientFundsError"
    devnet.request("anvil_setBalance", [address, hex(10**18)])
    service.step()
    assert service.monitor.is_ready
    assert arena.round_status is RoundStatus.ATTESTING
