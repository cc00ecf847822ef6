"""Weighing reads rows from disk, a block at a time: Gram matrix, every rule, every aggregate."""

import pytest

from scripts.bench_rules import measure
from steelyard.rules import RULES

BYTES_PER_ENTRY = 3
"""Two are the entry itself, in the page cache. One is for the aggregate, of eight for each column, and allocators."""

pytestmark = pytest.mark.deep


def test_memory_grows_by_little_more_than_the_rows() -> None:
    small, large = measure(20, 200_000), measure(20, 1_000_000)
    assert small.rules.keys() == large.rules.keys() == RULES.keys()
    assert large.peak_rss_bytes - small.peak_rss_bytes < BYTES_PER_ENTRY * 20 * 800_000
    assert large.peak_rss_bytes < 200 * 2**20
