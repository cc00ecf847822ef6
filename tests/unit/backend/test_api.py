"""The HTTP API over a read model that was indexed from real and random events."""

import json
import re
import threading
from typing import Any

import pytest

from backend.errors import MEDIA_TYPE
from steelyard.chain import events as ev
from steelyard.chain.events import Event
from steelyard.chain.records import AggregatorTerms
from steelyard.gram import load_ethereum_srs
from steelyard.gram.evidence import parse_bundle
from steelyard.rounds.evidence import verify_evidence
from steelyard.types import Address, ProjectId
from tests.backend_chain import (
    AGGREGATOR,
    AGGREGATOR_STAKE,
    BUDGET,
    MARKETPLACE,
    OWNER,
    TOKEN,
    TRAINERS,
    close_settled_project,
    load_bundle,
    make_cid,
    make_params,
    make_settled_project,
)
from tests.unit.backend.conftest import Backend

pytestmark = pytest.mark.anyio

BUNDLE = load_bundle("ev_7_2410_bad")
PROJECT = "0x" + BUNDLE.project_id.hex()
STRANGER = Address("0x" + "99" * 20)
ROUND = f"/v1/projects/{PROJECT}/rounds/0"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settled(backend: Backend) -> Backend:
    backend.chain.mine(*make_settled_project(BUNDLE, excluded=STRANGER))
    backend.indexer.catch_up()
    return backend


@pytest.fixture
def final(settled: Backend) -> Backend:
    settled.chain.mine(close_settled_project(BUNDLE))
    settled.indexer.catch_up()
    return settled


async def get_all(backend: Backend, path: str, limit: int) -> list[Any]:
    """All items of a list, page by page."""
    joint = "&" if "?" in path else "?"
    items: list[Any] = []
    cursor = ""
    while True:
        page: Any = await backend.get(f"{path}{joint}limit={limit}{cursor}")
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


# ------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/projects/0x12", 422),
        ("/v1/projects/" + "0" * 66, 422),
        ("/v1/projects/0x" + "zz" * 32, 422),
        ("/v1/projects/0x" + "ab" * 32, 404),
        ("/v1/projects/0x" + "ab" * 32 + "/events", 404),
        ("/v1/projects/0x" + "ab" * 32 + "/rounds", 404),
        (f"/v1/projects/{PROJECT}/rounds/1", 404),
        (f"/v1/projects/{PROJECT}/rounds/-1", 422),
        (f"/v1/projects/{PROJECT}/rounds/65536", 422),
        (f"{ROUND}?attempt=2", 404),
        (f"{ROUND}?attempt=0", 422),
        (f"{ROUND}/explanation/{STRANGER[:-2]}", 422),
        (f"{ROUND}/explanation/{OWNER}", 404),
        ("/v1/trainers/0x" + "ab" * 20, 404),
        ("/v1/trainers/0x" + "ab" * 20 + "/payments", 404),
        ("/v1/trainers/0x70997970c51812Dc3A010C7d01b50e0d17dc79C8", 422),
        ("/v1/projects?state=done", 422),
        ("/v1/projects?owner=me", 422),
        ("/v1/projects?limit=0", 422),
        ("/v1/projects?cursor=%00", 422),
        ("/v1/projects?cursor=" + "A" * 200, 422),
        ("/v1/projects?cursor=MQ", 422),
        ("/v1/projects?cursor=LTEuLTE", 422),
        ("/v1/events?project_id=1", 422),
        ("/v1/nothing", 404),
    ],
)
async def test_bad_requests_are_problems(settled: Backend, path: str, status: int) -> None:
    answer = await settled.client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert problem["title"]
    assert problem["detail"]


async def test_a_round_without_a_settlement_has_no_evidence_yet(backend: Backend) -> None:
    backend.chain.mine(*make_settled_project(BUNDLE)[:-1])
    backend.indexer.catch_up()
    problem: Any = await backend.get(f"{ROUND}/evidence", 404)
    assert problem["type"] == "urn:steelyard:error:NotSettled"
    assert problem["instance"] == f"{ROUND}/evidence"


async def test_bodies_are_capped_by_announced_and_by_real_size(settled: Backend) -> None:
    limit = settled.services.settings.max_body_bytes
    announced = await settled.client.request("GET", "/v1/projects", content=b"x" * (limit + 1))
    assert (announced.status_code, announced.json()["type"]) == (413, "urn:steelyard:error:RequestTooLarge")
    for length in ("-1", "x"):
        answer = await settled.client.request("GET", "/v1/projects", headers={"Content-Length": length})
        assert answer.status_code == 413


async def test_other_methods_are_refused(settled: Backend) -> None:
    answer = await settled.client.post("/v1/projects", json={})
    assert (answer.status_code, answer.headers["content-type"]) == (405, MEDIA_TYPE)


async def test_a_bug_is_a_problem_without_detail(settled: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("backend.queries.list_projects", explode)
    problem: Any = await settled.get("/v1/projects", 500)
    assert "secret" not in json.dumps(problem)


# ------------------------------------------------------------------------------------------------- projects


async def test_a_project_shows_what_it_promised_and_where_it_stands(final: Backend) -> None:
    project: Any = await final.get(f"/v1/projects/{PROJECT.upper().replace('0X', '0x')}")
    assert (project["id"], project["state"], project["budget"]) == (PROJECT, "running", str(BUDGET))
    assert (project["rule_name"], project["spec_cid"]) == ("clip-nnm-multi-krum", str(make_cid("spec")))
    assert len(project["members"]) == project["trainers"] == 8
    assert [int(member["earned"]) for member in project["members"]] == [0, *BUNDLE.shares]
    assert int(project["paid"]) + int(project["pool"]) == BUNDLE.budget


async def test_projects_are_listed_newest_first_in_pages_and_by_filter(backend: Backend) -> None:
    owners = [Address("0x" + f"{number % 2 + 1:02x}" * 20) for number in range(11)]
    ids = [ProjectId(bytes([number]) * 32) for number in range(11)]
    created = [
        ev.ProjectCreated(
            project_id, owner, 0, 10, make_params(owner=owner, token=TOKEN if index < 6 else owner), rooted=False
        )
        for index, (project_id, owner) in enumerate(zip(ids, owners, strict=True))
    ]
    started = ev.ProjectStarted(ids[3], 5)
    backend.chain.mine(created[:4], created[4:5], created[5:], [started])
    backend.indexer.catch_up()
    newest_first = ["0x" + project_id.hex() for project_id in reversed(ids)]
    for limit in (1, 3, 5):
        assert [item["id"] for item in await get_all(backend, "/v1/projects", limit)] == newest_first
    page: Any = await backend.get("/v1/projects?limit=100000")
    assert len(page["items"]) == backend.services.settings.max_page
    assert [item["id"] for item in await get_all(backend, "/v1/projects?state=running", 5)] == ["0x" + ids[3].hex()]
    by_owner = await get_all(backend, f"/v1/projects?owner={owners[0]}", 4)
    assert len(by_owner) == 6
    joined = await get_all(backend, f"/v1/projects?owner={owners[0]}&token={TOKEN}&state=enrolling", 4)
    assert [item["id"] for item in joined] == ["0x" + ids[number].hex() for number in (4, 2, 0)]


async def test_projects_are_found_by_size_stake_member_and_words(backend: Backend) -> None:
    def create(number: int, owner: Address) -> Event:
        params = make_params(owner=owner, dimension=10**number, min_stake=10 ** (12 * number))
        return ev.ProjectCreated(ProjectId(bytes([number]) * 32), owner, 0, 10, params, rooted=False)

    backend.chain.mine([create(number, TRAINERS[number]) for number in range(4)])
    backend.chain.mine([ev.TrainerEnrolled(ProjectId(bytes([2]) * 32), AGGREGATOR, 0)])
    backend.indexer.catch_up()
    for query, numbers in {
        "min_dimension=10": [3, 2, 1],
        "min_dimension=10&max_dimension=100": [2, 1],
        f"max_stake={10**12}": [1, 0],
        f"min_stake={10**24}": [3, 2],
        f"trainer={AGGREGATOR}": [2],
        "q=0x0303": [3],
        f"q={TRAINERS[1][:9]}": [1],
        f"q={str(make_cid('spec'))[:20]}": [3, 2, 1, 0],
        "q=KRUM": [3, 2, 1, 0],
        "q=median": [],
        "q=%25%25": [],
        "q=a_": [],
    }.items():
        found = await get_all(backend, f"/v1/projects?{query}", 2)
        assert [int(item["id"][2:4]) for item in found] == numbers, query
    for refused in ("q=%00a", "q=x", "min_stake=-1", "max_dimension=0", "min_stake=1e3"):
        await backend.get(f"/v1/projects?{refused}", 422)


async def test_projects_created_meanwhile_do_not_shift_the_next_page(backend: Backend) -> None:
    def create(number: int) -> list[Event]:
        return [ev.ProjectCreated(ProjectId(bytes([number]) * 32), OWNER, 0, 10, make_params(), rooted=False)]

    backend.chain.mine(*(create(number) for number in range(4)))
    backend.indexer.catch_up()
    first: Any = await backend.get("/v1/projects?limit=2")
    backend.chain.mine(create(9))
    backend.indexer.catch_up()
    second: Any = await backend.get(f"/v1/projects?limit=2&cursor={first['next']}")
    assert [item["id"][2:4] for item in first["items"] + second["items"]] == ["03", "02", "01", "00"]


async def test_events_of_a_project_are_complete_and_spare_long_proofs(final: Backend) -> None:
    events = await get_all(final, f"/v1/projects/{PROJECT}/events", 5)
    about = [
        logged
        for block in final.chain.blocks
        for logged in block.events
        if getattr(logged.event, "project_id", None) == BUNDLE.project_id
    ]
    assert [(event["name"], event["block_number"], event["log_index"]) for event in events] == [
        (type(logged.event).__name__, logged.block_number, logged.log_index) for logged in about
    ]
    settled = next(event for event in events if event["name"] == "RoundSettled")
    assert settled["arguments"]["settlement"]["gram"] == "0x" + BUNDLE.gram.hex()
    assert settled["arguments"]["settlement"]["commitments"] == "0x" + BUNDLE.commitments.hex()
    assert settled["arguments"]["settlement"]["exclusions"] == [{"index": "0", "reason": "unavailable"}]


# ------------------------------------------------------------------------------------------------- rounds


async def test_a_round_shows_weights_shares_exclusions_votes_and_gas(final: Backend) -> None:
    shown: Any = await final.get(ROUND)
    assert (shown["state"], shown["outcome"], shown["attempts"]) == ("decided", "final", [1])
    assert (shown["settled_gas"], shown["num_byzantine"]) == (1_000_005, BUNDLE.f)
    first, *weighed = shown["entries"]
    assert (first["trainer"], first["excluded"], first["row"], first["weight"]) == (STRANGER, "unavailable", None, None)
    assert [int(entry["weight"]) for entry in weighed] == list(BUNDLE.weights)
    assert [int(entry["share"]) for entry in weighed] == list(BUNDLE.shares)
    assert [entry["opens"] for entry in weighed] == [True] * 4 + [None] * 3
    assert shown["settled_transaction"] == "0x" + final.chain.blocks[5].events[0].tx_hash.hex()
    rounds = await get_all(final, f"/v1/projects/{PROJECT}/rounds", 1)
    assert [item["attempt"] for item in rounds] == [1]


async def test_a_rounds_state_follows_the_chains_clock(settled: Backend) -> None:
    states = []
    for seconds in (1, 3000):
        settled.chain.mine([], seconds=seconds)
        settled.indexer.catch_up()
        shown: Any = await settled.get(ROUND)
        states.append((shown["state"], shown["outcome"]))
    assert states == [("attesting", "none"), ("decided", "final")]


async def test_the_evidence_of_a_round_verifies_offline(final: Backend) -> None:
    answer = await final.client.get(f"{ROUND}/evidence")
    bundle = parse_bundle(answer.content)
    assert (bundle.marketplace, bundle.trainers, bundle.shares) == (MARKETPLACE, BUNDLE.trainers, BUNDLE.shares)
    assert bundle.aggregate_cid == str(make_cid("aggregate"))
    verify_evidence(load_ethereum_srs(), bundle)


async def test_a_payment_is_explained_from_the_public_matrix(final: Backend) -> None:
    for row, trainer in enumerate(BUNDLE.trainers):
        shown: Any = await final.get(f"{ROUND}/explanation/{trainer}")
        assert int(shown["facts"]["share"]) == BUNDLE.shares[row]
        assert int(shown["facts"]["weight"]) == BUNDLE.weights[row]
        assert shown["text"][0].startswith(f"Outcome: {trainer}")
    excluded: Any = await final.get(f"{ROUND}/explanation/{STRANGER}")
    assert excluded["facts"] is None
    assert "unavailable" in excluded["text"][0]


# ------------------------------------------------------------------------------------------------- accounts


async def test_a_trainer_has_its_reputation_money_and_projects(final: Backend) -> None:
    trainer = BUNDLE.trainers[1]
    final.chain.mine([ev.Claimed(trainer, TOKEN, 5, OWNER)])
    final.indexer.catch_up()
    shown: Any = await final.get(f"/v1/trainers/{trainer.lower()}")
    assert (shown["address"], shown["reputation_bps"]) == (trainer, 5625)
    assert [(change["previous"], change["current"]) for change in shown["reputation"]] == [(5000, 5625)]
    assert [place["project_id"] for place in shown["projects"]] == [PROJECT]
    balance = shown["balances"][0]
    assert int(balance["claimable"]) == BUNDLE.shares[1] - 5
    payments = await get_all(final, f"/v1/trainers/{trainer}/payments", 1)
    assert [(payment["kind"], int(payment["amount"])) for payment in payments] == [
        ("claim", 5),
        ("share", BUNDLE.shares[1]),
    ]
    assert payments[0]["recipient"] == OWNER


async def test_histories_and_payments_are_served_without_decoding_an_event(
    final: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an event was decoded")

    monkeypatch.setattr("backend.queries.decode_event", refuse)
    trainer = BUNDLE.trainers[0]
    shown: Any = await final.get(f"/v1/trainers/{trainer}")
    assert len(shown["reputation"]) == 1
    assert len(await get_all(final, f"/v1/trainers/{trainer}/payments", 5)) == 1
    assert len(await get_all(final, f"/v1/projects/{PROJECT}/payments", 5)) == sum(map(bool, BUNDLE.shares))
    await final.get(f"/v1/projects/{PROJECT}/events", 500)


async def test_aggregators_are_listed_with_their_record(final: Backend) -> None:
    terms = AggregatorTerms(2**128 - 1, 2**32 - 1, 60, 100)
    final.chain.mine([ev.AggregatorRegistered(account, TOKEN, terms) for account in (AGGREGATOR, TRAINERS[0])])
    final.indexer.catch_up()
    shown = await get_all(final, f"/v1/aggregators?token={TOKEN}", 1)
    assert [item["account"] for item in shown] == [TRAINERS[0], AGGREGATOR]
    assert [item["record"] for item in shown] == [{}, {"final": 1}]
    assert shown[0]["max_stake"] == str(2**128 - 1)


async def test_an_aggregators_history_has_its_record_and_attempts(final: Backend) -> None:
    shown: Any = await final.get(f"/v1/aggregators/{AGGREGATOR}?limit=1")
    assert (shown["record"], len(shown["attempts"]), shown["offers"]) == ({"final": 1}, 1, [])
    assert shown["balances"][0]["locked"] == str(AGGREGATOR_STAKE)
    await final.get(f"/v1/aggregators/{OWNER}", 404)


async def test_a_projects_payments_are_what_its_trainers_earned(final: Backend) -> None:
    payments = await get_all(final, f"/v1/projects/{PROJECT}/payments", 3)
    assert sorted(int(payment["amount"]) for payment in payments) == sorted(filter(None, BUNDLE.shares))
    assert {payment["kind"] for payment in payments} == {"share"}


# ------------------------------------------------------------------------------------------------- operation


async def test_an_answer_that_the_client_has_is_not_sent_again_until_the_chain_moves(final: Backend) -> None:
    for path in (ROUND, "/v1/projects", f"{ROUND}/evidence"):
        tag = (await final.client.get(path)).headers["etag"]
        again = await final.client.get(path, headers={"If-None-Match": f'"x", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    final.chain.mine([])
    final.indexer.catch_up()
    moved = await final.client.get(ROUND, headers={"If-None-Match": tag})
    assert (moved.status_code, moved.headers["etag"] != tag) == (200, True)


async def test_health_and_readiness_follow_the_indexer(settled: Backend) -> None:
    health: Any = await settled.get("/v1/health")
    assert (health["status"], health["lag_blocks"], health["keeper"]) == ("ok", 0, "off")
    await settled.get("/v1/ready")
    settled.chain.mine(*[[] for _ in range(20)])
    settled.indexer.catch_up()
    settled.chain.reorganise(20, 21)
    settled.indexer.run(threading.Event())
    failed: Any = await settled.get("/v1/health", 503)
    assert (failed["status"], failed["indexer"]) == ("failed", "halted")
    await settled.get("/v1/ready", 503)


async def test_metrics_count_by_route_and_show_the_lag(settled: Backend) -> None:
    await settled.get(f"/v1/projects/{PROJECT}")
    text = (await settled.client.get("/metrics")).text
    assert "steelyard_indexer_lag_blocks 0.0" in text
    assert 'steelyard_indexer_state{state="live"} 1.0' in text
    pattern = r'steelyard_http_request_seconds_count\{.*route="/v1/projects/\{project_id\}",status="200"\} 1\.0'
    assert re.search(pattern, text)
    assert PROJECT not in text


async def test_weights_and_shares_by_round_are_those_of_the_rounds(final: Backend) -> None:
    page: Any = await final.get(f"/v1/projects/{PROJECT}/shares")
    detail: Any = await final.get(ROUND)
    assert page["next"] is None
    [shares] = page["items"]
    assert (shares["round"], shares["outcome"]) == (0, "final")
    assert [row["share"] for row in shares["rows"]] == [str(share) for share in BUNDLE.shares]
    assert [row["weight"] for row in shares["rows"]] == [str(weight) for weight in BUNDLE.weights]
    weighed = [entry for entry in detail["entries"] if entry["row"] is not None]
    assert [row["trainer"] for row in shares["rows"]] == [entry["trainer"] for entry in weighed]
    assert len(weighed) < len(detail["entries"])  # one was excluded
    await final.get(f"/v1/projects/0x{'ab' * 32}/shares", 404)


async def test_openapi_describes_every_route_and_parameter(backend: Backend) -> None:
    schema: Any = await backend.get("/openapi.json")
    for path, methods in schema["paths"].items():
        for method in methods.values():
            assert method["summary"], path
            assert "default" in method["responses"], path
            assert any(status.startswith("2") for status in method["responses"]), path
            assert all("schema" in parameter for parameter in method.get("parameters", []))
    assert set(schema["paths"]) == {
        "/metrics",
        "/v1/aggregators",
        "/v1/aggregators/{address}",
        "/v1/auth/keys",
        "/v1/auth/keys/{token_id}",
        "/v1/auth/login",
        "/v1/auth/logout",
        "/v1/auth/nonce",
        "/v1/auth/session",
        "/v1/drafts",
        "/v1/drafts/validate",
        "/v1/events",
        "/v1/health",
        "/v1/deployment",
        "/v1/models",
        "/v1/permits",
        "/v1/projects",
        "/v1/projects/{project_id}",
        "/v1/projects/{project_id}/evaluations",
        "/v1/projects/{project_id}/evaluations/signed",
        "/v1/projects/{project_id}/events",
        "/v1/projects/{project_id}/models/{round_index}",
        "/v1/projects/{project_id}/payments",
        "/v1/projects/{project_id}/rounds",
        "/v1/projects/{project_id}/rounds/{round_index}",
        "/v1/projects/{project_id}/rounds/{round_index}/evidence",
        "/v1/projects/{project_id}/rounds/{round_index}/explanation/{trainer}",
        "/v1/projects/{project_id}/shares",
        "/v1/projects/{project_id}/spec",
        "/v1/quotes",
        "/v1/ready",
        "/v1/specs",
        "/v1/tokens/{address}",
        "/v1/trainers/{address}",
        "/v1/trainers/{address}/payments",
        "/v1/transactions",
        "/v1/transactions/relay",
    }
