"""Between ABI values and typed ones. A record's fields are its struct's members, in order, in snake case.

The type hints of a record are its schema: enums, addresses, nested records and lists follow from them. A struct is
written down once here and once in Solidity, and a test compares the two. Only `Cid`, which others share, is not: its
fields have another order.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cache, lru_cache, partial
from typing import Any, TypeVar, cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import InsufficientDataBytes, NonEmptyPaddingBytes
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from steelyard.types import Address, Cid

T = TypeVar("T")

AbiEntry = Mapping[str, Any]
"""One entry of a contract's JSON ABI."""


def to_snake_case(name: str) -> str:
    """`projectId` becomes `project_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def abi_type(parameter: AbiEntry) -> str:
    """The canonical type of a parameter: structs become tuples, as signatures have them."""
    kind = cast("str", parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(abi_type(component) for component in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def signature_hash(entry: AbiEntry) -> bytes:
    """keccak-256 of a signature: an event's first topic; its first four bytes are a function's or error's selector."""
    return keccak(text=f"{entry['name']}({','.join(map(abi_type, entry['inputs']))})")


def encode_call(entry: AbiEntry, arguments: Sequence[object]) -> bytes:
    """Calldata of a function call.

    Raises:
      eth_abi.exceptions.EncodingError: an argument does not fit its type.
    """
    return signature_hash(entry)[:4] + encode_arguments(entry, arguments)


def encode_arguments(entry: AbiEntry, arguments: Sequence[object]) -> bytes:
    """The arguments of a function or constructor, without a selector."""
    return encode([abi_type(parameter) for parameter in entry["inputs"]], [to_abi(value) for value in arguments])


def decode_parameters(parameters: Sequence[AbiEntry], data: bytes) -> tuple[Any, ...]:
    """The raw values of a list of parameters.

    Raises:
      eth_abi.exceptions.DecodingError: `data` is too short or not padded as the ABI asks.
    """
    return build_decoder(parameters)(data)


def build_decoder(parameters: Sequence[AbiEntry]) -> Callable[[bytes], tuple[Any, ...]]:
    """`decode_parameters` of these parameters: build it once for what is decoded often.

    Words are read here, which is twenty times faster than eth_abi's general decoder; whatever has a dynamic type is
    that one's.
    """
    kinds = [abi_type(parameter) for parameter in parameters]
    try:
        readers, size = _build_readers(parameters, 0)
    except _DynamicTypeError:
        return lambda data: decode(kinds, data)

    def decode_words(data: bytes) -> tuple[Any, ...]:
        if len(data) < size:
            raise InsufficientDataBytes(f"{size} bytes are needed, there are {len(data)}")
        return tuple(read(data) for read in readers)

    return decode_words


class _DynamicTypeError(Exception):
    """A type whose length is in the data."""


_Reader = Callable[[bytes], Any]


def _build_readers(parameters: Sequence[AbiEntry], start: int) -> tuple[list[_Reader], int]:
    """What reads each parameter from its words, which begin at `start`, and where the last one ends."""
    readers: list[_Reader] = []
    for parameter in parameters:
        if parameter["type"] == "tuple":
            members, start = _build_readers(parameter["components"], start)
            readers.append(partial(_read_all, members))
        else:
            readers.append(_build_word_reader(parameter["type"], start))
            start += 32
    return readers, start


def _read_all(readers: Sequence[_Reader], data: bytes) -> tuple[Any, ...]:
    return tuple(read(data) for read in readers)


def _build_word_reader(kind: str, start: int) -> _Reader:
    match = _WORD.fullmatch(kind)
    if match is None:
        raise _DynamicTypeError
    if match["bytes"]:
        return partial(_read_bytes, start, int(match["bytes"]))
    if match["uint"]:
        return partial(_read_uint, start, int(match["uint"]))
    return partial(_read_bool if kind == "bool" else _read_address, start)


_WORD = re.compile(r"address|bool|uint(?P<uint>[0-9]+)|bytes(?P<bytes>[0-9]+)")


def _read_uint(start: int, bits: int, data: bytes) -> int:
    value = int.from_bytes(data[start : start + 32])
    if value >> bits:
        raise NonEmptyPaddingBytes(f"{value} does not fit {bits} bits")
    return value


def _read_bool(start: int, data: bytes) -> bool:
    return bool(_read_uint(start, 1, data))


def _read_address(start: int, data: bytes) -> str:
    return f"0x{_read_uint(start, 160, data):040x}"


def _read_bytes(start: int, size: int, data: bytes) -> bytes:
    if any(data[start + size : start + 32]):
        raise NonEmptyPaddingBytes(f"bytes{size} is padded with something else than zeros")
    return data[start : start + size]


def to_abi(value: object) -> object:
    """A typed value as the ABI encoder takes it."""
    if isinstance(value, Cid):
        return (value.digest, int(value.codec))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(to_abi(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, list | tuple):
        return [to_abi(item) for item in value]
    return value


def from_abi(hint: type[T], value: Any) -> T:
    """An ABI value as the type that `hint` says.

    Raises:
      ValueError: an enum has no such member, or a record has another number of fields.
      MalformedCidError: a content identifier is empty or of another codec.
    """
    return cast("T", _from_abi(hint, value))


def field_hints(record: type) -> dict[str, Any]:
    """Names and resolved types of a record's own fields, in order."""
    return _field_hints(cast("Any", record))


_to_checksum_address = lru_cache(16_384)(to_checksum_address)
"""The same accounts come again and again, and a checksum is a hash."""


@cache
def _field_hints(record: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(record)
    return {field.name: hints[field.name] for field in dataclasses.fields(record)}


def _from_abi(hint: Any, value: Any) -> object:  # noqa: PLR0911  one answer per kind of type
    if hint is Address:
        return _to_checksum_address(value)
    if hint is Cid:
        return Cid.from_pair(*value)
    hint = getattr(hint, "__supertype__", hint)
    if hint is bytes:
        return bytes(value)
    if isinstance(hint, types.GenericAlias):
        members = hint.__args__
        if members[-1] is Ellipsis:
            return tuple(_from_abi(members[0], item) for item in value)
        return tuple(_from_abi(member, item) for member, item in zip(members, value, strict=True))
    if dataclasses.is_dataclass(hint):
        hints = field_hints(cast("type", hint))
        fields = (_from_abi(field, item) for field, item in zip(hints.values(), value, strict=True))
        return cast("type", hint)(*fields)
    if issubclass(hint, IntEnum):
        return hint(value)
    return value
