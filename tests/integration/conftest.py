"""A local Ethereum node for the tests of this folder."""

from collections.abc import Iterator

import pytest

from steelyard.chain.devnet import Devnet


@pytest.fixture(scope="session")
def shared_devnet() -> Iterator[Devnet]:
    """One node for tests that change nothing on it that another test could notice."""
    with Devnet() as devnet:
        yield devnet
