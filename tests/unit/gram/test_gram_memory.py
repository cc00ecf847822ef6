"""Committing, checking openings, proving and verifying read rows from disk, a few blocks at a time."""

import pytest

from scripts.bench_gram import measure_all

BYTES_PER_ENTRY = 3
"""Two are the entry itself, in the page cache. One is for commitments, blinders and the noise of allocators."""

pytestmark = pytest.mark.deep


def test_memory_grows_by_little_more_than_the_rows() -> None:
    small, large = measure_all(((20, 200_000), (20, 1_000_000)), powers=None)
    entries = large.n * large.d - small.n * small.d
    assert large.peak_rss_bytes - small.peak_rss_bytes < BYTES_PER_ENTRY * entries
    assert large.peak_rss_bytes < 400 * 2**20
