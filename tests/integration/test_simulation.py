"""A project on a chain and the same project in one process give the same numbers, to the last digit."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.data import Holdings
from simulation.engine import Engine, Identities
from simulation.experiment import build_experiment
from steelyard.chain.client import Marketplace
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import Credited
from steelyard.chain.records import CreditKind, ProjectStatus, RoundStatus
from steelyard.rounds.global_model import GlobalModel
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.rules import DEFAULT_RULE, get_rule
from steelyard.rules.market import Market
from steelyard.types import Address
from tests.integration.arena_kit import Arena
from tests.integration.trainer_kit import BUDGET, OWNER, STAKE, TRAINERS, World, make_world
from trainer_client.data import conform, load_dataset
from trainer_client.participant import Participant

pytestmark = pytest.mark.chain

ROUNDS = 3
ATTACKERS = 1
RULES = (DEFAULT_RULE.name, "fltrust", pytest.param("nna", marks=pytest.mark.deep))
ABSENT = {4: 2}
"""Who goes away, and from which round on."""

ROOT_DATA = "digits:?holdout=0.5&use=holdout"


@dataclass
class Played:
    """What the chain says of a project that has ended."""

    world: World
    rounds: tuple[SettledRound, ...]
    models: list[GlobalModel]
    members: list[tuple[int, int, int, int]]
    """Earned, reputation, strikes, absences."""
    pool_split: list[int]
    refund: int
    slashed: int
    status: ProjectStatus


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


def flip(delta: NDArray[np.float64]) -> NDArray[np.float64]:
    return -4.0 * delta


def takes_part(round_index: int, number: int) -> bool:
    return round_index < ABSENT.get(number, ROUNDS)


@pytest.fixture(scope="module", params=RULES)
def played(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Played:
    """Real trainers, submissions, proofs and contracts. One trainer turns its updates round, one goes away."""
    state, rule = tmp_path_factory.mktemp("project"), get_rule(request.param)
    world = make_world(state, devnet, ROUNDS, rule=rule, max_strikes=2, max_absences=1)
    market = world.market(world.account(OWNER))
    models = [world.model()]
    with ExitStack() as stack:
        arena = Arena(world, ROOT_DATA, state / "blobs")
        source = stack.enter_context(arena.root_source()) if rule.rooted else None
        participants = [stack.enter_context(world.participant(number)) for number in range(TRAINERS)]
        for participant in participants[:ATTACKERS]:
            participant.dispatch.transform = flip
        while market.get_project(world.project_id).status is ProjectStatus.RUNNING:
            round_index = market.get_round(world.project_id).index
            if source is not None:
                source.step()
            play_round(
                world, market, participants, [number for number in range(TRAINERS) if takes_part(round_index, number)]
            )
            models.append(world.model())
    return read(world, market, models)


def play_round(world: World, market: Marketplace, participants: list[Participant], numbers: list[int]) -> None:
    members = {member.account for member in market.get_members(world.project_id) if member.active}
    present = [participants[number] for number in numbers if participants[number].me in members]
    for participant in present:
        participant.step()
    current = market.get_round(world.project_id)
    if current.status is RoundStatus.COLLECTING:
        world.devnet.advance_to(current.submit_deadline)
    world.settle()
    for participant in present:
        participant.step()
    current = market.get_round(world.project_id)
    if current.status is RoundStatus.ATTESTING:
        world.devnet.advance_to(current.attest_deadline)
    world.poke()


def read(world: World, market: Marketplace, models: list[GlobalModel]) -> Played:
    events = market.get_events(world.deployment.block, market.get_block_number())
    credits_ = [logged.event for logged in events if isinstance(logged.event, Credited)]
    accounts = [world.trainer(number).address for number in range(TRAINERS)]
    by_account = {member.account: member for member in market.get_members(world.project_id)}
    token = market.get_project(world.project_id).params.token

    def credited(account: Address, kind: CreditKind) -> int:
        return sum(credit.amount for credit in credits_ if credit.account == account and credit.kind is kind)

    stakes = [market.get_stake(account, token) for account in accounts]
    return Played(
        world=world,
        rounds=select_final(collect_settled_rounds(events, world.project_id)),
        models=models,
        members=[
            (
                by_account[account].earned,
                market.get_reputation(account),
                by_account[account].strikes,
                by_account[account].absences,
            )
            for account in accounts
        ],
        pool_split=[credited(account, CreditKind.POOL_SPLIT) for account in accounts],
        refund=credited(Address(world.account(OWNER).address), CreditKind.REFUND),
        slashed=TRAINERS * STAKE - sum(stake.free + stake.locked for stake in stakes),
        status=market.get_project(world.project_id).status,
    )


@pytest.fixture(scope="module")
def engine(played: Played) -> Engine:
    """The same project without the chain: its specification, data and accounts, nothing else."""
    world = played.world
    datasets = tuple(conform(load_dataset(f"digits:?shard={i}/{TRAINERS}"), world.spec.data) for i in range(TRAINERS))
    root = load_dataset(f"{ROOT_DATA}&shard=0/3") if world.rule.rooted else None
    experiment = build_experiment(
        {
            "title": "The same",
            "seeds": [0],
            "trainers": TRAINERS,
            "dishonest": ATTACKERS,
            "attack": {"name": "sign-flip", "factor": 4.0},
            "rounds": ROUNDS,
            "rule": world.rule.name,
            "cohort": "exact",
            "data": {"source": "digits:", "test": "digits:"},
            "model": world.spec.model.model_dump(mode="json"),
            "training": [phase.model_dump() for phase in world.spec.training],
            "market": {
                "budget": 1,
                "min_stake": 1,
                "byzantine_bps": 2_500,
                "aggregator_fee_bps": 500,
                "slash_bps": 5_000,
                "max_strikes": 2,
                "max_absences": 1,
            },
        }
    )
    scenario = next(experiment.scenarios())
    market = scenario.market.model_copy(update={"budget": BUDGET, "min_stake": STAKE})
    accounts = (*(world.trainer(number).address for number in range(TRAINERS)), Address(world.account(OWNER).address))
    return Engine(
        scenario.model_copy(update={"market": market}),
        Holdings(datasets, datasets[0], root),
        Identities(world.project_id, accounts),
        world.spec,
        takes_part,
    )


def test_weights_contributions_shares_and_models_are_the_chains_to_the_digit(played: Played, engine: Engine) -> None:
    accounts = engine.identities.accounts
    simulated = list(engine.play())
    assert len(played.rounds) == len(simulated) == ROUNDS
    for record, found in zip(played.rounds, simulated, strict=True):
        rooted = found.weighing.rooted
        assert record.trainers == tuple(accounts[trainer] for trainer in found.trainers) + accounts[-1:] * rooted
        assert record.f == found.weighing.f
        assert record.weights == found.weighing.weights
        assert record.contributions == found.weighing.contributions
        assert record.opposed == sum(1 << row for row in found.weighing.opposed)
        assert record.shares == found.shares + (0,) * rooted
        assert record.budget == engine.scenario.terms.rows_budget
    for model, found in zip(played.models[1:], simulated, strict=True):
        assert (model.parameters == found.following).all()
    # The project that was compared has something to compare: the attacker is struck, the absent one removed.
    assert [len(found.trainers) for found in simulated] == [5, 5, 3]
    assert [found.weighing.f for found in simulated] == [1, 1, 0]
    verify_market(played, engine.market)


def verify_market(played: Played, market: Market) -> None:
    """Checks everybody's standing and the last unit of money."""
    assert [
        (member.earned, member.reputation, member.strikes, member.absences) for member in market.members
    ] == played.members
    assert [member.pool_split for member in market.members] == played.pool_split
    assert sum(played.pool_split) > 0
    assert market.refund == played.refund
    assert sum(member.slashed for member in market.members) == played.slashed == STAKE // 2
    assert played.status.name.lower() == market.status.value == "completed"
    assert [member.strikes for member in market.members] == [2, 0, 0, 0, 0]
    assert [member.active for member in market.members] == [False, True, True, True, False]
