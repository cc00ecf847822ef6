"""The cost model against real projects of sizes that it was not fitted to."""

from dataclasses import asdict

import pytest

from steelyard.chain.gas_model import compute_poke_gas, compute_settle_gas, get_call_gas
from tests.gas_kit import measure_project
from tests.market_kit import MarketKit

pytestmark = pytest.mark.chain


@pytest.mark.parametrize(
    ("n", "blocks", "rule"),
    [
        (6, 1, "screen-clip-nnm-multi-krum"),
        (13, 3, "clip-nnm-multi-krum"),
        (4, 12, "screen-clip-nnm-multi-krum"),
        (12, 1, "multi-krum"),
        (9, 2, "fltrust"),
    ],
)
def test_settlements_cost_what_the_model_says(kit: MarketKit, n: int, blocks: int, rule: str) -> None:
    for measured in measure_project(kit, n, blocks, rounds=2, rule=rule):
        settled = compute_settle_gas(measured.size, rule, is_first=measured.index == 0)
        assert settled.total == pytest.approx(sum(asdict(measured.settling).values()), rel=0.05)
        for part, used in asdict(measured.settling).items():
            assert getattr(settled, part) == pytest.approx(used, rel=0.15), part
        closed = compute_poke_gas(measured.size, is_first=measured.index == 0, is_last=measured.is_last)
        assert closed == pytest.approx(measured.poke, rel=0.2)
        if measured.root:
            assert measured.root == pytest.approx(get_call_gas("submitRoot"), rel=0.01)
        assert measured.submit == pytest.approx(get_call_gas("submit"), rel=0.01)
        assert measured.attest == pytest.approx(get_call_gas("attest"), rel=0.25)
