"""What is to be trained and how: project and model specifications, as plain data without torch."""

from steelyard.spec.model import MAX_DIMENSION, CnnSpec, LogisticSpec, MlpSpec, ModelSpec, ZooModel, parse_model_spec
from steelyard.spec.project import (
    DataSpec,
    NoPrivacy,
    ProjectSpec,
    QuantisationSpec,
    TrainingPhase,
    decode_project_spec,
    encode_project_spec,
    parse_project_spec,
)
from steelyard.spec.strict import MAX_SPEC_BYTES

__all__ = [
    "MAX_DIMENSION",
    "MAX_SPEC_BYTES",
    "CnnSpec",
    "DataSpec",
    "LogisticSpec",
    "MlpSpec",
    "ModelSpec",
    "NoPrivacy",
    "ProjectSpec",
    "QuantisationSpec",
    "TrainingPhase",
    "ZooModel",
    "decode_project_spec",
    "encode_project_spec",
    "parse_model_spec",
    "parse_project_spec",
]
