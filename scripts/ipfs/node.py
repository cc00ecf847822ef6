"""Starts, connects and stops js-ipfs nodes on free ports of 127.0.0.1."""

import json
import queue
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from steelyard.errors import ConfigError, StorageUnavailableError

_FOLDER: Final = Path(__file__).parent
_START_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 10.0
_PORT_ATTEMPTS: Final = 3


class IpfsNode:
    """One node, in a process of its own. Stopped and started again it is the same node, at the same ports.

    Args:
      repository: where it keeps its key, its blocks and its pins; made where it does not exist.
    """

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self._swarm_port, self._api_port, self._gateway_port = find_free_ports(3)
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        """Where its peers find it."""

    @property
    def url(self) -> str:
        """Where its RPC API is."""
        return f"http://127.0.0.1:{self._api_port}"

    @property
    def gateway_url(self) -> str:
        """Where it serves single blocks."""
        return f"http://127.0.0.1:{self._gateway_port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
          ConfigError: Node or the packages are missing, or it ends at once; its own words are in the message.
          StorageUnavailableError: it does not answer in time.
        """
        self.launch()
        self.await_answer()

    def launch(self) -> None:
        """Starts it. Several that are launched before any is waited for start at the same time."""
        node = shutil.which("node")
        if node is None or not (_FOLDER / "node_modules").is_dir():
            error = ConfigError("the IPFS node for tests and demo is not installed")
            error.hint = "Run `make ipfs`."
            raise error
        ports = map(str, (self._swarm_port, self._api_port, self._gateway_port))
        command = [node, str(_FOLDER / "daemon.mjs"), str(self.repository), *ports]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def await_answer(self) -> None:
        """Waits until a launched node answers.

        Raises:
          ConfigError, StorageUnavailableError: as `start`.
        """
        for _ in range(_PORT_ATTEMPTS):
            said = self._await_first_words()
            if said is None:
                return
            self.stop()
            if "EADDRINUSE" not in said or self.address:
                break
            # Somebody took one of the ports meanwhile. A node that nobody knows yet may have others.
            self._swarm_port, self._api_port, self._gateway_port = find_free_ports(3)
            self.launch()
        self.stop()
        raise ConfigError(f"the IPFS node ended at once: {said}")

    def _await_first_words(self) -> str | None:
        """None once the node answers, or its last words."""
        process = self._running()
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # Reads for as long as the node runs, or its pipe fills up and it stands still.
        threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
        said = []
        try:
            while (line := lines.get(timeout=_START_SECONDS)) is not None:
                said.append(line)
                if line.startswith('{"id"'):
                    self.address = json.loads(line)["addresses"][0]
                    return None
        except queue.Empty:
            self.stop()
            raise StorageUnavailableError(f"the IPFS node did not answer in {_START_SECONDS:.0f} s") from None
        return "".join(said).strip()

    def stop(self) -> None:
        """Ends it. Does nothing where it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)

    def kill(self) -> None:
        """Ends it at once, as a crash would (SIGKILL)."""
        process, self._process = self._running(), None
        process.kill()
        process.wait()
        _close(process)
        # The next start would take it for a sign of life.
        shutil.rmtree(self.repository / "repo.lock", ignore_errors=True)

    def connect(self, other: "IpfsNode") -> None:
        """Makes two running nodes peers, which exchange blocks from then on.

        Raises:
          StorageUnavailableError: they do not find each other.
        """
        self.call("swarm/connect", {"arg": other.address})

    def call(self, command: str, query: dict[str, str], body: bytes | None = None) -> Any:
        """Any command of the RPC API; the last JSON object of its answer.

        Raises:
          StorageUnavailableError: the node refuses, or does not answer.
        """
        files = None if body is None else {"file": body}
        query = {"cid-base": "base32", **query}
        try:
            answer = httpx.post(f"{self.url}/api/v0/{command}", params=query, files=files, timeout=60.0)
        except httpx.TransportError as exc:
            raise StorageUnavailableError(f"no answer from the IPFS node: {exc}") from exc
        if answer.status_code != 200:
            raise StorageUnavailableError(f"the IPFS node refused `{command}`: {answer.text}")
        lines = [line for line in answer.text.splitlines() if line]
        return json.loads(lines[-1]) if lines else None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the IPFS node is not running")
        return self._process


@contextmanager
def connected_nodes(repositories: Sequence[Path]) -> Iterator[list[IpfsNode]]:
    """Nodes of which each is a peer of each.

    Raises:
      ConfigError, StorageUnavailableError: as `IpfsNode.start` and `connect`.
    """
    nodes = [IpfsNode(repository) for repository in repositories]
    try:
        for node in nodes:
            node.launch()
        for node in nodes:
            node.await_answer()
        for i, node in enumerate(nodes):
            for other in nodes[:i]:
                node.connect(other)
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def find_free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _read_lines(process: subprocess.Popen[str], lines: "queue.SimpleQueue[str | None]") -> None:
    if process.stdout is not None:
        try:
            for line in process.stdout:
                lines.put(line)
        except ValueError:
            pass  # closed meanwhile
    lines.put(None)


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
