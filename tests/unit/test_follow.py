"""Looking again and again: what is waited for, what ends it, and what is said meanwhile."""

import threading
from collections.abc import Iterator

import pytest

from scripts.follow import count_common, repeat
from steelyard.chain.client import UnknownProjectError
from steelyard.errors import (
    AccessError,
    BlobNotFoundError,
    ChainUnavailableError,
    CommitmentMismatchError,
    ProtocolError,
    WrongChainError,
)
from steelyard.types import ProjectId

DOWN = ChainUnavailableError("the node cannot be reached")


def follow(answers: list[bool | ProtocolError]) -> list[str]:
    """Looks until the answers are used up, and returns what was said."""
    remaining: Iterator[bool | ProtocolError] = iter(answers)
    said: list[str] = []

    def look() -> bool:
        answer = next(remaining)
        if isinstance(answer, ProtocolError):
            raise answer
        return answer

    repeat(look, 0, threading.Event(), said.append)
    assert next(remaining, None) is None, "it ended before its time"
    return said


def test_it_ends_with_the_last_look_and_says_nothing_where_nothing_fails() -> None:
    assert follow([False, False, True]) == []


def test_what_it_waits_for_is_said_once_and_that_it_goes_on() -> None:
    assert follow([False, DOWN, DOWN, False, True]) == ["waiting: the node cannot be reached", "going on"]
    other = BlobNotFoundError("bafk")
    assert follow([DOWN, other, other, True]) == ["waiting: the node cannot be reached", f"waiting: {other}"]


@pytest.mark.parametrize("error", [UnknownProjectError(ProjectId(bytes(32))), AccessError("no key yet")])
def test_a_project_that_is_not_there_yet_and_a_key_that_is_not_handed_over_are_waited_for(error: ProtocolError) -> None:
    assert follow([error, False, True]) == [f"waiting: {error}", "going on"]


@pytest.mark.parametrize("error", [WrongChainError("another chain"), CommitmentMismatchError("the aggregate")])
def test_what_waiting_does_not_mend_ends_it(error: ProtocolError) -> None:
    with pytest.raises(type(error)):
        follow([False, error])


def test_it_ends_when_it_is_told_to() -> None:
    stopped = threading.Event()

    def look() -> bool:
        stopped.set()
        return False

    repeat(look, 10**6, stopped)


@pytest.mark.parametrize(
    ("before", "now", "common"), [("", "ab", 0), ("ab", "", 0), ("ab", "abc", 2), ("abc", "ab", 2), ("abc", "xbc", 0)]
)
def test_what_two_histories_have_in_common(before: str, now: str, common: int) -> None:
    assert count_common(before, now) == common
