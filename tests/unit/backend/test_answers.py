"""Answers kept by block: never of another block, never more than fits."""

from fastapi import Response

from backend.api.answers import AnswerCache


def answer(body: bytes, tag: str = 'W/"a"') -> Response:
    return Response(body, headers={"ETag": tag})


def test_answers_are_of_one_block_alone() -> None:
    cache = AnswerCache(1_000)
    cache.put("/x", answer(b"1"))
    found = cache.get('W/"a"', "/x")
    assert found is not None
    assert (found.body, found.headers["etag"], found.headers["content-length"]) == (b"1", 'W/"a"', "1")
    assert cache.get('W/"b"', "/x") is None
    assert cache.get('W/"a"', "/x") is None  # forgotten
    cache.put("/x", answer(b"2", 'W/"b"'))
    cache.put("/x", answer(b"3", 'W/"b"'))
    found = cache.get('W/"b"', "/x")
    assert found is not None
    assert found.body == b"3"


def test_what_nothing_changes_outlasts_blocks() -> None:
    cache = AnswerCache(1_000)
    cache.put("/x", answer(b"1", '"final"'))
    for tag in ('W/"a"', 'W/"b"', None):
        found = cache.get(tag, "/x")
        assert found is not None
        assert found.headers["etag"] == '"final"'


def test_what_is_given_is_a_copy() -> None:
    cache = AnswerCache(1_000)
    cache.put("/x", answer(b"1"))
    first = cache.get('W/"a"', "/x")
    assert first is not None
    first.headers["X-Other"] = "added on the way out"
    second = cache.get('W/"a"', "/x")
    assert second is not None
    assert "X-Other" not in second.headers


def test_the_least_used_make_room_and_what_is_too_large_is_not_kept() -> None:
    cache = AnswerCache(800)
    for number in range(8):
        cache.put(str(number), answer(bytes(100)))
    assert cache.get('W/"a"', "0") is not None
    cache.put("8", answer(bytes(100)))
    assert [number for number in range(9) if cache.get('W/"a"', str(number)) is None] == [1]
    cache.put("large", answer(bytes(101)))
    assert cache.get('W/"a"', "large") is None


def test_a_cache_of_nothing_keeps_nothing() -> None:
    cache = AnswerCache(0)
    cache.put("/x", answer(b"1"))
    assert cache.get('W/"a"', "/x") is None
