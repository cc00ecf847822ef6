"""A local Ethereum node for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from tests.integration.arena_kit import Arena, make_arena, move
from tests.market_kit import MarketKit
from tests.refusals import Waiting, intact, make_waiting_rounds


@pytest.fixture(scope="session")
def shared_devnet() -> Iterator[Devnet]:
    """One node for tests that change nothing on it that another test could notice."""
    with Devnet() as devnet:
        yield devnet


@pytest.fixture(scope="module")
def fresh_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A project by the default rule on a node of its own, made once for a module. Tests take `arena`."""
    with Devnet() as devnet:
        yield make_arena(tmp_path_factory.mktemp("arena"), devnet)


@pytest.fixture
def arena(fresh_arena: Arena, tmp_path: Path) -> Iterator[Arena]:
    """The project as its round opens. Whatever a test does to chain and disk is undone."""
    snapshot = fresh_arena.world.devnet.snapshot()
    yield move(fresh_arena, tmp_path)
    fresh_arena.world.devnet.revert(snapshot)


@pytest.fixture(scope="module")
def waiting_rounds(devnet: Devnet, deployment: Deployment) -> Iterator[dict[str, Waiting]]:
    """Rounds that wait for their settlement, made once for a module. Tests take one of the fixtures below."""
    snapshot = devnet.snapshot()
    try:
        yield make_waiting_rounds(MarketKit(devnet, deployment))
    finally:
        devnet.revert(snapshot)


@pytest.fixture
def rounds(devnet: Devnet, waiting_rounds: dict[str, Waiting]) -> Iterator[dict[str, Waiting]]:
    """All of them, for a test that changes the chain: it is undone afterwards."""
    snapshot = devnet.snapshot()
    yield waiting_rounds
    devnet.revert(snapshot)


@pytest.fixture(params=["5 trainers", "2 blocks"])
def waiting(rounds: dict[str, Waiting], request: pytest.FixtureRequest) -> Iterator[Waiting]:
    """A round that refusals leave as it was, and that is settled afterwards."""
    with intact(rounds[request.param]) as waiting:
        yield waiting


@pytest.fixture
def five_rows(rounds: dict[str, Waiting]) -> Iterator[Waiting]:
    """The same of five rows."""
    with intact(rounds["5 trainers"]) as waiting:
        yield waiting


@pytest.fixture
def two_excluded(rounds: dict[str, Waiting]) -> Iterator[Waiting]:
    """The same of seven submissions, of which the second and the fifth are excluded."""
    with intact(rounds["7 trainers"]) as waiting:
        yield waiting
