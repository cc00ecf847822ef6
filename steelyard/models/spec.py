"""What model a project trains: one of the built-in zoo, by name and sizes.

Plain data, without torch: an aggregator, a backend or an owner can read a specification and know every parameter's name
and shape. `steelyard.models.zoo` builds the module. A new model is one class here and one builder there.
"""

import math
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from steelyard.errors import SpecError
from steelyard.types import ParameterShapes

MAX_DIMENSION: Final = 2**24
"""The most parameters that a specification may ask for. What one settlement can carry is less (docs/proof.md)."""

MAX_SPEC_BYTES: Final = 64 * 1024
"""The longest specification that is read, of a project or a model, in bytes of JSON."""

Size = Annotated[int, Field(ge=1, le=2**16)]
Side = Annotated[int, Field(ge=1, le=256)]
Classes = Annotated[int, Field(ge=2, le=10_000)]

T = TypeVar("T")


class StrictModel(BaseModel):
    """A part of a specification: unknown fields and near-miss types are refused, instances cannot be changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ZooModel(StrictModel, ABC):
    """What every model specification answers."""

    @property
    @abstractmethod
    def shapes(self) -> ParameterShapes:
        """Every parameter's shape by name. Weights are (out, in, …), and beside each stands its bias, (out,)."""

    @abstractmethod
    def accepts(self, feature_shape: tuple[int, ...]) -> bool:
        """Whether examples of this shape can be fed to the model."""

    @property
    def dimension(self) -> int:
        """`d`: how many parameters there are. Nothing is allocated to count them."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @model_validator(mode="after")
    def _check_dimension(self) -> Self:
        if self.dimension > MAX_DIMENSION:
            raise ValueError(f"the model has {self.dimension:,} parameters, the most is {MAX_DIMENSION:,}")
        return self


class LogisticSpec(ZooModel):
    """Multinomial logistic regression: one linear layer from `inputs` numbers to `classes`."""

    name: Literal["logistic"]
    inputs: Size
    classes: Classes

    @property
    def shapes(self) -> ParameterShapes:
        return _layer_shapes("layers.0", self.classes, self.inputs)

    def accepts(self, feature_shape: tuple[int, ...]) -> bool:
        return math.prod(feature_shape) == self.inputs


class MlpSpec(ZooModel):
    """A multilayer perceptron with ReLU between its linear layers.

    `layers` are the widths from input to classes, both included: `(64, 32, 10)` has 2,410 parameters.
    """

    name: Literal["mlp"]
    layers: Annotated[tuple[Size, ...], Field(min_length=3, max_length=16)]

    @property
    def classes(self) -> int:
        return self.layers[-1]

    @property
    def shapes(self) -> ParameterShapes:
        shapes: dict[str, tuple[int, ...]] = {}
        for index, (fan_in, fan_out) in enumerate(pairwise(self.layers)):
            shapes |= _layer_shapes(f"layers.{index}", fan_out, fan_in)
        return shapes

    def accepts(self, feature_shape: tuple[int, ...]) -> bool:
        return math.prod(feature_shape) == self.layers[0]


class CnnSpec(ZooModel):
    """A small convolutional network for images of one channel.

    One stage per entry of `channels`: a 3×3 convolution that keeps the size, ReLU, and 2×2 max pooling that halves it
    (rounding down). One linear layer from the last stage to `classes`.
    """

    name: Literal["cnn"]
    height: Side
    width: Side
    channels: Annotated[tuple[Side, ...], Field(min_length=1, max_length=8)]
    classes: Classes

    @property
    def shapes(self) -> ParameterShapes:
        shapes: dict[str, tuple[int, ...]] = {}
        for index, (fan_in, fan_out) in enumerate(pairwise((1, *self.channels))):
            shapes |= _layer_shapes(f"convolutions.{index}", fan_out, fan_in, 3, 3)
        pixels = (self.height >> len(self.channels)) * (self.width >> len(self.channels))
        return shapes | _layer_shapes("classifier", self.classes, self.channels[-1] * pixels)

    def accepts(self, feature_shape: tuple[int, ...]) -> bool:
        return feature_shape in {(self.height, self.width), (1, self.height, self.width)}

    @model_validator(mode="after")
    def _check_pooling(self) -> Self:
        if min(self.height, self.width) >> len(self.channels) == 0:
            raise ValueError(f"{self.height}×{self.width} pixels cannot be halved {len(self.channels)} times")
        return self


ModelSpec = Annotated[LogisticSpec | MlpSpec | CnnSpec, Field(discriminator="name")]
"""A model of the zoo. The field `name` tells which."""

_MODEL_SPEC: Final[TypeAdapter[LogisticSpec | MlpSpec | CnnSpec]] = TypeAdapter(ModelSpec)


def parse_model_spec(text: str | bytes) -> LogisticSpec | MlpSpec | CnnSpec:
    """The model specification in a JSON text.

    Raises:
      SpecError: it is too long, not JSON, or breaks the schema; the message has the path of each wrong field.
    """
    return validate_json(_MODEL_SPEC, text)


def validate_json(adapter: TypeAdapter[T], text: str | bytes) -> T:
    """What `adapter` reads in a JSON text of at most `MAX_SPEC_BYTES`: where pydantic's errors become ours.

    Raises:
      SpecError: it is too long, not JSON, or breaks the schema; the message has the path of each wrong field.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_SPEC_BYTES:
        raise SpecError(f"the specification has {len(data):,} bytes, the most is {MAX_SPEC_BYTES:,}")
    try:
        return adapter.validate_json(data)
    except ValidationError as exc:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'the specification'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in exc.errors(include_url=False, include_context=False, include_input=False)
        )
        raise SpecError("; ".join(faults)) from exc


def _layer_shapes(layer: str, fan_out: int, *fan_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{layer}.weight": (fan_out, *fan_in), f"{layer}.bias": (fan_out,)}
