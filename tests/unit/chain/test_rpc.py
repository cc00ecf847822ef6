"""Whatever web3, requests or a socket raise becomes one of our errors, with the cause kept."""

import json
from typing import Any

import pytest
import requests
import web3.exceptions
from eth_abi.abi import encode
from hexbytes import HexBytes
from web3.exceptions import BadResponseFormat, BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception

from steelyard.chain.artifacts import abi_errors
from steelyard.chain.codec import encode_call
from steelyard.chain.reverts import (
    EmptyRevertError,
    OutOfGasError,
    RevertStringError,
    WrongRoundError,
)
from steelyard.chain.rpc import InsufficientFundsError, NodeError, connect, translate, translated
from steelyard.errors import ChainError, ChainUnavailableError, TransactionRevertedError
from tests.unit.chain.fake_node import FakeNode, RpcError

WRONG_ROUND = encode_call(abi_errors()["WrongRound"], [bytes(32), 3, 2])


def call(answer: Any) -> None:
    """Lets a fake node answer an eth_call."""
    node = FakeNode({"eth_call": lambda _: answer})
    with translated():
        node.web3.eth.call({"to": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "data": HexBytes(b"")})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(RpcError("execution reverted", 3, "0x" + WRONG_ROUND.hex()), WrongRoundError, id="geth, anvil"),
        pytest.param(
            RpcError("VM execution error", -32015, "Reverted 0x" + WRONG_ROUND.hex()), WrongRoundError, id="Parity"
        ),
        pytest.param(
            RpcError("execution reverted: no", 3, "0x08c379a0" + encode(["string"], ["no"]).hex()),
            RevertStringError,
            id="reason",
        ),
        pytest.param(RpcError("execution reverted", 3, "0x"), EmptyRevertError, id="empty"),
        pytest.param(RpcError("execution reverted", -32000), EmptyRevertError, id="no data"),
        pytest.param(RpcError("out of gas"), OutOfGasError, id="out of gas"),
        pytest.param(RpcError("EVM error: OutOfGas"), OutOfGasError, id="out of gas, anvil"),
        pytest.param(RpcError("gas required exceeds allowance (5000)"), OutOfGasError, id="gas allowance"),
        pytest.param(RpcError("intrinsic gas too low: have 21000, want 53000"), OutOfGasError, id="intrinsic gas"),
        pytest.param(
            RpcError("intrinsic gas too high -- CallGasCostMoreThanGasLimit"), OutOfGasError, id="intrinsic gas, anvil"
        ),
        pytest.param(
            RpcError("insufficient gas for floor data gas cost: have 30000, want 40000"), OutOfGasError, id="EIP-7623"
        ),
        pytest.param(RpcError("insufficient funds for gas * price + value"), InsufficientFundsError, id="no ether"),
        pytest.param(RpcError("Insufficient funds for gas"), InsufficientFundsError, id="no ether, anvil"),
        pytest.param(RpcError("rate limited", -32005), NodeError, id="other"),
    ],
)
def test_answer_becomes_an_error_of_ours(answer: Any, expected: type[ChainError]) -> None:
    with pytest.raises(ChainError) as caught:
        call(answer)
    assert type(caught.value) is expected
    assert caught.value.__cause__ is not None


def test_arguments_of_a_revert_are_decoded() -> None:
    with pytest.raises(WrongRoundError) as caught:
        call(RpcError("execution reverted", 3, "0x" + WRONG_ROUND.hex()))
    assert (caught.value.given, caught.value.current) == (3, 2)


def _http_error(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.ConnectionError(), ChainUnavailableError),
        (requests.ReadTimeout(), ChainUnavailableError),
        (TimeoutError(), ChainUnavailableError),
        (ConnectionResetError(), ChainUnavailableError),
        (_http_error(503), ChainUnavailableError),
        (_http_error(429), ChainUnavailableError),
        (_http_error(413), NodeError),
        (json.JSONDecodeError("no", "", 0), ChainUnavailableError),
        (BadResponseFormat("garbage"), NodeError),
        (BlockNotFound("7"), NodeError),
        (TransactionNotFound("0x1"), NodeError),
        (ContractLogicError("execution reverted"), EmptyRevertError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_exception_becomes_an_error_of_ours(error: Exception, expected: type[ChainError]) -> None:
    assert type(translate(error)) is expected


def test_every_exception_of_web3_is_translated() -> None:
    classes = [value for value in vars(web3.exceptions).values() if isinstance(value, type)]
    plain = [cls for cls in classes if issubclass(cls, Web3Exception) and "__init__" not in vars(cls)]
    assert len(plain) > 20
    for cls in plain:
        with pytest.raises(ChainError), translated():
            raise cls("a message")


def test_our_own_mistakes_pass_through() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError("a bug")


def test_revert_is_distinguished_from_an_unreachable_node() -> None:
    assert not issubclass(ChainUnavailableError, TransactionRevertedError)
    with pytest.raises(ChainUnavailableError, match="cannot be reached"):
        connect("http://127.0.0.1:9", timeout_seconds=1)
