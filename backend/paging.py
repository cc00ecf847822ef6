"""Cursor pagination: a page ends with the key of its last item, so that items arriving meanwhile shift nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_
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


def fetch_page(
    session: Session,
    query: Select[T],
    key: tuple[Column, ...],
    request: PageRequest,
    *,
    newest_first: bool = False,
) -> PageOf[T]:
    """Runs a query for one page.

    Args:
      query: selects one entity.
      key: columns of integers that order the entities uniquely; attributes of the entity.
      request: which page.
      newest_first: order by descending key.

    Raises:
      InvalidCursorError: the cursor is not of a list with such a key.
    """
    if request.cursor is not None:
        values = decode_cursor(request.cursor, len(key))
        here: ColumnElement[bool] = tuple_(*key) < values if newest_first else tuple_(*key) > values
        query = query.where(here)
    order = [column.desc() if newest_first else column.asc() for column in key]
    found = session.scalars(query.order_by(*order).limit(request.limit + 1)).all()
    items = found[: request.limit]
    if len(found) <= request.limit:
        return PageOf(items, None)
    return PageOf(items, encode_cursor(tuple(getattr(items[-1], column.key) for column in key)))


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
