"""What an aggregator says of itself: counts, states, and the port on which it says so."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from typer.testing import CliRunner

from aggregator.cli import app
from aggregator.monitor import Monitor
from aggregator.monitor_server import serve_monitor
from aggregator.settings import Settings
from aggregator.standing import Funds, count_rounds
from steelyard.chain.events import Event, LoggedEvent, RoundClosed, RoundOpened
from steelyard.chain.records import Exclusion, ExclusionReason, RoundOutcome, Stake
from steelyard.chain.transactions import Receipt
from steelyard.errors import ChainUnavailableError, ConfigError, StorageUnavailableError
from steelyard.settings import load_settings
from steelyard.types import Address, ProjectId
from tests.prometheus import read_metrics

ME, OTHER, TOKEN = (Address("0x" + digit * 40) for digit in "123")
PROJECT = ProjectId(bytes(32))
RECEIPT = Receipt("0x01", 1, "0x02", 300_000, 7, None, ())


@dataclass
class Served:
    """A monitor and the address under which it answers."""

    monitor: Monitor
    url: str

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10)

    def read(self) -> dict[str, float]:
        return read_metrics(self.url + "/metrics", "steelyard_aggregator_")


@pytest.fixture
def served() -> Iterator[Served]:
    monitor = Monitor(max_lag_seconds=60)
    with serve_monitor(monitor, "127.0.0.1", 0) as port:
        yield Served(monitor, f"http://127.0.0.1:{port}")


def look(monitor: Monitor, *failures: Exception, age: float = 0) -> None:
    monitor.begin_look(17, int(time.time() - age))
    for failure in failures:
        monitor.fail(failure)
    monitor.end_look()


def test_what_is_told_is_counted(served: Served) -> None:
    monitor = served.monitor
    look(monitor)
    monitor.set_rounds(dict.fromkeys(RoundOutcome, 0) | {RoundOutcome.NONE: 1, RoundOutcome.FINAL: 4})
    monitor.set_funds(Funds(10**17, {TOKEN: Stake(5, 6, 7, 0)}, {TOKEN: 9}))
    for step, seconds in (("collect", 0.5), ("proof", 2.0), ("proof", 4.0), ("Gram matrix", 1.0)):
        monitor.measure(step, seconds)
    monitor.exclude([Exclusion(0, ExclusionReason.MALFORMED), Exclusion(3, ExclusionReason.MALFORMED)])
    monitor.send("settle", RECEIPT)
    monitor.send("settle", RECEIPT)
    monitor.revert("poke")

    read = served.read()
    assert (read["step_seconds_count/proof"], read["step_seconds_sum/proof"]) == (2, 6.0)
    assert read["step_seconds_count/gram_matrix"] == 1
    assert read["excluded_total/malformed"] == 2
    assert (read["transactions_total/settle/mined"], read["transactions_total/poke/reverted"]) == (2, 1)
    assert (read["gas_total/settle"], read["fees_wei_total/settle"]) == (600_000, 600_000 * 7)
    assert (read["rounds/open"], read["rounds/final"], read["rounds/void"]) == (1, 4, 0)
    assert read["gas_balance_wei"] == 10**17
    stakes = {state: read[f"stake/{state}/{TOKEN}"] for state in ("free", "locked", "unbonding")}
    assert stakes == {"free": 5, "locked": 6, "unbonding": 7}
    assert (read[f"credit/{TOKEN}"], read["head_block"], read["ready"]) == (9, 17, 1)


def test_it_is_ready_once_it_has_looked_until_something_fails(served: Served) -> None:
    assert (served.get("/ready").status_code, served.get("/health").json()["status"]) == (503, "starting")
    look(served.monitor)
    assert (served.get("/ready").status_code, served.get("/health").json()["status"]) == (200, "ok")

    served.monitor.fail(ChainUnavailableError("the node cannot be reached"))
    degraded = served.get("/ready")
    assert (degraded.status_code, degraded.json()["status"]) == (503, "degraded")
    assert degraded.json()["last_error"]["kind"] == "ChainUnavailableError"
    assert served.get("/health").status_code == 200, "a restart would not bring the node back"

    look(served.monitor, StorageUnavailableError("no room"))
    assert (served.get("/ready").status_code, served.read()["ready"]) == (503, 0)
    look(served.monitor)
    assert served.get("/ready").status_code == 200
    assert served.get("/health").json()["last_error"]["text"] == "no room", "the last error is kept"
    assert served.read()["failures_total/StorageUnavailableError"] == 1


def test_a_node_that_lags_behind_is_not_ready_and_one_whose_clock_is_ahead_is(served: Served) -> None:
    look(served.monitor, age=3_600)
    assert served.get("/ready").status_code == 503
    assert served.read()["lag_seconds"] >= 3_600
    look(served.monitor, age=-3_600)
    assert (served.get("/ready").status_code, served.read()["lag_seconds"]) == (200, 0)


def test_who_asks_for_something_else_is_told_what_there_is(served: Served) -> None:
    assert (served.get("/").status_code, "/metrics" in served.get("/x").text) == (404, True)
    assert httpx.post(served.url + "/metrics", timeout=10).status_code == 501
    assert json.loads(served.get("/health?verbose=1").text)["head_block"] is None


def test_a_port_that_is_taken_is_the_settings_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"),
            serve_monitor(Monitor(), "127.0.0.1", port),
        ):
            pass


def test_attempts_are_counted_by_their_outcome() -> None:
    def log(*events: Event) -> list[LoggedEvent]:
        return [LoggedEvent(event, number, 0, bytes(32), bytes(32)) for number, event in enumerate(events)]

    def opened(attempt: int, aggregator: Address) -> RoundOpened:
        return RoundOpened(PROJECT, 0, attempt, aggregator, 0, 0)

    def closed(attempt: int, outcome: RoundOutcome) -> RoundClosed:
        return RoundClosed(PROJECT, 0, attempt, outcome, 0, 0)

    events = log(
        opened(1, ME), closed(1, RoundOutcome.MISSED), opened(2, OTHER), closed(2, RoundOutcome.FINAL), opened(3, ME)
    )
    found = {outcome: count for outcome, count in count_rounds(events, ME).items() if count}
    assert found == {RoundOutcome.MISSED: 1, RoundOutcome.NONE: 1}


def test_settings_come_from_the_environment_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELYARD_AGGREGATOR_POLL_SECONDS", "7")
    monkeypatch.setenv("STEELYARD_AGGREGATOR_MONITOR_PORT", "8001")
    settings = load_settings(Settings, poll_seconds=None, monitor_port=0)
    assert (settings.poll_seconds, settings.monitor_port, settings.missing_seconds) == (7.0, 0, 60.0)
    monkeypatch.setenv("STEELYARD_AGGREGATOR_POLL_SECONDS", "0")
    refused = CliRunner().invoke(app, ["run"])
    assert (refused.exit_code, "setting poll_seconds" in refused.stderr) == (7, True)
