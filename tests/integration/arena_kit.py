"""A running project of one round, two real aggregators that a test steps by hand, and everybody's money counted.

The project names the first aggregator, so which one is drawn is no matter of chance.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from aggregator.service import AggregatorService, Patience
from steelyard.chain.client import Marketplace
from steelyard.chain.devnet import Devnet, dev_account
from steelyard.chain.events import Event, RoundClosed
from steelyard.chain.history import EventHistory
from steelyard.chain.records import AggregatorTerms, RoundOutcome, RoundStatus
from steelyard.chain.token import Token
from steelyard.cli_support import Connection
from steelyard.keystore import Identity
from steelyard.rounds.submission import Submission
from steelyard.rules.registry import DEFAULT_RULE, Rule
from steelyard.storage import BlobStore, compute_cid
from steelyard.types import Address
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext
from tests.bad_submissions import Bench
from tests.integration.trainer_kit import (
    AGGREGATOR,
    FIRST_TRAINER,
    OWNER,
    STAKE,
    TRAINERS,
    World,
    make_world,
)
from tests.rounds_kit import make_updates
from trainer_client.data import load_dataset
from trainer_client.participant import Participant
from trainer_client.root import RootOptions, RootSource
from trainer_client.session import open_root_session

FIRST, SECOND = AGGREGATOR, 20
KEEPER = 21
"""Somebody who pokes and has no other part."""

FAULT = STAKE // 10
"""What a fault costs an aggregator: 1,000 basis points of the stake that a round locks."""

EXAMPLES = 300

Reports = list[tuple[str, dict[str, object]]]

E = TypeVar("E", bound=Event)


@dataclass(slots=True)
class Arena:
    """The project, and what a test does with it."""

    world: World
    data: str
    blobs: Path
    """Where the store of all keeps what it has."""
    second_keys: EncryptionKeyPair = field(default_factory=EncryptionKeyPair.generate)

    @property
    def token(self) -> Address:
        assert self.world.deployment.token is not None
        return self.world.deployment.token

    @property
    def owner(self) -> Address:
        return Address(self.world.account(OWNER).address)

    @property
    def owner_identity(self) -> Identity:
        return Identity(self.world.account(OWNER), EncryptionKeyPair.from_private_key(bytes([99]) * 32))

    @property
    def market(self) -> Marketplace:
        """As somebody who has no part in the project."""
        return self.world.market(self.world.account(KEEPER))

    @property
    def round_status(self) -> RoundStatus:
        return self.market.get_round(self.world.project_id).status

    def identity(self, aggregator: int) -> Identity:
        keys = self.world.aggregator_keys if aggregator == FIRST else self.second_keys
        return Identity(self.world.account(aggregator), keys)

    def service(
        self, aggregator: int, store: BlobStore | None = None, patience: Patience | None = None
    ) -> AggregatorService:
        """A freshly started aggregator: it knows nothing but its keys."""
        world, identity = self.world, self.identity(aggregator)
        market, deployment = world.market(identity.account), world.deployment
        return AggregatorService(
            marketplace=market,
            history=EventHistory(market.get_events, deployment.block),
            deployment=deployment,
            store=store or world.store,
            identity=identity,
            patience=patience or Patience(),
        )

    def events(self, kind: type[E]) -> list[E]:
        """The project's events of a kind, from the chain."""
        world = self.world
        head = self.market.get_block_number()
        found = self.market.get_events(world.deployment.block, head, kinds=[kind], project_id=world.project_id)
        return [logged.event for logged in found if isinstance(logged.event, kind)]

    def outcomes(self) -> list[RoundOutcome]:
        """How each attempt ended."""
        return [event.outcome for event in self.events(RoundClosed)]

    @contextmanager
    def participants(
        self, numbers: Iterable[int] = range(TRAINERS), reports: Reports | None = None
    ) -> Iterator[list[Participant]]:
        """Real trainers, each with a few digits of its own."""
        with ExitStack() as stack:
            yield [
                stack.enter_context(self.world.participant(number, reports, f"{self.data}&shard={number}/{TRAINERS}"))
                for number in numbers
            ]

    @contextmanager
    def root_source(self, reports: Reports | None = None, **changes: object) -> Iterator[RootSource]:
        """The owner with root data of its own: digits of all trainers' kinds."""
        world = self.world
        identity = self.owner_identity

        def report(what: str, particulars: Mapping[str, object]) -> None:
            if reports is not None:
                reports.append((what, dict(particulars)))

        with open_root_session(
            Connection(world.deployment, world.market(identity.account)),
            identity,
            world.store,
            world.project_id,
            f"{self.data}&shard=0/3",
            world.state,
            options=replace(RootOptions(threads=1, poll_seconds=0.01), **changes),  # type: ignore[arg-type]
            report=report,
        ) as source:
            yield source

    def post_root(self, submission: Submission, *, stored: bool = True) -> None:
        """The owner submits a root by hand."""
        world = self.world
        market = world.market(world.account(OWNER))
        cid = world.store.put(submission.blob) if stored else compute_cid(submission.blob)
        round_index = market.get_round(world.project_id).index
        market.submit_root(world.project_id, round_index, cid, submission.commitment_hash)

    def root_bench(self) -> Bench:
        """What the owner makes a root with by hand."""
        bench = self.bench(0)
        return replace(bench, context=replace(bench.context, trainer=self.owner))

    def bench(self, number: int) -> Bench:
        """What trainer `number` makes a submission with, if it does so by hand. The updates of all agree."""
        world, market = self.world, self.market
        current = market.get_round(world.project_id)
        key = market.get_key(current.aggregator)
        assert key is not None
        me, other = (world.trainer(member % TRAINERS).address for member in (number, number + 1))
        context = PayloadContext(market.chain_id, market.address, world.project_id, current.index, me)
        update = make_updates(TRAINERS, world.spec.model.dimension)[number]
        return Bench(world.srs, update, key, context, other)

    def post(self, number: int, submission: Submission, *, stored: bool = True) -> None:
        """Trainer `number` submits by hand."""
        world = self.world
        market = world.market(world.trainer(number).account)
        cid = world.store.put(submission.blob) if stored else compute_cid(submission.blob)
        round_index = market.get_round(world.project_id).index
        market.submit(world.project_id, round_index, cid, submission.commitment_hash)

    def vote(self, numbers: Iterable[int] = range(TRAINERS), *, opens: bool = True) -> None:
        """Trainers vote by hand until the attempt is decided."""
        world = self.world
        for number in numbers:
            if self.round_status is RoundStatus.ATTESTING:
                index = self.market.get_round(world.project_id).index
                world.market(world.trainer(number).account).attest(world.project_id, index, opens=opens)

    def poke(self) -> None:
        self.market.poke(self.world.project_id)

    def finish(self, participants: Sequence[Participant], service: AggregatorService) -> None:
        """Settles, votes and closes, everybody truthfully."""
        service.step()
        for participant in participants:
            participant.step()
        service.step()

    # Money

    def stake(self, account: Address) -> tuple[int, int]:
        """Free and locked."""
        stake = self.market.get_stake(account, self.token)
        return stake.free, stake.locked

    def balances(self) -> dict[str, int]:
        """Everything that anybody has in the marketplace or in hand, by name."""
        market, token = self.market, Token(self.world.devnet.web3, self.token)
        accounts = {"owner": OWNER, "first": FIRST, "second": SECOND}
        accounts |= {f"trainer {number}": FIRST_TRAINER + number for number in range(TRAINERS)}
        found = {"contract": token.get_balance(market.address), "burnt": market.get_burnt(self.token)}
        for name, index in accounts.items():
            address = Address(dev_account(index).address)
            stake = market.get_stake(address, self.token)
            found[f"{name}: in hand"] = token.get_balance(address)
            found[f"{name}: stake"] = stake.free + stake.locked + stake.unbonding
            found[f"{name}: credit"] = market.get_credit(address, self.token)
        return found

    def verify_money(self) -> None:
        """Checks that an ended project leaves nothing in the contract but stakes, credits and what was burnt."""
        balances = self.balances()
        owed = sum(amount for name, amount in balances.items() if name.endswith((": stake", ": credit")))
        assert balances["contract"] == owed + balances["burnt"]


def make_arena(state: Path, devnet: Devnet, rule: Rule = DEFAULT_RULE, rounds: int = 1) -> Arena:
    """A project whose first round collects, with the first aggregator."""
    named = Address(devnet.account(FIRST).address)
    world = make_world(state, devnet, rounds=rounds, start=False, rule=rule, aggregator=named)  # type: ignore[arg-type]
    digits = load_dataset("digits:")
    np.savez(state / "digits.npz", features=digits.features[:EXAMPLES], labels=digits.labels[:EXAMPLES])
    arena = Arena(world, f"npz:{state / 'digits.npz'}?classes=10", state / "blobs")
    world.fund(SECOND, arena.second_keys.public_key)
    terms = AggregatorTerms(STAKE, 10**6, 30, 0)
    world.market(world.account(SECOND)).register_aggregator(arena.token, terms)
    world.market(world.account(OWNER)).start(world.project_id)
    return arena


def move(arena: Arena, state: Path) -> Arena:
    """The same arena with another folder for what programs keep."""
    return replace(arena, world=replace(arena.world, state=state))
