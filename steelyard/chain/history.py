"""The marketplace's events as a list that keeps up with the chain and forgets what a reorganisation took back."""

from collections.abc import Callable, Sequence

from steelyard.chain.events import LoggedEvent

REORG_DEPTH = 64
"""Blocks that are read again at each refresh; deeper ones are taken as final."""

GetEvents = Callable[[int, int], Sequence[LoggedEvent]]
"""Events between two blocks, both included, in the order of the chain."""


class EventHistory:
    """All events from the deployment on. Programs keep one, refresh it when they poll, and derive what they need."""

    def __init__(self, get_events: GetEvents, first_block: int, reorg_depth: int = REORG_DEPTH) -> None:
        self._get_events = get_events
        self._reorg_depth = reorg_depth
        self._next_block = first_block
        self._final: list[LoggedEvent] = []
        self._recent: list[LoggedEvent] = []

    def refresh(self, head: int) -> tuple[LoggedEvent, ...]:
        """Reads up to block `head` and returns everything so far.

        Raises:
          ChainError: the node did not answer; what was known before is kept.
        """
        self._recent = list(self._get_events(self._next_block, head)) if head >= self._next_block else []
        settled_block = head - self._reorg_depth
        if settled_block >= self._next_block:
            self._final += [event for event in self._recent if event.block_number <= settled_block]
            self._recent = [event for event in self._recent if event.block_number > settled_block]
            self._next_block = settled_block + 1
        return (*self._final, *self._recent)
