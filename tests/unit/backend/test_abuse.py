"""What a stranger may try over HTTP, one test for each: refused with a clear error, and nothing else happens.

Slow clients, heads without end and chunked bodies are in `test_slow_clients`, which needs real sockets.
"""

import asyncio
import json
import socket
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backend.errors import MEDIA_TYPE
from tests.backend_chain import AGGREGATOR, OWNER, TOKEN, close_settled_project, load_bundle, make_settled_project
from tests.unit.backend.conftest import Backend
from tests.unit.backend.test_login import WALLET, ask, log_in, sign, write_message
from tests.unit.backend.test_owner_api import CID, WORD

pytestmark = pytest.mark.anyio

BUNDLE = load_bundle("ev_7_2410_bad")
PROJECT = "0x" + BUNDLE.project_id.hex()

WRITES = ("/v1/auth/login", "/v1/transactions", "/v1/drafts/validate", "/v1/permits")
"""Routes that take JSON from anybody."""

ELSEWHERE = (
    "http://127.0.0.1:1/",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "//evil.example",
    "ipfs://x",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def check_problem(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]


async def test_oversized_bodies(backend: Backend) -> None:
    too_large = b"x" * (backend.services.settings.max_body_bytes + 1)
    for path in WRITES:
        check_problem(await backend.client.post(path, content=too_large), 413)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b"[1,",
        b'{"message": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": 1e999999}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 60_000,
        b'"\\ud800"',
        b'{"sender": NaN}',
    ],
)
async def test_bad_json(backend: Backend, body: bytes) -> None:
    for path in WRITES:
        answer = await backend.client.post(path, content=body, headers={"Content-Type": "application/json"})
        check_problem(answer, 400, 422)


@pytest.mark.parametrize(
    "address",
    [
        "0x",
        "0x" + "5e" * 19,
        "0x" + "5e" * 21,
        "0x70997970c51812Dc3A010C7d01b50e0d17dc79C8",
        "0X" + "5e" * 20,
        "0x" + "5g" * 20,
        "vitalik.eth",
        "0x" + "５" * 40,
        "%00",
        "' OR 1=1 --",
    ],
)
async def test_bad_addresses(backend: Backend, address: str) -> None:
    for path in (f"/v1/trainers/{address}", f"/v1/aggregators/{address}", f"/v1/tokens/{address}"):
        check_problem(await backend.client.get(path), 404, 422)
    for query in ("owner", "token", "trainer"):
        check_problem(await backend.client.get("/v1/projects", params={query: address}), 422)
    call = {"name": "claim", "token": address, "recipient": AGGREGATOR}
    check_problem(await backend.client.post("/v1/transactions", json={"sender": OWNER, "call": call}), 422)
    assert backend.node.simulated == []


async def test_siwe_replays_in_parallel(backend: Backend) -> None:
    body = sign(write_message(await backend.post("/v1/auth/nonce", None)))
    answers = await asyncio.gather(*(backend.client.post("/v1/auth/login", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_ssrf_through_urls(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await log_in(backend))["token"]
    nonce = await backend.post("/v1/auth/nonce", None)

    def refuse(*_: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for url in ELSEWHERE:
        call = {"name": "createProject", "token": TOKEN, "spec_cid": url, "chain": {}}
        check_problem(await backend.client.post("/v1/transactions", json={"sender": OWNER, "call": call}), 422)
        grant = {"name": "publishKeys", "project_id": WORD, "manifest_cid": url}
        check_problem(await backend.client.post("/v1/transactions", json={"sender": OWNER, "call": grant}), 422)
        check_problem(await backend.client.post("/v1/auth/login", json=sign(write_message(nonce, uri=url))), 401)
        spec = {"title": "x", "initial_model": url}
        check_problem(await backend.client.post("/v1/drafts/validate", json={"chain": {}, "spec": spec}), 422)
        answer = await ask(backend, "POST", "/v1/specs", token, 422, content=json.dumps(spec).encode())
        assert answer["status"] == 422


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f0", "0%00", "..\\..\\0", str(CID), "0.safetensors"]
)
async def test_path_traversal_in_model_names(backend: Backend, name: str) -> None:
    answer = await backend.client.get(f"/v1/projects/{PROJECT}/models/{name}")
    check_problem(answer, 404, 422)
    assert b"root:" not in answer.content


# ------------------------------------------------------------------------------------------------- answers


async def test_every_answer_is_what_its_schema_says(backend: Backend) -> None:
    """Answers are rendered without another validation on their way out: here is where they are held to it."""
    backend.chain.mine(*make_settled_project(BUNDLE), close_settled_project(BUNDLE))
    backend.chain.mine_random(60)
    backend.indexer.catch_up()
    description: Any = await backend.get("/openapi.json")
    trainer = BUNDLE.trainers[0]
    named = {"project_id": PROJECT, "round_index": "0", "trainer": trainer, "address": trainer}
    answered = set()
    for path, methods in description["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json")
        if content is None or "schema" not in content:
            continue
        places = [path.format(**named)]
        if path == "/v1/aggregators/{address}":
            places = [f"/v1/aggregators/{AGGREGATOR}"]
        if path == "/v1/tokens/{address}":
            places = [f"/v1/tokens/{TOKEN}", f"/v1/tokens/{TOKEN}?account={WALLET.address}"]
        if path == "/v1/quotes":
            places = ["/v1/quotes?trainers=10&dimension=100000&rounds=20"]
        for place in places:
            answer = await backend.client.get(place)
            if answer.status_code == 200:
                answered.add(path)
                schema = content["schema"] | {"components": description["components"]}
                errors = Draft202012Validator(schema).iter_errors(answer.json())
                assert [f"{error.json_path}: {error.message}" for error in errors] == [], place
    missing = {path for path in description["paths"] if "get" in description["paths"][path]} - answered
    assert missing == {
        "/metrics",
        "/v1/auth/keys",
        "/v1/auth/session",
        "/v1/events",
        "/v1/projects/{project_id}/evaluations/signed",
        "/v1/projects/{project_id}/models/{round_index}",
        "/v1/projects/{project_id}/rounds/{round_index}/evidence",
        "/v1/projects/{project_id}/spec",
    }
