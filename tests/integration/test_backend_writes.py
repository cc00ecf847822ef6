"""Logging in as a contract, and creating a project without any key on the server: on a real node."""

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from backend.app import build_services, create_app
from backend.services import Services
from backend.settings import Settings
from steelyard.chain.records import ProjectStatus
from steelyard.types import Address
from tests.market_kit import OWNER, MarketKit

pytestmark = [pytest.mark.chain, pytest.mark.anyio]

EXAMPLE = Path(__file__).parents[2] / "scripts" / "project_example.toml"
WALLET = Address(to_checksum_address("0x" + "b4" * 20))
WALLET_CODE = "0x606435600435146" + "00f5760006000fd5b631626ba7e60e01b60005260206000f3"
"""A contract wallet for which the digest itself is the signature; for any other it reverts."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def services(kit: MarketKit, tmp_path: Path) -> Iterator[Services]:
    deployment = tmp_path / "deployment.json"
    deployment.write_text(kit.deployment.dump())
    settings = Settings(
        rpc_url=kit.devnet.url,
        deployment=deployment,
        database_url=f"sqlite:///{tmp_path}/backend.sqlite3",
        store=f"local:{tmp_path}/blobs",
        origin="https://steelyard.example",
    )
    services = build_services(settings)
    services.database.migrate()
    yield services
    services.database.close()


@pytest.fixture
def client(services: Services) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://backend")


async def write_message(client: httpx.AsyncClient, account: str) -> str:
    nonce = (await client.post("/v1/auth/nonce")).json()
    issued = datetime.now(UTC).isoformat(timespec="seconds")
    return (
        f"{nonce['domain']} wants you to sign in with your Ethereum account:\n{account}\n\n\nURI: {nonce['uri']}\n"
        f"Version: 1\nChain ID: {nonce['chain_id']}\nNonce: {nonce['nonce']}\nIssued At: {issued}"
    )


async def log_in_as_contract(kit: MarketKit, client: httpx.AsyncClient) -> str:
    """A token of the contract wallet's."""
    message = await write_message(client, WALLET)
    digest = keccak(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message.encode())
    body = {"message": message, "signature": "0x" + digest.hex()}
    assert (await client.post("/v1/auth/login", json=body)).status_code == 401  # nothing stands there yet
    kit.devnet.request("anvil_setCode", [WALLET, WALLET_CODE])
    wrong = body | {"signature": "0x" + keccak(digest).hex()}
    assert (await client.post("/v1/auth/login", json=wrong)).status_code == 401
    answer = await client.post("/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["account"] == WALLET
    return str(answer.json()["token"])


async def test_a_project_is_created_by_transactions_that_a_wallet_signs(
    kit: MarketKit, services: Services, client: httpx.AsyncClient
) -> None:
    kit.fund(OWNER)
    headers = {"Authorization": f"Bearer {await log_in_as_contract(kit, client)}"}
    draft: dict[str, Any] = json.loads(json.dumps(tomllib.loads(EXAMPLE.read_text()), default=str))
    draft["chain"] |= {"budget": "1000000", "rule": next(iter(kit.deployment.rules))}
    answer = await client.post("/v1/drafts", json=draft, headers=headers)
    assert answer.status_code == 201, answer.text
    owner = kit.devnet.account(OWNER)

    async def sign_and_relay(call: dict[str, Any]) -> None:
        made = await client.post("/v1/transactions", json={"sender": owner.address, "call": call})
        assert made.status_code == 200, made.text
        fields = {name: value for name, value in made.json().items() if name != "from"}
        raw = bytes(owner.sign_transaction(fields).raw_transaction)
        sent = await client.post("/v1/transactions/relay", json={"raw": "0x" + raw.hex()}, headers=headers)
        assert sent.status_code == 202, sent.text
        assert kit.devnet.web3.eth.wait_for_transaction_receipt(sent.json()["transaction_hash"])["status"] == 1

    create = {
        "name": "createProject",
        "token": kit.token_address,
        "spec_cid": answer.json()["spec_cid"],
        "chain": draft["chain"],
    }
    await sign_and_relay({"name": "approve", "token": kit.token_address, "amount": "1000000"})
    await sign_and_relay(create)
    services.indexer.catch_up()
    page = (await client.get(f"/v1/projects?owner={owner.address}")).json()
    project = next(item for item in page["items"] if item["spec_cid"] == answer.json()["spec_cid"])
    project_id = bytes.fromhex(project["id"][2:])
    assert kit.market().get_project(project_id).status is ProjectStatus.ENROLLING  # type: ignore[arg-type]

    config = (await client.get("/v1/deployment")).json()
    token = next(each for each in config["tokens"] if each["address"] == kit.token_address)
    assert (token["symbol"], token["decimals"], token["permit"]) == (kit.token().get_symbol(), 18, True)
    wanted = {"token": kit.token_address, "owner": owner.address, "amount": "1000000", "deadline": 2**40}
    for call in (create, {"name": "deposit", "token": kit.token_address, "amount": "1000000"}):
        typed = (await client.post("/v1/permits", json=wanted)).json()
        signed = owner.sign_message(encode_typed_data(full_message=typed))
        permit = {"deadline": 2**40, "v": signed.v, "r": f"0x{signed.r:064x}", "s": f"0x{signed.s:064x}"}
        await sign_and_relay(call | {"permit": permit})
    assert kit.market().get_stake(Address(owner.address), kit.token_address).free == 1_000_000
    held = (await client.get(f"/v1/tokens/{kit.token_address}?account={owner.address}")).json()
    assert (held["allowance"], held["balance"]) == ("0", str(kit.token().get_balance(Address(owner.address))))

    early = await client.post(
        "/v1/transactions", json={"sender": owner.address, "call": {"name": "start", "project_id": project["id"]}}
    )
    assert early.status_code == 422
    assert early.json()["type"].startswith("urn:steelyard:error:")
    await sign_and_relay({"name": "cancel", "project_id": project["id"]})
    await sign_and_relay({"name": "claim", "token": kit.token_address, "recipient": owner.address})
    assert kit.market().get_project(project_id).status is ProjectStatus.CANCELLED  # type: ignore[arg-type]


async def test_what_the_chain_alone_knows_of_deployment_and_tokens(
    kit: MarketKit, services: Services, client: httpx.AsyncClient
) -> None:
    deployment = (await client.get("/v1/deployment")).json()
    assert deployment["unbonding_seconds"] == kit.market().get_unbonding_seconds()
    assert deployment["rules"] == dict(kit.deployment.rules)
    token = (await client.get(f"/v1/tokens/{kit.token_address}")).json()
    assert token["decimals"] == 18
    assert token["symbol"].isalpha()
    no_token = services.node.get_token(kit.deployment.marketplace)
    assert (no_token.symbol, no_token.decimals, no_token.permit_domain) == (None, None, None)
    assert (await client.get(f"/v1/tokens/{kit.devnet.account(OWNER).address}")).status_code == 404
