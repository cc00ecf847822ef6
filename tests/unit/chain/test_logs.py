"""Logs are fetched whole from nodes that limit a request, each block exactly once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.chain.logs import fetch_logs
from steelyard.chain.rpc import NodeError
from steelyard.types import Address
from tests.unit.chain.fake_node import FakeNode, RpcError

CONTRACT = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


def make_log(block: int) -> dict[str, Any]:
    return {
        "address": CONTRACT,
        "topics": ["0x" + "11" * 32],
        "data": "0x",
        "blockNumber": hex(block),
        "logIndex": "0x0",
        "transactionIndex": "0x0",
        "transactionHash": "0x" + "22" * 32,
        "blockHash": "0x" + "33" * 32,
        "removed": False,
    }


def make_node(limit: int) -> FakeNode:
    """Has one log in each block, and refuses to return more than `limit`."""

    def get_logs(params: Any) -> Any:
        first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        if last - first + 1 > limit:
            return RpcError("query returned more than 10000 results", -32005)
        return [make_log(block) for block in range(first, last + 1)]

    return FakeNode({"eth_getLogs": get_logs})


@given(first=st.integers(0, 1000), length=st.integers(0, 300), limit=st.integers(1, 400))
def test_every_block_is_fetched_once_and_in_order(first: int, length: int, limit: int) -> None:
    node = make_node(limit)
    logs = fetch_logs(node.web3, CONTRACT, [None], first, first + length - 1)
    assert [log["blockNumber"] for log in logs] == list(range(first, first + length))


def test_refusal_of_a_single_block_is_raised_soon() -> None:
    node = FakeNode({"eth_getLogs": lambda _: RpcError("archive node needed")})
    with pytest.raises(NodeError, match="archive node needed"):
        list(fetch_logs(node.web3, CONTRACT, [None], 0, 2**20 - 1))
    assert len(node.requests) == 21
