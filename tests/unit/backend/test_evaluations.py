"""Evaluations that owners publish, specifications from storage, and what a page must know first."""

import time
from typing import Any

import pytest
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from backend.indexer import rebuild
from backend.node import TokenFacts
from steelyard.chain import events as ev
from steelyard.errors import ChainUnavailableError, SpecError
from steelyard.rounds.evaluation import Point, build_curve, parse_curve
from steelyard.rounds.project_file import load_project_file
from steelyard.spec import encode_project_spec
from steelyard.storage import compute_cid
from steelyard.types import Address, ProjectId
from tests.backend_chain import CHAIN_ID, MARKETPLACE, TOKEN, TRAINERS, VERIFIER, make_params
from tests.unit.backend.conftest import Backend
from tests.unit.backend.test_login import CONTRACT, OTHER, WALLET
from tests.unit.backend.test_owner_api import EXAMPLE, PROJECT

pytestmark = pytest.mark.anyio

ROOT = f"/v1/projects/0x{PROJECT.hex()}"
PATH = f"{ROOT}/evaluations"
NOW = int(time.time())
POINTS = [Point(round=index, accuracy=0.5 + index / 100, loss=2.0 - index / 10, examples=1_000) for index in range(4)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def owned(backend: Backend) -> Backend:
    """A project of the wallet's, whose specification storage does not have yet."""
    cid = compute_cid(encode_project_spec(load_project_file(EXAMPLE).parse_spec()))
    params = make_params(owner=WALLET.address, spec_cid=cid)
    backend.chain.mine(
        [
            ev.ProjectCreated(PROJECT, WALLET.address, 0, 10, params, rooted=False),
            ev.TrainerEnrolled(PROJECT, TRAINERS[0], 0),
            ev.StrikeRecorded(PROJECT, TRAINERS[0], 1),
        ]
    )
    backend.indexer.catch_up()
    return backend


def write(points: list[Point] = POINTS, issued_at: int = NOW, **changes: Any) -> str:
    curve = build_curve(CHAIN_ID, MARKETPLACE, ProjectId(PROJECT), issued_at, points)
    return curve.model_copy(update=changes).to_json()


async def publish(backend: Backend, text: str, status: int = 200, wallet: Any = WALLET) -> Any:
    signature = wallet.sign_message(encode_defunct(text=text)).signature
    answer = await backend.client.put(PATH, json={"text": text, "signature": "0x" + bytes(signature).hex()})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_owner_publishes_accuracy_and_everybody_reads_it_page_by_page(owned: Backend) -> None:
    assert await owned.get(PATH) == {"items": [], "next": None, "published": None}
    await owned.get(f"{PATH}/signed", 404)
    published = await publish(owned, write())
    assert published == {
        "project_id": f"0x{PROJECT.hex()}",
        "account": WALLET.address,
        "issued_at": NOW,
        "cid": str(compute_cid(write().encode())),
    }
    first: Any = await owned.get(f"{PATH}?limit=3")
    second: Any = await owned.get(f"{PATH}?limit=3&cursor={first['next']}")
    assert (first["published"], second["next"]) == (published, None)
    assert [*first["items"], *second["items"]] == [point.model_dump() for point in POINTS]
    signed: Any = await owned.get(f"{PATH}/signed")
    assert WALLET.sign_message(encode_defunct(text=signed["text"])).signature.hex() == signed["signature"][2:]
    answer = await owned.client.get(PATH)
    again = await owned.client.get(PATH, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    rebuild(owned.services.database, owned.indexer)
    assert (await owned.client.get(PATH)).content == answer.content
    for refused in ("cursor=MQ.MQ", "cursor=%00", "limit=0"):
        await owned.get(f"{PATH}?{refused}", 422)


async def test_nobody_but_the_owner_puts_figures_on_a_project(owned: Backend) -> None:
    problem = await publish(owned, write(), 403, OTHER)
    assert problem["type"] == "urn:steelyard:error:NotAllowed"
    text = write()
    signature = "0x" + bytes(WALLET.sign_message(encode_defunct(text=text)).signature).hex()
    changed = text.replace("0.53", "0.99")
    assert changed != text
    for body, status in (
        ({"text": changed, "signature": signature}, 403),
        ({"text": text, "signature": "0x" + "00" * 65}, 403),
        ({"text": text, "signature": "0x"}, 422),
        ({"text": text}, 422),
        ({"text": "[" * 50_000, "signature": signature}, 422),
        ({"text": "x" * 60_001, "signature": signature}, 422),
    ):
        answer = await owned.client.put(PATH, json=body)
        assert answer.status_code == status, answer.text
    assert (await owned.client.get(PATH)).json()["items"] == []
    elsewhere = await owned.client.put(PATH.replace("5e", "5f"), json={"text": text, "signature": signature})
    assert elsewhere.status_code == 404


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"chain_id": 1}, "chain 1"),
        ({"marketplace": TOKEN}, TOKEN),
        ({"project": "0x" + "11" * 32}, "0x1111"),
        ({"issued_at": NOW + 3_600}, "future"),
        ({"points": (Point(round=4, accuracy=0, loss=0, examples=1),)}, "round 4"),
    ],
)
async def test_an_evaluation_is_of_this_project_here_and_now(
    owned: Backend, changes: dict[str, Any], word: str
) -> None:
    problem = await publish(owned, write(**changes), 422)
    assert problem["type"] == "urn:steelyard:error:EvaluationRefused"
    assert word in problem["detail"]


async def test_an_evaluation_gives_way_to_a_newer_one_alone(owned: Backend) -> None:
    await publish(owned, write(POINTS[:2], NOW - 5))
    newest = await publish(owned, write(POINTS, NOW))
    assert await publish(owned, write(POINTS, NOW)) == newest
    for issued_at, points in ((NOW - 5, POINTS[:2]), (NOW, POINTS[:1])):
        problem = await publish(owned, write(points, issued_at), 409)
        assert problem["type"] == "urn:steelyard:error:StaleEvaluation"
    shown: Any = await owned.get(PATH)
    assert shown["published"] == newest


async def test_a_contract_wallet_publishes_by_its_own_word(backend: Backend) -> None:
    params = make_params(owner=CONTRACT)
    backend.chain.mine([ev.ProjectCreated(PROJECT, CONTRACT, 0, 10, params, rooted=False)])
    backend.indexer.catch_up()
    text = write()
    body = {"text": text, "signature": "0x" + "ab" * 90}
    assert (await backend.client.put(PATH, json=body)).status_code == 403
    digest = keccak(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text.encode())
    backend.node.signatures.add((CONTRACT, digest, b"\xab" * 90))
    assert (await backend.client.put(PATH, json=body)).json()["account"] == CONTRACT


def test_a_text_reads_back_as_its_curve_and_a_wrong_one_is_refused() -> None:
    for points in (POINTS, POINTS[:1], []):
        text = write(points)
        assert parse_curve(text).to_json() == text
    text = write()
    for wrong in (
        text.replace("0.53", "1.01"),
        text.replace("0.53", "NaN"),
        text.replace('"round": 3', '"round": 2'),
        text.replace('"round": 3', '"round": 3.0'),
        text.replace("evaluation/1", "evaluation/2"),
        text.replace("issued_at", "issuedAt"),
    ):
        assert wrong != text
        with pytest.raises(SpecError):
            parse_curve(wrong)


# ------------------------------------------------------------------------------------------------- specifications


async def test_titles_appear_once_storage_has_the_specification(owned: Backend) -> None:
    spec = load_project_file(EXAMPLE).parse_spec()
    reader = owned.services.specs
    assert reader is not None
    assert reader.step() == 0
    before = await owned.client.get(ROOT)
    assert before.json()["title"] is None
    await owned.get(f"{ROOT}/spec", 404)
    owned.store.put(encode_project_spec(spec))
    assert reader.step() == 0  # it waits before it asks again
    reader._waits.clear()
    assert reader.step() == 1
    assert reader.step() == 0

    after = await owned.client.get(ROOT, headers={"If-None-Match": before.headers["etag"]})
    assert after.json()["title"] == spec.title
    assert (await owned.client.get(f"{ROOT}/spec")).content == encode_project_spec(spec)
    found: Any = await owned.get(f"/v1/projects?q={spec.title[3:-3].upper()}")
    assert [item["title"] for item in found["items"]] == [spec.title]
    trainer: Any = await owned.get(f"/v1/trainers/{TRAINERS[0]}")
    assert [project["title"] for project in trainer["projects"]] == [spec.title]


async def test_what_is_no_specification_is_asked_for_once(backend: Backend) -> None:
    cid = backend.store.put(b"not a specification")
    params = make_params(spec_cid=cid)
    backend.chain.mine([ev.ProjectCreated(PROJECT, params.owner, 0, 10, params, rooted=False)])
    backend.indexer.catch_up()
    reader = backend.services.specs
    assert reader is not None
    assert (reader.step(), reader.step()) == (1, 0)
    shown: Any = await backend.get(ROOT)
    assert shown["title"] is None
    await backend.get(f"{ROOT}/spec", 404)


async def test_the_next_fault_and_its_cost_are_told(owned: Backend) -> None:
    project: Any = await owned.get(ROOT)
    (member,) = project["members"]
    slash = str(int(project["min_stake"]) * project["slash_bps"] // 10_000)
    assert member["next_strike"] == {"number": 2, "limit": 2, "removes": True, "slash": slash}
    assert member["next_absence"] == {"number": 1, "limit": 2, "removes": False, "slash": "0"}


# ------------------------------------------------------------------------------------------------- config


async def test_the_deployment_names_chain_contracts_tokens_and_limits(owned: Backend) -> None:
    config: Any = await owned.get("/v1/deployment")
    assert (config["chain_id"], config["marketplace"], config["verifier"]) == (CHAIN_ID, MARKETPLACE, VERIFIER)
    assert (config["token"], config["unbonding_seconds"], config["has_storage"]) == (TOKEN, 604_800, True)
    assert config["limits"]["page_items"] == owned.services.settings.max_page
    (token,) = config["tokens"]
    shown = {"symbol": "SYT", "decimals": 18, "permit": True, "offered": True, "test": True}
    assert token == {"address": TOKEN} | shown
    held: Any = await owned.get(f"/v1/tokens/{TOKEN}?account={WALLET.address}")
    assert (held["allowance"], held["permit_nonce"]) == ("5", "3")
    alone: Any = await owned.get(f"/v1/tokens/{TOKEN}")
    assert alone["balance"] is None
    await owned.get(f"/v1/tokens/{TRAINERS[0]}", 404)


async def test_the_deployment_is_answered_while_the_node_is_not(owned: Backend) -> None:
    owned.node.revert = ChainUnavailableError("down")
    config: Any = await owned.get("/v1/deployment")
    assert [(token["symbol"], token["permit"]) for token in config["tokens"]] == [(None, False)]
    assert config["unbonding_seconds"] is None
    await owned.get(f"/v1/tokens/{TOKEN}", 503)
    owned.node.revert = None
    config = await owned.get("/v1/deployment")
    assert [token["symbol"] for token in config["tokens"]] == ["SYT"]


async def test_tokens_are_asked_once(owned: Backend) -> None:
    await owned.get(f"/v1/tokens/{TOKEN}")
    owned.node.tokens[Address(TOKEN)] = TokenFacts("NEW", 1, None)
    again: Any = await owned.get(f"/v1/tokens/{TOKEN}")
    assert again["symbol"] == "SYT"
