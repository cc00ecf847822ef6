"""The decoder of static types against eth_abi's, on right, short, long and damaged data."""

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.chain.codec import abi_type, build_decoder
from steelyard.chain.events import event_abi

KINDS = ("address", "bool", "uint8", "uint16", "uint32", "uint128", "uint256", "bytes4", "bytes32")

parameters = st.recursive(
    st.sampled_from(KINDS).map(lambda kind: {"type": kind}),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda members: {"type": "tuple", "components": members}),
    max_leaves=6,
)


def run(decoder: Any, data: bytes) -> Any:
    """What a decoder answers, or that it refuses."""
    try:
        return decoder(data)
    except DecodingError:
        return "refused"


@settings(max_examples=200, deadline=None)
@given(st.lists(parameters, min_size=1, max_size=4), st.data())
def test_any_bytes_decode_as_eth_abi_decodes_them(shape: list[dict[str, Any]], data: st.DataObject) -> None:
    kinds = [abi_type(parameter) for parameter in shape]
    words = st.one_of(
        st.integers(0, 2**160 - 1).map(lambda value: value.to_bytes(32)),
        st.integers(0, 3).map(lambda value: value.to_bytes(32)),
        st.binary(min_size=4, max_size=4).map(lambda head: head.ljust(32, b"\0")),
        st.binary(min_size=32, max_size=32),
        st.binary(max_size=31),
    )
    encoded = b"".join(data.draw(st.lists(words, max_size=12)))
    assert run(build_decoder(shape), encoded) == run(lambda raw: decode(kinds, raw), encoded)


def test_every_event_of_ours_decodes_as_eth_abi_does() -> None:
    samples = {"address": "0x" + "5e" * 20, "bool": True, "bytes32": b"\x5e" * 32, "bytes": b"abc"}

    def sample(parameter: Any) -> Any:
        kind = parameter["type"]
        if kind.endswith("[]"):
            return [sample({**parameter, "type": kind[:-2]})] * 2
        if kind == "tuple":
            return tuple(sample(component) for component in parameter["components"])
        return samples.get(kind, 7)

    for name, entry in event_abi().items():
        kinds = [abi_type(parameter) for parameter in entry["inputs"]]
        encoded = encode(kinds, [sample(parameter) for parameter in entry["inputs"]])
        assert build_decoder(entry["inputs"])(encoded) == decode(kinds, encoded), name
