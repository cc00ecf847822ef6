"""Sign-in messages: what the EIP's grammar makes, and nothing else, for this server, now."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import LoginRefusedError
from backend.siwe import MAX_MESSAGE, Expected, check_message, parse_message

ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
EXPECTED = Expected("https://steelyard.example:8443", 31_337, 600)
LINES = (
    "steelyard.example:8443 wants you to sign in with your Ethereum account:",
    ADDRESS,
    "",
    "I accept the terms: https://steelyard.example/terms",
    "",
    "URI: https://steelyard.example:8443/login",
    "Version: 1",
    "Chain ID: 31337",
    "Nonce: 32891756abcDEF",
    "Issued At: 2026-01-02T03:04:00Z",
)
FULL = "\n".join(
    (
        *LINES,
        "Expiration Time: 2026-01-02T05:04:05.250+01:00",
        "Not Before: 2026-01-02T03:04:05Z",
        "Request ID: some-request",
        "Resources:",
        "- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/",
        "- https://example.com/claim.json",
    )
)


def test_every_field_is_read() -> None:
    message = parse_message("https://" + FULL)
    assert (message.scheme, message.domain, message.address) == ("https", "steelyard.example:8443", ADDRESS)
    assert (message.version, message.chain_id, message.nonce) == ("1", 31_337, "32891756abcDEF")
    assert (message.issued_at, message.not_before) == (NOW - 5, NOW)
    assert message.expiration_time == NOW + 3600.25
    assert (message.request_id, len(message.resources)) == ("some-request", 2)
    assert message.statement == LINES[3]
    check_message(message, EXPECTED, NOW)


def test_what_is_optional_may_be_left_out() -> None:
    message = parse_message("\n".join((*LINES[:3], "", *LINES[5:])))
    assert (message.statement, message.scheme, message.expiration_time, message.resources) == (None, None, None, ())
    check_message(message, EXPECTED, NOW)


@pytest.mark.parametrize(
    "change",
    [
        (LINES[1], ADDRESS.lower()),
        (LINES[1], ADDRESS.replace("C8", "c8")),
        (LINES[1], ADDRESS[:-1]),
        (LINES[3], "two\nlines"),
        (LINES[3], 'quoted "text"'),
        (LINES[3], "ümlaut"),
        ("Nonce: 32891756abcDEF", "Nonce: 3289175"),
        ("Nonce: 32891756abcDEF", "Nonce: 32891756-abc"),
        ("Chain ID: 31337", "Chain ID: 031337"),
        ("Chain ID: 31337", "Chain ID: ٣١٣٣٧"),
        ("Version: 1\n", ""),
        ("Version: 1", "version: 1"),
        ("Version: 1\nChain ID: 31337", "Chain ID: 31337\nVersion: 1"),
        ("2026-01-02T03:04:00Z", "2026-02-30T03:04:00Z"),
        ("2026-01-02T03:04:00Z", "2026-01-02 03:04:00Z"),
        ("2026-01-02T03:04:00Z", "2026-01-02T03:04:00"),
        ("2026-01-02T03:04:00Z", "2026-01-02T03:04:00Z\n"),
        ("\n", "\r\n"),
        ("URI: https", "URI:https"),
        ("Not Before", "Not After"),
        (" wants you", "  wants you"),
        (LINES[3], "x" * MAX_MESSAGE),
    ],
)
def test_what_breaks_the_grammar_is_refused(change: tuple[str, str]) -> None:
    broken = FULL.replace(*change)
    assert broken != FULL
    with pytest.raises(LoginRefusedError):
        parse_message(broken)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("steelyard.example:8443 wants", "steelyard.example wants"), "domain"),
        (("steelyard.example:8443 wants", "evil.example wants"), "domain"),
        (("steelyard.example:8443 wants", "http://steelyard.example:8443 wants"), "scheme"),
        (("URI: https://steelyard.example:8443/login", "URI: https://steelyard.example:8443.evil/"), "URI"),
        (("URI: https://steelyard.example:8443/login", "URI: http://steelyard.example:8443/login"), "URI"),
        (("Version: 1", "Version: 2"), "version"),
        (("Chain ID: 31337", "Chain ID: 1"), "chain id"),
        (("Issued At: 2026-01-02T03:04:00Z", "Issued At: 2026-01-02T03:06:00Z"), "future"),
        (("Issued At: 2026-01-02T03:04:00Z", "Issued At: 2026-01-02T02:54:00Z"), "ago"),
        (("05:04:05.250+01:00", "04:04:05+01:00"), "expired"),
        (("Not Before: 2026-01-02T03:04:05Z", "Not Before: 2026-01-02T03:04:06Z"), "yet"),
    ],
)
def test_every_field_is_held_against_what_it_must_be(change: tuple[str, str], told: str) -> None:
    message = parse_message(FULL.replace(*change))
    assert message != parse_message(FULL)
    with pytest.raises(LoginRefusedError, match=told):
        check_message(message, EXPECTED, NOW)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(LoginRefusedError):
        parse_message(text)


@given(st.integers(0, len(FULL) - 1), st.characters(codec="utf-8"))
def test_no_single_character_can_be_changed_unnoticed(place: int, character: str) -> None:
    changed = FULL[:place] + character + FULL[place + 1 :]
    try:
        message = parse_message(changed)
    except LoginRefusedError:
        return
    assert (replace(message) == parse_message(FULL)) == (changed == FULL)
