"""Every custom error of every contract has an exception, and every kind of revert data becomes one."""

from typing import Any

import pytest
from eth_abi.abi import encode

from steelyard.chain import reverts
from steelyard.chain.artifacts import abi_errors
from steelyard.chain.codec import encode_call, signature_hash, to_abi, to_snake_case
from steelyard.chain.records import RoundStatus
from steelyard.chain.reverts import CustomError, custom_errors, decode_revert
from steelyard.errors import TransactionRevertedError
from steelyard.types import ProjectId
from tests.unit.chain.abi_values import describe_hint, describe_parameter, make_values

ERRORS = sorted(abi_errors())


def test_every_error_of_the_abis_has_a_class() -> None:
    assert {cls.solidity_name() for cls in CustomError.__subclasses__()} == set(ERRORS)
    assert len(custom_errors()) == len(ERRORS), "two errors share a selector"


@pytest.mark.parametrize("name", ERRORS)
def test_error_has_the_arguments_of_the_abi(name: str) -> None:
    entry: Any = abi_errors()[name]
    cls, _ = custom_errors()[signature_hash(entry)[:4]]
    assert list(cls.fields()) == [to_snake_case(parameter["name"]) for parameter in entry["inputs"]]
    assert [describe_hint(hint) for hint in cls.fields().values()] == [
        describe_parameter(item) for item in entry["inputs"]
    ]


@pytest.mark.parametrize("name", ERRORS)
def test_revert_data_decode_to_their_error(name: str) -> None:
    entry: Any = abi_errors()[name]
    values = make_values(entry)
    error = decode_revert(encode_call(entry, values), tx_hash="0xabc")
    assert type(error) is getattr(reverts, f"{name}Error")
    assert isinstance(error, CustomError)
    assert [to_abi(getattr(error, field)) for field in error.fields()] == values
    assert (error.error_name, error.tx_hash) == (name, "0xabc")


def test_message_names_the_arguments() -> None:
    error = reverts.RoundNotInStatusError(ProjectId(bytes(31) + b"\1"), RoundStatus.WEIGHING, RoundStatus.COLLECTING)
    assert str(error) == (
        f"reverted with RoundNotInStatus(project_id = 0x{'00' * 31}01, current = WEIGHING, expected = COLLECTING)"
    )


def test_panic_keeps_its_code() -> None:
    error = decode_revert(bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]))
    assert isinstance(error, reverts.PanicError)
    assert error.code == 0x11
    assert "overflow" in str(error)


def test_reason_string_is_kept() -> None:
    error = decode_revert(bytes.fromhex("08c379a0") + encode(["string"], ["not today"]))
    assert isinstance(error, reverts.RevertStringError)
    assert error.reason == "not today"


def test_empty_revert_has_a_class_of_its_own() -> None:
    assert isinstance(decode_revert(b""), reverts.EmptyRevertError)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes.fromhex("deadbeef"), id="foreign selector"),
        pytest.param(b"\x01", id="shorter than a selector"),
        pytest.param(bytes.fromhex("08c379a0") + bytes(5), id="cut reason"),
        pytest.param(bytes.fromhex("4e487b71"), id="cut panic"),
        pytest.param(signature_hash(abi_errors()["NotEnrolled"])[:4] + bytes(40), id="cut arguments"),
        pytest.param(
            signature_hash(abi_errors()["RoundNotInStatus"])[:4] + bytes(63) + b"\xff" + bytes(32),
            id="unknown enum member",
        ),
    ],
)
def test_what_nobody_knows_is_reported_as_it_is(data: bytes) -> None:
    error = decode_revert(data)
    assert isinstance(error, reverts.UnknownRevertError)
    assert isinstance(error, TransactionRevertedError)
    assert error.data == data
