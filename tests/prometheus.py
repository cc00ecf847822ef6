"""Reads what a program says in Prometheus' text format."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


def read_metrics(url: str, prefix: str = "steelyard_") -> dict[str, float]:
    """Every sample under its name without the prefix and its labels' values, for example `stake/free/0x…`."""
    return {
        "/".join(
            [sample.name.removeprefix(prefix), *(value for _, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in text_string_to_metric_families(httpx.get(url, timeout=30).text)
        for sample in family.samples
    }
