"""Answers kept by block: never of another block, never more than fits."""

from fastapi import Response

from backend.api.answers import AnswerCache


def test_answers_are_of_one_block_alone() -> None:
    cache = AnswerCache(1_000)
    cache.put("a", "/x", Response(b"1", headers={"ETag": "a"}))
    found = cache.get("a", "/x")
    assert found is not None
    assert (found.body, found.headers["etag"], found.headers["content-length"]) == (b"1", "a", "1")
    assert cache.get("b", "/x") is None
    cache.put("b", "/y", Response(b"2"))
    assert cache.get("a", "/x") is None
    assert cache.get("b", "/x") is None


def test_the_least_used_make_room_and_what_is_too_large_is_not_kept() -> None:
    cache = AnswerCache(800)
    for number in range(8):
        cache.put("a", str(number), Response(bytes(100)))
    assert cache.get("a", "0") is not None
    cache.put("a", "8", Response(bytes(100)))
    assert [number for number in range(9) if cache.get("a", str(number)) is None] == [1]
    cache.put("a", "large", Response(bytes(101)))
    assert cache.get("a", "large") is None


def test_a_cache_of_nothing_keeps_nothing() -> None:
    cache = AnswerCache(0)
    cache.put("a", "/x", Response(b"1"))
    assert cache.get("a", "/x") is None
