"""Fetching logs from nodes that limit what one request may ask for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from hexbytes import HexBytes
from web3 import Web3

from steelyard.chain.rpc import NodeError, translated
from steelyard.types import Address


def fetch_logs(
    web3: Web3,
    address: Address,
    topics: Sequence[list[bytes] | bytes | None],
    from_block: int,
    to_block: int,
) -> Iterator[Mapping[str, Any]]:
    """Yields the logs of a contract, block by block, both ends included.

    Nodes refuse ranges by number of blocks, of results or by bytes, each in words of its own. So any refusal halves the
    range, which then stays: a refusal for another reason is raised after `log2(range)` requests.

    Raises:
      NodeError: the node refuses a single block.
      ChainUnavailableError: no answer.
    """
    encoded = [
        [HexBytes(topic) for topic in part] if isinstance(part, list) else part and HexBytes(part) for part in topics
    ]
    width = max(1, to_block - from_block + 1)
    while from_block <= to_block:
        last = min(from_block + width - 1, to_block)
        try:
            with translated():
                logs = web3.eth.get_logs(
                    {
                        "address": cast("Any", address),
                        "fromBlock": cast("Any", from_block),
                        "toBlock": cast("Any", last),
                        "topics": cast("Any", encoded),
                    }
                )
        except NodeError:
            if width == 1:
                raise
            width //= 2
            continue
        yield from cast("list[Mapping[str, Any]]", logs)
        from_block = last + 1
