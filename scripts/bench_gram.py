"""Measures commitments, openings, proofs and their verification, and prints a table.

    python -m scripts.bench_gram             sizes that take about a minute
    python -m scripts.bench_gram --full      every size, up to d = 10,000,000: about a quarter of an hour
    python -m scripts.bench_gram --profile   where the time of the proof goes, too
    python -m scripts.bench_gram --json      one JSON document on stdout, for machines

Each size runs in a process of its own, so that its peak of memory is its own, and reads its rows from a mapped file.
Wall-clock seconds depend on what else the machine does; processor seconds, of all threads together, much less.
Two rows are committed to. The others are small combinations of them, so that their commitments follow by additions.
"""

import argparse
import concurrent.futures
import importlib.metadata
import json
import multiprocessing
import os
import platform
import resource
import secrets
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from py_arkworks_bls12381 import G1Point
from rich.console import Console
from rich.table import Table

from scripts.stopwatch import CURVE, DECODING, POLYNOMIALS, REST, SUMS, Seconds, Stopwatch
from steelyard.gram import (
    GramStatement,
    Srs,
    commit,
    compute_gram,
    derive_blinders,
    find_false_openings,
    load_ethereum_srs,
    prove_gram,
    verify_gram,
)
from steelyard.gram.points import decode_point, encode_point, split_points
from steelyard.gram.srs_library import INSECURE_WARNING, make_insecure_srs
from steelyard.types import Digest, Seed

ROWS: Final = (7, 20, 32)
FULL_SIZES: Final = tuple((n, d) for d in (2_410, 100_000, 1_000_000, 10_000_000) for n in ROWS)
SIZES: Final = tuple((n, d) for n, d in FULL_SIZES if d <= 100_000 or (n, d) == (20, 1_000_000))
STEPS: Final = ("commit", "open-check", "Gram", "prove", "verify")
SPREAD: Final = 4
"""Rows are `x·first + y·second` with `|x|, |y| < SPREAD`."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One size. `commit` is of one trainer, everything else of all together."""

    n: int
    d: int
    powers: int
    blocks: int
    steps: dict[str, Seconds]
    shares: dict[str, dict[str, float]]
    rows_bytes: int
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in a mapped file, with what opens them."""

    updates: NDArray[np.int16]
    blinders: list[tuple[int, ...]]
    commitments: list[bytes]


def make_rows(srs: Srs, n: int, d: int, file: Path, watch: Stopwatch) -> Rows:
    """Commits to two random rows, and combines `n` different rows and their commitments from them."""
    rng = np.random.default_rng(0)
    base = [np.clip(np.rint(rng.normal(0, 1000, d)), -5000, 5000).astype(np.int16) for _ in range(2)]
    seeds = [Seed(secrets.token_bytes(32)) for _ in base]
    commit(srs, base[0][:1], seeds[0])  # fills the tables that a process makes once
    commitments = [watch.measure("commit", partial(commit, srs, *opening)) for opening in zip(base, seeds, strict=True)]
    blinders = [derive_blinders(seed, srs.count_blocks(d)) for seed in seeds]
    multiples = [[_multiply_point(data) for data in split_points(commitment)] for commitment in commitments]
    pairs = [(x, y) for x in range(1 - SPREAD, SPREAD) for y in range(1 - SPREAD, SPREAD) if (x, y) != (0, 0)][:n]

    updates = np.memmap(file, dtype=np.int16, mode="w+", shape=(n, d))
    for row, (x, y) in zip(updates, pairs, strict=True):
        row[:] = x * base[0] + y * base[1]
    return Rows(
        updates,
        [tuple(x * p + y * q for p, q in zip(*blinders, strict=True)) for x, y in pairs],
        [b"".join(encode_point(p[x] + q[y]) for p, q in zip(*multiples, strict=True)) for x, y in pairs],
    )


def _multiply_point(data: bytes) -> dict[int, G1Point]:
    """The multiples of a point that rows are combined from."""
    point = decode_point(data)
    multiples = {0: G1Point.identity()}
    for x in range(1, SPREAD):
        multiples[x] = multiples[x - 1] + point
        multiples[-x] = -multiples[x]
    return multiples


def get_peak_memory() -> int:
    """The most bytes that this process has had in memory, mapped files among them.

    `ru_maxrss` would do, if Linux did not hand the parent's on to a child.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(n: int, d: int, powers: int | None) -> Measurement:
    """One line of the table."""
    srs = load_ethereum_srs() if powers is None else make_insecure_srs(powers)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        rows = make_rows(srs, n, d, Path(folder) / "rows", watch)
        false = watch.measure(
            "open-check", lambda: find_false_openings(srs, rows.updates, rows.blinders, rows.commitments)
        )
        if false:
            raise SystemExit(f"rows {sorted(false)} do not open")
        gram = watch.measure("Gram", lambda: compute_gram(rows.updates))
        statement = GramStatement.make(Digest(secrets.token_bytes(32)), d, rows.commitments, gram)
        proof = watch.measure("prove", lambda: prove_gram(srs, statement, rows.updates, rows.blinders))
        watch.measure("verify", lambda: verify_gram(srs, statement, proof))
        return Measurement(
            n=n,
            d=d,
            powers=srs.powers,
            blocks=srs.count_blocks(d),
            steps=watch.seconds,
            shares=watch.shares,
            rows_bytes=rows.updates.nbytes,
            peak_rss_bytes=get_peak_memory(),
        )


def measure_all(sizes: tuple[tuple[int, int], ...], powers: int | None) -> list[Measurement]:
    """Each size in a fresh process."""
    context = multiprocessing.get_context("spawn")
    results = []
    for n, d in sizes:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            results.append(pool.submit(measure, n, d, powers).result())
    return results


def describe_machine() -> dict[str, Any]:
    """What the figures depend on."""
    libraries = ("numpy", "python-flint", "py_arkworks_bls12381")
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: importlib.metadata.version(name) for name in libraries},
    }


def print_tables(machine: dict[str, Any], results: list[Measurement], profile: bool) -> None:
    """The measurements for people."""
    console = Console(width=140)
    versions = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    load = ", ".join(f"{x:.1f}" for x in machine["load"])
    console.print(
        f"{machine['cores']} cores ({machine['machine']}), load {load}; Python {machine['python']}, {versions}"
    )
    table = Table(title="Gram proof: seconds on the wall / of all processors")
    for name in (
        "n",
        "d",
        "B",
        "commit, one trainer",
        "open-check, all",
        "Gram",
        "prove",
        "verify",
        "rows",
        "peak memory",
    ):
        table.add_column(name, justify="right")
    for r in results:
        seconds = (f"{r.steps[step].wall:.3f} / {r.steps[step].cpu:.3f}" for step in STEPS)
        sizes = (f"{size / 2**20:,.0f} MiB" for size in (r.rows_bytes, r.peak_rss_bytes))
        table.add_row(str(r.n), f"{r.d:,}", str(r.blocks), *seconds, *sizes)
    console.print(table)
    if not profile:
        return
    table = Table(title="Where the time goes, per cent of the wall-clock time")
    kinds = (CURVE, DECODING, SUMS, POLYNOMIALS, REST)
    for name in ("step", "n", "d", *kinds):
        table.add_column(name, justify="left" if name == "step" else "right")
    for step in ("open-check", "prove", "verify"):
        for r in results:
            shares = (f"{100 * r.shares[step].get(kind, 0):.0f}" for kind in kinds)
            table.add_row(step, str(r.n), f"{r.d:,}", *shares)
    console.print(table)


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description="Measure the Gram proof.")
    parser.add_argument("--full", action="store_true", help="all sizes, up to d = 10,000,000")
    parser.add_argument("--size", action="append", metavar="N,D", help="this size alone; may be repeated")
    parser.add_argument("--powers", type=int, help="over an INSECURE reference string of so many powers")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    sizes = FULL_SIZES if options.full else SIZES
    if options.size:
        sizes = tuple((int(n), int(d)) for n, d in (size.split(",") for size in options.size))
    if options.powers is not None:
        print(INSECURE_WARNING, file=sys.stderr)
    machine = describe_machine()
    results = measure_all(sizes, options.powers)
    if options.json:
        print(json.dumps({"machine": machine, "results": [asdict(result) for result in results]}, indent=1))
    else:
        print_tables(machine, results, options.profile)


if __name__ == "__main__":
    main()
