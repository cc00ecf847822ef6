"""Measures commitments, openings, proofs and their verification, and prints a table.

    python -m scripts.bench_gram             every size up to d = 1,000,000
    python -m scripts.bench_gram --quick     without the largest
    python -m scripts.bench_gram --json      one JSON document on stdout, for machines

Each size runs in a process of its own, so that the peak of its memory is its own. Seconds are the best of a few runs
where a run is short, and of one run where it is long.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import resource
import secrets
import time
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from steelyard.constants import UPDATE_MAX, UPDATE_MIN
from steelyard.gram import (
    GramStatement,
    commit,
    compute_gram,
    derive_blinders,
    find_false_openings,
    load_ethereum_srs,
    prove_gram,
    verify_gram,
)
from steelyard.types import Digest, Seed

T = TypeVar("T")

SIZES: Final = ((7, 2_410), (32, 2_410), (20, 10_000), (20, 100_000), (20, 1_000_000))
QUICK_SIZES: Final = SIZES[:-1]
REPEAT_BELOW_SECONDS: Final = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds, but for the sizes and the memory."""

    n: int
    d: int
    B: int
    load_srs: float
    commit_per_trainer: float
    open_check: float
    gram: float
    prove: float
    verify: float
    peak_rss_bytes: int


def make_updates(n: int, d: int) -> NDArray[np.int16]:
    """Updates as training makes them, row by row: a common direction, and noise of each trainer's own."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 1000, d)
    updates = np.empty((n, d), dtype=np.int16)
    for row in updates:
        row[:] = np.clip(np.rint(common + rng.normal(0, 1000, d)), UPDATE_MIN, UPDATE_MAX)
    return updates


def clock(work: Callable[[], T]) -> tuple[float, T]:
    """The seconds that `work` takes, the best of three where it is short, and what it returns."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
        if best > REPEAT_BELOW_SECONDS:
            break
    return best, result


def measure(n: int, d: int) -> Measurement:
    """One line of the table."""
    start = time.perf_counter()
    srs = load_ethereum_srs()
    load_seconds = time.perf_counter() - start
    updates = make_updates(n, d)
    seeds = [Seed(secrets.token_bytes(32)) for _ in range(n)]
    commit(srs, updates[0, :1], seeds[0])  # fills the tables that a process makes once
    start = time.perf_counter()
    commitments = [commit(srs, row, seed) for row, seed in zip(updates, seeds, strict=True)]
    commit_seconds = (time.perf_counter() - start) / n
    blinders = [derive_blinders(seed, srs.count_blocks(d)) for seed in seeds]
    open_seconds, false = clock(lambda: find_false_openings(srs, updates, blinders, commitments))
    gram_seconds, gram = clock(lambda: compute_gram(updates))
    statement = GramStatement.make(Digest(secrets.token_bytes(32)), d, commitments, gram)
    prove_seconds, proof = clock(lambda: prove_gram(srs, statement, updates, blinders))
    verify_seconds, _ = clock(lambda: verify_gram(srs, statement, proof))
    if false:
        raise SystemExit(f"rows {sorted(false)} do not open")
    return Measurement(
        n=n,
        d=d,
        B=srs.count_blocks(d),
        load_srs=load_seconds,
        commit_per_trainer=commit_seconds,
        open_check=open_seconds,
        gram=gram_seconds,
        prove=prove_seconds,
        verify=verify_seconds,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def measure_all(sizes: tuple[tuple[int, int], ...]) -> list[Measurement]:
    """Each size in a fresh process."""
    context = multiprocessing.get_context("spawn")
    results = []
    for n, d in sizes:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            results.append(pool.submit(measure, n, d).result())
    return results


def print_table(results: list[Measurement]) -> None:
    """The measurements for people."""
    table = Table(title=f"Gram proof, {os.cpu_count()} cores, seconds")
    for name in ("n", "d", "B", "load SRS", "commit per trainer", "open-check", "Gram", "prove", "verify", "peak RSS"):
        table.add_column(name, justify="right")
    for r in results:
        seconds = (r.load_srs, r.commit_per_trainer, r.open_check, r.gram, r.prove, r.verify)
        table.add_row(
            str(r.n),
            f"{r.d:,}",
            str(r.B),
            *(f"{x:.3f}" for x in seconds),
            f"{r.peak_rss_bytes / 2**20:,.0f} MiB",
        )
    Console(width=120).print(table)


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description="Measure the Gram proof.")
    parser.add_argument("--quick", action="store_true", help="leave out d = 1,000,000")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    results = measure_all(QUICK_SIZES if options.quick else SIZES)
    if options.json:
        document = {"cores": os.cpu_count(), "results": [dataclasses.asdict(result) for result in results]}
        print(json.dumps(document, indent=1))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
