"""A devnet with a deployed marketplace for every test that asks for one, each on a chain of its own."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from scripts.deploy import load_ethereum_srs_points
from steelyard.chain.deploy import Deployment, deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.transactions import Sender
from tests.market_kit import DEPLOYER, POLICY, MarketKit

# A deadline per example measures how busy the machine is, not the code.
settings.register_profile("steelyard", deadline=None)
settings.load_profile("steelyard")


@pytest.fixture(scope="session")
def devnet() -> Iterator[Devnet]:
    """One anvil for the session. Tests that change the chain take `kit`, which undoes it."""
    with Devnet() as devnet:
        yield devnet


@pytest.fixture(scope="session")
def deployment(devnet: Devnet) -> Deployment:
    """The real contracts, with the Ethereum ceremony's verifier, and a test token."""
    sender = Sender(devnet.web3, devnet.account(DEPLOYER), POLICY)
    return deploy(sender, load_ethereum_srs_points(), token=deploy_test_token(sender))


@pytest.fixture
def kit(devnet: Devnet, deployment: Deployment) -> Iterator[MarketKit]:
    """The marketplace as it was deployed; whatever the test does to the chain is undone afterwards."""
    snapshot = devnet.snapshot()
    yield MarketKit(devnet, deployment)
    devnet.revert(snapshot)
