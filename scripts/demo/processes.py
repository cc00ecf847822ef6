"""Child processes of the demo: each with a log of its own, ended by pid, none left behind."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from steelyard.errors import ProtocolError

_STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class ProcessDiedError(ProtocolError):
    """A process of the demo ended before its time."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        super().__init__(f"{name} ended with exit code {code}; the end of {log}:\n{tail}")


@dataclass(slots=True)
class Processes:
    """A group of processes that start together and end together."""

    log_dir: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    tolerated: set[str] = field(default_factory=set)
    _commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], *, may_fail: bool = False
    ) -> None:
        """Starts a Python module of this installation, `python -m arguments…`.

        Args:
          name: what it is called here and in the name of its log.
          arguments: the module and its arguments.
          environment: variables to set beside ours.
          may_fail: whether `check` lets a failure pass: a trainer that is thrown out fails.
        """
        if may_fail:
            self.tolerated.add(name)
        self._commands[name] = (arguments, environment)
        with self.log_path(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - started from the main thread only
            )

    def restart(self, name: str) -> None:
        """Starts a process that was killed again, as it was started before. Its log goes on."""
        self.start(name, *self._commands[name])

    def log_path(self, name: str) -> Path:
        """Where a process writes."""
        return self.log_dir / f"{name.lower()}.log"

    def check(self) -> None:
        """Checks that nobody has failed. Ending well (a trainer whose project is over) is no failure.

        Raises:
          ProcessDiedError: somebody ended with an exit code other than 0.
        """
        for name, process in self.running.items():
            code = process.poll()
            if code and name not in self.tolerated:
                raise ProcessDiedError(name, code, self.log_path(name))

    def has_ended(self, name: str) -> bool:
        """Whether a process has ended by itself."""
        return self.running[name].poll() is not None

    def kill(self, name: str) -> None:
        """Ends one process at once, as a crash would (SIGKILL), and forgets it."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Asks everybody to end, and insists with those that do not."""
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


def find_free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
