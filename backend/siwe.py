"""Sign-In with Ethereum (EIP-4361): the message that a wallet shows and signs, read strictly. Pure.

The grammar is the EIP's, to the byte: a message that another parser might read otherwise is refused.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

from backend.errors import LoginRefusedError
from steelyard.types import Address

MAX_MESSAGE: Final = 4_096
"""Longest message accepted, in characters."""

CLOCK_SKEW_SECONDS: Final = 60
"""How far a wallet's clock may be ahead."""

_URI: Final = r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,/0-9:;=?@A-Z\[\]_a-z~.-]+"
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_MESSAGE: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<domain>[0-9A-Za-z.:\[\]_-]+)"
    r" wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9A-Fa-f]{40})\n\n"
    r"(?:(?P<statement>[!#$&'()*+,/0-9:;=?@A-Z\[\]_a-z~. -]+)\n)?\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: (?P<version>[0-9]+)\n"
    r"Chain ID: (?P<chain_id>0|[1-9][0-9]{0,18})\n"
    r"Nonce: (?P<nonce>[0-9A-Za-z]{8,64})\n"
    rf"Issued At: (?P<issued_at>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_TIME}))?"
    rf"(?:\nNot Before: (?P<not_before>{_TIME}))?"
    r"(?:\nRequest ID: (?P<request_id>[!$%&'()*+,0-9:;=@A-Z_a-z~.-]*))?"
    rf"(?P<resources>\nResources:(?:\n- {_URI})*)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SignInMessage:
    """The fields of a message, named as in EIP-4361. Times are Unix seconds."""

    scheme: str | None
    domain: str
    address: Address
    statement: str | None
    uri: str
    version: str
    chain_id: int
    nonce: str
    issued_at: float
    expiration_time: float | None = None
    not_before: float | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a message must say to be for this server.

    Attributes:
      origin: scheme, host and port under which people reach it, such as `https://steelyard.example`.
      max_age_seconds: how long ago it may have been issued.
    """

    origin: str
    chain_id: int
    max_age_seconds: int

    @property
    def domain(self) -> str:
        """Host and port, as in the message's first line."""
        return urlsplit(self.origin).netloc


def parse_message(text: str) -> SignInMessage:
    """Reads a message.

    Raises:
      LoginRefusedError: it does not follow the grammar, or the address lacks its EIP-55 checksum.
    """
    match = _MESSAGE.fullmatch(text) if len(text) <= MAX_MESSAGE else None
    if match is None:
        raise LoginRefusedError("the message does not follow EIP-4361")
    if not is_checksum_address(match["address"]):
        raise LoginRefusedError("the address does not have its EIP-55 checksum")
    return SignInMessage(
        scheme=match["scheme"],
        domain=match["domain"],
        address=Address(match["address"]),
        statement=match["statement"],
        uri=match["uri"],
        version=match["version"],
        chain_id=int(match["chain_id"]),
        nonce=match["nonce"],
        issued_at=_parse_time("Issued At", match["issued_at"]),
        expiration_time=_parse_optional_time("Expiration Time", match["expiration_time"]),
        not_before=_parse_optional_time("Not Before", match["not_before"]),
        request_id=match["request_id"],
        resources=tuple((match["resources"] or "").split("\n- ")[1:]),
    )


def check_message(message: SignInMessage, expected: Expected, now: float) -> None:
    """Holds every field against what it must be. The nonce and the signature are the caller's.

    Raises:
      LoginRefusedError: a field is wrong; the message says which, what it is, and what it must be.
    """
    scheme = urlsplit(expected.origin).scheme
    if message.scheme is not None and message.scheme != scheme:
        raise LoginRefusedError(f"the scheme is {message.scheme}, not {scheme}")
    if message.domain != expected.domain:
        raise LoginRefusedError(f"the domain is {message.domain}, not {expected.domain}")
    if message.uri != expected.origin and not message.uri.startswith(f"{expected.origin}/"):
        raise LoginRefusedError(f"the URI is {message.uri}, not one of {expected.origin}")
    if message.version != "1":
        raise LoginRefusedError(f"the version is {message.version}, not 1")
    if message.chain_id != expected.chain_id:
        raise LoginRefusedError(f"the chain id is {message.chain_id}, not {expected.chain_id}")
    if message.issued_at > now + CLOCK_SKEW_SECONDS:
        raise LoginRefusedError("the message was issued in the future")
    if message.issued_at < now - expected.max_age_seconds:
        raise LoginRefusedError(f"the message was issued more than {expected.max_age_seconds} s ago")
    if message.expiration_time is not None and message.expiration_time <= now:
        raise LoginRefusedError("the message has expired")
    if message.not_before is not None and message.not_before > now:
        raise LoginRefusedError("the message is not valid yet")


def _parse_time(name: str, text: str) -> float:
    """Of RFC 3339, in Unix seconds."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise LoginRefusedError(f"{name} is no time: {text}") from None


def _parse_optional_time(name: str, text: str | None) -> float | None:
    return None if text is None else _parse_time(name, text)
