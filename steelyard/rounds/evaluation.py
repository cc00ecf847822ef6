"""The owner's word on how good each global model is: a curve, kept and published as a text that the owner signs.

The signature is a wallet's over plain text (EIP-191). The text names chain, contract, project and time, so that it is
good for one place, and an older one does not come back in place of a newer.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from steelyard.spec.strict import StrictModel, validate_json
from steelyard.types import ProjectId

Measure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Point(StrictModel):
    """One model on the curve."""

    round: Annotated[int, Field(ge=0, le=65_535)]
    """The round that starts from it; the last is the project's result."""
    accuracy: Annotated[Measure, Field(le=1)]
    loss: Measure
    """Mean cross-entropy."""
    examples: Annotated[int, Field(ge=1, lt=2**53)]


class Curve(StrictModel):
    """Accuracy and loss of a project's models, by round; the data stay private."""

    format: Literal["steelyard-evaluation/1"] = "steelyard-evaluation/1"
    chain_id: Annotated[int, Field(ge=1, lt=2**53)]
    marketplace: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
    project: Annotated[str, Field(pattern="^0x[0-9a-f]{64}$")]
    issued_at: Annotated[int, Field(ge=0, lt=2**53)]
    """Unix seconds."""
    points: tuple[Point, ...]

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        rounds = [point.round for point in self.points]
        if rounds != sorted(set(rounds)):
            raise ValueError("points: the rounds do not rise")
        return self

    def to_json(self) -> str:
        """The text that is kept, signed and published: one point a line."""
        head = json.dumps(self.model_dump(exclude={"points"}), indent=2).removesuffix("\n}")
        points = ",\n    ".join(json.dumps(point.model_dump()) for point in self.points)
        return f'{head},\n  "points": [\n    {points}\n  ]\n}}\n' if points else f'{head},\n  "points": []\n}}\n'


_CURVE: Final = TypeAdapter(Curve)


def build_curve(
    chain_id: int, marketplace: str, project_id: ProjectId, issued_at: int, points: Sequence[Point]
) -> Curve:
    """A project's curve.

    Args:
      issued_at: Unix seconds.
      points: by rising round.
    """
    return Curve(
        chain_id=chain_id,
        marketplace=marketplace,
        project="0x" + project_id.hex(),
        issued_at=issued_at,
        points=tuple(points),
    )


def parse_curve(text: str) -> Curve:
    """The curve in a text.

    Raises:
      SpecError: it is longer than a specification may be, not JSON, or breaks the schema.
    """
    return validate_json(_CURVE, text, "evaluation")
