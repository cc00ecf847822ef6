"""The connection to a node, and the only place where exceptions of web3 and requests become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any

import requests
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, Web3Exception, Web3RPCError
from web3.providers.rpc.utils import ExceptionRetryConfiguration

from steelyard.chain.reverts import EmptyRevertError, OutOfGasError, RevertStringError, decode_revert
from steelyard.errors import ChainError, ChainUnavailableError, WrongChainError

REQUEST_SECONDS = 30.0
"""How long one request may take. The first use of a precompile can cost a node several seconds."""


class NodeError(ChainError):
    """The node answered a request with an error that is no revert. `message` is the node's own."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(f"the node refused: {message}")
        self.message = message
        self.code = code


class InsufficientFundsError(NodeError):
    """An account cannot pay for gas."""

    hint = "send it some ether"


def connect(url: str, *, chain_id: int | None = None, timeout_seconds: float = REQUEST_SECONDS) -> Web3:
    """A client for the node at `url`, checked to answer and, if given, to serve `chain_id`.

    Raises:
      ChainUnavailableError: no answer.
      WrongChainError: the node serves another chain.
    """
    retries = ExceptionRetryConfiguration(errors=(requests.ConnectionError,), retries=3, backoff_factor=0.1)
    web3 = Web3(HTTPProvider(url, {"timeout": timeout_seconds}, exception_retry_configuration=retries))
    with translated():
        served = web3.eth.chain_id
    if chain_id is not None and served != chain_id:
        raise WrongChainError(f"{url} serves chain {served}, not {chain_id}")
    return web3


@contextmanager
def translated() -> Iterator[None]:
    """Raises what web3 and its transport raise inside the block as `ChainError`s."""
    try:
        yield
    except (Web3Exception, requests.RequestException, OSError, JSONDecodeError) as error:
        raise translate(error) from error


def translate(error: Exception) -> ChainError:  # noqa: PLR0911  one answer per kind of error, most specific first
    """The exception of ours for one of web3's, requests' or the socket's."""
    if isinstance(error, ContractLogicError):
        return _translate_revert(error)
    if isinstance(error, Web3RPCError):
        details: dict[str, Any] = (error.rpc_response or {}).get("error") or {}  # type: ignore[assignment]
        message = str(details.get("message", error))
        if "insufficient funds" in message.lower():
            return InsufficientFundsError(message, details.get("code"))
        if _is_out_of_gas(message):
            return OutOfGasError()
        return NodeError(message, details.get("code"))
    if isinstance(error, requests.HTTPError) and error.response is not None:
        if error.response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return NodeError("the request or its answer is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return ChainUnavailableError(f"the node answered with HTTP status {error.response.status_code}")
    if isinstance(error, requests.Timeout | TimeoutError):
        return ChainUnavailableError("the node did not answer in time")
    if isinstance(error, requests.RequestException | OSError):
        return ChainUnavailableError("the node cannot be reached")
    if isinstance(error, JSONDecodeError):
        return ChainUnavailableError("the node's answer is not JSON")
    return NodeError(str(error))


def _translate_revert(error: ContractLogicError) -> ChainError:
    data, message = error.data, error.message or ""
    if isinstance(data, str) and data.removeprefix("Reverted ").startswith("0x"):
        revert = bytes.fromhex(data.removeprefix("Reverted ").removeprefix("0x"))
        if revert:
            return decode_revert(revert)
    if _is_out_of_gas(message):
        return OutOfGasError()
    reason = message.removeprefix("execution reverted").removeprefix(": ")
    return RevertStringError(reason) if reason else EmptyRevertError()


def _is_out_of_gas(message: str) -> bool:
    lowered = message.lower().replace(" ", "")
    phrases = ("outofgas", "gasrequiredexceeds", "intrinsicgastoo", "floordatagascost")
    return any(phrase in lowered for phrase in phrases)
