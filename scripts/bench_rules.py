"""Measures the weighing rules against one Gram product in BLAS, and against ByzFL, and prints tables.

    python -m scripts.bench_rules          sizes that take about a minute
    python -m scripts.bench_rules --full   every size, up to 100 rows of 10,000,000 entries: about half an hour
    python -m scripts.bench_rules --full --repeat 3 --markdown   what docs/performance.md shows
    python -m scripts.bench_rules --json   one JSON document on stdout, for machines

A rule's time is that of all an aggregator does by it: the exact Gram matrix, the weights and contributions, the exact
aggregate; of a historic rule, the Gram matrix of the histories too. The unit is one product `U·Uᵀ` of the same rows in
BLAS, in float64, the rows being in float64 and in memory already; numpy takes the symmetric product, `dsyrk`, for it.
Seconds are processor seconds of one thread, the best of several: other programs on the machine hardly touch them,
except that they take bandwidth and cache from it. Sizes that are measured again (`--repeat`) keep the best of each.
Each size runs in two processes, one for ours, whose peak of memory is reported, and one for everything else.
"""

import argparse
import concurrent.futures
import functools
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from scripts import byzfl_rules
from scripts.bench_gram import describe_machine, get_peak_memory
from steelyard.gram import compute_gram
from steelyard.rules import RULES
from steelyard.updates.aggregate import compute_aggregate

ROWS: Final = (10, 20, 50, 100)
FULL_SIZES: Final = tuple((n, d) for d in (100_000, 1_000_000, 10_000_000) for n in ROWS)
SIZES: Final = tuple((n, d) for n, d in FULL_SIZES if d == 100_000 or (n, d) in {(10, 1_000_000), (20, 1_000_000)})
GOAL: Final = 1.5
SUM_LIMIT: Final = 2**62
PEERS: Final = {
    "MultiKrum": "multi-krum",
    "GeometricMedian": "geometric-median",
    "MoNNA": "nna",
    "CenteredClipping": "centred-clipping",
}
"""ByzFL's name of a rule, and ours."""
_ENTRIES: Final = 10**8
"""No more entries are held in floats: beyond, BLAS is measured on fewer columns and ByzFL not at all."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One size, in processor seconds. `rules` has what weighing takes, and the aggregate, without the Gram matrix."""

    n: int
    d: int
    blas64: float
    blas32: float
    gram: float
    history_gram: float
    rules: dict[str, float]
    byzfl: dict[str, float]
    rows_bytes: int
    peak_rss_bytes: int

    def compute_ratio(self, rule: str) -> float:
        """Of all that a rule takes to one product in BLAS. A historic rule needs a second Gram matrix."""
        grams = self.gram + self.history_gram * RULES[rule].historic
        return (grams + self.rules[rule]) / self.blas64

    def merge(self, other: "Measurement") -> "Measurement":
        """The best of two measurements of one size."""

        def merge(name: str) -> Any:
            one, two = getattr(self, name), getattr(other, name)
            return {key: min(one[key], two[key]) for key in one} if isinstance(one, dict) else min(one, two)

        return Measurement(**{field.name: merge(field.name) for field in fields(self)})


def measure_seconds(work: Callable[[], object]) -> float:
    """The least processor seconds of up to five runs."""
    best, total = float("inf"), 0.0
    for _ in range(5):
        start = time.process_time()
        work()
        seconds = time.process_time() - start
        best, total = min(best, seconds), total + seconds
        if total > 3:
            break
    return best


def make_rows(n: int, d: int, file: Path) -> None:
    """Updates that share a direction, the first fifth turned against it, in a mapped file."""
    rng = np.random.default_rng(n)
    rows = np.memmap(file, dtype=np.int16, mode="w+", shape=(n, d))
    for start in range(0, d, 1 << 16):
        width = min(1 << 16, d - start)
        piece = 1000 * (rng.normal(size=width) + 2 * rng.normal(size=(n, width)))
        piece[: n // 5] *= -2
        rows[:, start : start + width] = np.clip(piece, -(2**15), 2**15 - 1)


def open_rows(n: int, d: int, file: Path) -> NDArray[np.int16]:
    """The rows of the file."""
    return np.memmap(file, dtype=np.int16, mode="r", shape=(n, d))


def measure_ours(n: int, d: int, file: Path) -> tuple[float, dict[str, float], int]:
    """Seconds of the Gram matrix, seconds of each rule after it, and the peak of memory."""
    rows = open_rows(n, d, file)
    f = n // 5
    with threadpool_limits(1, user_api="blas"):  # type: ignore[no-untyped-call]
        gram = compute_gram(rows)
        seconds = measure_seconds(lambda: compute_gram(rows))
        rules = {}
        for name, rule in RULES.items():
            history = gram if rule.historic else None
            weighing = rule.weigh(gram, f - rule.rooted, d, history)
            rules[name] = measure_seconds(lambda: rule.weigh(gram, f - rule.rooted, d, history))  # noqa: B023
            rules[name] += measure_seconds(lambda: compute_aggregate(list(rows), weighing.weights, SUM_LIMIT))  # noqa: B023
    return seconds, rules, get_peak_memory()


def measure_others(n: int, d: int, file: Path) -> tuple[float, float, float, dict[str, float]]:
    """Seconds of a product in BLAS in float64 and in float32, of a history's Gram matrix, and of ByzFL's rules.

    A history is the sum of three rounds. ByzFL's rules are given float32 rows.
    """
    columns = min(d, _ENTRIES // n)
    rows = np.array(open_rows(n, d, file)[:, :columns])
    with threadpool_limits(1, user_api="blas"):  # type: ignore[no-untyped-call]
        double, single = rows.astype(np.float64), rows.astype(np.float32)
        products = [measure_seconds(lambda: each @ each.T) * d / columns for each in (double, single)]  # noqa: B023
        del double
        histories = 3 * rows.astype(np.int32)
        history_gram = measure_seconds(lambda: compute_gram(histories)) * d / columns
        peers = {}
        if columns == d and byzfl_rules.is_installed():
            module, f = byzfl_rules.import_module("aggregators.aggregators"), n // 5
            length = float(np.median(np.linalg.norm(single, axis=1)))
            options: dict[str, dict[str, Any]] = {"GeometricMedian": {}, "CenteredClipping": {"tau": length}}
            for name in PEERS:
                aggregator = getattr(module, name)(**options.get(name, {"f": f}))
                peers[name] = measure_seconds(lambda: aggregator(single))  # noqa: B023
    return products[0], products[1], history_gram, peers


def measure(n: int, d: int) -> Measurement:
    """One size, each half in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        make_rows(n, d, file)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            gram, rules, peak = pool.submit(measure_ours, n, d, file).result()
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            blas64, blas32, history_gram, peers = pool.submit(measure_others, n, d, file).result()
    return Measurement(n, d, blas64, blas32, gram, history_gram, rules, peers, 2 * n * d, peak)


def build_tables(results: list[Measurement]) -> tuple[list[list[str]], list[list[str]]]:
    """Two tables, each with its heads first: rules, and ByzFL's beside ours where they were measured."""
    rules = [["n", "d", "BLAS, s", "float32", "Gram", "history", *RULES, "rows, MiB", "peak, MiB"]]
    peers = [["n", "d", *(f"{peer} / {ours}" for peer, ours in PEERS.items())]]
    for r in results:
        size = [str(r.n), f"{r.d:,}"]
        unit = [f"{r.blas64:.4f}", *(f"{part / r.blas64:.2f}" for part in (r.blas32, r.gram, r.history_gram))]
        ratios = [f"{r.compute_ratio(rule):.2f}" for rule in RULES]
        rules.append([*size, *unit, *ratios, *(f"{count / 2**20:,.0f}" for count in (r.rows_bytes, r.peak_rss_bytes))])
        if r.byzfl:
            pairs = ((r.byzfl[peer] / r.blas64, r.compute_ratio(ours)) for peer, ours in PEERS.items())
            peers.append([*size, *(f"{theirs:.2f} / {ours:.2f}" for theirs, ours in pairs)])
    return rules, peers


def print_tables(machine: dict[str, Any], results: list[Measurement]) -> None:
    """The measurements for people."""
    console = Console(width=200)
    load = ", ".join(f"{x:.1f}" for x in machine["load"])
    console.print(
        f"{machine['cores']} cores ({machine['machine']}), load {load}; numpy {machine['libraries']['numpy']}"
    )
    titles = (f"Rules: processor time in products U·Uᵀ of BLAS in float64 (the goal is {GOAL})", "ByzFL / ours")
    for title, (heads, *rows) in zip(titles, build_tables(results), strict=True):
        table = Table(title=title)
        for head in heads:
            table.add_column(head, justify="right")
        for row in rows:
            table.add_row(*row)
        console.print(table if rows else "ByzFL is not installed: pip install --no-deps -r requirements-byzfl.txt")


def print_markdown(results: list[Measurement]) -> None:
    """The measurements as docs/performance.md has them."""
    for heads, *rows in build_tables(results):
        for row in (heads, ["--:"] * len(heads), *rows):
            print(f"| {' | '.join(row)} |")
        print()


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description="Measure the weighing rules.")
    parser.add_argument("--full", action="store_true", help="all sizes, up to d = 10,000,000")
    parser.add_argument("--size", action="append", metavar="N,D", help="this size alone; may be repeated")
    parser.add_argument("--repeat", type=int, default=1, metavar="K", help="measure each size so often, keep the best")
    parser.add_argument("--markdown", action="store_true", help="print tables as docs/performance.md has them")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    sizes = FULL_SIZES if options.full else SIZES
    if options.size:
        sizes = tuple((int(n), int(d)) for n, d in (size.split(",") for size in options.size))
    results = []
    for n, d in sizes:
        results.append(functools.reduce(Measurement.merge, (measure(n, d) for _ in range(options.repeat))))
        print(f"measured {n} x {d:,}: {len(results)} of {len(sizes)}", file=sys.stderr)
    machine = describe_machine()
    if options.json:
        print(json.dumps({"machine": machine, "results": [asdict(result) for result in results]}, indent=1))
    elif options.markdown:
        print_markdown(results)
    else:
        print_tables(machine, results)


if __name__ == "__main__":
    main()
