"""How a specification is read: strictly, within a size, with one kind of error."""

from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from steelyard.errors import SpecError

MAX_SPEC_BYTES: Final = 64 * 1024
"""The longest specification that is read, of a project or a model, in bytes of JSON."""

T = TypeVar("T")


class StrictModel(BaseModel):
    """A part of a specification: unknown fields and near-miss types are refused, instances cannot be changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def validate_json(adapter: TypeAdapter[T], text: str | bytes, what: str = "specification") -> T:
    """What `adapter` reads in a JSON text of at most `MAX_SPEC_BYTES`: where pydantic's errors become ours.

    Raises:
      SpecError: it is too long, not JSON, or breaks the schema; the message has the path of each wrong field.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_SPEC_BYTES:
        raise SpecError(f"the {what} has {len(data):,} bytes, the most is {MAX_SPEC_BYTES:,}")
    try:
        return adapter.validate_json(data)
    except ValidationError as exc:
        raise SpecError(*_describe_faults(exc)) from exc


def _describe_faults(exc: ValidationError) -> list[str]:
    faults = exc.errors(include_url=False, include_context=False, include_input=False)
    # A wrong item makes pydantic call the list around it too short as well: only the innermost fault tells something.
    around = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    return [
        ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))))
        for fault in faults
        if fault["loc"] not in around
    ]
