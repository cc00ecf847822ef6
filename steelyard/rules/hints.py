"""Hints: the sets of a weighing as bit masks, which the Solidity rule checks in one pass instead of sorting."""

from typing import Final

from steelyard.constants import MAX_TRAINERS
from steelyard.rules.matrix import IndexSet
from steelyard.rules.weighing import Weighing

_MASK_BYTES: Final = 4


def _compute_mask(members: IndexSet) -> int:
    return sum(1 << member for member in members)


def encode_hints(weighing: Weighing) -> bytes:
    """The sets of each step in the order of the chain, 4 bytes each, big-endian, bit `i` for row `i`.

    - `clip-nnm-multi-krum`: `n` neighbourhoods, `n` sets of nearest others, the selected rows.
    - `multi-krum`: `n` sets of nearest others, the selected rows.
    - `nna`: `n` sets, each a row and its nearest others.
    - `mean`, `fltrust`: nothing.

    Raises:
      ValueError: more rows than a mask has bits; such a matrix can be weighed, but not on chain.
    """
    n = len(weighing.weights)
    if n > MAX_TRAINERS:
        raise ValueError(f"{n} rows do not fit a mask of {MAX_TRAINERS} bits")
    sets = [members for mixing in weighing.mixings for members in mixing.sets]
    sets.extend(weighing.selection.sets)
    return b"".join(_compute_mask(members).to_bytes(_MASK_BYTES, "big") for members in sets)
