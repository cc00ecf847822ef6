"""A node in memory: answers each RPC method from a table, and remembers what it was asked."""

from collections.abc import Callable
from typing import Any

from web3 import Web3
from web3.providers.base import BaseProvider


class FakeNode(BaseProvider):
    """`answers` maps a method to a function of its parameters that returns a result, an RPC error, or raises."""

    def __init__(self, answers: dict[str, Callable[[Any], Any]]) -> None:
        super().__init__()
        self.answers = {"eth_chainId": lambda _: "0x7a69"} | answers
        self.requests: list[tuple[str, Any]] = []

    def make_request(self, method: Any, params: Any) -> Any:
        self.requests.append((method, params))
        answer = self.answers[method](params)
        body = {"error": answer.body} if isinstance(answer, RpcError) else {"result": answer}
        return {"jsonrpc": "2.0", "id": 1, **body}

    @property
    def web3(self) -> Web3:
        return Web3(self)


class RpcError:
    """An error of the node's."""

    def __init__(self, message: str, code: int = -32000, data: Any = None) -> None:
        self.body = {"code": code, "message": message} | ({"data": data} if data is not None else {})
