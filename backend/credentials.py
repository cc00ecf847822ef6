"""Who may write: single-use nonces, and bearer tokens of which the database has hashes alone.

A session comes from a signed message, lives shortly and may do everything that an account may do here. An API key
comes from a session, lives until it is revoked or expires, and may do what its scopes say. Neither moves money: what
does is signed in a wallet. The tables do not follow from the chain; rebuilding the read model leaves them alone.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Index, String, delete, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.errors import LoginRefusedError, NotAllowedError, NotFoundError, TooManyKeysError, TooManyLoginsError
from backend.models import ADDRESS, HASH, KeptBase
from steelyard.types import Address

NONCE_LENGTH: Final = 24
NONCE_SECONDS: Final = 600
MAX_NONCES: Final = 10_000
MAX_KEYS: Final = 20
"""Living API keys of one account."""

_ALPHABET: Final = string.ascii_letters + string.digits


class Scope(StrEnum):
    """What a token may be used for."""

    UPLOAD = "upload"
    """Put specifications and models into storage."""
    RELAY = "relay"
    """Have signed transactions broadcast."""
    KEYS = "keys"
    """Make, list and revoke API keys: sessions alone may."""


KEY_SCOPES: Final = frozenset({Scope.UPLOAD, Scope.RELAY})


class LoginNonce(KeptBase):
    """A nonce that was given out and not used yet."""

    __tablename__ = "login_nonces"

    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[int]


class Credential(KeptBase):
    """A session or an API key.

    Attributes:
      id: its public name; `token_hash` is sha2-256 of the token, which nobody but its holder has.
      name: of an API key, as its owner calls it; null for a session.
      scopes: joined by spaces.
      revoked_at: null while it is good.
    """

    __tablename__ = "credentials"
    __table_args__ = (Index("credentials_by_account", "account"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    token_hash: Mapped[str] = mapped_column(HASH, unique=True)
    account: Mapped[str] = mapped_column(ADDRESS)
    name: Mapped[str | None] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    expires_at: Mapped[int]
    revoked_at: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a good token belongs to."""

    id: str
    account: Address
    scopes: frozenset[Scope]
    expires_at: int

    def require(self, scope: Scope) -> None:
        """Raises NotAllowedError where the token has no such scope."""
        if scope not in self.scopes:
            raise NotAllowedError(f"this token may not {scope.value}: its scopes are {', '.join(sorted(self.scopes))}")


def issue_nonce(session: Session, now: int) -> LoginNonce:
    """A nonce for one login within `NONCE_SECONDS`.

    Raises:
      TooManyLoginsError: too many wait to be used.
    """
    session.execute(delete(LoginNonce).where(LoginNonce.expires_at <= now))
    if (session.scalar(select(func.count()).select_from(LoginNonce)) or 0) >= MAX_NONCES:
        raise TooManyLoginsError(f"{MAX_NONCES:,} logins have been begun and not finished")
    text = "".join(secrets.choice(_ALPHABET) for _ in range(NONCE_LENGTH))
    nonce = LoginNonce(nonce=text, expires_at=now + NONCE_SECONDS)
    session.add(nonce)
    return nonce


def use_nonce(session: Session, nonce: str, now: int) -> None:
    """Uses a nonce up. Of any number of attempts at once, one succeeds.

    Raises:
      LoginRefusedError: it was never given out, has expired, or was used.
    """
    used = session.execute(delete(LoginNonce).where(LoginNonce.nonce == nonce, LoginNonce.expires_at > now))
    assert isinstance(used, CursorResult)  # noqa: S101 - what a DELETE gives
    if used.rowcount != 1:
        raise LoginRefusedError("the nonce was not given out here, has expired, or was used")


def open_session(session: Session, account: Address, now: int, seconds: int) -> tuple[Credential, str]:
    """A session of an account, and its token, which is shown this once."""
    session.execute(delete(Credential).where(Credential.expires_at <= now))
    return _issue(session, account, None, frozenset(Scope), now, now + seconds)


def create_key(
    session: Session, account: Address, name: str, scopes: frozenset[Scope], now: int, expires_at: int
) -> tuple[Credential, str]:
    """An API key of an account, and its token, which is shown this once.

    Raises:
      NotAllowedError: a scope is for sessions alone.
      TooManyKeysError: the account has `MAX_KEYS` living keys.
    """
    if not scopes <= KEY_SCOPES:
        raise NotAllowedError(f"a key may have the scopes {', '.join(sorted(KEY_SCOPES))}")
    if len(list_keys(session, account, now)) >= MAX_KEYS:
        raise TooManyKeysError(account, MAX_KEYS)
    return _issue(session, account, name, scopes, now, expires_at)


def list_keys(session: Session, account: Address, now: int) -> list[Credential]:
    """Living API keys of an account, the oldest first."""
    query = select(Credential).where(
        Credential.account == account,
        Credential.name.is_not(None),
        Credential.revoked_at.is_(None),
        Credential.expires_at > now,
    )
    return list(session.scalars(query.order_by(Credential.created_at, Credential.id)))


def revoke(session: Session, account: Address, credential_id: str, now: int) -> None:
    """Ends a session or a key for good.

    Raises:
      NotFoundError: the account has no such living token.
    """
    mine = (Credential.id == credential_id, Credential.account == account, Credential.revoked_at.is_(None))
    done = session.execute(update(Credential).where(*mine).values(revoked_at=now))
    assert isinstance(done, CursorResult)  # noqa: S101 - what an UPDATE gives
    if done.rowcount != 1:
        raise NotFoundError("token", credential_id)


def find_caller(session: Session, token: str, now: int) -> Caller | None:
    """Whom a token belongs to; None where it is none of ours, revoked or expired."""
    found = session.scalar(select(Credential).where(Credential.token_hash == _hash(token)))
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return None
    scopes = frozenset(Scope(each) for each in found.scopes.split())
    return Caller(found.id, Address(found.account), scopes, found.expires_at)


def _issue(
    session: Session, account: Address, name: str | None, scopes: frozenset[Scope], now: int, expires_at: int
) -> tuple[Credential, str]:
    token = ("ses_" if name is None else "key_") + secrets.token_urlsafe(32)
    credential = Credential(
        id=secrets.token_hex(8),
        token_hash=_hash(token),
        account=account,
        name=name,
        scopes=" ".join(sorted(scopes)),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(credential)
    session.flush()
    return credential, token


def _hash(token: str) -> str:
    """Tokens have 256 random bits, so that a plain hash keeps them."""
    return "0x" + hashlib.sha256(token.encode()).hexdigest()
