"""The demo's two IPFS nodes, trainers on one and everybody else on the other: no blob arrives but by bitswap."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scripts.demo.stage import Paths, StoreUrls
from scripts.ipfs.node import IpfsNode, connected_nodes


@dataclass(frozen=True, slots=True)
class Nodes:
    """Two nodes that are each other's only peer."""

    trainers: IpfsNode
    others: IpfsNode

    @property
    def store_urls(self) -> StoreUrls:
        return StoreUrls(f"kubo:{self.trainers.url}", f"kubo:{self.others.url}")

    def count_received(self) -> dict[str, int]:
        """How many blocks each node has got from the other."""
        nodes = {"trainers": self.trainers, "others": self.others}
        return {name: int(node.call("bitswap/stat", {})["BlocksReceived"]) for name, node in nodes.items()}


@contextmanager
def start_nodes(paths: Paths) -> Iterator[Nodes]:
    """Starts both, and ends them.

    Raises:
      ConfigError, StorageUnavailableError: as `connected_nodes`.
    """
    repositories = [paths.root / "ipfs" / name for name in ("trainers", "others")]
    repositories[0].parent.mkdir(parents=True, exist_ok=True)
    with connected_nodes(repositories) as (trainers, others):
        yield Nodes(trainers, others)
