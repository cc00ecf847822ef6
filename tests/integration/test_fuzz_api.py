"""Schemathesis on the whole API, over a settled project of a real chain: no 5xx, and nothing that is not described."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backend.app import build_services, create_app
from backend.credentials import open_session
from backend.settings import Settings
from tests.market_kit import AGGREGATORS, OWNER, MarketKit, make_honest_updates

pytestmark = [pytest.mark.chain, pytest.mark.deep]

EXAMPLES = 60
"""For each operation."""

UNENDING = {("get", "/v1/events")}
ENDS_THE_SESSION = {("post", "/v1/auth/logout")}


@dataclass(frozen=True, slots=True)
class World:
    """An application over a chain on which a project has two final rounds and one that is weighed."""

    app: FastAPI
    project_id: str
    trainers: tuple[str, ...]
    aggregator: str
    token: str
    bearer: str


@pytest.fixture
def world(kit: MarketKit, tmp_path: Path) -> Iterator[World]:
    deployment = tmp_path / "deployment.json"
    deployment.write_text(kit.deployment.dump())
    services = build_services(
        Settings(
            rpc_url=kit.devnet.url,
            deployment=deployment,
            database_url=f"sqlite:///{tmp_path}/backend.sqlite3",
            store=f"local:{tmp_path}/blobs",
            requests_per_minute=0,
            origin="https://steelyard.example",
        )
    )
    services.database.migrate()
    project_id, accounts = kit.start_project(5, rounds=3)
    updates = dict(zip(accounts, make_honest_updates(5, 100), strict=True))
    kit.run_round(project_id, updates)
    kit.run_round(project_id, updates)
    kit.settle(project_id, kit.submit(project_id, updates))
    services.indexer.catch_up()
    trainers = tuple(map(str, map(kit.address, [*accounts, OWNER])))
    aggregator = str(kit.address(AGGREGATORS[0]))
    with services.database.write() as session:
        _, bearer = open_session(session, kit.address(OWNER), int(time.time()), 3_600)
    app = create_app(services)
    yield World(app, "0x" + project_id.hex(), trainers, aggregator, str(kit.token_address), bearer)
    services.stop()  # schemathesis has the application's lifespan start them


def make_real(case: Any, world: World, rng: random.Random) -> None:
    """Names what there is, where made-up names would mostly find nothing."""
    real: dict[str, Sequence[object]] = {
        "project_id": [world.project_id],
        "round_index": [0, 1, 2],
        "trainer": world.trainers,
        "address": [*world.trainers, world.aggregator, world.token],
    }
    for name in list(case.path_parameters or {}):
        if name in real:
            case.path_parameters[name] = rng.choice(real[name])


def test_no_route_fails_or_answers_what_is_not_described(world: World) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from schemathesis.checks import not_a_server_error  # noqa: PLC0415
    from schemathesis.specs.openapi.checks import (  # noqa: PLC0415
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    schema = schemathesis.openapi.from_asgi("/openapi.json", world.app)
    reached: dict[str, Counter[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if (operation.method, operation.path) in UNENDING | ENDS_THE_SESSION:
            continue

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), seed=st.integers(0, 2**32), real=st.booleans())
        def ask(case: Any, seed: int, real: bool) -> None:
            if real:
                make_real(case, world, random.Random(seed))
            answer = case.call(headers={"Authorization": f"Bearer {world.bearer}"} if real else None)
            reached.setdefault(case.operation.path, Counter())[answer.status_code] += 1
            case.validate_response(answer, checks=checks)

        ask()
    assert sum(sum(counts.values()) for counts in reached.values()) > 1_000
    root = "/v1/projects/{project_id}"
    for path in ("", "/rounds", "/rounds/{round_index}", "/rounds/{round_index}/evidence", "/events", "/payments"):
        assert 200 in reached[root + path], (path, reached[root + path])
    assert 200 in reached[root + "/rounds/{round_index}/explanation/{trainer}"]
    assert 200 in reached["/v1/trainers/{address}"]
    assert 201 in reached["/v1/auth/keys"]
