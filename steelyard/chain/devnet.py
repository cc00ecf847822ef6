"""A local anvil for tests and demos, with funded accounts and a clock that can be moved.

>>> with Devnet() as devnet:  # doctest: +SKIP
...     devnet.web3.eth.chain_id
31337
"""

import atexit
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from steelyard.chain.rpc import NodeError, connect, translated
from steelyard.errors import ChainUnavailableError, ConfigError

logger = logging.getLogger(__name__)

CHAIN_ID = 31_337
MNEMONIC = "test test test test test test test test test test test junk"
"""Publicly known. Whoever sends real money to an account of it loses it."""

_NPM_ANVIL = Path("node_modules") / ".bin" / "anvil"
_START_SECONDS = 20.0
_STOP_SECONDS = 20.0

# Becomes anvil and keeps its process id. The kernel ends it with the thread that started it (PR_SET_PDEATHSIG), even
# by SIGKILL. A program of its own, as code between fork and exec may deadlock in a program with threads.
_EXEC_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def find_anvil() -> Path:
    """The `anvil` on PATH, or else the one that npm installed here.

    Raises:
      ConfigError: neither exists.
    """
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    for folder in (Path.cwd(), *Path(__file__).resolve().parents):
        if (folder / _NPM_ANVIL).exists():
            return folder / _NPM_ANVIL
    raise ConfigError("no anvil: install Foundry, or run `npm ci` in the repository")


@cache
def dev_account(index: int) -> LocalAccount:
    """Account number `index` of the devnet's mnemonic."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


class Devnet:
    """One anvil process on 127.0.0.1. Start it on a thread that lives as long as the node is to live.

    Args:
      hardfork: `prague` is the first with the BLS12-381 precompiles.
      block_seconds: a block every so many seconds; None mines each transaction at once.
      state_file: loaded at the start if it exists, written at the end; `restart` needs it to keep the chain.
      accounts: how many accounts of the mnemonic hold 10,000 ether.
      port: a free one if None.
    """

    def __init__(
        self,
        *,
        hardfork: str = "prague",
        block_seconds: float | None = None,
        state_file: Path | None = None,
        accounts: int = 48,
        port: int | None = None,
    ) -> None:
        self.hardfork = hardfork
        self.block_seconds = block_seconds
        self.state_file = state_file
        self.accounts = accounts
        self.port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._web3: Web3 | None = None

    @property
    def url(self) -> str:
        """Where the node answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def web3(self) -> Web3:
        """A client of the running node."""
        if self._web3 is None:
            raise RuntimeError("the devnet is not running")
        return self._web3

    @property
    def pid(self) -> int:
        """The process id of anvil itself."""
        if self._process is None:
            raise RuntimeError("the devnet is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts anvil and waits until it answers.

        Raises:
          ConfigError: there is no anvil, its port is taken, or it ends at once; its own words are in the message.
          ChainUnavailableError: it does not answer in time.
        """
        _check_free(self.port)  # or whoever is there would be taken for anvil
        command = [str(find_anvil()), *self._flags()]
        if sys.platform == "linux":
            command = [sys.executable, "-c", _EXEC_WITH_PARENT, str(os.getpid()), *command]
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
            atexit.register(self.stop)
            try:
                self._web3 = self._await_answer(self._process, log)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Ends anvil, which then writes its state file. Does nothing where it is not running."""
        process, web3, self._process, self._web3 = self._process, self._web3, None, None
        atexit.unregister(self.stop)
        if process is None:
            return
        if self.state_file is not None and web3 is not None and process.poll() is None:
            _hold_mining(web3)
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("anvil (%d) does not stop, killing it", process.pid)
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Stops and starts anvil on the same port. With a state file the chain goes on, less what was pending."""
        self.stop()
        self.start()

    # Time and accounts

    def account(self, index: int) -> LocalAccount:
        """A funded account."""
        if not 0 <= index < self.accounts:
            raise IndexError(f"the devnet funds {self.accounts} accounts")
        return dev_account(index)

    def now(self) -> int:
        """Time of the latest block, in Unix seconds."""
        with translated():
            return int(self.web3.eth.get_block("latest")["timestamp"])

    def advance(self, seconds: int) -> None:
        """Moves the chain's clock and mines a block at the new time."""
        self.request("evm_increaseTime", [seconds])
        self.mine()

    def advance_to(self, timestamp: int) -> None:
        """Mines a block at `timestamp`, or one second later where the chain is there already."""
        self.request("evm_setNextBlockTimestamp", [max(timestamp, self.now() + 1)])
        self.mine()

    def mine(self, blocks: int = 1) -> None:
        """Mines blocks now."""
        self.request("anvil_mine", [hex(blocks)])

    def snapshot(self) -> str:
        """Remembers the chain as it is."""
        return str(self.request("evm_snapshot", []))

    def revert(self, snapshot: str) -> None:
        """Goes back to a snapshot, which is spent."""
        if self.request("evm_revert", [snapshot]) is not True:
            raise NodeError(f"no snapshot {snapshot}")

    def request(self, method: str, params: list[Any]) -> Any:
        """Calls any RPC method of anvil.

        Raises:
          NodeError: anvil refuses.
          ChainUnavailableError: no answer.
        """
        with translated():
            response = self.web3.provider.make_request(method, params)  # type: ignore[arg-type]
        if "error" in response:
            raise NodeError(str(response["error"]))
        return response["result"]

    def _flags(self) -> list[str]:
        flags = [
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--chain-id",
            str(CHAIN_ID),
            "--hardfork",
            self.hardfork,
        ]
        flags += ["--accounts", str(self.accounts), "--mnemonic", MNEMONIC, "--quiet"]
        if self.block_seconds is not None:
            flags += ["--block-time", str(self.block_seconds)]
        if self.state_file is not None:
            flags += ["--state", str(self.state_file), "--preserve-historical-states"]
        return flags

    def _await_answer(self, process: subprocess.Popen[bytes], log: Any) -> Web3:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                return connect(self.url, chain_id=CHAIN_ID)
            except ChainUnavailableError:
                if time.monotonic() > deadline:
                    raise
            if process.poll() is not None:
                log.seek(0)
                raise ConfigError(f"anvil ended at once: {log.read().decode(errors='replace').strip()}")
            time.sleep(0.02)


def _hold_mining(web3: Web3) -> None:
    """What anvil mines while it writes its state file is lost, or is in the accounts and in no block."""
    with suppress(ChainUnavailableError, NodeError), translated():
        web3.provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
        web3.provider.make_request("evm_setIntervalMining", [0])  # type: ignore[arg-type]
        latest = -1
        while latest != (latest := web3.eth.block_number):
            time.sleep(0.02)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(f"port {port} of 127.0.0.1 is taken") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
