"""After a long and unlucky history, the state rebuilt from events is what the contract's views return."""

import numpy as np
import pytest

from steelyard.chain import reverts
from steelyard.chain.client import Marketplace
from steelyard.chain.events import event_classes
from steelyard.chain.records import AggregatorTerms, Exclusion, ExclusionReason, ProjectStatus, RoundStatus
from steelyard.chain.replay import Ledger, replay
from steelyard.types import Address, ProjectId, UpdateVector
from tests.market_kit import AGGREGATORS, FIRST_TRAINER, OWNER, SOME_CID, MarketKit, make_honest_updates

pytestmark = pytest.mark.chain

ACCOUNTS = (OWNER, *AGGREGATORS, *range(FIRST_TRAINER, FIRST_TRAINER + 7))


def make_updates(trainers: list[int], seed: int, *, hostile: int | None = None) -> dict[int, UpdateVector]:
    """Honest updates, but the hostile trainer sends the opposite four times over."""
    updates = dict(zip(trainers, make_honest_updates(len(trainers), 100, seed), strict=True))
    if hostile is not None:
        updates[hostile] = np.clip(-4 * updates[hostile].astype(np.int32), -(2**15), 2**15 - 1).astype(np.int16)
    return updates


def compare(kit: MarketKit, market: Marketplace) -> Ledger:
    """Rebuilds the state from all events and compares it with every view."""
    block = kit.devnet.web3.eth.block_number
    time = kit.devnet.web3.eth.get_block(block)["timestamp"]
    events = [logged.event for logged in market.get_events(0, block)]
    ledger, token = replay(events), kit.token_address
    for account in map(kit.address, ACCOUNTS):
        assert ledger.get_stake(account, token) == market.get_stake(account, token), account
        assert ledger.credits[account, token] == market.get_credit(account, token), account
        assert ledger.get_reputation(account) == market.get_reputation(account), account
        assert ledger.keys.get(account) == market.get_key(account), account
        assert ledger.hybrid_digests.get(account) == market.get_hybrid_digest(account), account
        assert ledger.nonces[account] == market.get_nonce(account), account
        assert ledger.terms.get((account, token)) == market.get_aggregator_terms(account, token), account
    assert ledger.burnt[token] == market.get_burnt(token)
    assert tuple(ledger.aggregators[token]) == market.get_aggregators(token)
    for project_id in ledger.project_ids:
        assert ledger.get_project(project_id) == market.get_project(project_id)
        assert ledger.get_members(project_id) == market.get_members(project_id)
        assert ledger.get_round(project_id, time) == market.get_round(project_id)
    check_solvency(kit, ledger, market.address)
    return ledger


def check_solvency(kit: MarketKit, ledger: Ledger, marketplace: Address) -> None:
    """The contract holds exactly what it owes: stakes, credits, burnt, pools, and the budget of rounds to come."""
    owed = sum(stake.free + stake.locked + stake.unbonding for stake in ledger.stakes.values())
    owed += sum(ledger.credits.values()) + ledger.burnt[kit.token_address]
    for project_id in ledger.project_ids:
        project = ledger.get_project(project_id)
        if project.status in (ProjectStatus.ENROLLING, ProjectStatus.RUNNING):
            spent = project.round * (project.params.budget // project.params.rounds)
            owed += project.params.budget - spent + project.pool
    assert kit.token().get_balance(marketplace) == owed


def miss_submissions(kit: MarketKit, project_id: ProjectId, updates: dict[int, UpdateVector]) -> None:
    """Some submit, the others let the deadline pass, and the round is settled without them."""
    rows = kit.submit(project_id, updates)
    kit.devnet.advance_to(kit.market().get_round(project_id).submit_deadline)
    kit.settle(project_id, rows)
    kit.devnet.advance_to(kit.market().get_round(project_id).attest_deadline)
    kit.market().poke(project_id)


def test_state_is_rebuilt_from_events_alone(kit: MarketKit) -> None:
    market = kit.market()
    project_id, trainers = kit.start_project(7, rounds=4, max_absences=2, max_strikes=1)
    kit.offer_aggregator(AGGREGATORS[1])
    compare(kit, market)

    # A final round with a trainer that is struck, and one that leaves.
    kit.market(trainers[5]).leave(project_id)
    compare(kit, market)
    kit.run_round(project_id, make_updates(trainers, 1, hostile=trainers[6]))
    ledger = compare(kit, market)
    struck, left = ledger.get_members(project_id)[6], ledger.get_members(project_id)[5]
    assert (struck.strikes, struck.active, left.active) == (1, False, False)
    assert ledger.burnt[kit.token_address] > 0

    # Submissions under way, one of them excluded at settlement.
    remaining = trainers[:5]
    rows = kit.submit(project_id, make_updates(remaining, 2))
    compare(kit, market)
    kit.settle(project_id, rows[1:], [Exclusion(0, ExclusionReason.NOT_OPENING)])
    ledger = compare(kit, market)
    assert any(member.share for member in ledger.get_members(project_id))
    for account in remaining[1:4]:
        kit.market(account).attest(project_id, 1, opens=True)
    compare(kit, market)
    market.poke(project_id)
    assert compare(kit, market).get_members(project_id)[0].absences == 1

    # A voided attempt, an abandoned one, and one that the aggregator lets pass.
    kit.run_round(project_id, make_updates(remaining, 3), opens=False)
    compare(kit, market)
    attempt = market.get_round(project_id)
    kit.submit(project_id, make_updates(remaining, 4))
    aggregator = next(account for account in AGGREGATORS if kit.address(account) == attempt.aggregator)
    kit.market(aggregator).abandon(project_id, attempt.index)
    compare(kit, market)
    kit.submit(project_id, make_updates(remaining, 5))
    kit.devnet.advance_to(market.get_round(project_id).settle_deadline)
    compare(kit, market)
    market.poke(project_id)
    assert compare(kit, market).get_project(project_id).status is ProjectStatus.FAILED

    # The ended project's models are opened to two readers, and closed to one of them.
    kit.market(remaining[0]).publish_keys(project_id, SOME_CID)
    for reader in remaining[1:3]:
        kit.market(OWNER).grant_access(project_id, kit.address(reader), 1, SOME_CID)
    kit.market(OWNER).revoke_access(project_id, kit.address(remaining[1]))
    assert compare(kit, market).readers == {(project_id, kit.address(remaining[2])): 1}

    # What is left is claimed, unbonded, withdrawn and burnt.
    for account in (OWNER, *remaining):
        kit.market(account).claim(kit.token_address, kit.address(account))
    leaver = kit.market(remaining[0])
    leaver.unbond(kit.token_address, 600)
    compare(kit, market)
    kit.devnet.advance(market.get_unbonding_seconds())
    leaver.withdraw(kit.token_address, kit.address(remaining[0]))
    market.burn(kit.token_address)
    compare(kit, market)

    # A rooted project: an attempt without a root fails, one with it is weighed and paid.
    members = remaining[1:4]
    if market.get_aggregator_terms(kit.address(AGGREGATORS[0]), kit.token_address) is None:
        kit.market(AGGREGATORS[0]).register_aggregator(kit.token_address, AggregatorTerms(10**6, 10**6, 0, 0))
    rooted = kit.create_project(rounds=1, rule=kit.deployment.rules["fltrust"])
    for account in members:
        kit.market(account).enrol(rooted)
    kit.market(OWNER).start(rooted)
    assert compare(kit, market).get_project(rooted).rooted
    kit.submit(rooted, make_updates(members, 6))
    compare(kit, market)
    kit.devnet.advance_to(market.get_round(rooted).submit_deadline)
    compare(kit, market)
    market.poke(rooted)
    rows = kit.submit(rooted, make_updates([OWNER, *members], 7))
    assert compare(kit, market).get_round(rooted, kit.devnet.now()).status is RoundStatus.WEIGHING
    kit.settle(rooted, rows[1:] + rows[:1])
    compare(kit, market)
    kit.devnet.advance_to(market.get_round(rooted).attest_deadline)
    market.poke(rooted)
    assert compare(kit, market).get_project(rooted).status is ProjectStatus.COMPLETED

    # Nothing that can happen was left out above.
    seen = {type(logged.event) for logged in market.get_events(0, kit.devnet.web3.eth.block_number)}
    assert set(event_classes().values()) == seen


def test_state_of_projects_that_never_ran_is_rebuilt(kit: MarketKit) -> None:
    kit.fund(OWNER)
    market = kit.market()
    cancelled, expired = kit.create_project(), kit.create_project()
    trainers = [FIRST_TRAINER + i for i in range(3)]
    kit.enrol(cancelled, trainers)
    kit.market(trainers[1]).leave(cancelled)
    compare(kit, market)
    kit.market(trainers[2]).leave(cancelled)
    assert len(compare(kit, market).get_members(cancelled)) == 1
    kit.market(OWNER).cancel(cancelled)
    kit.market(trainers[1]).enrol(expired)
    kit.devnet.advance(3_600)
    market.poke(expired)
    ledger = compare(kit, market)
    assert {ledger.get_project(project_id).status for project_id in ledger.project_ids} == {ProjectStatus.CANCELLED}


def test_silent_trainers_leave_a_project_that_fails(kit: MarketKit) -> None:
    project_id, _ = kit.start_project(3, max_absences=5)
    market = kit.market()
    for _ in range(2):
        kit.devnet.advance_to(market.get_round(project_id).submit_deadline)
        assert market.get_round(project_id).status is RoundStatus.DECIDED
        compare(kit, market)
        market.poke(project_id)
        compare(kit, market)
    assert market.get_project(project_id).status is ProjectStatus.FAILED
    with pytest.raises(reverts.NothingToDoError):
        market.poke(project_id)
