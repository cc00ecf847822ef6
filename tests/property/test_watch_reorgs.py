"""Whatever the chain does within the depth that is read again, the lines of `owner watch --json` add up to it."""

import random
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.owner_watch import Follower, describe_event
from steelyard.chain.events import LoggedEvent
from steelyard.chain.history import EventHistory
from steelyard.errors import ChainUnavailableError
from steelyard.types import ProjectId
from tests.backend_chain import FakeChain

DEPTH = 8

operations = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["mine", "look"]), st.integers(1, 6)),
        st.tuples(st.just("reorganise"), st.integers(1, DEPTH)),
        st.tuples(st.sampled_from(["lose the node", "ask a node behind"]), st.just(1)),
    ),
    min_size=5,
    max_size=30,
)


class Listener:
    """Reads the lines, and knows nothing of the chain but what they say."""

    def __init__(self, chain: FakeChain) -> None:
        self.chain = chain
        self.is_lost = False
        self.looked_at = 0
        self.lines: list[dict[str, Any]] = []
        history = EventHistory(self._get_events, 0, DEPTH)
        self._follower = Follower(cast("Any", None), ProjectId(bytes(32)), history, cast("Any", None))

    def _get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
        if self.is_lost:
            raise ChainUnavailableError("the node cannot be reached")
        return self.chain.get_events(first, last)

    def look(self, head: int) -> None:
        for line in cast("list[dict[str, Any]]", list(self._follower.update(self._follower.history.refresh(head)))):
            if line["event"] == "rollback":
                assert any(told["block"] >= line["block"] for told in self.lines), "takes back what was never told"
                self.lines = [told for told in self.lines if told["block"] < line["block"]]
            else:
                self.lines.append(line)
        self.looked_at = max(self.looked_at, head)

    def lose_the_node(self) -> None:
        self.is_lost = True
        with pytest.raises(ChainUnavailableError):
            self.look(self.chain.head)
        self.is_lost = False


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), schedule=operations)
def test_the_lines_that_were_told_are_the_chain(seed: int, schedule: list[tuple[str, int]]) -> None:
    chain = FakeChain(seed)
    listener = Listener(chain)
    chain.mine_random(DEPTH)
    for operation, amount in schedule:
        match operation:
            case "mine":
                chain.mine_random(amount)
            case "reorganise":
                depth = max(0, min(amount, chain.head - max(0, listener.looked_at - DEPTH)))
                chain.reorganise(depth, depth + random.Random(seed).randrange(3))
            case "lose the node":
                listener.lose_the_node()
            case "look":
                listener.look(chain.head)
            case _:
                listener.look(chain.head - 1)
    listener.look(chain.head)
    assert listener.lines == [describe_event(logged) for logged in chain.get_events(0, chain.head)]
