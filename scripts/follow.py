"""Looking at a chain again and again, whatever node, store and reorganisations do meanwhile."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from steelyard.chain.records import ProjectStatus
from steelyard.cli_support import stderr
from steelyard.errors import AccessError, ChainError, ProtocolError, StorageError, WrongChainError

T = TypeVar("T")

ENDED: Final = (ProjectStatus.COMPLETED, ProjectStatus.CANCELLED, ProjectStatus.FAILED)
"""Nothing more will happen in a project."""


def say(text: str) -> None:
    """Tells a person, on stderr, something that is worth knowing but stops nothing."""
    stderr.print(text, style="yellow", markup=False, soft_wrap=True)


def repeat(
    look: Callable[[], bool], poll_seconds: float, stopped: threading.Event, warn: Callable[[str], None] = say
) -> None:
    """Looks until `look` says that nothing more will come, or until `stopped` is set.

    A node or a store that does not answer is waited for, and so are a key that is still to be handed over and a
    project that a reorganisation has taken back: `warn` is told what is waited for, once, and when it goes on.

    Args:
      look: may be called again after it has raised.
      poll_seconds: between two looks.
      stopped: ends it.
      warn: tells a person.

    Raises:
      WrongChainError: the node serves another chain now.
      VerificationError, ConfigError: something is false, or was set wrongly.
    """
    waiting = ""
    while not stopped.is_set():
        try:
            is_last = look()
        except WrongChainError:
            raise
        except (ChainError, StorageError, AccessError) as error:
            waiting = _warn_once(error, waiting, warn)
        else:
            if is_last:
                return
            if waiting:
                warn("going on")
                waiting = ""
        stopped.wait(poll_seconds)


def _warn_once(error: ProtocolError, before: str, warn: Callable[[str], None]) -> str:
    text = f"waiting: {error}"
    if text != before:
        warn(text)
    return text


def count_common(before: Sequence[T], now: Sequence[T]) -> int:
    """How many entries at the beginning of two histories are the same: what a reorganisation has left.

    >>> count_common("abcd", "abxde")
    2
    """
    pairs = enumerate(zip(before, now, strict=False))
    return next((index for index, (old, new) in pairs if old != new), min(len(before), len(now)))
