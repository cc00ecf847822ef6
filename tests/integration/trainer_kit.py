"""A small project on a local node, whose aggregator does in one call whatever a test wants, truthful or not."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from eth_account.signers.local import LocalAccount

from scripts.deploy import load_ethereum_srs_points
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment, deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import ProjectCreated
from steelyard.chain.records import ZERO_ADDRESS, AggregatorTerms, ProjectParams, Settlement
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender, SendPolicy
from steelyard.cli_support import Connection
from steelyard.gram import Srs, encode_scalars, load_ethereum_srs
from steelyard.keystore import LIGHT_SCRYPT_N, Identity, write_keystore
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model, move, sync_global_model
from steelyard.rounds.records import collect_settled_rounds, collect_submissions, select_final
from steelyard.rounds.settlement import RoundContext, prove_short, weigh_round
from steelyard.rounds.submission import max_submission_bytes, open_submission
from steelyard.rules.registry import DEFAULT_RULE, Rule
from steelyard.spec import ProjectSpec, encode_project_spec, parse_project_spec
from steelyard.storage import BlobStore, LocalBlobStore, MemoryBlobStore
from steelyard.types import Address, Digest, ProjectId
from steelyard.updates.aggregate import Aggregate, encode_aggregate
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext
from tests.unit.trainer_client.support import make_spec_text
from trainer_client.participant import Participant, RunOptions
from trainer_client.session import open_session

OWNER, AGGREGATOR, FIRST_TRAINER = 0, 1, 2
TRAINERS = 5
ROUNDS = 3
STAKE = 100 * 10**18
BUDGET = 300 * 10**18
POLICY = SendPolicy(poll_seconds=0.02)
OPTIONS = RunOptions(threads=1, poll_seconds=0.01)

PASSPHRASE = "only for tests"

Lie = Callable[[Aggregate], Aggregate]


def no_lie(aggregate: Aggregate) -> Aggregate:
    return aggregate


@dataclass(slots=True)
class World:
    """A running project."""

    devnet: Devnet
    deployment: Deployment
    store: BlobStore
    spec: ProjectSpec
    project_id: ProjectId
    state: Path
    rule: Rule = DEFAULT_RULE
    srs: Srs = field(default_factory=load_ethereum_srs)
    aggregator_keys: EncryptionKeyPair = field(default_factory=EncryptionKeyPair.generate)

    def account(self, index: int) -> LocalAccount:
        return self.devnet.account(index)

    def trainer(self, number: int) -> Identity:
        return Identity(
            self.account(FIRST_TRAINER + number), EncryptionKeyPair.from_private_key(bytes([number + 1]) * 32)
        )

    def market(self, account: LocalAccount) -> Marketplace:
        return Marketplace(
            self.devnet.web3, self.deployment.marketplace, sender=Sender(self.devnet.web3, account, POLICY)
        )

    def connection(self, number: int) -> Connection:
        return Connection(self.deployment, self.market(self.trainer(number).account))

    @contextmanager
    def participant(
        self, number: int, reports: list[tuple[str, dict[str, object]]] | None = None, data: str = "", **changes: object
    ) -> Iterator[Participant]:
        """Trainer `number`, its state on disk, its data a fifth of the digits."""

        def report(what: str, particulars: object) -> None:
            if reports is not None:
                reports.append((what, dict(particulars)))  # type: ignore[call-overload]

        with open_session(
            self.connection(number),
            self.trainer(number),
            self.store,
            self.project_id,
            data or f"digits:?shard={number}/5",
            self.state,
            options=replace(OPTIONS, **changes),  # type: ignore[arg-type]
            report=report,
        ) as participant:
            yield participant

    @contextmanager
    def participants(self, numbers: Iterable[int] = range(TRAINERS)) -> Iterator[list[Participant]]:
        with ExitStack() as stack:
            yield [stack.enter_context(self.participant(number)) for number in numbers]

    def write_keystore(self, number: int, folder: Path) -> Path:
        """A keystore file of trainer `number`, with `PASSPHRASE`."""
        path = folder / f"trainer-{number}.json"
        write_keystore(path, self.trainer(number), PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
        return path

    def model(self) -> GlobalModel:
        events = self.market(self.account(OWNER)).get_events(self.deployment.block, self.devnet.web3.eth.block_number)
        final = select_final(collect_settled_rounds(events, self.project_id))
        start = fetch_initial_model(self.store, self.spec)
        return sync_global_model(start, final, self.store, self.srs, self.rule, self.spec)

    def settle(self, lie: Lie = no_lie, *, publish: bool = True) -> bytes:
        """Weighs and settles the current round, and returns the aggregate's blob.

        `lie` changes the aggregate before it is published, if it is published at all.
        """
        market = self.market(self.account(AGGREGATOR))
        current, params = market.get_round(self.project_id), market.get_project(self.project_id).params
        events = market.get_events(self.deployment.block, self.devnet.web3.eth.block_number)
        opened = [
            open_submission(
                self.store.get(submission.cid, max_submission_bytes(self.srs, params.dimension)),
                submission.index,
                Digest(submission.commitment_hash),
                self.srs,
                params.dimension,
                self.aggregator_keys,
                PayloadContext(market.chain_id, market.address, self.project_id, current.index, submission.trainer),
            )
            for submission in collect_submissions(events, self.project_id, current.attempt)
        ]
        context = RoundContext(
            market.chain_id, market.address, self.project_id, current.index, params.dimension, params.byzantine_bps
        )
        weighed = weigh_round(self.srs, self.rule, context, opened)
        following = move(self.model(), weighed.aggregate, weighed.weighing.normaliser, self.spec)
        store = self.store if publish else MemoryBlobStore()
        model_cid = store.put(encode_model(following.parameters, self.spec.model.shapes))
        aggregate = Aggregate(weighed.aggregate, weighed.blinders, model_cid, prove_short(self.srs, opened))
        blob = encode_aggregate(lie(aggregate))
        market.settle(
            self.project_id,
            current.index,
            Settlement(
                exclusions=(),
                commitments=weighed.commitments,
                gram=weighed.gram,
                proof=weighed.proof,
                hints=weighed.hints,
                aggregate_cid=store.put(blob),
                blinders=encode_scalars(weighed.blinders),
            ),
        )
        return blob

    def fund(self, index: int, public_key: bytes) -> None:
        """Gives an account tokens, stake and a registered key."""
        token = self.deployment.token
        assert token is not None
        market = self.market(self.account(index))
        coin = Token(self.devnet.web3, token, sender=market.sender)
        coin.mint(Address(self.account(index).address), 2 * STAKE)
        coin.approve(market.address, 2 * STAKE)
        market.deposit(token, STAKE)
        market.register_key(public_key)

    def offer_aggregator(self) -> None:
        """A fault ends an aggregator's offer; this renews it."""
        token = self.deployment.token
        assert token is not None
        self.market(self.account(AGGREGATOR)).register_aggregator(token, AggregatorTerms(STAKE, 10**6, 30, 0))

    def poke(self) -> None:
        self.market(self.account(OWNER)).poke(self.project_id)


def make_world(
    state: Path,
    devnet: Devnet,
    rounds: int = ROUNDS,
    *,
    start: bool = True,
    enrolled: int = TRAINERS,
    rule: Rule = DEFAULT_RULE,
    **changes: int,
) -> World:
    """A project whose trainers have enrolled and whose first round collects."""
    owner = Sender(devnet.web3, devnet.account(OWNER), POLICY)
    token = deploy_test_token(owner)
    deployment = deploy(owner, load_ethereum_srs_points(), unbonding_seconds=60, token=token)
    store = LocalBlobStore(state / "blobs")
    draft = parse_project_spec(make_spec_text(store.put(secrets.token_bytes(8)), epochs=2))
    initial = compute_initial_parameters(draft.model, 1)
    spec = draft.model_copy(update={"initial_model": store.put(encode_model(initial, draft.model.shapes))})
    params = ProjectParams(
        owner=owner.address,
        token=token,
        budget=BUDGET,
        rounds=rounds,
        min_trainers=3,
        max_trainers=TRAINERS,
        min_reputation_bps=0,
        byzantine_bps=2_500,
        min_stake=STAKE,
        aggregator_fee_bps=500,
        slash_bps=5_000,
        max_strikes=1,
        max_absences=2,
        aggregator_stake=STAKE,
        aggregator_slash_bps=1_000,
        enrol_seconds=3_600,
        submit_seconds=3_600,
        settle_seconds=3_600,
        attest_seconds=3_600,
        dimension=spec.model.dimension,
        rule=deployment.rules[rule.name],
        verifier=deployment.verifier,
        aggregator=ZERO_ADDRESS,
        spec_cid=store.put(encode_project_spec(spec)),
    )
    world = World(devnet, deployment, store, spec, ProjectId(bytes(32)), state, rule)
    world.fund(AGGREGATOR, world.aggregator_keys.public_key)
    # More than one chance: an attempt that is voided costs the aggregator part of its stake.
    world.market(world.account(AGGREGATOR)).deposit(token, STAKE)
    world.offer_aggregator()
    market = world.market(world.account(OWNER))
    coin = Token(devnet.web3, token, sender=owner)
    coin.mint(owner.address, BUDGET)
    coin.approve(market.address, BUDGET)
    created = market.create_project(replace(params, **changes)).find(ProjectCreated)  # type: ignore[arg-type]
    world.project_id = created.project_id
    for number in range(enrolled):
        world.fund(FIRST_TRAINER + number, world.trainer(number).public_key)
        world.market(world.account(FIRST_TRAINER + number)).enrol(world.project_id)
    if start:
        market.start(world.project_id)
    return world
