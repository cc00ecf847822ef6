"""Measures the backend: events a second into an empty database, then requests a second out of it.

    python -m scripts.bench_backend                       10 projects x 10 rounds x 32 trainers: seconds
    python -m scripts.bench_backend --projects 100 --rounds 50 --keep index.sqlite3     the size of docs/operations.md
    python -m scripts.bench_backend --keep index.sqlite3  the requests alone, if the file is there already

The chain is made up as it is read; the indexer, the database, the server process and the sockets are real. Clients ask
for one thing after another, each over a connection of its own, so that requests a second are what the server can do.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rich.console import Console
from rich.table import Table
from web3 import Web3

from backend.app import create_app
from backend.database import Database
from backend.event_log import Facts
from backend.indexer import Indexer, IndexerLimits
from backend.node import Web3Node
from backend.server import build_server
from backend.services import Broadcast, Services
from backend.settings import Settings
from backend.source import Header, Source
from scripts.bench_gram import describe_machine
from steelyard.chain import events as ev
from steelyard.chain.deploy import Deployment
from steelyard.chain.events import Event, LoggedEvent
from steelyard.chain.records import ZERO_ADDRESS, CreditKind, ProjectParams, RoundOutcome, Settlement
from steelyard.logs import configure_logs
from steelyard.types import Address, Cid, Codec, Digest, ProjectId

STAKE: Final = 10**18
BUDGET: Final = 10**22
POOL: Final = 10
"""Each trainer takes part in one of so many projects."""


def make_address(kind: str, number: int) -> Address:
    """An account that is the same in every run."""
    return Address(to_checksum_address(keccak(text=f"{kind} {number}")[:20]))


def make_hash(*parts: object) -> bytes:
    """32 bytes that are the same in every run."""
    return bytes(keccak(text=" ".join(map(str, parts))))


TOKEN: Final = make_address("token", 0)
MARKETPLACE: Final = make_address("marketplace", 0)
AGGREGATOR: Final = make_address("aggregator", 0)


@dataclass(frozen=True, slots=True)
class Market:
    """So many projects of so many final rounds with so many trainers each: block `b` has round `b - 2` of every one."""

    projects: int
    rounds: int
    trainers: int

    def get_trainer(self, project: int, slot: int) -> Address:
        """Trainers come back in every `POOL`-th project."""
        return make_address("trainer", (project % POOL) * self.trainers + slot)

    def make_events(self, number: int) -> list[Event]:
        """All events of a block."""
        if number == 1:
            return [event for project in range(self.projects) for event in self._create(project)]
        return [event for project in range(self.projects) for event in self._run(project, number - 2)]

    def _create(self, project: int) -> list[Event]:
        project_id = ProjectId(make_hash("project", project))
        params = ProjectParams(
            owner=make_address("owner", project % 7),
            token=TOKEN,
            budget=BUDGET,
            rounds=self.rounds + 1,
            min_trainers=3,
            max_trainers=self.trainers,
            min_reputation_bps=0,
            byzantine_bps=3_000,
            min_stake=STAKE,
            aggregator_fee_bps=500,
            slash_bps=5_000,
            max_strikes=3,
            max_absences=3,
            aggregator_stake=STAKE,
            aggregator_slash_bps=5_000,
            enrol_seconds=600,
            submit_seconds=600,
            settle_seconds=600,
            attest_seconds=600,
            dimension=100_000,
            rule=make_address("rule", 0),
            verifier=make_address("verifier", 0),
            aggregator=ZERO_ADDRESS,
            spec_cid=Cid(Codec.RAW, make_hash("spec", project)),
        )
        created: list[Event] = [ev.ProjectCreated(project_id, params.owner, project, 600, params, rooted=False)]
        for slot in range(self.trainers):
            trainer = self.get_trainer(project, slot)
            created += [
                ev.StakeDeposited(trainer, TOKEN, STAKE),
                ev.TrainerEnrolled(project_id, trainer, slot),
                ev.StakeLocked(project_id, trainer, STAKE),
            ]
        return [*created, ev.StakeDeposited(AGGREGATOR, TOKEN, STAKE), ev.ProjectStarted(project_id, self.trainers)]

    def _run(self, project: int, round_index: int) -> list[Event]:
        project_id, n = ProjectId(make_hash("project", project)), self.trainers
        attempt, trainers = round_index + 1, tuple(self.get_trainer(project, slot) for slot in range(n))
        rng = random.Random(project * 1_000 + round_index)  # noqa: S311 - not for secrets
        shares = tuple(rng.randrange(1, 10**18) for _ in range(n))
        place = (project_id, round_index)
        opened = ev.RoundOpened(*place, attempt, AGGREGATOR, 10**9, 2 * 10**9)
        submitted = [
            ev.UpdateSubmitted(
                *place,
                trainer,
                attempt,
                index,
                Cid(Codec.RAW, make_hash("update", project, round_index, index)),
                Digest(rng.randbytes(32)),
            )
            for index, trainer in enumerate(trainers)
        ]
        blocks = 25
        settlement = Settlement(
            exclusions=(),
            commitments=rng.randbytes(64 * n * blocks),
            gram=rng.randbytes(4 * n * (n + 1)),
            proof=rng.randbytes(900),
            hints=b"",
            aggregate_cid=Cid(Codec.RAW, rng.randbytes(32)),
            blinders=bytes(32 * blocks),
        )
        weights = tuple(rng.randrange(2**40) for _ in range(n))
        settled = ev.RoundSettled(*place, AGGREGATOR, attempt, 3 * 10**9, settlement)
        weighed = ev.RoundWeighed(*place, attempt, trainers, 9, sum(shares), weights, weights, shares, 0)
        votes = [ev.Attested(*place, trainer, attempt, opens=True) for trainer in trainers[: n // 2 + 1]]
        paid: list[Event] = []
        for trainer, share in zip(trainers, shares, strict=True):
            paid.append(ev.Credited(project_id, trainer, TOKEN, share, CreditKind.SHARE))
            paid.append(ev.ReputationUpdated(trainer, project_id, 5_000, rng.randrange(10_001)))
        closed = ev.RoundClosed(*place, attempt, RoundOutcome.FINAL, sum(shares), 0)
        return [opened, *submitted, settled, weighed, *votes, *paid, closed]


class MadeUpChain(Source):
    """A market's blocks, one for each project and step, made when they are asked for."""

    chain_id = 31_337
    marketplace = MARKETPLACE

    def __init__(self, market: Market) -> None:
        self._market = market
        self.head = market.rounds + 1

    def get_head(self) -> Header:
        return self.get_header(self.head)

    def get_header(self, number: int) -> Header:
        return Header(number, make_hash("block", number), make_hash("block", number - 1), 1_700_000_000 + 12 * number)

    def get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
        return [logged for number in range(max(first, 1), last + 1) for logged in self._log(number)]

    def get_block_events(self, block_hash: bytes) -> Sequence[LoggedEvent]:
        number = next(number for number in range(self.head + 1) if make_hash("block", number) == block_hash)
        return self._log(number)

    def get_facts(self, logged: LoggedEvent) -> Facts:
        match logged.event:
            case ev.RoundSettled():
                return Facts(gas_used=5_000_000)
            case ev.ProjectCreated():
                return Facts(rule_name="clip-nnm-multi-krum", powers=4_096)
            case _:
                return Facts()

    def _log(self, number: int) -> list[LoggedEvent]:
        block_hash = make_hash("block", number)
        return [
            LoggedEvent(event, number, index, make_hash("transaction", number, index // 8), block_hash)
            for index, event in enumerate(self._market.make_events(number))
        ]


# ------------------------------------------------------------------------------------------------- indexing


@dataclass(frozen=True, slots=True)
class IndexingSpeed:
    """Events into an empty database, making them up not counted.

    Attributes:
      seconds: by the clock; `processor_seconds` are of this thread, which other programs hardly touch.
    """

    events: int
    seconds: float
    processor_seconds: float

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    @property
    def per_processor_second(self) -> float:
        return self.events / self.processor_seconds


def measure_indexing(database: Database, market: Market, *, undoable: bool) -> IndexingSpeed:
    """Indexes a whole market.

    Args:
      undoable: keep before-images of every block, as near the head of a live chain.
    """
    chain, making = MadeUpChain(market), [0.0, 0.0]
    indexer = Indexer(lambda: chain, database, IndexerLimits(reorg_depth=10_000 if undoable else 1, block_range=1))
    make = chain.get_events, chain.get_block_events

    def timed(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            start = time.perf_counter(), time.thread_time()
            found = function(*arguments)
            making[0] += time.perf_counter() - start[0]
            making[1] += time.thread_time() - start[1]
            return found

        return call

    chain.get_events, chain.get_block_events = map(timed, make)  # type: ignore[method-assign]
    start = time.perf_counter(), time.thread_time()
    indexer.catch_up()
    seconds, processor_seconds = time.perf_counter() - start[0], time.thread_time() - start[1]
    return IndexingSpeed(indexer.status.events, seconds - making[0], processor_seconds - making[1])


# ------------------------------------------------------------------------------------------------- serving


def serve(url: str, port: int, cache_bytes: int) -> None:
    """Serves an index until the process is ended. The chain is its own head, so that nothing more is indexed."""
    settings = Settings(database_url=url, port=port, requests_per_minute=0, cache_bytes=cache_bytes)
    database = Database(url)
    deployment = Deployment(MadeUpChain.chain_id, MARKETPLACE, make_address("verifier", 0), {}, 1, "", TOKEN)
    idle = Indexer(lambda: MadeUpChain(Market(0, -1, 0)), database, IndexerLimits(poll_seconds=600))
    services = Services(settings, deployment, database, idle, None, Broadcast(1), Web3Node(Web3))
    build_server(create_app(services), services).run()


def make_paths(market: Market) -> dict[str, list[str]]:
    """What is asked for, by route; in each there is enough that no two clients ask for the same."""
    rng = random.Random(1)  # noqa: S311 - not for secrets
    projects = ["0x" + make_hash("project", number).hex() for number in range(market.projects)]
    trainers = [market.get_trainer(p, s) for p in range(min(POOL, market.projects)) for s in range(market.trainers)]
    rounds = [f"/v1/projects/{project}/rounds/{index}" for project in projects for index in range(market.rounds)]
    rng.shuffle(rounds)
    rng.shuffle(trainers)
    return {
        "projects": ["/v1/projects?limit=20", f"/v1/projects?state=running&token={TOKEN}&limit=20"],
        "project": [f"/v1/projects/{project}" for project in projects],
        "rounds": [f"/v1/projects/{project}/rounds?limit=20" for project in projects],
        "round": rounds[:1_000],
        "events": [f"/v1/projects/{project}/events?limit=20" for project in projects],
        "trainer": [f"/v1/trainers/{trainer}?limit=20" for trainer in trainers],
        "payments": [f"/v1/trainers/{trainer}/payments?limit=20" for trainer in trainers],
        "aggregators": ["/v1/aggregators?limit=20"],
    }


@dataclass(frozen=True, slots=True)
class ServingSpeed:
    """Requests of one route: latencies in seconds, sorted, and what the server's process used of a processor."""

    route: str
    seconds: float
    processor_seconds: float
    latencies: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def per_processor_second(self) -> float:
        return len(self.latencies) / self.processor_seconds

    def get_quantile(self, part: float) -> float:
        """The latency that this part of all requests does not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(part * len(self.latencies)))]


async def _ask(port: int, paths: list[str], clients: int, seconds: float) -> list[float]:
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def ask_on(index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        place = index * len(paths) // clients
        while time.perf_counter() < end:
            start = time.perf_counter()
            writer.write(f"GET {paths[place % len(paths)]} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{paths[place % len(paths)]}: {head.decode()}")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0].split(b":")[1]))
            latencies.append(time.perf_counter() - start)
            place += 1
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    await asyncio.gather(*(ask_on(index) for index in range(clients)))
    return latencies


def measure_serving(url: str, market: Market, clients: int, seconds: float, cache_bytes: int) -> list[ServingSpeed]:
    """Starts a server process on an index and asks it, one route after another, then all of them mixed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(url, port, cache_bytes), daemon=True)
    process.start()
    try:
        _await_server(port)
        by_route = make_paths(market)
        mixed = [path for paths in by_route.values() for path in (paths * 100)[:100]]
        random.Random(2).shuffle(mixed)  # noqa: S311 - not for secrets
        speeds = []
        for route, paths in {**by_route, "mixed": mixed}.items():
            asyncio.run(_ask(port, paths, clients, 0.3))
            start, used = time.perf_counter(), _get_processor_seconds(process.pid)
            latencies = asyncio.run(_ask(port, paths, clients, seconds))
            taken, used = time.perf_counter() - start, _get_processor_seconds(process.pid) - used
            speeds.append(ServingSpeed(route, taken, used, tuple(sorted(latencies))))
        return speeds
    finally:
        process.terminate()
        process.join()


def _get_processor_seconds(pid: int | None) -> float:
    """Of a process, all of its threads together: fields 14 and 15 of proc(5)'s stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _await_server(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError("the server did not start within 60 s")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--trainers", type=int, default=32)
    parser.add_argument("--clients", type=int, default=8, help="connections at once")
    parser.add_argument("--seconds", type=float, default=5, help="for each route")
    parser.add_argument("--cache-bytes", type=int, default=32 * 2**20, help="of the first of both runs")
    parser.add_argument("--database-url", help="an empty database; by default a SQLite file that is thrown away")
    parser.add_argument("--keep", type=Path, help="a SQLite file that is kept, and used again if it is there")
    parser.add_argument("--undoable", action="store_true", help="index as near the head, with before-images")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    configure_logs("warning", as_json=False)
    market = Market(arguments.projects, arguments.rounds, arguments.trainers)
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.keep or Path(folder) / "index.sqlite3"
        url, is_new = arguments.database_url or f"sqlite:///{file}", not file.exists()
        database = Database(url)
        database.migrate()
        indexing = measure_indexing(database, market, undoable=arguments.undoable) if is_new else None
        database.close()
        asked = (url, market, arguments.clients, arguments.seconds)
        kept, anew = measure_serving(*asked, arguments.cache_bytes), measure_serving(*asked, 0)
    _print(indexing, kept, anew, as_json=arguments.json)


_COLUMNS: Final = ("requests_per_second", "p50_ms", "p99_ms", "requests_per_processor_second")


def _get_figures(speed: ServingSpeed) -> tuple[float, ...]:
    quantiles = (1000 * speed.get_quantile(part) for part in (0.5, 0.99))
    return (speed.per_second, *quantiles, speed.per_processor_second)


def _print(
    indexing: IndexingSpeed | None, kept: list[ServingSpeed], anew: list[ServingSpeed], *, as_json: bool
) -> None:
    if as_json:
        document: dict[str, Any] = {"machine": describe_machine()}
        if indexing is not None:
            document["indexing"] = {
                "events": indexing.events,
                "events_per_second": indexing.per_second,
                "events_per_processor_second": indexing.per_processor_second,
            }
        for name, speeds in (("serving", kept), ("serving_without_cache", anew)):
            document[name] = [
                {"route": speed.route, **dict(zip(_COLUMNS, _get_figures(speed), strict=True))} for speed in speeds
            ]
        json.dump(document, sys.stdout)
        return
    if indexing is not None:
        print(
            f"{indexing.events:,} events indexed, {indexing.per_second:,.0f} a second, "
            f"{indexing.per_processor_second:,.0f} a processor second"
        )
    for title, speeds in (("with the cache", kept), ("every answer made anew", anew)):
        table = Table("route", "requests/s", "p50 ms", "p99 ms", "requests/processor s", title=title)
        for speed in speeds:
            table.add_row(speed.route, *(f"{figure:,.1f}" for figure in _get_figures(speed)))
        Console().print(table)
    print(describe_machine())


if __name__ == "__main__":
    main()
