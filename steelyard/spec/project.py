"""A project's specification: what the chain need not read, as canonical JSON behind the project's `specCid`.

The canonical text is that of RFC 8785 (sorted keys, no spaces, one spelling per number), so a specification has one
identifier in every implementation. `decode_project_spec` takes nothing else; an owner's own file may be written as he
likes and goes through `parse_project_spec`.
"""

import json
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, TypeAdapter, model_validator

from steelyard.errors import MalformedCidError, SpecError
from steelyard.spec.model import Classes, ModelSpec, Size
from steelyard.spec.strict import StrictModel, validate_json
from steelyard.types import Cid, Sealing


def _check_line(text: str) -> str:
    # Texts reach terminals and web pages: control and direction-changing characters are not printable.
    if not text.isprintable() or text != text.strip():
        raise ValueError("only printable characters, with no space at either end")
    return text


def _check_paragraphs(text: str) -> str:
    for line in text.split("\n"):
        _check_line(line)
    return text


def _check_plain_number(value: float) -> float:
    # Within these bounds RFC 8785 writes a number without an exponent.
    if value != 0.0 and not 1e-6 <= abs(value) <= 1e9:
        raise ValueError("a number is zero or between 0.000001 and 1,000,000,000 in size")
    return value + 0.0  # so that minus zero becomes zero


def _parse_cid(value: Any) -> Cid:
    if isinstance(value, Cid):
        return value
    if not isinstance(value, str):
        raise ValueError("a content identifier is a string")  # noqa: TRY004  pydantic reports ValueError only
    try:
        return Cid.parse(value)
    except MalformedCidError as exc:
        raise ValueError(exc.reason) from exc


Line = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_check_line)]
Paragraphs = Annotated[str, Field(min_length=1, max_length=4_000), AfterValidator(_check_paragraphs)]
Real = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_check_plain_number)]
CidText = Annotated[Cid, PlainValidator(_parse_cid, json_schema_input_type=str), PlainSerializer(str, return_type=str)]


class DataSpec(StrictModel):
    """The data that a trainer must bring: one array of features and one label per example."""

    feature_shape: Annotated[tuple[Size, ...], Field(min_length=1, max_length=3)]
    classes: Classes
    """Labels are 0 … `classes − 1`."""
    minimum: Real
    maximum: Real
    """Every feature is within these bounds, both included."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError(f"minimum {self.minimum} is not below maximum {self.maximum}")
        return self


class TrainingPhase(StrictModel):
    """How a trainer trains at home, by stochastic gradient descent, from round `first_round` to the next phase."""

    first_round: Annotated[int, Field(ge=0, lt=2**32)]
    epochs: Annotated[int, Field(ge=1, le=1_000)]
    batch_size: Annotated[int, Field(ge=1, le=4_096)]
    learning_rate: Annotated[Real, Field(gt=0, le=100)]
    momentum: Annotated[Real, Field(ge=0, lt=1)]
    weight_decay: Annotated[Real, Field(ge=0, le=1)]


class QuantisationSpec(StrictModel):
    """From a float update to integers (`steelyard.updates.quantise`)."""

    scale: Annotated[int, Field(ge=1, le=2**32)]
    l2_norm_clip: Annotated[Real, Field(gt=0)]

    @model_validator(mode="after")
    def _check_resolution(self) -> Self:
        if self.scale * self.l2_norm_clip < 1:
            raise ValueError(f"at scale {self.scale} an update of norm {self.l2_norm_clip} rounds to zero")
        return self


class NoPrivacy(StrictModel):
    """Updates are encrypted and weighed as they are, without added noise."""

    mechanism: Literal["none"]


class ProjectSpec(StrictModel):
    """Everything about a project that its trainers must agree on and the chain need not know."""

    version: Literal[1]
    title: Line
    task: Paragraphs
    """What the model is for, and what the data are, in the owner's words."""
    model: ModelSpec
    initial_model: CidText
    """The global model of round 0, a safetensors file (`steelyard.models.safetensors_io`)."""
    data: DataSpec
    training: Annotated[tuple[TrainingPhase, ...], Field(min_length=1, max_length=64)]
    """The schedule: phases by their first round, the first of them from round 0."""
    quantisation: QuantisationSpec
    privacy: NoPrivacy
    shortness: Literal["required", "none"] = "required"
    """Whether trainers take an aggregate only with a proof that the committed vectors are short (docs/shortness.md)."""
    sealing: Sealing = Sealing.X25519
    """How updates, and the keys of confidential models, are encrypted (docs/protocol.md)."""
    confidential: bool = False
    """Whether models and aggregates are encrypted for those who may read them (docs/confidential.md)."""

    def get_training(self, round_index: int) -> TrainingPhase:
        """The phase that holds in round `round_index`, counted from 0."""
        return max((p for p in self.training if p.first_round <= round_index), key=lambda phase: phase.first_round)

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        first_rounds = [phase.first_round for phase in self.training]
        if first_rounds != sorted(set(first_rounds)) or first_rounds[0] != 0:
            raise ValueError(f"training: the phases begin in rounds {first_rounds}, not in rising ones from 0")
        if not self.model.accepts(self.data.feature_shape):
            raise ValueError(f"data.feature_shape: the model does not take examples of shape {self.data.feature_shape}")
        if self.model.classes != self.data.classes:
            raise ValueError(
                f"data.classes: the model has {self.model.classes} outputs for {self.data.classes} classes"
            )
        return self


_PROJECT_SPEC: Final = TypeAdapter(ProjectSpec)


def parse_project_spec(text: str | bytes) -> ProjectSpec:
    """The specification in a JSON text of any layout, for what an owner writes by hand.

    Raises:
      SpecError: it is too long, not JSON, or breaks the schema; the message has the path of each wrong field.
    """
    return validate_json(_PROJECT_SPEC, text)


def encode_project_spec(spec: ProjectSpec) -> bytes:
    """The canonical JSON of a specification: what its CID identifies.

    References:
      RFC 8785, JSON Canonicalization Scheme.
    """
    return _encode_canonical(spec.model_dump(mode="json")).encode()


def decode_project_spec(data: bytes) -> ProjectSpec:
    """The specification in canonical JSON, as it is found behind a `specCid`.

    Raises:
      SpecError: as `parse_project_spec`, or the text is not the canonical one (repeated keys are caught so, too).
    """
    spec = parse_project_spec(data)
    if encode_project_spec(spec) != data:
        raise SpecError("the specification is valid but not written canonically (RFC 8785)")
    return spec


def _encode_canonical(value: Any) -> str:
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{_encode_canonical(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(map(_encode_canonical, value)) + "]"
        case float():
            # The shortest digits that read back as the same float, without exponent (see `_check_plain_number`).
            return format(Decimal(repr(value)).normalize(), "f")
        case _:
            return json.dumps(value, ensure_ascii=False)
