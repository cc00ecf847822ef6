"""What the trainer's tests share."""

import json
from typing import Any

from steelyard.types import Cid


def make_spec_text(
    initial_model: Cid,
    epochs: int = 5,
    later_epochs: int = 1,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    scale: int = 1 << 14,
) -> str:
    """A specification for the bundled digits: an MLP 64-32-10, with another schedule from round 10 on."""
    phase: dict[str, Any] = {
        "first_round": 0,
        "epochs": epochs,
        "batch_size": 32,
        "learning_rate": learning_rate,
        "momentum": momentum,
        "weight_decay": 0.0,
    }
    return json.dumps(
        {
            "version": 1,
            "title": "Digits",
            "task": "Tell hand-written digits apart.",
            "model": {"name": "mlp", "layers": [64, 32, 10]},
            "initial_model": str(initial_model),
            "data": {"feature_shape": [64], "classes": 10, "minimum": 0.0, "maximum": 1.0},
            "training": [phase, phase | {"first_round": 10, "epochs": later_epochs}],
            "quantisation": {"scale": scale, "l2_norm_clip": 10.0},
            "privacy": {"mechanism": "none"},
        }
    )
