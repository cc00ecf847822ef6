"""What the trainer's tests share."""

import json
from dataclasses import replace
from typing import Any

from steelyard.chain.records import ZERO_ADDRESS, ProjectParams
from steelyard.storage import compute_cid
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


def make_params(**changes: Any) -> ProjectParams:
    """A project's parameters; those that do not matter are as small as can be."""
    params = ProjectParams(
        owner=ZERO_ADDRESS,
        token=ZERO_ADDRESS,
        budget=1,
        rounds=5,
        min_trainers=3,
        max_trainers=7,
        min_reputation_bps=0,
        byzantine_bps=2_500,
        min_stake=1,
        aggregator_fee_bps=0,
        slash_bps=0,
        max_strikes=3,
        max_absences=3,
        aggregator_stake=0,
        aggregator_slash_bps=0,
        enrol_seconds=1,
        submit_seconds=1,
        settle_seconds=1,
        attest_seconds=1,
        dimension=10,
        rule=ZERO_ADDRESS,
        verifier=ZERO_ADDRESS,
        aggregator=ZERO_ADDRESS,
        spec_cid=compute_cid(b"spec"),
    )
    return replace(params, **changes)
