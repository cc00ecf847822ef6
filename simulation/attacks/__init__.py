"""Attacks on federated learning, one small file each, on one interface (`simulation.attacks.base`)."""

from typing import Annotated

from pydantic import Field

from simulation.attacks.base import Attack, Knowledge, KnowledgeError, View
from simulation.attacks.gaussian import GaussianNoise
from simulation.attacks.ipm import InnerProductManipulation
from simulation.attacks.label_flip import LabelFlip
from simulation.attacks.none import NoAttack
from simulation.attacks.sign_flip import SignFlip

AnyAttack = Annotated[
    NoAttack | LabelFlip | SignFlip | GaussianNoise | InnerProductManipulation,
    Field(discriminator="name"),
]
"""An attack of the suite. The field `name` tells which."""

__all__ = ["AnyAttack", "Attack", "Knowledge", "KnowledgeError", "View"]
