"""No attack: the attackers are honest. The baseline of every comparison."""

from typing import Literal

from simulation.attacks.base import Attack


class NoAttack(Attack):
    """Everybody is honest."""

    name: Literal["none"] = "none"
    reads_honest = False
