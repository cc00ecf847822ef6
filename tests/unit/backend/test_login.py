"""Logging in with a wallet, sessions and API keys, over HTTP."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak
from sqlalchemy import select, update

from backend.credentials import MAX_KEYS, Credential, LoginNonce
from backend.indexer import rebuild
from steelyard.types import Address
from tests.backend_chain import CHAIN_ID
from tests.unit.backend.conftest import Backend

pytestmark = pytest.mark.anyio

WALLET = Account.from_key(b"\x07" * 32)
OTHER = Account.from_key(b"\x08" * 32)
CONTRACT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def write_message(nonce: dict[str, Any], address: str = WALLET.address, **changes: object) -> str:
    fields = {
        "domain": nonce["domain"],
        "uri": nonce["uri"],
        "chain_id": nonce["chain_id"],
        "nonce": nonce["nonce"],
        "issued_at": datetime.now(UTC).isoformat(timespec="seconds"),
    } | changes
    return (
        f"{fields['domain']} wants you to sign in with your Ethereum account:\n{address}\n\n\n"
        f"URI: {fields['uri']}\nVersion: 1\nChain ID: {fields['chain_id']}\n"
        f"Nonce: {fields['nonce']}\nIssued At: {fields['issued_at']}"
    )


def sign(message: str, wallet: Any = WALLET) -> dict[str, str]:
    signed = wallet.sign_message(encode_defunct(text=message))
    return {"message": message, "signature": "0x" + bytes(signed.signature).hex()}


async def log_in(backend: Backend) -> dict[str, Any]:
    nonce = await backend.post("/v1/auth/nonce", None)
    session: dict[str, Any] = await backend.post("/v1/auth/login", sign(write_message(nonce)))
    return session


async def ask(backend: Backend, method: str, path: str, token: str, status: int, **more: Any) -> Any:
    answer = await backend.client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_a_signed_message_opens_a_session_until_it_is_ended(backend: Backend) -> None:
    session = await log_in(backend)
    assert session["account"] == WALLET.address
    assert abs(session["expires_at"] - time.time() - backend.services.settings.session_seconds) < 60
    shown = await ask(backend, "GET", "/v1/auth/session", session["token"], 200)
    assert (shown["account"], shown["scopes"]) == (WALLET.address, ["keys", "relay", "upload"])
    await ask(backend, "POST", "/v1/auth/logout", session["token"], 204)
    problem = await ask(backend, "GET", "/v1/auth/session", session["token"], 401)
    assert problem["type"] == "urn:steelyard:error:Unauthorised"


async def test_of_a_message_replayed_in_parallel_one_succeeds(backend: Backend) -> None:
    body = sign(write_message(await backend.post("/v1/auth/nonce", None)))
    answers = await asyncio.gather(*(backend.client.post("/v1/auth/login", json=body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    assert (await backend.client.post("/v1/auth/login", json=body)).status_code == 401


async def test_a_refused_message_does_not_use_its_nonce_up(backend: Backend) -> None:
    nonce = await backend.post("/v1/auth/nonce", None)
    for changes in ({"domain": "evil.example"}, {"chain_id": CHAIN_ID + 1}, {"uri": "http://evil.example"}):
        problem = await backend.post("/v1/auth/login", sign(write_message(nonce, **changes)), 401)
        assert problem["type"] == "urn:steelyard:error:LoginRefused"
    await backend.post("/v1/auth/login", sign(write_message(nonce), OTHER), 401)
    await backend.post("/v1/auth/login", sign(write_message(nonce)))


async def test_nonces_are_the_servers_and_expire(backend: Backend) -> None:
    nonce = await backend.post("/v1/auth/nonce", None)
    await backend.post("/v1/auth/login", sign(write_message(nonce | {"nonce": "madeup12345678"})), 401)
    with backend.services.database.write() as session:
        session.execute(update(LoginNonce).values(expires_at=int(time.time())))
    await backend.post("/v1/auth/login", sign(write_message(nonce)), 401)


@pytest.mark.parametrize("signature", ["0x", "0x12", "12", "0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "11" * 64])
async def test_bytes_that_are_no_signature_are_refused(backend: Backend, signature: str) -> None:
    message = write_message(await backend.post("/v1/auth/nonce", None))
    answer = await backend.client.post("/v1/auth/login", json={"message": message, "signature": signature})
    assert answer.status_code in (401, 422)


async def test_a_contract_wallet_logs_in_by_its_own_word(backend: Backend) -> None:
    message = write_message(await backend.post("/v1/auth/nonce", None), CONTRACT)
    body = {"message": message, "signature": "0x" + "ab" * 90}
    await backend.post("/v1/auth/login", body, 401)
    digest = keccak(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message.encode())
    backend.node.signatures.add((CONTRACT, digest, b"\xab" * 90))
    session = await backend.post("/v1/auth/login", body)
    assert session["account"] == CONTRACT


async def test_keys_do_what_their_scopes_say_until_revoked(backend: Backend) -> None:
    session = await log_in(backend)
    wanted = {"name": "build server", "scopes": ["upload"], "days": 1}
    key = await ask(backend, "POST", "/v1/auth/keys", session["token"], 201, json=wanted)
    listed = await ask(backend, "GET", "/v1/auth/keys", session["token"], 200)
    assert [(each["id"], each["name"], each["scopes"]) for each in listed] == [(key["id"], "build server", ["upload"])]
    assert "token" not in listed[0]
    for method, path, body in (
        ("GET", "/v1/auth/keys", None),
        ("POST", "/v1/auth/keys", wanted),
        ("DELETE", f"/v1/auth/keys/{key['id']}", None),
        ("POST", "/v1/transactions/relay", {"raw": "0x02"}),
    ):
        problem = await ask(backend, method, path, key["token"], 403, json=body)
        assert problem["type"] == "urn:steelyard:error:NotAllowed"
    await ask(backend, "POST", "/v1/auth/keys", session["token"], 403, json=wanted | {"scopes": ["keys"]})
    await ask(backend, "DELETE", f"/v1/auth/keys/{key['id']}", session["token"], 204)
    await ask(backend, "GET", "/v1/auth/session", key["token"], 401)
    await ask(backend, "DELETE", f"/v1/auth/keys/{key['id']}", session["token"], 404)


async def test_an_account_cannot_see_or_revoke_anothers_keys(backend: Backend) -> None:
    mine = await log_in(backend)
    wanted = {"name": "mine", "scopes": ["relay"]}
    key = await ask(backend, "POST", "/v1/auth/keys", mine["token"], 201, json=wanted)
    nonce = await backend.post("/v1/auth/nonce", None)
    theirs = await backend.post("/v1/auth/login", sign(write_message(nonce, OTHER.address), OTHER))
    assert await ask(backend, "GET", "/v1/auth/keys", theirs["token"], 200) == []
    await ask(backend, "DELETE", f"/v1/auth/keys/{key['id']}", theirs["token"], 404)
    await ask(backend, "GET", "/v1/auth/session", key["token"], 200)


async def test_keys_are_as_many_as_are_kept(backend: Backend) -> None:
    session = await log_in(backend)
    for number in range(MAX_KEYS + 1):
        wanted = {"name": str(number), "scopes": ["relay"]}
        await ask(backend, "POST", "/v1/auth/keys", session["token"], 201 if number < MAX_KEYS else 409, json=wanted)


async def test_tokens_are_kept_as_hashes_and_survive_a_rebuild(backend: Backend) -> None:
    session = await log_in(backend)
    backend.chain.mine_random(5)
    rebuild(backend.services.database, backend.indexer)
    with backend.services.database.read() as rows:
        stored = rows.scalars(select(Credential)).one()
    assert session["token"] not in repr(vars(stored))
    await ask(backend, "GET", "/v1/auth/session", session["token"], 200)
    with backend.services.database.write() as rows:
        rows.execute(update(Credential).values(expires_at=int(time.time())))
    await ask(backend, "GET", "/v1/auth/session", session["token"], 401)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/auth/session"),
        ("POST", "/v1/auth/logout"),
        ("GET", "/v1/auth/keys"),
        ("POST", "/v1/auth/keys"),
        ("DELETE", "/v1/auth/keys/0123456789abcdef"),
        ("POST", "/v1/drafts"),
        ("POST", "/v1/models"),
        ("POST", "/v1/specs"),
        ("POST", "/v1/transactions/relay"),
    ],
)
async def test_what_writes_needs_a_token(backend: Backend, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer ses_wrong"}, {"Authorization": "Basic eDp5"}):
        answer = await backend.client.request(method, path, headers=headers, json={})
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"] == "Bearer"
