"""Local data: one loader a file, all of them giving the same checked `Dataset`."""

from trainer_client.data.dataset import Dataset, build_dataset, conform, inject_label_noise, select_shard, split
from trainer_client.data.source import DataSource, load_dataset

__all__ = [
    "DataSource",
    "Dataset",
    "build_dataset",
    "conform",
    "inject_label_noise",
    "load_dataset",
    "select_shard",
    "split",
]
