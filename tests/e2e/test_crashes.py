"""A project of separate processes, each kind of which is killed in the middle of a round, and the node restarted."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from scripts.demo.cast import Cast, Conduct, Role
from scripts.demo.processes import Processes, find_free_port
from scripts.demo.run import (
    await_exit,
    await_ready,
    claim_all,
    compare_backend,
    count_tokens,
    start_programs,
    write_evidence,
)
from scripts.demo.stage import OWNER, Paths, Stage, set_stage
from scripts.demo.watch import Watcher, read_lines
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import LoggedEvent, RoundClosed, RoundOpened, RoundSettled, UpdateSubmitted
from steelyard.chain.records import ProjectStatus, RoundOutcome

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("crashes")]

CAST = Cast(
    (
        Role("Ada", Conduct.HONEST, 0, 0.0),
        Role("Ben", Conduct.HONEST, 1, 0.0),
        Role("Cleo", Conduct.HONEST, 2, 0.0),
    ),
    ("Gil", "Hana"),
    Path(__file__).with_name("project.toml"),
)
ROUNDS = 2
STEP_SECONDS = 90.0
"""How long each step of the story may take. The protocol's own deadlines are ten minutes: none of them helps."""


def count(events: Sequence[LoggedEvent], kind: type[object], round_index: int) -> int:
    return sum(isinstance(logged.event, kind) and logged.event.round == round_index for logged in events)  # type: ignore[attr-defined]


def test_a_project_completes_although_every_program_is_killed_and_the_node_restarted(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "stage")
    console = Console(file=(tmp_path / "story.txt").open("w"), width=110)
    pids = []
    with console.file, Devnet(state_file=tmp_path / "anvil.json") as devnet, Processes(paths.logs) as processes:
        stage = set_stage(CAST, devnet, paths)
        names = {identity.address: name for name, identity in stage.identities.items()}
        port = find_free_port()
        start_programs(stage, processes, port)
        start_owner(stage, processes)
        pids += [process.pid for process in processes.running.values()]
        await_ready(stage, processes, port, console)
        stage.connect(OWNER).marketplace.start(stage.project_id)
        watcher = Watcher(stage, processes, console)

        # One trainer dies at its work, one with its work done, the aggregator with a part of the payloads opened. Where
        # exactly is a matter of chance here: tests/integration kills trainers and aggregators at every single point.
        watcher.follow(
            STEP_SECONDS, until=lambda _events: bool(read_lines(processes, "Ada", lambda line: '"training"' in line))
        )
        processes.kill("Ada")
        events = watcher.follow(STEP_SECONDS, until=lambda events: count(events, UpdateSubmitted, 0) >= 2)
        processes.kill("Ben")
        drawn = next(names[logged.event.aggregator] for logged in events if isinstance(logged.event, RoundOpened))
        processes.kill(drawn)
        for name in (drawn, "Ben", "Ada"):
            processes.restart(name)

        # The backend dies while a round is voted on, and comes back into the next.
        watcher.follow(STEP_SECONDS, until=lambda events: count(events, RoundSettled, 0) == 1)
        processes.kill("backend")
        watcher.follow(STEP_SECONDS, until=lambda events: count(events, UpdateSubmitted, 1) >= 1)
        processes.restart("backend")

        # The node goes away under all of them.
        devnet.restart()
        events = watcher.follow(STEP_SECONDS)
        await_exit(stage, processes)
        check_owner(stage, processes, events)
        pids += [process.pid for process in processes.running.values()]

        assert watcher.status is ProjectStatus.COMPLETED
        closed = [logged.event for logged in events if isinstance(logged.event, RoundClosed)]
        assert [event.outcome for event in closed] == [RoundOutcome.FINAL] * ROUNDS
        assert [count(events, RoundSettled, index) for index in range(ROUNDS)] == [1] * ROUNDS
        submitted = Counter(
            (logged.event.attempt, names[logged.event.trainer])
            for logged in events
            if isinstance(logged.event, UpdateSubmitted)
        )
        assert submitted == {(attempt, role.name): 1 for attempt in (1, 2) for role in CAST.trainers}

        claim_all(stage)
        accounts = count_tokens(stage)
        assert accounts.unaccounted == 0
        assert accounts.contract_credits == 0
        assert accounts.contract_balance == accounts.contract_stakes, "the budget has not left the contract"
        assert write_evidence(stage, watcher.rounds)
        assert len(watcher.rounds) == ROUNDS
        assert compare_backend(stage, watcher.rounds, port)
    assert not [pid for pid in pids if is_running(pid)]


def start_owner(stage: Stage, processes: Processes) -> None:
    """An owner watches, and tries every model, from the beginning."""
    project, environment = "0x" + stage.project_id.hex(), stage.environment(OWNER)
    command = ["scripts.cli", "owner"]
    watch = [*command, "watch", project, "--json", "--poll-seconds", "0.2"]
    processes.start("watch", watch, environment)
    data = ["--data", "digits:?holdout=0.2&use=holdout", "--follow", "--json", "--poll-seconds", "0.2"]
    processes.start("evaluate", [*command, "evaluate", project, *data], environment)


def check_owner(stage: Stage, processes: Processes, events: Sequence[LoggedEvent]) -> None:
    """Both have ended by themselves, and have missed nothing."""
    for name in ("watch", "evaluate"):
        assert processes.running[name].wait(STEP_SECONDS) == 0, processes.log_path(name).read_text()
    log = processes.log_path("watch").read_text()
    told = [json.loads(line)["event"] for line in log.splitlines() if line.startswith("{")]
    mine = [logged.event for logged in events if getattr(logged.event, "project_id", None) == stage.project_id]
    assert told == [type(event).__name__ for event in mine]
    points = [json.loads(line) for line in processes.log_path("evaluate").read_text().splitlines() if '"round"' in line]
    assert [point["round"] for point in points] == list(range(ROUNDS + 1))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
