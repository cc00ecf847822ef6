"""Cursor pagination: a page ends with the key of its last item, so that items arriving meanwhile shift nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Integer, Row, Select, bindparam, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.errors import InvalidCursorError

T = TypeVar("T")
R = TypeVar("R")

Column = InstrumentedAttribute[int]

MAX_CURSOR = 128
"""Longest cursor accepted, in characters."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` items after `cursor`, or from the start."""

    limit: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """Items and the cursor of the next page; None on the last one."""

    items: Sequence[T]
    next: str | None

    def map(self, function: Callable[[T], R]) -> "PageOf[R]":
        """The same page of other items."""
        return PageOf([function(item) for item in self.items], self.next)


class PagedQuery:
    """A query that is run page by page. Building one costs more than running it: build it once, with parameters.

    Args:
      query: selects columns, those of the key among them.
      key: columns of integers that order the rows uniquely.
      newest_first: order by descending key.
    """

    def __init__(self, query: Select[Any], *key: Column, newest_first: bool = False) -> None:
        self._names = [column.key for column in key]
        order = [column.desc() if newest_first else column.asc() for column in key]
        self._first = query.order_by(*order).limit(bindparam("page_limit", type_=Integer))
        place = tuple_(*(bindparam(f"page_{column.key}", type_=column.type) for column in key))
        beyond = tuple_(*key) < place if newest_first else tuple_(*key) > place
        self._following = self._first.where(beyond)

    def fetch(self, session: Session, request: PageRequest, **parameters: object) -> PageOf[Row[Any]]:
        """One page.

        Raises:
          InvalidCursorError: the cursor is not of a list with such a key.
        """
        query, values = self._first, {"page_limit": request.limit + 1, **parameters}
        if request.cursor is not None:
            place = decode_cursor(request.cursor, len(self._names))
            query, values = self._following, values | {f"page_{n}": v for n, v in zip(self._names, place, strict=True)}
        found = session.connection().execute(query, values).all()
        items = found[: request.limit]
        if len(found) <= request.limit:
            return PageOf(items, None)
        return PageOf(items, encode_cursor(tuple(getattr(items[-1], name) for name in self._names)))


def encode_cursor(values: tuple[int, ...]) -> str:
    """An opaque, URL-safe spelling of a key."""
    return base64.urlsafe_b64encode(".".join(map(str, values)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> tuple[int, ...]:
    """The key that a cursor spells.

    Raises:
      InvalidCursorError: it spells none of this length.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        values = tuple(int(part) for part in text.split("."))
    except (binascii.Error, ValueError):
        values = ()
    if len(values) != length or not all(0 <= value < 2**63 for value in values) or encode_cursor(values) != cursor:
        raise InvalidCursorError("the cursor is not one that this list gave out")
    return values
