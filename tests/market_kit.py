"""A deployed marketplace on a devnet, with accounts that have tokens, and whole rounds with real proofs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import ProjectCreated
from steelyard.chain.records import ZERO_ADDRESS, AggregatorTerms, Exclusion, ProjectParams, Settlement
from steelyard.chain.token import Token
from steelyard.chain.transactions import Receipt, Sender, SendPolicy
from steelyard.gram import commit, hash_commitment, load_ethereum_srs
from steelyard.rounds.settlement import RoundContext, WeighedRound, weigh_round
from steelyard.rounds.submission import OpenedSubmission
from steelyard.rules.registry import DEFAULT_RULE, get_rule
from steelyard.types import Address, Cid, Codec, ProjectId, Seed, UpdateVector

DEPLOYER = 0
OWNER = 1
AGGREGATORS = (2, 3)
FIRST_TRAINER = 10

BUDGET = 9_000_000
MIN_STAKE = 1_000
AGGREGATOR_STAKE = 5_000
WEALTH = 100_000_000
"""Tokens that each account of a test starts with."""

POLICY = SendPolicy(poll_seconds=0.1, resubmit_seconds=1.0, timeout_seconds=90.0)
"""For a chain that mines at once."""

SOME_CID = Cid(Codec.RAW, bytes([7]) * 32)


def make_honest_updates(n: int, d: int, seed: int = 0) -> list[UpdateVector]:
    """Updates that agree on a direction, each with noise of its own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=d)
    return [np.rint(1_000 * (shared + 0.3 * rng.normal(size=d))).astype(np.int16) for _ in range(n)]


@dataclass(frozen=True, slots=True)
class MarketKit:
    """Everything that a test does on the chain, by the number of the account that does it."""

    devnet: Devnet
    deployment: Deployment

    def address(self, account: int) -> Address:
        return Address(self.devnet.account(account).address)

    def sender(self, account: int, policy: SendPolicy = POLICY) -> Sender:
        return Sender(self.devnet.web3, self.devnet.account(account), policy)

    def market(self, account: int = DEPLOYER) -> Marketplace:
        return Marketplace(self.devnet.web3, self.deployment.marketplace, sender=self.sender(account))

    def token(self, account: int = DEPLOYER) -> Token:
        return Token(self.devnet.web3, self.token_address, sender=self.sender(account))

    @property
    def token_address(self) -> Address:
        assert self.deployment.token is not None
        return self.deployment.token

    def fund(self, account: int, amount: int = WEALTH) -> None:
        """Mints tokens, and approves the marketplace for all of them."""
        self.token().mint(self.address(account), amount)
        self.token(account).approve(self.deployment.marketplace, amount)

    def offer_aggregator(self, account: int = AGGREGATORS[0], stake: int = 4 * AGGREGATOR_STAKE) -> None:
        """Funds an account, registers its key and offers it for any project."""
        self.fund(account)
        market = self.market(account)
        market.register_key(bytes([account]) * 32)
        market.register_hybrid_key(bytes([account]) * 32)
        market.deposit(self.token_address, stake)
        market.register_aggregator(self.token_address, AggregatorTerms(2**128 - 1, 2**32 - 1, 0, 0))

    def make_params(self, **changes: object) -> ProjectParams:
        """A project of the owner's for three to seven trainers and two rounds."""
        params = ProjectParams(
            owner=self.address(OWNER),
            token=self.token_address,
            budget=BUDGET,
            rounds=2,
            min_trainers=3,
            max_trainers=7,
            min_reputation_bps=0,
            byzantine_bps=3_000,
            min_stake=MIN_STAKE,
            aggregator_fee_bps=500,
            slash_bps=5_000,
            max_strikes=2,
            max_absences=2,
            aggregator_stake=AGGREGATOR_STAKE,
            aggregator_slash_bps=2_000,
            enrol_seconds=3_600,
            submit_seconds=3_600,
            settle_seconds=3_600,
            attest_seconds=3_600,
            dimension=100,
            rule=self.deployment.rules[DEFAULT_RULE.name],
            verifier=self.deployment.verifier,
            aggregator=ZERO_ADDRESS,
            spec_cid=SOME_CID,
        )
        return replace(params, **changes)  # type: ignore[arg-type]

    def create_project(self, **changes: object) -> ProjectId:
        """Creates a project; its owner has to be funded."""
        return self.market(OWNER).create_project(self.make_params(**changes)).find(ProjectCreated).project_id

    def enrol(self, project_id: ProjectId, trainers: Sequence[int], stake: int = MIN_STAKE) -> None:
        """Funds trainers, registers their keys, stakes and enrols."""
        for trainer in trainers:
            self.fund(trainer)
            market = self.market(trainer)
            market.register_key(bytes([trainer]) * 32)
            market.deposit(self.token_address, stake)
            market.enrol(project_id)

    def start_project(self, n: int = 5, **changes: object) -> tuple[ProjectId, list[int]]:
        """A running project with `n` trainers and one aggregator, round 0 collecting."""
        self.fund(OWNER)
        self.offer_aggregator()
        project_id = self.create_project(**changes)
        trainers = list(range(FIRST_TRAINER, FIRST_TRAINER + n))
        self.enrol(project_id, trainers)
        self.market(OWNER).start(project_id)
        return project_id, trainers

    def make_rows(self, updates: dict[int, UpdateVector], salt: int = 0) -> list[OpenedSubmission]:
        """What each account would submit. The same updates and salt give the same commitments."""
        srs = load_ethereum_srs()
        rows = []
        for index, (account, update) in enumerate(updates.items()):
            seed = Seed(bytes([account, salt]) * 16)
            commitments = commit(srs, update, seed)
            digest = hash_commitment(commitments)
            rows.append(OpenedSubmission(index, self.address(account), commitments, digest, update, seed))
        return rows

    def post(self, project_id: ProjectId, accounts: Iterable[int], rows: Iterable[OpenedSubmission]) -> None:
        """Each account submits its row in the current round; the owner's is a root."""
        round_index = self.market().get_round(project_id).index
        for account, row in zip(accounts, rows, strict=True):
            digest, market = row.commitment_hash, self.market(account)
            submit = market.submit_root if account == OWNER else market.submit
            submit(project_id, round_index, Cid(Codec.RAW, digest), digest)

    def submit(self, project_id: ProjectId, updates: dict[int, UpdateVector]) -> list[OpenedSubmission]:
        """Each account commits to its update and submits."""
        rows = self.make_rows(updates, salt=self.market().get_round(project_id).index)
        self.post(project_id, updates, rows)
        return rows

    def weigh(self, project_id: ProjectId, rows: Sequence[OpenedSubmission]) -> WeighedRound:
        """Weighs and proves the current round."""
        market = self.market()
        params, attempt = market.get_project(project_id).params, market.get_round(project_id)
        rule = next(name for name, address in self.deployment.rules.items() if address == params.rule)
        context = RoundContext(
            market.chain_id, market.address, project_id, attempt.index, params.dimension, params.byzantine_bps
        )
        return weigh_round(load_ethereum_srs(), get_rule(rule), context, rows)

    def settle(
        self, project_id: ProjectId, rows: Sequence[OpenedSubmission], exclusions: Sequence[Exclusion] = ()
    ) -> Receipt:
        """The current attempt's aggregator settles it."""
        attempt = self.market().get_round(project_id)
        aggregator = next(account for account in AGGREGATORS if self.address(account) == attempt.aggregator)
        settlement = make_settlement(self.weigh(project_id, rows), exclusions)
        return self.market(aggregator).settle(project_id, attempt.index, settlement)

    def run_round(self, project_id: ProjectId, updates: dict[int, UpdateVector], *, opens: bool = True) -> None:
        """Submits, settles, has every voter attest, and closes the attempt."""
        self.settle(project_id, self.submit(project_id, updates))
        market = self.market()
        attempt = market.get_round(project_id)
        for account in updates:
            if account == OWNER:
                continue
            slot = market.get_slot(project_id, self.address(account))
            vote_counts = market.get_round(project_id).status == attempt.status
            if attempt.attesters >> slot & 1 and vote_counts:
                self.market(account).attest(project_id, attempt.index, opens=opens)
        market.poke(project_id)


def make_settlement(weighed: WeighedRound, exclusions: Sequence[Exclusion] = ()) -> Settlement:
    """What the contract is called with."""
    return Settlement(
        exclusions=tuple(exclusions),
        commitments=weighed.commitments,
        gram=weighed.gram,
        proof=weighed.proof,
        hints=weighed.hints,
        aggregate_cid=SOME_CID,
        blinders=b"".join(blinder.to_bytes(32, "big") for blinder in weighed.blinders),
    )
