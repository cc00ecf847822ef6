"""The pages in a real browser: accessible, within a phone's width, live, and asking nobody but their own server.

The browser is driven by `web/tests/browser/pages.mjs`. The backend is real and serves HTTP; its chain is one in memory,
which the test mines while the browser looks.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn

from backend.app import create_app
from backend.database import Database
from backend.indexer import Indexer, IndexerLimits
from backend.services import Broadcast, Services
from backend.settings import Settings
from steelyard.chain.deploy import Deployment
from steelyard.rules import DEFAULT_RULE
from steelyard.storage import MemoryBlobStore
from steelyard.types import Address
from tests.backend_chain import (
    AGGREGATOR,
    CHAIN_ID,
    MARKETPLACE,
    RULE,
    TOKEN,
    VERIFIER,
    FakeChain,
    FakeNode,
    close_settled_project,
    load_bundle,
    make_settled_project,
)
from tests.web.chromium import find_chromium
from tests.web.driver import start_driver

pytestmark = pytest.mark.xdist_group("browser")

BUNDLE: Final = load_bundle("ev_7_2410_bad")
PROJECT: Final = "0x" + BUNDLE.project_id.hex()
STRANGER: Final = Address("0x" + "99" * 20)
RESERVED_MESSAGES: Final = ("net::ERR_INTERNET_DISCONNECTED", "status of 404", "status of 422")
"""What a browser itself writes to the console where a test makes an answer fail."""


@dataclass(frozen=True, slots=True)
class Site:
    """A backend that serves the page, and the chain that it indexes."""

    origin: str
    chain: FakeChain


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    chain = FakeChain(seed=5)
    rules = dict.fromkeys(("clip-nnm-multi-krum", DEFAULT_RULE.name), RULE)
    services = Services(
        settings=Settings(poll_seconds=0.05),
        deployment=Deployment(CHAIN_ID, MARKETPLACE, VERIFIER, rules, 1, "", TOKEN),
        database=(database := Database(f"sqlite:///{tmp_path}/backend.sqlite3")),
        indexer=Indexer(lambda: chain, database, IndexerLimits(reorg_depth=8, block_range=50, poll_seconds=0.05)),
        keeper=None,
        broadcast=Broadcast(8),
        node=FakeNode(),
        store=MemoryBlobStore(),
    )
    server = uvicorn.Server(uvicorn.Config(create_app(services), port=0, log_config=None, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", chain)
    finally:
        services.broadcast.close()
        server.should_exit = True
        thread.join()


def test_the_pages_are_accessible_narrow_live_and_keep_to_themselves(site: Site) -> None:
    *founding, submitted, settled = make_settled_project(BUNDLE, excluded=STRANGER)
    site.chain.mine_random(30)
    site.chain.mine(*founding)
    facts: dict[str, object] = {
        "origin": site.origin,
        "executable": find_chromium(),
        "project": PROJECT,
        "round": 0,
        "trainer": BUNDLE.trainers[0],
        "aggregator": AGGREGATOR,
    }
    with start_driver("pages.mjs", facts) as driver:
        assert "0 of 8 updates are there" in driver.hear("watching")["now"]
        site.chain.mine(submitted)
        driver.say()
        assert "weighs 8 updates" in driver.hear("weighing")["now"]
        site.chain.mine(settled)
        driver.say()
        assert "0 of " in driver.hear("attesting")["now"]
        site.chain.mine(close_settled_project(BUNDLE))
        driver.say()
        final = driver.hear("final")
        assert final["same"], "the page was loaded again"
        assert final["bars"] > 0
        driver.say()

        for _variant in range(3):
            for _page in range(10):
                check_page(driver.hear("page"))
                driver.say()

        keyboard = driver.hear("keyboard")
        assert keyboard["first"] == "Skip to content"
        assert keyboard["skipped"] == "main"
        assert keyboard["faded"] > 0
        assert len(keyboard["whole"]) == len(STRANGER)
        assert keyboard["scheme"] == "dark"
        driver.say()
        assert "does not answer" in driver.hear("offline")["alert"]
        driver.say()
        answers = driver.hear("answers")
        assert "No project matches" in answers["empty"]
        assert "token" in answers["refused"]
        driver.say()
        end = driver.hear("end")
        driver.say()
    assert end["origins"] == [site.origin]
    assert [text for text in end["messages"] if not any(each in text for each in RESERVED_MESSAGES)] == []


def check_page(seen: Any) -> None:
    """Holds what was seen of one page against what every page must be."""
    where = f"{seen['name']}, {seen['variant']}"
    assert seen["violations"] == [], where
    assert seen["sideways"] <= 0, f"{where} scrolls sideways by {seen['sideways']} pixels"
    assert seen["title"].endswith("Steelyard"), where
    levels = seen["headings"]
    assert levels[0] == 1
    assert levels.count(1) == 1, where
    assert all(after - before <= 1 for before, after in pairwise(levels)), f"{where}: {levels}"
