"""Calls that a contract must refuse: with exactly this error, and without a change to anything that is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import pytest

from steelyard.chain.artifacts import load_artifact
from steelyard.chain.client import Marketplace
from steelyard.chain.codec import encode_call
from steelyard.chain.records import Exclusion, ExclusionReason, RoundStatus, Settlement
from steelyard.chain.transactions import Receipt
from steelyard.errors import TransactionRevertedError
from steelyard.rounds.submission import OpenedSubmission
from steelyard.types import ProjectId
from tests.market_kit import AGGREGATORS, FIRST_TRAINER, OWNER, MarketKit, make_honest_updates, make_settlement

ENOUGH_GAS = 3_000_000
"""For a call that is sent without being simulated first."""


@contextmanager
def expect(error: TransactionRevertedError) -> Iterator[None]:
    """The block must raise this very error: the class, and every argument."""
    with pytest.raises(TransactionRevertedError) as caught:
        yield
    assert (type(caught.value), caught.value.arguments) == (type(error), error.arguments)


def read_storage_roots(kit: MarketKit) -> tuple[str, str, str]:
    """Hashes of all that the marketplace and the token store, and the ether that the marketplace holds.

    Rounds, stakes, credits, reputations and balances are all in there, so nothing changed where these are the same.
    """
    market, token = (
        kit.devnet.request("eth_getProof", [address, [], "latest"])
        for address in (kit.deployment.marketplace, kit.token_address)
    )
    return market["storageHash"], token["storageHash"], market["balance"]


@contextmanager
def unchanged(kit: MarketKit) -> Iterator[None]:
    """Nothing is stored in the block, not even by the failed transactions that are mined in it."""
    before = read_storage_roots(kit)
    yield
    assert read_storage_roots(kit) == before


def encode(name: str, *arguments: object) -> bytes:
    """Calldata of a call of the marketplace."""
    functions = {entry["name"]: entry for entry in load_artifact("ISteelyard").abi if entry["type"] == "function"}
    return encode_call(functions[name], arguments)


@dataclass(frozen=True)
class Waiting:
    """An attempt in Weighing, with a settlement that would be accepted. Mutations of it must not be."""

    kit: MarketKit
    project_id: ProjectId
    accounts: list[int]
    rows: list[OpenedSubmission]
    good: Settlement
    aggregator: int = AGGREGATORS[0]

    @property
    def n(self) -> int:
        """Rows of the settlement."""
        return len(self.rows) - len(self.good.exclusions)

    @property
    def blocks(self) -> int:
        return len(self.rows[0].commitments) // 128

    @cached_property
    def market(self) -> Marketplace:
        """As the attempt's aggregator."""
        return self.kit.market(self.aggregator)

    def get_status(self) -> RoundStatus:
        return self.market.get_round(self.project_id).status

    def settle(self, settlement: Settlement) -> Receipt:
        return self.market.settle(self.project_id, self.market.get_round(self.project_id).index, settlement)

    def refuses(self, error: TransactionRevertedError, **changes: object) -> None:
        """The good settlement with these members is refused with this error."""
        bad = replace(self.good, **changes)  # type: ignore[arg-type]
        assert bad != self.good, "the mutation changed nothing"
        with expect(error):
            self.settle(bad)

    def refuses_mined(self, error: TransactionRevertedError, gas: int = ENOUGH_GAS, **changes: object) -> None:
        """The same for a transaction that is sent all the same, mined, and fails."""
        bad = replace(self.good, **changes)  # type: ignore[arg-type]
        round_index = self.market.get_round(self.project_id).index
        self.fails_when_mined(error, encode("settle", self.project_id, round_index, bad), gas)

    def fails_when_mined(self, error: TransactionRevertedError, data: bytes, gas: int = ENOUGH_GAS) -> None:
        """A transaction of the aggregator's with this calldata is mined and fails."""
        fail_when_mined(self.kit, self.aggregator, error, data, gas)


SHAPES = {"5 trainers": (5, 100), "2 blocks": (3, 5_000), "7 trainers": (7, 100)}
"""Trainers and dimensions. At 5,000 a row has two commitments; seven trainers tolerate two exclusions."""


def wait_for_settlement(
    kit: MarketKit, n: int, d: int, rows: list[OpenedSubmission] | None = None, excluded: tuple[int, ...] = ()
) -> Waiting:
    """A project whose first round has all its submissions: `rows`, or fresh ones."""
    accounts = list(range(FIRST_TRAINER, FIRST_TRAINER + n))
    project_id = kit.create_project(dimension=d)
    kit.enrol(project_id, accounts)
    kit.market(OWNER).start(project_id)
    rows = rows or kit.make_rows(dict(zip(accounts, make_honest_updates(n, d), strict=True)))
    kit.post(project_id, accounts, rows)
    exclusions = [Exclusion(index, ExclusionReason.NOT_OPENING) for index in excluded]
    weighed = kit.weigh(project_id, [row for row in rows if row.index not in excluded])
    return Waiting(kit, project_id, accounts, rows, make_settlement(weighed, exclusions))


def make_waiting_rounds(kit: MarketKit) -> dict[str, Waiting]:
    """One attempt of each shape, and a twin of the first: another project with the same submissions.

    Of seven submissions, the second and the fifth are excluded.
    """
    kit.fund(OWNER)
    kit.offer_aggregator()
    first = wait_for_settlement(kit, *SHAPES["5 trainers"])
    return {
        "5 trainers": first,
        "twin": wait_for_settlement(kit, *SHAPES["5 trainers"], rows=first.rows),
        "2 blocks": wait_for_settlement(kit, *SHAPES["2 blocks"]),
        "7 trainers": wait_for_settlement(kit, *SHAPES["7 trainers"], excluded=(1, 4)),
    }


@contextmanager
def intact(waiting: Waiting) -> Iterator[Waiting]:
    """Whatever happens in the block, the round is untouched after it, and its good settlement is accepted."""
    with unchanged(waiting.kit):
        yield waiting
    assert waiting.get_status() is RoundStatus.WEIGHING
    waiting.settle(waiting.good)
    assert waiting.get_status() is RoundStatus.ATTESTING


def fail_when_mined(
    kit: MarketKit, account: int, error: TransactionRevertedError, data: bytes, gas: int = ENOUGH_GAS
) -> None:
    """An account's transaction to the marketplace is mined and fails with this error."""
    sender = kit.sender(account)
    nonce = kit.devnet.web3.eth.get_transaction_count(cast("Any", sender.address))
    with expect(error):
        sender.send(kit.deployment.marketplace, data, gas=gas)
    assert kit.devnet.web3.eth.get_transaction_count(cast("Any", sender.address)) == nonce + 1, "it was not mined"


def patch(data: bytes, offset: int, replacement: bytes) -> bytes:
    """`data` with `replacement` at `offset`."""
    return data[:offset] + replacement + data[offset + len(replacement) :]
