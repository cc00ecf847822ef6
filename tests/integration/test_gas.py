"""Gas of whole transactions on a Prague chain, with real proofs of the default rule at d = 2,410.

Compared with the limits that the protocol promises, and with contracts/snapshots/transactions.json. After a change that
is meant, write the snapshot anew: `STEELYARD_WRITE_SNAPSHOTS=1 pytest tests/integration/test_gas.py`.
"""

import json
import os
from pathlib import Path

import pytest

from steelyard.chain.events import ProjectCreated
from steelyard.chain.transactions import TRANSACTION_GAS_CAP
from tests.market_kit import AGGREGATORS, OWNER, MarketKit, make_honest_updates, make_settlement

pytestmark = pytest.mark.chain

SNAPSHOT = Path(__file__).parents[2] / "contracts" / "snapshots" / "transactions.json"
DIMENSION = 2_410
TOLERANCE = 0.01  # zero bytes in proofs and addresses vary
LIMITS = {
    "submit": 80_000,
    "claim": 60_000,
    "settle, n = 7": 1_300_000,
    "settle, n = 16": 2_500_000,
    "settle, n = 32": 8_300_000,  # less than half of what a transaction may have
}


def measure(kit: MarketKit, n: int) -> dict[str, int]:
    """Runs a round of `n` trainers to its payment. Of transactions that every trainer sends, the dearest counts."""
    project_id, trainers = kit.start_project(n, max_trainers=n, dimension=DIMENSION)
    updates = dict(zip(trainers, make_honest_updates(n, DIMENSION), strict=True))
    first_block = kit.devnet.web3.eth.block_number + 1
    rows = kit.submit(project_id, updates)
    last_block = kit.devnet.web3.eth.block_number
    submitted = [kit.devnet.web3.eth.get_block(block)["gasUsed"] for block in range(first_block, last_block + 1)]
    settled = kit.market(AGGREGATORS[0]).settle(project_id, 0, make_settlement(kit.weigh(project_id, rows)))
    kit.devnet.advance_to(kit.market().get_round(project_id).attest_deadline)
    closed = kit.market().poke(project_id)
    token = kit.token_address
    paid = [account for account in trainers if kit.market().get_credit(kit.address(account), token)]
    claimed = [kit.market(account).claim(token, kit.address(account)).gas_used for account in paid[:3]]
    return {
        "submit": max(submitted),
        "claim": max(claimed),
        f"settle, n = {n}": settled.gas_used,
        f"poke, n = {n}": closed.gas_used,
    }


def check(gas: dict[str, int]) -> None:
    for name, used in gas.items():
        assert used <= LIMITS.get(name, TRANSACTION_GAS_CAP), name
    snapshot = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
    if os.environ.get("STEELYARD_WRITE_SNAPSHOTS") == "1":
        snapshot |= {name: str(used) for name, used in gas.items()}
        SNAPSHOT.write_text(json.dumps(snapshot, indent=2, sort_keys=True) + "\n")
    for name, used in gas.items():
        assert used == pytest.approx(int(snapshot[name]), rel=TOLERANCE), f"{name} has changed"


@pytest.mark.parametrize("n", [7, 16, 32])
def test_round_stays_within_its_limits(kit: MarketKit, n: int) -> None:
    check(measure(kit, n))


def test_setting_up_stays_as_it_was(kit: MarketKit) -> None:
    kit.fund(OWNER)
    created = kit.market(OWNER).create_project(kit.make_params())
    kit.fund(10)
    trainer = kit.market(10)
    trainer.register_key(b"k" * 32)
    deposited = trainer.deposit(kit.token_address, 1_000)
    enrolled = trainer.enrol(created.find(ProjectCreated).project_id)
    check({"createProject": created.gas_used, "deposit": deposited.gas_used, "enrol": enrolled.gas_used})
