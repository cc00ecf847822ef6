"""The client against the real contracts: money, membership, rounds, and each refusal as its exception."""

import pytest

from scripts.deploy import load_ethereum_srs_points
from steelyard.chain import reverts
from steelyard.chain.client import Marketplace, UnknownProjectError
from steelyard.chain.deploy import deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import (
    AccessGranted,
    AccessRevoked,
    Attested,
    Claimed,
    Credited,
    KeysPublished,
    ProjectCreated,
    ProjectEnded,
    RoundClosed,
    RoundSettled,
    StakeDeposited,
    UpdateSubmitted,
)
from steelyard.chain.records import (
    AggregatorTerms,
    CreditKind,
    Exclusion,
    ExclusionReason,
    ProjectStatus,
    RoundOutcome,
    RoundStatus,
    Stake,
)
from steelyard.chain.transactions import Sender
from steelyard.errors import WrongChainError
from steelyard.rules import ON_CHAIN_RULES
from steelyard.types import Address, Digest, ProjectId
from tests.market_kit import (
    AGGREGATORS,
    BUDGET,
    FIRST_TRAINER,
    MIN_STAKE,
    OWNER,
    POLICY,
    SOME_CID,
    WEALTH,
    MarketKit,
    make_honest_updates,
)

pytestmark = pytest.mark.chain

NOBODY = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
NO_PROJECT = ProjectId(bytes([5]) * 32)


def count_transactions(kit: MarketKit, account: int) -> int:
    return kit.devnet.web3.eth.get_transaction_count(kit.devnet.account(account).address)


# Connecting and deploying


def test_other_chain_is_refused(kit: MarketKit) -> None:
    with pytest.raises(WrongChainError, match="serves chain 31337, not 1"):
        Marketplace(kit.devnet.web3, kit.deployment.marketplace, chain_id=1)


def test_address_without_code_is_refused(kit: MarketKit) -> None:
    with pytest.raises(WrongChainError, match="no contract stands"):
        Marketplace(kit.devnet.web3, NOBODY)


def test_contract_of_another_kind_is_refused(kit: MarketKit) -> None:
    with pytest.raises((WrongChainError, reverts.EmptyRevertError)):
        Marketplace(kit.devnet.web3, kit.token_address)


def test_deployment_refuses_a_chain_without_the_precompiles() -> None:
    with Devnet(hardfork="cancun", accounts=1) as old:
        sender = Sender(old.web3, old.account(0), POLICY)
        balance = old.web3.eth.get_balance(old.account(0).address)
        with pytest.raises(WrongChainError, match="EIP-2537"):
            deploy(sender, load_ethereum_srs_points())
        assert old.web3.eth.get_balance(old.account(0).address) == balance, "gas was spent"


def test_deployment_offers_what_it_deployed(kit: MarketKit) -> None:
    market = kit.market()
    assert tuple(kit.deployment.rules) == tuple(ON_CHAIN_RULES)
    assert all(market.is_offered(address) for address in (*kit.deployment.rules.values(), kit.deployment.verifier))
    assert not market.is_offered(kit.token_address)


# Stakes and keys


def test_stake_goes_in_and_comes_out_after_the_delay(kit: MarketKit) -> None:
    kit.fund(FIRST_TRAINER)
    market, account, token = kit.market(FIRST_TRAINER), kit.address(FIRST_TRAINER), kit.token_address
    receipt = market.deposit(token, 100)
    assert receipt.find(StakeDeposited) == StakeDeposited(account, token, 100)
    market.unbond(token, 40)
    available_at = kit.devnet.now() + market.get_unbonding_seconds()
    assert market.get_stake(account, token) == Stake(60, 0, 40, available_at)
    with pytest.raises(reverts.StillUnbondingError) as caught:
        market.withdraw(token, account)
    assert caught.value.available_at == available_at
    kit.devnet.advance_to(available_at)
    market.withdraw(token, account)
    assert market.get_stake(account, token) == Stake(60, 0, 0, 0)
    assert kit.token().get_balance(account) == WEALTH - 60


def test_deposit_with_permit_needs_no_approval(kit: MarketKit) -> None:
    token, owner = kit.token(), kit.devnet.account(FIRST_TRAINER)
    token.mint(kit.address(FIRST_TRAINER), 500)
    permit = token.sign_permit(owner, kit.deployment.marketplace, 500, kit.devnet.now() + 60)
    kit.market(FIRST_TRAINER).deposit_with_permit(kit.token_address, 500, permit)
    assert kit.market().get_stake(kit.address(FIRST_TRAINER), kit.token_address).free == 500


def test_deposit_without_approval_is_refused_before_gas_is_spent(kit: MarketKit) -> None:
    kit.token().mint(kit.address(FIRST_TRAINER), 500)
    nonce = count_transactions(kit, FIRST_TRAINER)
    with pytest.raises(reverts.ERC20InsufficientAllowanceError) as caught:
        kit.market(FIRST_TRAINER).deposit(kit.token_address, 500)
    assert (caught.value.allowance, caught.value.needed) == (0, 500)
    assert count_transactions(kit, FIRST_TRAINER) == nonce


def test_aggregator_offer_is_read_back_and_taken_back(kit: MarketKit) -> None:
    terms = AggregatorTerms(1, 2, 3, 4)
    market, account = kit.market(AGGREGATORS[0]), kit.address(AGGREGATORS[0])
    with pytest.raises(reverts.KeyMissingError):
        market.register_aggregator(kit.token_address, terms)
    assert market.get_key(account) is None
    market.register_key(b"k" * 32)
    market.register_aggregator(kit.token_address, terms)
    assert market.get_key(account) == b"k" * 32
    assert market.get_aggregator_terms(account, kit.token_address) == terms
    assert market.get_aggregators(kit.token_address) == (account,)
    market.unregister_aggregator(kit.token_address)
    assert market.get_aggregator_terms(account, kit.token_address) is None
    assert market.get_aggregators(kit.token_address) == ()


# Projects


def test_created_project_is_read_back_as_promised(kit: MarketKit) -> None:
    kit.fund(OWNER)
    market, params = kit.market(OWNER), kit.make_params()
    expected_id = market.compute_project_id(params, market.get_nonce(params.owner))
    receipt = market.create_project(params)
    created = receipt.find(ProjectCreated)
    assert (created.project_id, created.params) == (expected_id, params)
    project = market.get_project(expected_id)
    assert (project.params, project.status) == (params, ProjectStatus.ENROLLING)
    assert kit.token().get_balance(market.address) == BUDGET
    assert market.get_nonce(params.owner) == created.nonce + 1


def test_project_with_permit_needs_no_approval(kit: MarketKit) -> None:
    token = kit.token()
    token.mint(kit.address(OWNER), BUDGET)
    permit = token.sign_permit(kit.devnet.account(OWNER), kit.deployment.marketplace, BUDGET, kit.devnet.now() + 60)
    kit.market(OWNER).create_project_with_permit(kit.make_params(), permit)
    assert token.get_balance(kit.deployment.marketplace) == BUDGET


def test_cancelled_project_refunds_its_owner_and_frees_stakes(kit: MarketKit) -> None:
    kit.fund(OWNER)
    project_id = kit.create_project()
    kit.enrol(project_id, [FIRST_TRAINER])
    market = kit.market(OWNER)
    assert market.get_slot(project_id, kit.address(FIRST_TRAINER)) == 0
    market.cancel(project_id)
    assert market.get_project(project_id).status is ProjectStatus.CANCELLED
    assert market.get_credit(kit.address(OWNER), kit.token_address) == BUDGET
    assert market.get_stake(kit.address(FIRST_TRAINER), kit.token_address) == Stake(MIN_STAKE, 0, 0, 0)


def test_unknown_project_is_told_apart_from_an_empty_one(kit: MarketKit) -> None:
    with pytest.raises(UnknownProjectError):
        kit.market().get_project(NO_PROJECT)


def test_reads_at_an_earlier_block_see_the_past(kit: MarketKit) -> None:
    kit.fund(OWNER)
    before = kit.devnet.web3.eth.block_number
    kit.create_project()
    assert kit.market().get_nonce(kit.address(OWNER), block=before) == 0
    assert kit.market().get_nonce(kit.address(OWNER)) == 1


@pytest.mark.parametrize(
    ("changes", "error", "argument"),
    [
        ({"rounds": 0}, reverts.InvalidParameterError, b"rounds"),
        ({"max_trainers": 33}, reverts.InvalidParameterError, b"maxTrainers"),
        ({"rule": NOBODY}, reverts.NotOfferedError, None),
        ({"verifier": NOBODY}, reverts.NotOfferedError, None),
        ({"owner": NOBODY}, reverts.NotAuthorizedError, None),
    ],
)
def test_bad_parameter_is_refused(
    kit: MarketKit, changes: dict[str, object], error: type[reverts.CustomError], argument: bytes | None
) -> None:
    with pytest.raises(error) as caught:
        kit.market(OWNER).create_project(kit.make_params(**changes))
    if argument is not None:
        assert caught.value.arguments[0] == argument.ljust(32, b"\0")


def test_access_is_spoken_of_by_owner_and_members(kit: MarketKit) -> None:
    kit.fund(OWNER)
    project_id, manifest = kit.create_project(max_trainers=3), SOME_CID
    owner, stranger = kit.market(OWNER), kit.market(20)
    with pytest.raises(reverts.NotEnrolledError):
        stranger.publish_keys(project_id, manifest)
    kit.enrol(project_id, [10])
    published = kit.market(10).publish_keys(project_id, manifest).find(KeysPublished)
    assert (published.publisher, published.manifest) == (kit.address(10), manifest)
    with pytest.raises(reverts.KeyMissingError):
        owner.grant_access(project_id, kit.address(20), 1, manifest)
    stranger.register_key(b"k" * 32)
    stranger.register_hybrid_key(b"h" * 32)
    assert stranger.get_hybrid_digest(kit.address(20)) == b"h" * 32
    granted = owner.grant_access(project_id, kit.address(20), 1, manifest).find(AccessGranted)
    assert (granted.reader, granted.from_round) == (kit.address(20), 1)
    with pytest.raises(reverts.NotAuthorizedError):
        stranger.revoke_access(project_id, kit.address(20))
    assert owner.revoke_access(project_id, kit.address(20)).find(AccessRevoked).reader == kit.address(20)


def test_membership_is_refused_where_it_should_be(kit: MarketKit) -> None:
    kit.fund(OWNER)
    project_id = kit.create_project(max_trainers=3)
    stranger = kit.market(20)
    with pytest.raises(reverts.KeyMissingError):
        stranger.enrol(project_id)
    stranger.register_key(b"k" * 32)
    with pytest.raises(reverts.InsufficientStakeError) as poor:
        stranger.enrol(project_id)
    assert (poor.value.available, poor.value.required) == (0, MIN_STAKE)
    kit.enrol(project_id, [10, 11, 12])
    with pytest.raises(reverts.AlreadyEnrolledError):
        kit.market(10).enrol(project_id)
    with pytest.raises(reverts.ProjectFullError):
        stranger.enrol(project_id)
    with pytest.raises(reverts.NotEnrolledError):
        stranger.leave(project_id)
    with pytest.raises(reverts.NoAggregatorError):
        kit.market(OWNER).start(project_id)
    with pytest.raises(reverts.ProjectNotInStatusError) as wrong:
        kit.market(OWNER).start(NO_PROJECT)
    assert (wrong.value.current, wrong.value.expected) == (ProjectStatus.NONE, ProjectStatus.ENROLLING)


# Rounds


def test_project_runs_to_its_end_and_pays_out_every_unit(kit: MarketKit) -> None:
    project_id, trainers = kit.start_project(5)
    first_block = kit.deployment.block
    for round_index in range(2):
        kit.run_round(project_id, dict(zip(trainers, make_honest_updates(5, 100, round_index), strict=True)))
    market, token = kit.market(), kit.token_address
    assert market.get_project(project_id).status is ProjectStatus.COMPLETED
    events = market.get_events(first_block, kit.devnet.web3.eth.block_number, project_id=project_id)
    assert [logged.event.outcome for logged in events if isinstance(logged.event, RoundClosed)] == [
        RoundOutcome.FINAL
    ] * 2
    credited = [logged.event for logged in events if isinstance(logged.event, Credited)]
    assert sum(event.amount for event in credited) == BUDGET
    assert {event.kind for event in credited} >= {CreditKind.SHARE, CreditKind.FEE}
    assert sum(isinstance(logged.event, UpdateSubmitted) for logged in events) == 10
    assert any(isinstance(logged.event, Attested) for logged in events)
    assert isinstance(events[-1].event, ProjectEnded)
    earned = market.get_credit(kit.address(trainers[0]), token)
    assert earned > BUDGET // 10
    receipt = kit.market(trainers[0]).claim(token, kit.address(trainers[0]))
    assert receipt.find(Claimed).amount == earned
    with pytest.raises(reverts.NothingToClaimError):
        kit.market(trainers[0]).claim(token, kit.address(trainers[0]))


def test_excluded_submission_is_settled_without(kit: MarketKit) -> None:
    project_id, trainers = kit.start_project(5)
    rows = kit.submit(project_id, dict(zip(trainers, make_honest_updates(5, 100), strict=True)))
    exclusion = Exclusion(1, ExclusionReason.MALFORMED)
    receipt = kit.settle(project_id, [row for row in rows if row.index != 1], [exclusion])
    assert receipt.find(RoundSettled).settlement.exclusions == (exclusion,)
    attempt = kit.market().get_round(project_id)
    assert attempt.status is RoundStatus.ATTESTING
    assert attempt.attesters >> 1 & 1 == 0


def test_submission_is_refused_where_it_should_be(kit: MarketKit) -> None:
    project_id, trainers = kit.start_project(5)
    digest = Digest(bytes([1]) * 32)
    first, second = kit.market(trainers[0]), kit.market(trainers[1])
    with pytest.raises(reverts.WrongRoundError) as wrong:
        first.submit(project_id, 1, SOME_CID, digest)
    assert (wrong.value.given, wrong.value.current) == (1, 0)
    first.submit(project_id, 0, SOME_CID, digest)
    with pytest.raises(reverts.AlreadySubmittedError):
        first.submit(project_id, 0, SOME_CID, Digest(bytes([2]) * 32))
    with pytest.raises(reverts.DuplicateCommitmentError) as copied:
        second.submit(project_id, 0, SOME_CID, digest)
    assert copied.value.commitment_hash == digest
    with pytest.raises(reverts.ZeroValueError):
        second.submit(project_id, 0, SOME_CID, Digest(bytes(32)))
    with pytest.raises(reverts.NotEnrolledError):
        kit.market(OWNER).submit(project_id, 0, SOME_CID, Digest(bytes([2]) * 32))
    with pytest.raises(reverts.NothingToDoError):
        first.poke(project_id)
    kit.devnet.advance(3_600)
    with pytest.raises(reverts.RoundNotInStatusError) as late:
        second.submit(project_id, 0, SOME_CID, Digest(bytes([2]) * 32))
    assert (late.value.current, late.value.expected) == (RoundStatus.DECIDED, RoundStatus.COLLECTING)


def test_voided_round_is_repeated_without_its_aggregator(kit: MarketKit) -> None:
    project_id, trainers = kit.start_project(5)
    kit.offer_aggregator(AGGREGATORS[1])
    kit.run_round(project_id, dict(zip(trainers, make_honest_updates(5, 100), strict=True)), opens=False)
    attempt = kit.market().get_round(project_id)
    assert (attempt.index, attempt.attempt, attempt.status) == (0, 2, RoundStatus.COLLECTING)
    assert attempt.aggregator == kit.address(AGGREGATORS[1])
    assert kit.market().get_burnt(kit.token_address) > 0
    kit.market().burn(kit.token_address)
    assert kit.market().get_burnt(kit.token_address) == 0


def test_events_are_filtered_by_kind_and_project(kit: MarketKit) -> None:
    kit.fund(OWNER)
    first, second = kit.create_project(), kit.create_project()
    market, last = kit.market(), kit.devnet.web3.eth.block_number
    created = market.get_events(0, last, kinds=[ProjectCreated])
    assert [logged.event.project_id for logged in created if isinstance(logged.event, ProjectCreated)] == [
        first,
        second,
    ]
    (only,) = market.get_events(0, last, project_id=second)
    assert only == created[1]
    assert market.get_events(last + 1, last) == []


def test_token_that_anybody_may_mint_is_deployed_for_devnets(kit: MarketKit) -> None:
    token = deploy_test_token(kit.sender(0))
    assert token != kit.token_address
    assert (kit.token().get_symbol(), kit.token().get_decimals()) == ("SYT", 18)
