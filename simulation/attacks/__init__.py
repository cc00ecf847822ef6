"""Attacks on federated learning, one small file each, on one interface (`simulation.attacks.base`)."""

from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from simulation.attacks.alie import ALittleIsEnough
from simulation.attacks.backdoor import Backdoor
from simulation.attacks.base import Attack, Knowledge, KnowledgeError, View
from simulation.attacks.clones import SybilClones
from simulation.attacks.copied import Copied
from simulation.attacks.disguised import Disguised
from simulation.attacks.dynamic import DynamicFreeRider
from simulation.attacks.free_rider import FreeRider
from simulation.attacks.gaussian import GaussianNoise
from simulation.attacks.ipm import InnerProductManipulation
from simulation.attacks.label_flip import LabelFlip
from simulation.attacks.mimic import Mimic
from simulation.attacks.min_max import MinMax, MinSum
from simulation.attacks.none import NoAttack
from simulation.attacks.scaling import Scaling
from simulation.attacks.sign_flip import SignFlip
from simulation.attacks.stale import Stale
from simulation.attacks.tailored import RuleTailored
from simulation.attacks.zero import Zero

AnyAttack = Annotated[
    NoAttack
    | LabelFlip
    | SignFlip
    | GaussianNoise
    | Zero
    | Stale
    | Copied
    | InnerProductManipulation
    | ALittleIsEnough
    | MinMax
    | MinSum
    | Backdoor
    | SybilClones
    | Scaling
    | FreeRider
    | Disguised
    | DynamicFreeRider
    | Mimic
    | RuleTailored,
    Field(discriminator="name"),
]
"""An attack of the suite. The field `name` tells which."""

ATTACKS: Final[TypeAdapter[Attack]] = TypeAdapter(AnyAttack)

__all__ = ["ATTACKS", "AnyAttack", "Attack", "Backdoor", "Knowledge", "KnowledgeError", "View"]
