"""The browser's driver, a program of `web/tests/browser`: it says what it has done, and waits to be told to go on."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.web.chromium import DRIVERS


class Driver:
    """A line of JSON each way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self, facts: dict[str, object] | None = None) -> None:
        """Facts to begin with, or, without any, to go on."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(facts or {}) + "\n")
        self._process.stdin.flush()

    def hear(self, event: str) -> Any:
        """What it tells next, which must be this event."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        told = json.loads(line)
        assert told["event"] == event, told
        return told


@contextmanager
def start_driver(script: str, facts: dict[str, object]) -> Iterator[Driver]:
    """Starts a script of `web/tests/browser`, and ends it with the test."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", str(DRIVERS / script)], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            driver = Driver(process)
            driver.say(facts)
            yield driver
        finally:
            process.kill()
