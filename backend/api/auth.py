"""Login: a nonce, a signed message for a session, API keys from a session."""

import time
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from backend import credentials
from backend.api.dependencies import ServicesDep
from backend.api.schemas import Request, Schema, SignatureText
from backend.credentials import Caller, Scope
from backend.errors import LoginRefusedError, UnauthorisedError
from backend.services import Services
from backend.signatures import is_signed_by
from backend.siwe import MAX_MESSAGE, Expected, check_message, parse_message

router = APIRouter(prefix="/v1/auth", tags=["login"])

_bearer: Final = HTTPBearer(auto_error=False, description="The token of a session or of an API key.")


class Nonce(Schema):
    """What the next message must have as its nonce, and the fields that this server holds it against."""

    nonce: str
    expires_at: int = Field(description="Unix seconds.")
    domain: str
    uri: str
    chain_id: int


class Login(Request):
    """A message as EIP-4361 has it, to the byte, and the account's signature (ERC-191, or ERC-1271 of a contract)."""

    message: str = Field(max_length=MAX_MESSAGE)
    signature: SignatureText


class IssuedToken(Schema):
    """A token. It is shown this once."""

    id: str
    token: str
    account: str
    scopes: list[Scope]
    expires_at: int = Field(description="Unix seconds.")


class Session(Schema):
    """Whom a token is of."""

    id: str
    account: str
    scopes: list[Scope]
    expires_at: int = Field(description="Unix seconds.")


class KeyRequest(Request):
    """An API key to make."""

    name: str = Field(min_length=1, max_length=64, pattern="^[0-9A-Za-z ._-]+$", examples=["build server"])
    scopes: list[Scope] = Field(min_length=1, max_length=2, description="`upload`, `relay`.", examples=[["upload"]])
    days: int = Field(default=90, ge=1, le=365, description="How long it lives.")


class ApiKey(Schema):
    """An API key without its token."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: int
    expires_at: int


def get_caller(
    services: ServicesDep, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Whom the request's token belongs to.

    Raises:
      UnauthorisedError: there is none, or it is not good.
    """
    caller = None
    if bearer is not None:
        with services.database.read() as session:
            caller = credentials.find_caller(session, bearer.credentials, int(time.time()))
    if caller is None:
        raise UnauthorisedError("log in first: give a session's or a key's token as `Authorization: Bearer`")
    return caller


CallerDep = Annotated[Caller, Depends(get_caller)]
TokenId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="`id` of a token.")]


@router.post("/nonce", summary="A nonce for one login")
def make_nonce(services: ServicesDep, response: Response) -> Nonce:
    """Good for ten minutes, once."""
    with services.database.write() as session:
        nonce = credentials.issue_nonce(session, int(time.time()))
        expected = _expect(services)
        response.headers["Cache-Control"] = "no-store"
        return Nonce(
            nonce=nonce.nonce,
            expires_at=nonce.expires_at,
            domain=expected.domain,
            uri=expected.origin,
            chain_id=expected.chain_id,
        )


@router.post("/login", summary="A session for a signed message (EIP-4361)")
def login(services: ServicesDep, response: Response, body: Login) -> IssuedToken:
    """Every field is checked, the signature too, and the nonce is used up. A message logs in once."""
    now = time.time()
    message = parse_message(body.message)
    check_message(message, _expect(services), now)
    if not is_signed_by(message.address, body.message, bytes.fromhex(body.signature[2:]), services.node):
        raise LoginRefusedError(f"the signature is not one of {message.address}")
    seconds = services.settings.session_seconds
    with services.database.write() as session:
        credentials.use_nonce(session, message.nonce, int(now))
        opened, token = credentials.open_session(session, message.address, int(now), seconds)
        response.headers["Cache-Control"] = "no-store"
        return _show(opened, token)


@router.get("/session", summary="Whom the token is of")
def get_current(caller: CallerDep) -> Session:
    """Of a session or an API key."""
    return Session(id=caller.id, account=caller.account, scopes=sorted(caller.scopes), expires_at=caller.expires_at)


@router.post("/logout", status_code=204, summary="End this session")
def logout(services: ServicesDep, caller: CallerDep) -> None:
    """Or this API key: whatever token the request has is good no more."""
    with services.database.write() as session:
        credentials.revoke(session, caller.account, caller.id, int(time.time()))


@router.get("/keys", summary="The account's API keys")
def list_keys(services: ServicesDep, caller: CallerDep) -> list[ApiKey]:
    """Without their tokens, of which there are hashes alone."""
    caller.require(Scope.KEYS)
    with services.database.read() as session:
        return [
            ApiKey(
                id=key.id,
                name=key.name or "",
                scopes=[Scope(scope) for scope in key.scopes.split()],
                created_at=key.created_at,
                expires_at=key.expires_at,
            )
            for key in credentials.list_keys(session, caller.account, int(time.time()))
        ]


@router.post("/keys", status_code=201, summary="Make an API key")
def make_key(services: ServicesDep, response: Response, caller: CallerDep, body: KeyRequest) -> IssuedToken:
    """Its token is shown this once. Sessions alone may make keys."""
    caller.require(Scope.KEYS)
    now = int(time.time())
    with services.database.write() as session:
        scopes = frozenset(body.scopes)
        made = credentials.create_key(session, caller.account, body.name, scopes, now, now + body.days * 86_400)
        response.headers["Cache-Control"] = "no-store"
        return _show(*made)


@router.delete("/keys/{token_id}", status_code=204, summary="Revoke an API key")
def revoke_key(services: ServicesDep, caller: CallerDep, token_id: TokenId) -> None:
    """At once and for good."""
    caller.require(Scope.KEYS)
    with services.database.write() as session:
        credentials.revoke(session, caller.account, token_id, int(time.time()))


def _expect(services: Services) -> Expected:
    return Expected(services.settings.get_origin(), services.deployment.chain_id, credentials.NONCE_SECONDS)


def _show(credential: credentials.Credential, token: str) -> IssuedToken:
    return IssuedToken(
        id=credential.id,
        token=token,
        account=credential.account,
        scopes=[Scope(scope) for scope in credential.scopes.split()],
        expires_at=credential.expires_at,
    )
