"""Rows of the event log: exact, compact copies of the chain's events, found by project, attempt and account."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, cast

from sqlalchemy import Row

from backend.models import Event as EventRow
from steelyard.chain.codec import build_decoder, encode_arguments, field_hints, from_abi, signature_hash
from steelyard.chain.events import Event, LoggedEvent, event_abi, event_classes
from steelyard.types import Address, Cid

_ACCOUNTS = ("account", "trainer", "aggregator", "owner", "reader", "publisher")
"""Arguments that say whom an event is about; no event has two of them."""


MAX_SHOWN_BYTES = 1_024
"""Longest byte string shown in an event's arguments."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event leaves out and the chain fixes with it for good; None where it does not apply.

    Attributes:
      gas_used: by the whole transaction, of settlements.
      rule_name, powers: a new project's rule by name, and the size of its verifier's reference string.
    """

    gas_used: int | None = None
    rule_name: str | None = None
    powers: int | None = None


def build_row(logged: LoggedEvent, facts: Facts) -> EventRow:
    """The row of an event."""
    event = logged.event
    project_id = getattr(event, "project_id", None)
    return EventRow(
        block_number=logged.block_number,
        log_index=logged.log_index,
        transaction_hash=to_hex(logged.tx_hash),
        name=type(event).__name__,
        arguments=encode_event(event),
        project_id=None if project_id is None else to_hex(project_id),
        attempt=getattr(event, "attempt", None),
        account=get_account(event),
        gas_used=facts.gas_used,
    )


def get_account(event: Event) -> Address | None:
    """The account that an event is about, if it is about one."""
    return next((getattr(event, name) for name in _ACCOUNTS if hasattr(event, name)), None)


def encode_event(event: Event) -> bytes:
    """The ABI encoding of all arguments of an event."""
    values = [getattr(event, field.name) for field in fields(event)]
    return encode_arguments(event_abi()[type(event).__name__], values)


def decode_event(row: EventRow | Row[Any]) -> Event:
    """The event of a row."""
    cls, hints, decode = _get_decoder(row.name)
    return cls(*map(from_abi, hints, decode(row.arguments)))


@cache
def _get_decoder(name: str) -> tuple[type[Event], tuple[Any, ...], Callable[[bytes], tuple[Any, ...]]]:
    """An event's class, its fields' types, and what decodes its arguments."""
    entry = event_abi()[name]
    cls = event_classes()[signature_hash(entry)]
    return cls, tuple(field_hints(cast("type", cls)).values()), build_decoder(entry["inputs"])


def to_hex(value: bytes) -> str:
    """0x-hex, as ids and hashes are stored and served."""
    return "0x" + value.hex()


def to_primitive(value: object) -> Any:
    """A value as JSON: integers are decimal strings, bytes 0x-hex, enum members names in lower case.

    Of longer byte strings, which are proofs and matrices, there is the length alone: the evidence bundle has them.
    """
    if is_dataclass(value) and not isinstance(value, Cid):
        return {field.name: to_primitive(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_primitive(item) for item in value]
    if isinstance(value, bytes):
        return to_hex(value) if len(value) <= MAX_SHOWN_BYTES else {"length": str(len(value))}
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, bool):
        return value
    return str(value)
