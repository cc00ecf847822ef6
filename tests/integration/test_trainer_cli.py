"""The commands of `steelyard trainer` on a real node, and `run` as a process of its own that is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from steelyard.chain.devnet import Devnet
from steelyard.chain.records import RoundStatus
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender
from steelyard.keystore import PASSPHRASE_VARIABLE, read_address
from steelyard.storage import open_store
from steelyard.types import Address
from tests.integration.trainer_kit import (
    AGGREGATOR,
    FIRST_TRAINER,
    OWNER,
    PASSPHRASE,
    POLICY,
    STAKE,
    TRAINERS,
    World,
    make_world,
)
from trainer_client.cli import app

pytestmark = pytest.mark.chain

ROUNDS = 2


@pytest.fixture(scope="module")
def fresh_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cli")
    with Devnet() as devnet:
        world = make_world(folder, devnet, rounds=ROUNDS, start=False, enrolled=TRAINERS - 1)
        (folder / "deployment.json").write_text(world.deployment.dump())
        yield world


@pytest.fixture
def world(fresh_world: World) -> Iterator[World]:
    """A project that one more trainer can join. What a test does to the chain is undone."""
    snapshot = fresh_world.devnet.snapshot()
    yield fresh_world
    fresh_world.devnet.revert(snapshot)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


def environment(world: World, state: Path, keystore: Path) -> dict[str, str]:
    return {
        "STEELYARD_RPC_URL": world.devnet.url,
        "STEELYARD_DEPLOYMENT": str(world.state / "deployment.json"),
        "STEELYARD_STORE": f"local:{world.state / 'blobs'}",
        "STEELYARD_KEYSTORE": str(keystore),
        "STEELYARD_STATE": str(state),
        PASSPHRASE_VARIABLE: PASSPHRASE,
    }


def call(world: World, state: Path, keystore: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=environment(world, state, keystore))


def call_json(world: World, state: Path, keystore: Path, *arguments: str) -> dict[str, Any]:
    result = call(world, state, keystore, *arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def project_text(world: World) -> str:
    return "0x" + world.project_id.hex()


def test_from_an_empty_disk_to_a_place_in_a_project(world: World, state: Path) -> None:
    keystore = state / "keys" / "new.json"
    made = call_json(world, state, keystore, "init", "--light-kdf")
    address = read_address(keystore)
    assert made["address"] == address

    refused = call(world, state, keystore, "enrol", project_text(world), "--yes")
    assert refused.exit_code == 7
    assert "free stake are missing" in refused.stderr
    for promise in ("142.5 SYT a round", "locks           100 SYT", "yours is 50 %", "4 of 5"):
        assert promise in refused.stdout
    assert "1 cost your place and 50 SYT of 100 SYT staked" in refused.stdout
    assert refused.stdout.count("2 in a row cost your place and nothing of the stake") == 2

    owner = Sender(world.devnet.web3, world.account(OWNER), POLICY)
    owner.send(address, b"", value=10**18)
    token = world.deployment.token
    assert token is not None
    Token(world.devnet.web3, token, sender=owner).mint(address, 2 * STAKE)
    again = call_json(world, state, keystore, "init", "--register", "--stake", "60")
    assert again["publicKey"] == made["publicKey"], "the keystore was made anew"

    enrolled = call_json(world, state, keystore, "enrol", project_text(world), "--deposit", "--yes")
    assert enrolled["slot"] == TRAINERS - 1
    status = call_json(world, state, keystore, "status", project_text(world))
    assert status["stake"] == {"free": "0", "locked": str(STAKE), "unbonding": "0", "available_at": 0}
    assert status["standing"]["strikes"] == 0
    assert status["standing"]["next_strike"] == {
        "number": 1,
        "limit": 1,
        "pay": str(285 * 10**17),
        "reputation": 4_375,
        "removes": True,
        "slash": str(50 * 10**18),
        "slashAtLimit": str(50 * 10**18),
    }
    absence = status["standing"]["next_absence"]
    assert (absence["number"], absence["reputation"], absence["removes"], absence["slash"]) == (1, 4_687, False, "0")
    ladder = {rung["fault"]: rung for rung in enrolled["offer"]["ladder"]}
    assert (ladder["struck"]["slash"], ladder["struck"]["toPool"]) == (str(50 * 10**18), str(25 * 10**18))
    assert {ladder[fault]["slash"] for fault in ("absent", "excluded")} == {"0"}
    assert status["keyRegistered"] is True
    text = call(world, state, keystore, "status", project_text(world))
    assert "strikes" in text.stdout
    assert "number 1 of 1 costs no pay for the round, on average 28.5 SYT" in text.stdout
    assert "number 2 in a row costs your place, nothing of the stake" in text.stdout


def test_who_leaves_takes_the_stake_out(world: World, state: Path) -> None:
    keystore = world.write_keystore(0, state)
    assert call_json(world, state, keystore, "leave", project_text(world))["left"] is True
    assert call(world, state, keystore, "leave", project_text(world)).exit_code == 4

    assert call_json(world, state, keystore, "unbond", "40")["amount"] == str(40 * 10**18)
    assert call(world, state, keystore, "withdraw").exit_code == 4
    world.devnet.advance(7 * 24 * 3600)
    assert call_json(world, state, keystore, "withdraw")["amount"] == str(40 * 10**18)
    stake = call_json(world, state, keystore, "status")["stake"]
    assert (stake["free"], stake["unbonding"]) == (str(STAKE - 40 * 10**18), "0")


def test_enrolling_asks_before_it_locks(world: World, state: Path) -> None:
    world.fund(FIRST_TRAINER + TRAINERS - 1, world.trainer(TRAINERS - 1).public_key)
    keystore = world.write_keystore(TRAINERS - 1, state)
    market = world.market(world.account(OWNER))
    unasked = call(world, state, keystore, "enrol", project_text(world), "--json")
    assert unasked.exit_code == 7
    assert "--yes" in unasked.stderr
    declined = CliRunner().invoke(
        app, ["enrol", project_text(world)], env=environment(world, state, keystore), input="n\n"
    )
    assert declined.exit_code == 1
    assert len(market.get_members(world.project_id)) == TRAINERS - 1
    accepted = CliRunner().invoke(
        app, ["enrol", project_text(world)], env=environment(world, state, keystore), input="y\n"
    )
    assert accepted.exit_code == 0, accepted.output
    assert len(market.get_members(world.project_id)) == TRAINERS


@contextmanager
def running(world: World, state: Path, keystore: Path, number: int) -> Iterator["subprocess.Popen[str]"]:
    """`trainer run` as a process of its own."""
    command = [sys.executable, "-c", "from trainer_client.cli import app; app()", "run", project_text(world)]
    command += ["--data", f"digits:?shard={number}/5", "--threads", "1", "--poll-seconds", "0.05", "--json"]
    process = subprocess.Popen(
        command,
        env=os.environ | environment(world, state, keystore),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def await_event(process: "subprocess.Popen[str]", name: str) -> dict[str, Any]:
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == name:
            return event
    assert process.stderr is not None
    pytest.fail(f"the process ended without `{name}`: {process.stderr.read()}")


def test_a_killed_and_a_stopped_process_go_on_a_project_ends_and_everything_can_be_looked_up_and_claimed(
    world: World, state: Path
) -> None:
    """Trainer 0 is a process that is killed in its training and stopped after it, the others live here."""
    market = world.market(world.account(OWNER))
    market.start(world.project_id)
    keystore = world.write_keystore(0, state)
    with running(world, state, keystore, 0) as process:
        await_event(process, "training")
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL

    with running(world, state, keystore, 0) as process:
        assert await_event(process, "submitted")["round"] == 0
        process.send_signal(signal.SIGTERM)
        await_event(process, "stopped")
        assert process.wait(30) == 0

    others = replace(world, state=state / "others")
    with running(world, state, keystore, 0) as process, others.participants(range(1, TRAINERS - 1)) as participants:
        for round_index in range(ROUNDS):
            if round_index > 0:
                assert await_event(process, "submitted")["round"] == round_index
            for participant in participants:
                participant.step()
            world.settle()
            assert await_event(process, "attested")["opens"] is True
            for participant in participants:
                participant.step()
            assert market.get_round(world.project_id).status is RoundStatus.DECIDED
            world.poke()
        summary = await_event(process, "summary")
        assert process.wait(30) == 0

    project, me = project_text(world), world.trainer(0).address
    status = call_json(world, state, keystore, "status", project)
    assert (status["project"], status["stake"]["locked"]) == ("completed", "0")
    assert int(status["credit"]) >= int(summary["earned"]) > 0

    ended = call(world, state, keystore, "run", project, "--data", "digits:")
    assert ended.exit_code == 0, ended.output
    assert "earned in rounds" in ended.stdout

    for round_index in range(ROUNDS):
        answer = call_json(world, state, keystore, "why", project, str(round_index))
        assert answer["outcome"] == "final"
        assert answer["explanation"]["share"] == str(
            next(share for trainer, share in shares_of(world, round_index) if trainer == me)
        )
    told = call(world, state, keystore, "why", project, "0", "--trainer", world.trainer(1).address)
    assert "Transaction: 0x" in told.stdout
    assert "Clipping" in told.stdout
    assert call(world, state, keystore, "why", project, "9").exit_code == 7

    token = world.deployment.token
    assert token is not None
    recipient, coin = Address(world.account(AGGREGATOR).address), Token(world.devnet.web3, token)
    before = coin.get_balance(recipient)
    paid = call_json(world, state, keystore, "claim", "--to", recipient)
    after = coin.get_balance(recipient)
    assert str(after - before) == paid["amount"] == status["credit"]
    nothing = call(world, state, keystore, "claim")
    assert nothing.exit_code == 0
    assert "nothing to claim" in nothing.stderr


def shares_of(world: World, round_index: int) -> list[tuple[str, int]]:
    from steelyard.rounds.records import collect_settled_rounds, select_final  # noqa: PLC0415

    market = world.market(world.account(OWNER))
    events = market.get_events(world.deployment.block, market.get_block_number())
    record = select_final(collect_settled_rounds(events, world.project_id))[round_index]
    return list(zip(record.trainers, record.shares, strict=True))


def test_attest_tells_what_it_finds_and_votes(world: World, state: Path) -> None:
    market = world.market(world.account(OWNER))
    market.start(world.project_id)
    others = replace(world, state=state / "others")
    with others.participants(range(TRAINERS - 1)) as participants:
        for participant in participants:
            participant.step()
    keystore = world.write_keystore(0, state)
    early = call(world, state, keystore, "attest", project_text(world))
    assert early.exit_code == 7
    assert "not settled" in early.stderr
    blob = world.settle(publish=False)
    found = call_json(world, state, keystore, "attest", project_text(world), "--dry-run")
    assert (found["finding"], found["vote"]) == ("missing", None)
    open_store(f"local:{world.state / 'blobs'}").put(blob)
    voted = call_json(world, state, keystore, "attest", project_text(world))
    assert (voted["finding"], voted["vote"]) == ("true", True)
    assert market.get_round(world.project_id).approvals.bit_count() == 1
    twice = call(world, state, keystore, "attest", project_text(world))
    assert twice.exit_code == 4
    assert "AlreadyAttested" in twice.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "0x12", "--data", "digits:"], 7, "not a project id"),
        (["run", "0x" + "00" * 32, "--data", "digits:"], 4, "there is no project"),
        (["why", "0x" + "00" * 32, "0"], 4, "there is no project"),
        (["status", "--trainer", "0x12"], 7, "not an address"),
    ],
)
def test_mistakes_are_named(world: World, state: Path, arguments: list[str], code: int, words: str) -> None:
    keystore = world.write_keystore(0, state)
    result = call(world, state, keystore, *arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr


def test_no_option_takes_a_passphrase() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        text = CliRunner().invoke(app, [command.callback.__name__, "--help"]).output
        assert "--passphrase " not in text
        assert "Example" in text
