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
from steelyard.gram.points import FIELD_MODULUS
from steelyard.rounds.submission import OpenedSubmission
from steelyard.types import Address, ProjectId
from tests.market_kit import (
    AGGREGATOR_STAKE,
    AGGREGATORS,
    FIRST_TRAINER,
    MIN_STAKE,
    OWNER,
    MarketKit,
    make_honest_updates,
    make_settlement,
)

MSM = Address("0x000000000000000000000000000000000000000C")
"""The precompile that checks every point of a proof."""

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
    round_index: int = 0

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
        return self.market.settle(self.project_id, self.round_index, settlement)

    def refuses(self, error: TransactionRevertedError, **changes: object) -> None:
        """The good settlement with these members is refused with this error."""
        bad = replace(self.good, **changes)  # type: ignore[arg-type]
        assert bad != self.good, "the mutation changed nothing"
        with expect(error):
            self.settle(bad)

    def refuses_mined(self, error: TransactionRevertedError, **changes: object) -> None:
        """The same for a transaction that is sent all the same, mined, and fails."""
        bad = replace(self.good, **changes)  # type: ignore[arg-type]
        self.fails_when_mined(error, self.encode(bad))

    def fails_when_mined(self, error: TransactionRevertedError, data: bytes, gas: int = ENOUGH_GAS) -> None:
        """A transaction of the aggregator's with this calldata is mined and fails."""
        fail_when_mined(self.kit, self.aggregator, error, data, gas)

    def encode(self, settlement: Settlement) -> bytes:
        """Calldata that settles the round."""
        return encode("settle", self.project_id, self.round_index, settlement)


def wait_for_settlement(
    kit: MarketKit, project_id: ProjectId, n: int, rows: list[OpenedSubmission] | None = None, *excluded: int
) -> Waiting:
    """Starts a project and has all its `n` trainers submit `rows`, or fresh ones."""
    accounts = list(range(FIRST_TRAINER, FIRST_TRAINER + n))
    d = kit.market(OWNER).get_project(project_id).params.dimension
    kit.market(OWNER).start(project_id)
    rows = rows or kit.make_rows(dict(zip(accounts, make_honest_updates(n, d), strict=True)))
    kit.post(project_id, accounts, rows)
    exclusions = [Exclusion(index, ExclusionReason.NOT_OPENING) for index in excluded]
    weighed = kit.weigh(project_id, [row for row in rows if row.index not in excluded])
    return Waiting(kit, project_id, accounts, rows, make_settlement(weighed, exclusions))


def enrol_again(kit: MarketKit, n: int, d: int = 100) -> ProjectId:
    """One more project for the first `n` trainers of `make_waiting_rounds`, who have stake for it."""
    project_id = kit.create_project(dimension=d)
    for account in range(FIRST_TRAINER, FIRST_TRAINER + n):
        kit.market(account).enrol(project_id)
    return project_id


def make_waiting_rounds(kit: MarketKit) -> dict[str, Waiting]:
    """Rounds of seven trainers, two of them excluded; of five; of the same five again; and of two blocks a row."""
    kit.fund(OWNER)
    kit.offer_aggregator(stake=8 * AGGREGATOR_STAKE)
    seven = kit.create_project()
    kit.enrol(seven, range(FIRST_TRAINER, FIRST_TRAINER + 7), stake=8 * MIN_STAKE)
    five = wait_for_settlement(kit, enrol_again(kit, 5), 5)
    return {
        "5 trainers": five,
        "twin": wait_for_settlement(kit, enrol_again(kit, 5), 5, five.rows),
        "2 blocks": wait_for_settlement(kit, enrol_again(kit, 3, 5_000), 3),
        "7 trainers": wait_for_settlement(kit, seven, 7, None, 1, 4),
    }


@contextmanager
def intact(waiting: Waiting) -> Iterator[Waiting]:
    """Whatever happens in the block, the round is untouched after it, and its good settlement is accepted."""
    with unchanged(waiting.kit):
        yield waiting
    assert waiting.get_status() is RoundStatus.WEIGHING
    waiting.kit.sender(waiting.aggregator).send(waiting.market.address, waiting.encode(waiting.good), gas=ENOUGH_GAS)
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


def add_torsion(point: bytes) -> bytes:
    """The sum with `(0, 2)`, a point of order 3: on the curve but outside the subgroup, and no pairing can tell."""
    x, y = int.from_bytes(point[:64], "big"), int.from_bytes(point[64:], "big")
    slope = (y - 2) * pow(x, -1, FIELD_MODULUS)
    moved_x = (slope**2 - x) % FIELD_MODULUS
    moved_y = (slope * (x - moved_x) - y) % FIELD_MODULUS
    assert (moved_y**2 - moved_x**3 - 4) % FIELD_MODULUS == 0
    return moved_x.to_bytes(64, "big") + moved_y.to_bytes(64, "big")


def malform(point: bytes) -> dict[str, bytes]:
    """Encodings that are no point of the group, all close to `point`."""
    x, y = int.from_bytes(point[:64], "big"), int.from_bytes(point[64:], "big")
    return {
        "off the curve": patch(point, 127, bytes([point[127] ^ 1])),
        "outside the subgroup": add_torsion(point),
        "x not below p": (x + FIELD_MODULUS).to_bytes(64, "big") + point[64:],
        "y not below p": point[:64] + (y + FIELD_MODULUS).to_bytes(64, "big"),
        "padding": b"\x01" + point[1:],
    }
