"""Cursors are opaque, canonical, and refused where they are anything else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidCursorError
from backend.paging import decode_cursor, encode_cursor

keys = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3).map(tuple)


@given(keys)
def test_cursors_round_trip(key: tuple[int, ...]) -> None:
    assert decode_cursor(encode_cursor(key), len(key)) == key


@given(st.text(max_size=40), st.integers(1, 3))
def test_any_other_text_is_refused(text: str, length: int) -> None:
    try:
        key = decode_cursor(text, length)
    except InvalidCursorError:
        return
    assert encode_cursor(key) == text


@pytest.mark.parametrize("key", [(-1, 0), (2**63, 0), (1,), (1, 2, 3)])
def test_keys_out_of_range_or_of_another_length_are_refused(key: tuple[int, ...]) -> None:
    with pytest.raises(InvalidCursorError):
        decode_cursor(encode_cursor(key), 2)


@pytest.mark.parametrize("spelling", ["01.2", "+1.2", " 1.2", "1_0.2"])
def test_a_key_has_one_spelling(spelling: str) -> None:
    cursor = base64.urlsafe_b64encode(spelling.encode()).decode().rstrip("=")
    with pytest.raises(InvalidCursorError):
        decode_cursor(cursor, 2)
