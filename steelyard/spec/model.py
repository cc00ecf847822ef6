"""What model a project trains: one of the built-in zoo, by name and sizes.

Plain data, without torch: an aggregator, a backend or an owner can read a specification and know every parameter's name
and shape. `steelyard.models.zoo` builds the module. A new model is one class here and one builder there.
"""

import math
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from steelyard.spec.strict import StrictModel, validate_json
from steelyard.types import ParameterShapes

MAX_DIMENSION: Final = 2**24
"""The most parameters that a specification may ask for. What one settlement can carry is less (docs/proof.md)."""

Size = Annotated[int, Field(ge=1, le=2**16)]
Side = Annotated[int, Field(ge=1, le=256)]
Classes = Annotated[int, Field(ge=2, le=10_000)]


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


def _layer_shapes(layer: str, fan_out: int, *fan_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{layer}.weight": (fan_out, *fan_in), f"{layer}.bias": (fan_out,)}
