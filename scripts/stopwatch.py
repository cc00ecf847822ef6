"""Times a piece of work, and what of it passes in which kind of work, by wrapping functions of `steelyard.gram`."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from unittest.mock import patch

T = TypeVar("T")

CURVE: Final = "multi-scalar multiplication"
DECODING: Final = "point decoding"
SUMS: Final = "sums over blocks"
POLYNOMIALS: Final = "polynomials"
REST: Final = "rest (Python)"
KINDS: Final = {
    "steelyard.gram.prover._commit_masks": CURVE,
    "steelyard.gram.pair_opening.multiply_sum": CURVE,
    "steelyard.gram.opening.multiply_sum": CURVE,
    "steelyard.gram.verifier.verify_pair_opening": CURVE,
    "steelyard.gram.verifier.decode_points": DECODING,
    "steelyard.gram.opening.decode_point": DECODING,
    "steelyard.gram.prover.sum_correlations": SUMS,
    "steelyard.gram.prover.evaluate_blocks": SUMS,
    "steelyard.gram.prover.combine_blocks": SUMS,
    "steelyard.gram.opening.add_combination": SUMS,
    "steelyard.gram.prover.make_polynomial": POLYNOMIALS,
    "steelyard.gram.prover.open_pair": POLYNOMIALS,
    "steelyard.gram.prover.commit_polynomial": POLYNOMIALS,
}
"""Only what the calling thread calls. What these call among themselves counts for the inner one."""

_RUNS: Final = 3
_REPEAT_BELOW_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, order=True)
class Seconds:
    """On the wall, and of all threads on all processors."""

    wall: float
    cpu: float


@dataclass(slots=True)
class Stopwatch:
    """What was measured: for each step its seconds, and of its wall-clock time the share of each kind of work."""

    seconds: dict[str, Seconds] = field(default_factory=dict)
    shares: dict[str, dict[str, float]] = field(default_factory=dict)

    def measure(self, step: str, work: Callable[[], T]) -> T:
        """Does a piece of work, the quickest of three times where it is short, and returns what it returns."""
        for _ in range(_RUNS):
            with _count_kinds() as spent:
                wall, cpu = time.perf_counter(), time.process_time()
                result = work()
                seconds = Seconds(time.perf_counter() - wall, time.process_time() - cpu)
            if step not in self.seconds or seconds < self.seconds[step]:
                self.seconds[step] = seconds
                known = {kind: part / seconds.wall for kind, part in spent.items()}
                self.shares[step] = known | {REST: 1 - sum(known.values())}
            if seconds.wall > _REPEAT_BELOW_SECONDS:
                break
        return result


@contextmanager
def _count_kinds() -> Iterator[dict[str, float]]:
    spent: dict[str, float] = {}
    inner = [0.0]  # seconds in wrapped calls, for each wrapped call that is open

    def wrap(work: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            inner.append(0.0)
            start = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                elapsed = time.perf_counter() - start
                spent[kind] = spent.get(kind, 0.0) + elapsed - inner.pop()
                inner[-1] += elapsed

        return timed

    with ExitStack() as stack:
        for path, kind in KINDS.items():
            patcher = patch(path)
            original, _ = patcher.get_original()
            stack.enter_context(patch(path, wrap(original, kind)))
        yield spent
