"""Tells a person, or a program that reads JSON, what a running trainer does; and ends it when it is told to."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Final, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from steelyard.cli_support import print_json, stderr
from trainer_client.training import TrainingProgress

_WARNINGS: Final = frozenset(
    {"trouble", "reverted", "sitting out", "no root", "lost", "missing classes", "abstained", "unsettled"}
)


class Narrator:
    """Writes events as lines, on stdout as JSON or on stderr as text, and draws training as a bar on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("epoch {task.fields[epoch]}  loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def report(self, what: str, particulars: Mapping[str, object]) -> None:
        """One event."""
        if self._as_json:
            print_json({"event": what, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **particulars})
            return
        text = ", ".join(f"{name} {_format(value)}" for name, value in particulars.items() if value not in (None, ""))
        style = "yellow" if what in _WARNINGS else None
        self._bar.console.print(
            f"{datetime.now(UTC):%H:%M:%S} {what}: {text}", style=style, markup=False, soft_wrap=True
        )

    def progress(self, progress: TrainingProgress) -> None:
        """How far training is."""
        if self._bar.disable:
            return
        if self._task is None:
            self._task = self._bar.add_task("training", total=progress.steps, epoch=0, loss=0.0)
        self._bar.update(
            self._task,
            total=progress.steps,
            completed=progress.step,
            epoch=progress.epoch,
            loss=progress.loss,
            visible=progress.step < progress.steps,
        )


@contextmanager
def stopping_in_order(report: Callable[[str, Mapping[str, object]], None]) -> Iterator[None]:
    """Ends the block at SIGTERM or Ctrl-C, wherever it is, and says so: what was not sent is done again next time."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        report("stopped", {"note": "started again, it goes on where it was"})
    finally:
        signal.signal(signal.SIGTERM, before)


def _format(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
