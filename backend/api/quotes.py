"""What a project will cost, beforehand."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from backend.api.schemas import Amount, Schema
from backend.errors import DraftRefusedError
from steelyard.chain.gas_model import compute_project_gas, compute_settle_gas
from steelyard.constants import MAX_TRAINERS
from steelyard.errors import ConfigError
from steelyard.rounds.quote import ETHEREUM_POWERS, Plan, estimate_seconds
from steelyard.rules import DEFAULT_RULE, get_on_chain_rule
from steelyard.spec import MAX_DIMENSION

router = APIRouter(prefix="/v1/quotes", tags=["quotes"])


class Quote(Schema):
    """Gas by who pays it and for what, its price, and seconds of the cryptography."""

    trainers: int
    dimension: int
    rounds: int
    rule: str
    blocks: int
    gas: dict[str, dict[str, int]] = Field(description="By role and call, over the whole project.")
    total_gas: int
    total_wei: Amount
    first_settlement_gas: int
    seconds: dict[str, float] = Field(description="Of a round, right to about a factor of two.")


@router.get("", summary="Gas and time of a project that does not exist yet")
def get_quote(
    trainers: Annotated[int, Query(ge=3, le=MAX_TRAINERS, description="In each round.", examples=[10])],
    dimension: Annotated[int, Query(ge=1, le=MAX_DIMENSION, description="Of the model.", examples=[100_000])],
    rounds: Annotated[int, Query(ge=1, le=65_535, examples=[20])],
    rule: Annotated[str, Query(max_length=64, examples=[DEFAULT_RULE.name])] = DEFAULT_RULE.name,
    byzantine_bps: Annotated[int, Query(ge=0, le=5_000, description="Trainers that may be dishonest.")] = 3_000,
    powers: Annotated[int, Query(ge=16, le=2**24, description="Of the reference string.")] = ETHEREUM_POWERS,
    gas_price_wei: Annotated[int, Query(ge=0, le=10**15)] = 10**9,
) -> Quote:
    """Settlements within 5 %, closings within about 20 % (docs/gas.md), if every round becomes final."""
    try:
        plan = Plan(trainers, dimension, rounds, get_on_chain_rule(rule).name, byzantine_bps, powers)
        size = plan.get_size()
        gas = compute_project_gas(size, rounds, plan.rule)
        settling = compute_settle_gas(size, plan.rule, is_first=True)
    except (ConfigError, ValueError) as error:
        raise DraftRefusedError(str(error)) from error
    total = sum(sum(calls.values()) for calls in gas.values())
    seconds = estimate_seconds(size.n, dimension)
    return Quote(
        trainers=trainers,
        dimension=dimension,
        rounds=rounds,
        rule=plan.rule,
        blocks=size.blocks,
        gas=gas,
        total_gas=total,
        total_wei=str(total * gas_price_wei),
        first_settlement_gas=settling.total,
        seconds={name: round(getattr(seconds, name), 3) for name in seconds.__slots__},
    )
