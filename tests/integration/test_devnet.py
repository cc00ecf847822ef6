"""The local node starts, stops, keeps its state, moves its clock, and never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steelyard.chain.devnet import CHAIN_ID, Devnet, dev_account, find_anvil
from steelyard.chain.rpc import NodeError, connect
from steelyard.errors import ChainUnavailableError, ConfigError, WrongChainError

pytestmark = pytest.mark.chain

PARENT = """
import sys, time
from steelyard.chain.devnet import Devnet
devnet = Devnet(accounts=1)
devnet.start()
print(devnet.pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline, f"{pid} is an orphan"
        time.sleep(0.02)


def test_node_answers_and_is_gone_afterwards() -> None:
    with Devnet(accounts=2) as devnet:
        pid = devnet.pid
        assert is_running(pid)
        assert devnet.web3.eth.chain_id == CHAIN_ID
        assert list(devnet.web3.eth.accounts) == [dev_account(0).address, dev_account(1).address]
        assert devnet.web3.eth.get_balance(devnet.account(1).address) == 10_000 * 10**18
        with pytest.raises(IndexError):
            devnet.account(2)
    assert not is_running(pid)
    with pytest.raises(ChainUnavailableError):
        connect(devnet.url)
    devnet.stop()


def test_node_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        wait_until_gone(pid)


def test_state_survives_a_restart(tmp_path: Path) -> None:
    with Devnet(accounts=1, state_file=tmp_path / "state.json") as devnet:
        devnet.mine(5)
        block = devnet.web3.eth.get_block("latest")
        devnet.restart()
        assert devnet.web3.eth.get_block("latest")["hash"] == block["hash"]


def test_clock_moves_on_demand() -> None:
    with Devnet(accounts=1) as devnet:
        start = devnet.now()
        devnet.advance(1_000)
        assert 1_000 <= devnet.now() - start < 1_010
        devnet.advance_to(start + 5_000)
        assert devnet.now() == start + 5_000
        devnet.advance_to(start)
        assert devnet.now() == start + 5_001


def test_snapshot_is_restored_once() -> None:
    with Devnet(accounts=1) as devnet:
        snapshot = devnet.snapshot()
        devnet.mine(3)
        devnet.revert(snapshot)
        assert devnet.web3.eth.block_number == 0
        with pytest.raises(NodeError):
            devnet.revert(snapshot)


def test_blocks_come_by_themselves_when_asked() -> None:
    with Devnet(accounts=1, block_seconds=1) as devnet:
        time.sleep(1.5)
        assert devnet.web3.eth.block_number >= 1


def test_taken_port_is_reported() -> None:
    with Devnet(accounts=1) as first, pytest.raises(ConfigError, match="is taken"):
        Devnet(accounts=1, port=first.port).start()


def test_unknown_hard_fork_is_reported_in_anvils_own_words() -> None:
    with pytest.raises(ConfigError, match="anvil ended at once"):
        Devnet(hardfork="nonsense").start()


def test_wrong_chain_is_refused() -> None:
    with Devnet(accounts=1) as devnet, pytest.raises(WrongChainError, match=f"serves chain {CHAIN_ID}, not 5"):
        connect(devnet.url, chain_id=5)


def test_anvil_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_anvil() == program


def test_missing_anvil_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("steelyard.chain.devnet._NPM_ANVIL", Path("nowhere"))
    with pytest.raises(ConfigError, match="no anvil: install Foundry"):
        find_anvil()
