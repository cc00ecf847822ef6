"""Plays runs on several cores: one process each, one thread in each process."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

from simulation.experiment import Scenario
from simulation.results import Run, play_run

_AHEAD = 2  # runs waiting for each process


def play_all(scenarios: Sequence[Scenario], jobs: int) -> Iterator[Run]:
    """Plays scenarios and yields each run when it ends, in any order.

    Args:
      scenarios: what to play.
      jobs: how many processes; with one, everything happens in this one.

    Raises:
      DataError, SpecError: a scenario cannot be played.
    """
    if jobs == 1 or len(scenarios) == 1:
        with _single_threaded():
            for scenario in scenarios:
                yield play_run(scenario)
        return
    waiting = iter(scenarios)
    # Not by fork: torch and BLAS have threads in this process, and a child would inherit locks without them.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(scenarios)), context, _limit_threads)
    running: set[Future[Run]] = set()
    try:
        while True:
            for scenario in waiting:
                running.add(pool.submit(play_run, scenario))
                if len(running) >= _AHEAD * jobs:
                    break
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(cancel_futures=True)


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limit_threads() -> None:
    torch.set_num_threads(1)
    threadpool_limits(1)  # type: ignore[no-untyped-call]


@contextmanager
def _single_threaded() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # type: ignore[no-untyped-call]
            yield
    finally:
        torch.set_num_threads(before)
