"""Every event of the ABI has a class and decodes to it, field by field."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from steelyard.chain.codec import field_hints, signature_hash, to_abi, to_snake_case
from steelyard.chain.events import (
    Attested,
    Event,
    ReputationUpdated,
    build_topic_filters,
    decode_event,
    decode_log,
    event_abi,
    event_classes,
)
from steelyard.chain.replay import Ledger
from steelyard.types import ProjectId
from tests.unit.chain.abi_values import describe_hint, describe_parameter, make_log, make_values

EVENTS = sorted(event_abi())


def test_every_event_of_the_abi_has_a_class_and_the_other_way_round() -> None:
    assert {cls.__name__ for cls in event_classes().values()} == set(EVENTS)
    assert {cls.__name__ for cls in Event.__subclasses__()} == set(EVENTS)


def test_replay_has_a_rule_for_every_event() -> None:
    for event in event_classes().values():
        assert Ledger.__dict__["apply"].dispatcher.dispatch(event) is not Ledger.__dict__["apply"].dispatcher.dispatch(
            Event
        )


@pytest.mark.parametrize("name", EVENTS)
def test_event_has_the_fields_of_the_abi(name: str) -> None:
    entry: Any = event_abi()[name]
    hints = field_hints(event_classes()[signature_hash(entry)])
    assert list(hints) == [to_snake_case(parameter["name"]) for parameter in entry["inputs"]]
    assert [describe_hint(hint) for hint in hints.values()] == [describe_parameter(item) for item in entry["inputs"]]


@pytest.mark.parametrize("name", EVENTS)
def test_log_decodes_to_its_event(name: str) -> None:
    entry: Any = event_abi()[name]
    values = make_values(entry)
    topics, data = make_log(entry, values)
    event = decode_event(topics, data)
    assert type(event) is event_classes()[topics[0]]
    fields = [to_abi(getattr(event, field)) for field in field_hints(type(event))]
    assert repr(fields) == repr([_as_abi(value) for value in values])


def test_log_of_another_contract_is_no_event() -> None:
    assert decode_event([keccak(text="Transfer(address,address,uint256)"), bytes(32), bytes(32)], bytes(32)) is None
    assert decode_event([], b"") is None


def test_decoded_log_knows_its_place() -> None:
    entry: Any = event_abi()["Burned"]
    topics, data = make_log(entry, make_values(entry))
    place = {"blockNumber": 7, "logIndex": 3, "transactionHash": bytes([1]) * 32, "blockHash": bytes([2]) * 32}
    logged = decode_log({"topics": topics, "data": data, **place})
    assert logged is not None
    assert (logged.block_number, logged.log_index) == (7, 3)
    assert (logged.tx_hash, logged.block_hash) == (bytes([1]) * 32, bytes([2]) * 32)


def test_filters_ask_for_all_events_at_once() -> None:
    ((topics,),) = build_topic_filters(())
    assert set(topics or ()) == set(event_classes())


def test_filters_look_for_the_project_where_each_event_has_it() -> None:
    project_id = ProjectId(bytes([9]) * 32)
    first, second = build_topic_filters((Attested, ReputationUpdated), project_id)
    assert first == [[signature_hash(event_abi()["Attested"])], project_id]
    assert second == [[signature_hash(event_abi()["ReputationUpdated"])], None, project_id]


def _as_abi(value: Any) -> Any:
    """Lists for nested lists, as `to_abi` has them; records stay tuples."""
    if isinstance(value, list):
        return [_as_abi(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_as_abi(item) for item in value)
    return value
