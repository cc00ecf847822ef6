"""Before-images: every row that an event changes is kept as it was until its block is past undoing.

Rolling back writes the images back in reverse order. It needs no knowledge of what the events mean, and costs as much
as what it undoes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import and_, delete, event, insert, inspect, select, update
from sqlalchemy.orm import InstanceState, Session, UOWTransaction

from backend.models import Base, BeforeImage, Block, Cursor, Event, Payment, ReputationChange

_CUT_OFF = (Event, Payment, ReputationChange)
_NOT_PROJECTED = (BeforeImage, Block, Cursor, *_CUT_OFF)
"""Tables that are cut off by block number, not put back row by row."""


@contextmanager
def record_changes(session: Session, block_number: int) -> Iterator[None]:
    """Within it, each flush first stores the rows that it is about to change."""

    def before_flush(session: Session, _context: UOWTransaction, _instances: object) -> None:
        changed = [*session.new, *(row for row in session.dirty if session.is_modified(row))]
        images = [_describe(session, row, block_number) for row in changed if not isinstance(row, _NOT_PROJECTED)]
        if images:
            session.connection().execute(insert(BeforeImage), images)

    event.listen(session, "before_flush", before_flush)
    try:
        yield
        session.flush()
    finally:
        event.remove(session, "before_flush", before_flush)


def roll_back(session: Session, ancestor: int) -> None:
    """Takes back every block above `ancestor`: events, their effects, and the blocks themselves."""
    images = select(BeforeImage).where(BeforeImage.block_number > ancestor).order_by(BeforeImage.id.desc())
    for image in session.scalars(images):
        table = Base.metadata.tables[image.table]
        is_row = and_(*(table.c[name] == value for name, value in image.key.items()))
        if image.row is None:
            session.execute(delete(table).where(is_row))
        else:
            session.execute(update(table).where(is_row).values(image.row))
    session.execute(delete(BeforeImage).where(BeforeImage.block_number > ancestor))
    for log in _CUT_OFF:
        session.execute(delete(log).where(log.block_number > ancestor))
    session.execute(delete(Block).where(Block.number > ancestor))
    session.expire_all()


def _describe(session: Session, row: Any, block_number: int) -> dict[str, Any]:
    state = inspect(row)
    names = [attribute.key for attribute in state.mapper.column_attrs]
    histories = {name: state.attrs[name].history for name in names}
    if any(history.added and not history.deleted for history in histories.values()) and state.persistent:
        # A column that was never loaded, such as one left to its default when the row was made, has no history.
        image = _read_stored(session, state)
    else:
        image = {
            name: history.deleted[0] if history.deleted else getattr(row, name) for name, history in histories.items()
        }
    key = {column.name: getattr(row, column.name) for column in state.mapper.primary_key}
    table = state.mapper.local_table.name
    return {"block_number": block_number, "table": table, "key": key, "row": image if state.persistent else None}


def _read_stored(session: Session, state: InstanceState[Any]) -> dict[str, Any]:
    """The row as it stands in the database, before the flush."""
    table = state.mapper.local_table
    is_row = and_(*(column == getattr(state.object, column.name) for column in state.mapper.primary_key))
    return dict(session.connection().execute(select(table).where(is_row)).mappings().one())
