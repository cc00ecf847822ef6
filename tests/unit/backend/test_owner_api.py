"""Drafts, uploads, transactions to sign and signed ones, quotes, model downloads, and the limits around them."""

import asyncio
import json
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from backend.limits import RateLimit
from backend.node import TokenFacts
from backend.quota import DAY, charge
from steelyard.chain import events as ev
from steelyard.chain.artifacts import load_artifact
from steelyard.chain.codec import decode_parameters, signature_hash
from steelyard.chain.records import RoundOutcome, Settlement
from steelyard.chain.reverts import EmptyRevertError
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.project_file import load_project_file
from steelyard.spec import ProjectSpec, decode_project_spec, encode_project_spec
from steelyard.types import Address, Cid, ProjectId
from steelyard.updates.aggregate import Aggregate, encode_aggregate
from tests.backend_chain import AGGREGATOR, CHAIN_ID, MARKETPLACE, TOKEN, make_cid, make_params
from tests.unit.backend.conftest import Backend
from tests.unit.backend.test_login import WALLET, ask, log_in

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[3] / "scripts" / "project_example.toml"
PROJECT = ProjectId(b"\x5e" * 32)
WORD = "0x" + "5e" * 32
CID = make_cid("manifest")
CID_PAIR = (CID.digest, int(CID.codec))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def draft() -> dict[str, Any]:
    return json.loads(json.dumps(tomllib.loads(EXAMPLE.read_text()), default=str))  # type: ignore[no-any-return]


def decode_call(data: str) -> tuple[str, tuple[Any, ...]]:
    """Name and arguments of a call of the marketplace's."""
    raw = bytes.fromhex(data[2:])
    functions = [entry for entry in load_artifact("ISteelyard").abi if entry["type"] == "function"]
    entry = next(entry for entry in functions if signature_hash(entry)[:4] == raw[:4])
    return entry["name"], decode_parameters(entry["inputs"], raw[4:])


# ------------------------------------------------------------------------------------------------- drafts


async def test_a_draft_is_checked_stored_and_made_a_transaction(backend: Backend, draft: dict[str, Any]) -> None:
    checked = await backend.post("/v1/drafts/validate", draft)
    token = (await log_in(backend))["token"]
    stored = await ask(backend, "POST", "/v1/drafts", token, 201, json=draft)
    spec = decode_project_spec(backend.store.get(Cid.parse(stored["spec_cid"]), 65_536))
    assert (spec.title, spec.model.dimension) == (checked["title"], checked["dimension"])
    assert backend.store.has(Cid.parse(stored["initial_model"]))

    call = {"name": "createProject", "token": TOKEN, "spec_cid": stored["spec_cid"], "chain": draft["chain"]}
    made = await backend.post("/v1/transactions", {"sender": WALLET.address, "call": call})
    assert (made["to"], made["from"], made["chainId"]) == (MARKETPLACE, WALLET.address, hex(CHAIN_ID))
    assert (made["type"], made["nonce"], made["value"]) == ("0x2", "0x7", "0x0")
    expected = load_project_file(EXAMPLE).build_params(WALLET.address, TOKEN, backend.services.deployment, spec)
    name, (params,) = decode_call(made["data"])
    assert (name, params[0], params[2]) == ("createProject", WALLET.address.lower(), expected.budget)
    assert backend.node.simulated == [(WALLET.address, MARKETPLACE, bytes.fromhex(made["data"][2:]))]


async def test_drafts_that_break_a_rule_are_refused_with_the_field(backend: Backend, draft: dict[str, Any]) -> None:
    for broken, where in (
        ({**draft, "extra": 1}, "extra"),
        ({**draft, "chain": draft["chain"] | {"rounds": 0}}, "rounds"),
        ({**draft, "chain": draft["chain"] | {"budget": "1.5"}}, "budget"),
        ({**draft, "spec": draft["spec"] | {"title": "two\nlines"}}, "title"),
        ({**draft, "spec": {}}, "title"),
        ({**draft, "chain": draft["chain"] | {"rule": "krum"}}, "rule"),
    ):
        problem = await backend.post("/v1/drafts/validate", broken, 422)
        assert where in json.dumps(problem)


async def test_an_owners_own_model_and_specification_are_stored_in_that_order(
    backend: Backend, draft: dict[str, Any]
) -> None:
    token = (await log_in(backend))["token"]
    spec = load_project_file(EXAMPLE).parse_spec()
    model = encode_model(np.ones(spec.model.dimension, np.float32), spec.model.shapes)
    stored = await ask(backend, "POST", "/v1/models", token, 201, content=model)
    spec = spec.model_copy(update={"initial_model": Cid.parse(stored["cid"])})
    made = await ask(backend, "POST", "/v1/specs", token, 201, content=encode_project_spec(spec))
    assert backend.store.get(Cid.parse(made["cid"]), 65_536) == encode_project_spec(spec)
    absent = load_project_file(EXAMPLE).parse_spec()
    await ask(backend, "POST", "/v1/specs", token, 422, content=encode_project_spec(absent))
    await ask(backend, "POST", "/v1/specs", token, 422, content=b" " + encode_project_spec(spec))
    limit = backend.services.settings.max_upload_bytes
    await ask(backend, "POST", "/v1/models", token, 413, content=bytes(limit + 1))


async def test_an_account_stores_so_much_a_day_and_another_is_free(backend: Backend) -> None:
    token = (await log_in(backend))["token"]
    limit, size = backend.services.settings.uploads_per_day, backend.services.settings.max_upload_bytes
    for number in range(limit // size):
        await ask(backend, "POST", "/v1/models", token, 201, content=bytes([number]) * size)
    answer = await backend.client.post("/v1/models", content=b"1", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:steelyard:error:QuotaExceeded")
    assert 0 < int(answer.headers["retry-after"]) <= DAY
    with backend.services.database.write() as session:
        charge(session, Address(AGGREGATOR), size, limit, int(time.time()))
        charge(session, Address(WALLET.address), size, limit, int(time.time()) + DAY)


async def test_uploads_in_parallel_do_not_slip_past_the_quota(backend: Backend) -> None:
    token = (await log_in(backend))["token"]
    limit, size = backend.services.settings.uploads_per_day, backend.services.settings.max_upload_bytes
    headers = {"Authorization": f"Bearer {token}"}
    posts = (backend.client.post("/v1/models", content=bytes([n]) * size, headers=headers) for n in range(6))
    statuses = [answer.status_code for answer in await asyncio.gather(*posts)]
    assert sorted(statuses) == [201] * (limit // size) + [429] * (6 - limit // size)


# ------------------------------------------------------------------------------------------------- transactions


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"name": "start", "project_id": "0x" + "5e" * 32}, (b"\x5e" * 32,)),
        ({"name": "cancel", "project_id": "0x" + "5e" * 32}, (b"\x5e" * 32,)),
        ({"name": "deposit", "token": TOKEN, "amount": "12"}, (TOKEN, 12)),
        ({"name": "claim", "token": TOKEN, "recipient": AGGREGATOR}, (TOKEN, AGGREGATOR)),
        ({"name": "withdraw", "token": TOKEN, "recipient": AGGREGATOR}, (TOKEN, AGGREGATOR)),
        ({"name": "unbond", "token": TOKEN, "amount": "12"}, (TOKEN, 12)),
        ({"name": "enrol", "project_id": WORD}, (b"\x5e" * 32,)),
        ({"name": "poke", "project_id": WORD}, (b"\x5e" * 32,)),
        ({"name": "leave", "project_id": WORD}, (b"\x5e" * 32,)),
        ({"name": "registerKey", "key": WORD}, (b"\x5e" * 32,)),
        ({"name": "registerHybridKey", "key": WORD}, (b"\x5e" * 32,)),
        ({"name": "attest", "project_id": WORD, "round": 3, "opens": False}, (b"\x5e" * 32, 3, False)),
        ({"name": "publishKeys", "project_id": WORD, "manifest_cid": str(CID)}, (b"\x5e" * 32, CID_PAIR)),
        (
            {
                "name": "grantAccess",
                "project_id": WORD,
                "reader": AGGREGATOR,
                "from_round": 2,
                "manifest_cid": str(CID),
            },
            (b"\x5e" * 32, AGGREGATOR, 2, CID_PAIR),
        ),
        ({"name": "revokeAccess", "project_id": WORD, "reader": AGGREGATOR}, (b"\x5e" * 32, AGGREGATOR)),
        (
            {
                "name": "registerAggregator",
                "token": TOKEN,
                "max_stake": "9",
                "max_dimension": 8,
                "min_settle_seconds": 7,
                "min_fee_bps": 6,
            },
            (TOKEN, (9, 8, 7, 6)),
        ),
        ({"name": "unregisterAggregator", "token": TOKEN}, (TOKEN,)),
    ],
)
async def test_calls_are_encoded_by_the_contracts_abi(
    backend: Backend, call: dict[str, Any], arguments: tuple[Any, ...]
) -> None:
    made = await backend.post("/v1/transactions", {"sender": WALLET.address, "call": call})
    assert decode_call(made["data"]) == (call["name"], arguments)


async def test_a_permit_to_sign_goes_into_the_call_that_takes_the_amount(backend: Backend) -> None:
    wanted = {"token": TOKEN, "owner": WALLET.address, "amount": str(10**30), "deadline": 2_000_000_000}
    data = await backend.post("/v1/permits", wanted)
    assert data["domain"]["verifyingContract"] == TOKEN
    assert data["message"] == {
        "owner": WALLET.address,
        "spender": MARKETPLACE,
        "value": str(10**30),
        "nonce": "3",
        "deadline": "2000000000",
    }
    signed = WALLET.sign_message(encode_typed_data(full_message=data))
    halves = {"r": f"0x{signed.r:064x}", "s": f"0x{signed.s:064x}"}
    permit = {"deadline": wanted["deadline"], "v": signed.v, **halves}
    call = {"name": "deposit", "token": TOKEN, "amount": wanted["amount"], "permit": permit}
    made = await backend.post("/v1/transactions", {"sender": WALLET.address, "call": call})
    expected = (2_000_000_000, signed.v, *(bytes.fromhex(half[2:]) for half in halves.values()))
    assert decode_call(made["data"]) == ("depositWithPermit", (TOKEN, 10**30, expected))
    backend.node.tokens[AGGREGATOR] = TokenFacts("OLD", 6, None)
    refused = await backend.post("/v1/permits", wanted | {"token": AGGREGATOR}, 422)
    assert "approve" in refused["detail"]


async def test_what_would_revert_is_told_instead(backend: Backend) -> None:
    backend.node.revert = EmptyRevertError()
    body = {"sender": WALLET.address, "call": {"name": "start", "project_id": "0x" + "5e" * 32}}
    problem = await backend.post("/v1/transactions", body, 422)
    assert problem["type"] == "urn:steelyard:error:EmptyRevert"


@pytest.mark.parametrize(
    "call",
    [
        {"name": "selfdestruct"},
        {"name": "start", "project_id": "0x5e"},
        {"name": "deposit", "token": TOKEN, "amount": "-1"},
        {"name": "deposit", "token": TOKEN, "amount": 1},
        {"name": "deposit", "token": TOKEN, "amount": str(10**38)},
        {"name": "publishKeys", "project_id": WORD, "manifest_cid": "../../etc/passwd"},
        {"name": "attest", "project_id": WORD, "round": 65_536, "opens": True},
        {"name": "claim", "token": "0x70997970c51812Dc3A010C7d01b50e0d17dc79C8", "recipient": AGGREGATOR},
        {"name": "createProject", "token": TOKEN, "spec_cid": "../../etc/passwd", "chain": {}},
    ],
)
async def test_malformed_calls_are_refused(backend: Backend, call: dict[str, Any]) -> None:
    await backend.post("/v1/transactions", {"sender": WALLET.address, "call": call}, 422)
    assert backend.node.simulated == []


def sign_transaction(**changes: object) -> str:
    fields = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": 0,
        "to": MARKETPLACE,
        "value": 0,
        "data": "0x",
        "gas": 100_000,
        "maxFeePerGas": 2,
        "maxPriorityFeePerGas": 1,
    }
    return "0x" + bytes(WALLET.sign_transaction(fields | changes).raw_transaction).hex()


async def test_signed_transactions_for_our_contracts_are_passed_on_and_no_others(backend: Backend) -> None:
    token = (await log_in(backend))["token"]
    raw = sign_transaction()
    answer = await ask(backend, "POST", "/v1/transactions/relay", token, 202, json={"raw": raw})
    assert answer["sender"] == WALLET.address
    legacy = Account.from_key(b"\x07" * 32).sign_transaction(
        {"chainId": CHAIN_ID, "nonce": 0, "to": MARKETPLACE, "value": 0, "gas": 21_000, "gasPrice": 1}
    )
    for refused in (
        sign_transaction(to=AGGREGATOR),
        sign_transaction(chainId=1),
        sign_transaction(value=1),
        sign_transaction(to=""),
        "0x" + bytes(legacy.raw_transaction).hex(),
        raw[:-2],
        "0x02",
        "0x02c0",
    ):
        problem = await ask(backend, "POST", "/v1/transactions/relay", token, 422, json={"raw": refused})
        assert problem["type"] == "urn:steelyard:error:InvalidTransaction", refused
    assert backend.node.broadcasts == [bytes.fromhex(raw[2:])]


# ------------------------------------------------------------------------------------------------- quotes and models


async def test_a_quote_says_what_each_role_pays(backend: Backend) -> None:
    quote: Any = await backend.get("/v1/quotes?trainers=10&dimension=100000&rounds=20&gas_price_wei=3")
    assert quote["total_gas"] == sum(sum(calls.values()) for calls in quote["gas"].values())
    assert quote["total_wei"] == str(3 * quote["total_gas"])
    larger: Any = await backend.get("/v1/quotes?trainers=20&dimension=100000&rounds=20")
    assert larger["total_gas"] > quote["total_gas"]
    for refused in ("trainers=2&dimension=1&rounds=1", "trainers=5&dimension=1&rounds=1&rule=none"):
        await backend.get(f"/v1/quotes?{refused}", 422)


def publish_project(backend: Backend, *, confidential: bool = False) -> tuple[bytes, bytes]:
    """A project whose round 0 is final: its initial model, and the one of round 1."""
    spec = load_project_file(EXAMPLE).parse_spec()
    files = [encode_model(np.full(spec.model.dimension, each, np.float32), spec.model.shapes) for each in (1, 2)]
    initial, following = (backend.store.put(file) for file in files)
    spec = spec.model_copy(update={"initial_model": initial, "confidential": confidential})
    blob = encode_aggregate(Aggregate(np.zeros(spec.model.dimension, np.int64), (0,), following))
    aggregate = backend.store.put(blob)
    params = make_params(dimension=spec.model.dimension, spec_cid=backend.store.put(encode_project_spec(spec)))
    settlement = Settlement((), b"", b"", b"", b"", aggregate, b"")
    backend.chain.mine(
        [
            ev.ProjectCreated(PROJECT, WALLET.address, 0, 10, params, rooted=False),
            ev.ProjectStarted(PROJECT, 3),
            ev.RoundOpened(PROJECT, 0, 1, AGGREGATOR, 20, 30),
            ev.RoundSettled(PROJECT, 0, AGGREGATOR, 1, 40, settlement),
            ev.RoundWeighed(PROJECT, 0, 1, (), 0, 0, (), (), (), 0),
            ev.RoundClosed(PROJECT, 0, 1, RoundOutcome.FINAL, 0, 0),
        ]
    )
    backend.indexer.catch_up()
    return files[0], files[1]


async def test_models_are_served_whole_and_in_parts(backend: Backend) -> None:
    files = publish_project(backend)
    for index, file in enumerate(files):
        path = f"/v1/projects/0x{PROJECT.hex()}/models/{index}"
        whole = await backend.client.get(path)
        assert (whole.status_code, whole.content) == (200, file)
        size, tag = len(file), whole.headers["etag"]
        for asked, first, last in (
            ("bytes=0-0", 0, 0),
            (f"bytes={size - 5}-", size - 5, size - 1),
            ("bytes=-7", size - 7, size - 1),
            (f"bytes=10-{2 * size}", 10, size - 1),
        ):
            part = await backend.client.get(path, headers={"Range": asked, "If-Range": tag})
            assert (part.status_code, part.content) == (206, file[first : last + 1])
            assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        for ignored in ("bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,3-4"):
            assert (await backend.client.get(path, headers={"Range": ignored})).status_code == 200
        changed = await backend.client.get(path, headers={"Range": "bytes=0-0", "If-Range": '"other"'})
        assert changed.content == file
        for beyond in (f"bytes={size}-", "bytes=-0"):
            refused = await backend.client.get(path, headers={"Range": beyond})
            assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{size}")
    await backend.get(f"/v1/projects/0x{PROJECT.hex()}/models/2", 404)
    await backend.get(f"/v1/projects/0x{PROJECT.hex()}/models/..%2F..%2Fetc", 404)


async def test_models_of_confidential_projects_are_not_served(backend: Backend) -> None:
    publish_project(backend, confidential=True)
    problem: Any = await backend.get(f"/v1/projects/0x{PROJECT.hex()}/models/0", 403)
    assert problem["type"] == "urn:steelyard:error:Access"


async def test_a_specification_is_told_by_the_cid_that_the_project_names(backend: Backend) -> None:
    path = f"/v1/projects/0x{PROJECT.hex()}/spec"
    await backend.get(path, 404)
    publish_project(backend)
    reader = backend.services.specs
    assert reader is not None
    assert reader.step() == 1
    answer = await backend.client.get(path)
    project: Any = await backend.get(f"/v1/projects/0x{PROJECT.hex()}")
    assert answer.headers["etag"] == f'"{project["spec_cid"]}"'
    assert answer.json()["title"] == load_project_file(EXAMPLE).parse_spec().title
    assert ProjectSpec.model_validate_json(answer.text).model.dimension == project["dimension"]


# ------------------------------------------------------------------------------------------------- limits


def test_a_clients_bucket_empties_and_fills_again_and_is_its_own() -> None:
    limit = RateLimit(lambda *_: None, per_minute=60)  # type: ignore[arg-type]
    assert [limit.take("a", 1, 0.0) for _ in range(60)] == [0.0] * 60
    assert limit.take("a", 1, 0.0) == pytest.approx(1.0)
    assert limit.take("a", 10, 5.0) == pytest.approx(5.0)
    assert limit.take("b", 10, 5.0) == 0.0
    assert limit.take("a", 1, 6.0) == 0.0


async def test_a_key_has_one_bucket_wherever_it_is_used() -> None:
    statuses = []

    async def answer(_scope: Any, _receive: Any, _send: Any) -> None:
        statuses.append(200)

    async def note(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    limit = RateLimit(answer, per_minute=3)
    for address, token in (("a", b"k"), ("b", b"k"), ("c", b"k"), ("d", b"k"), ("d", b"other"), ("d", None)):
        headers = [] if token is None else [(b"authorization", token)]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (address, 1)}
        await limit(scope, None, note)  # type: ignore[arg-type]
    assert statuses == [200, 200, 200, 429, 200, 200]


async def test_pages_of_allowed_origins_alone_may_read(backend: Backend) -> None:
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        answer = await backend.client.get("/v1/projects", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed
