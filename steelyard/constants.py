"""Numbers that the protocol fixes. Everything here is in `docs/proof.md` or `docs/rules.md` too."""

from typing import Final

BLS12_381_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""`r`, the order of the scalar field of BLS12-381."""

MASK_SLOTS: Final = 8
"""`K`: coefficients per block that carry the prover's mask."""

UPDATE_MIN: Final = -(2**15)
UPDATE_MAX: Final = 2**15 - 1
"""Bounds of a quantised update's entries, both included."""

ONE: Final = 2**32
"""The number one in the rules' Q32 fixed-point format."""

BPS: Final = 10_000
"""One hundred per cent in basis points."""

MAX_TRAINERS: Final = 32
"""The most rows that a round of version 1 may have: trainers, and the owner's root where a rule needs one."""

ROOT_INDEX: Final = 255
"""Where a root stands in the order of submission: behind all trainers' (contracts/src/base/MarketStorage.sol)."""

MAX_COMMITMENTS: Final = 1024
"""The most curve points `n·B` that one settlement may carry: it then fits the transaction gas cap of EIP-7825."""

INITIAL_REPUTATION: Final = 5_000
"""Reputation of an account that has never trained, in basis points."""
