"""Enums and records say the same as the Solidity interface, and survive the way through the ABI."""

import re
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from steelyard.chain import records
from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import abi_type, field_hints, from_abi, to_abi, to_snake_case
from steelyard.errors import MalformedCidError
from steelyard.types import Cid, Codec
from tests.unit.chain.abi_values import describe_hint, describe_parameter, make_value

INTERFACE = Path(__file__).parents[3] / "contracts" / "src" / "interfaces" / "ISteelyard.sol"


def find_structs() -> dict[str, dict[str, Any]]:
    """Every struct that the ABI mentions, by name."""
    found: dict[str, dict[str, Any]] = {}

    def visit(parameter: dict[str, Any]) -> None:
        if parameter["type"].startswith("tuple"):
            name = parameter["internalType"].split()[-1].removesuffix("[]")
            found[name] = {**parameter, "type": "tuple", "internalType": f"struct {name}"}
            for component in parameter["components"]:
                visit(component)

    for entry in load_artifact("ISteelyard").abi:
        for parameter in [*entry.get("inputs", []), *entry.get("outputs", [])]:
            visit(parameter)
    return found


STRUCTS = find_structs()
ENUMS = re.findall(r"^enum (\w+) \{([^}]*)\}", INTERFACE.read_text(), re.MULTILINE)


def test_interface_has_enums() -> None:
    assert len(ENUMS) == 6


@pytest.mark.parametrize(("name", "body"), ENUMS, ids=[name for name, _ in ENUMS])
def test_enum_has_the_members_of_solidity(name: str, body: str) -> None:
    expected = [to_snake_case(member.strip()).upper() for member in body.split(",")]
    members = getattr(records, name)
    assert [member.name for member in members] == expected
    assert [member.value for member in members] == list(range(len(expected)))


@pytest.mark.parametrize("name", sorted(STRUCTS.keys() - {"Cid"}))
def test_record_has_the_members_of_its_struct(name: str) -> None:
    hints = field_hints(getattr(records, name))
    components = STRUCTS[name]["components"]
    assert list(hints) == [to_snake_case(component["name"]) for component in components]
    assert [describe_hint(hint) for hint in hints.values()] == [describe_parameter(item) for item in components]


@pytest.mark.parametrize("name", sorted(STRUCTS.keys() - {"Cid"}))
def test_record_survives_the_abi(name: str) -> None:
    kind = abi_type(STRUCTS[name])
    raw = make_value(STRUCTS[name])
    (decoded,) = decode([kind], encode([kind], [raw]))
    record = from_abi(getattr(records, name), decoded)
    assert encode([kind], [to_abi(record)]) == encode([kind], [raw])


@given(digest=st.binary(min_size=32, max_size=32), codec=st.sampled_from(Codec))
def test_cid_survives_the_abi(digest: bytes, codec: Codec) -> None:
    cid = Cid(codec, digest)
    (decoded,) = decode(["(bytes32,uint8)"], encode(["(bytes32,uint8)"], [to_abi(cid)]))
    assert from_abi(Cid, decoded) == cid


def test_cid_of_another_codec_is_refused() -> None:
    with pytest.raises(MalformedCidError):
        from_abi(Cid, (bytes(32), 0x71))


def test_enum_value_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="9 is not a valid RoundStatus"):
        from_abi(records.RoundStatus, 9)
