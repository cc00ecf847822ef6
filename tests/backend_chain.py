"""A chain in memory for tests of the backend: a small market that keeps the contract's rules, on blocks that fork."""

import copy
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import NotFoundError
from backend.event_log import Facts
from backend.node import Figures, Holding, Node, TokenFacts
from backend.source import Header, InconsistentNodeError, Source
from steelyard.chain import events as ev
from steelyard.chain.events import Event, LoggedEvent
from steelyard.chain.fees import Fees
from steelyard.chain.records import (
    ZERO_ADDRESS,
    AggregatorTerms,
    CreditKind,
    Exclusion,
    ExclusionReason,
    LeaveReason,
    ProjectParams,
    ProjectStatus,
    RoundOutcome,
    Settlement,
)
from steelyard.chain.token import PermitDomain
from steelyard.errors import ChainError
from steelyard.gram.evidence import EvidenceBundle, parse_bundle
from steelyard.types import Address, Cid, Codec, Digest, ProjectId

MARKETPLACE = Address("0x" + "11" * 20)
TOKEN = Address("0x" + "22" * 20)
OWNER = Address("0x" + "33" * 20)
AGGREGATOR = Address("0x" + "44" * 20)
RULE = Address("0x" + "55" * 20)
VERIFIER = Address("0x" + "66" * 20)
CHAIN_ID = 31_337
GENESIS_TIME = 1_700_000_000
MIN_STAKE = 10**18
AGGREGATOR_STAKE = 2 * 10**18
BUDGET = 3 * 10**18
VECTORS = Path(__file__).parent / "vectors" / "gram"

TRAINERS = tuple(Address("0x" + f"{number:02x}" * 20) for number in range(0x71, 0x78))


def make_cid(text: str) -> Cid:
    return Cid(Codec.RAW, hashlib.sha256(text.encode()).digest())


def make_params(**changes: object) -> ProjectParams:
    params = {
        "owner": OWNER,
        "token": TOKEN,
        "budget": BUDGET,
        "rounds": 3,
        "min_trainers": 3,
        "max_trainers": 7,
        "min_reputation_bps": 0,
        "byzantine_bps": 3000,
        "min_stake": MIN_STAKE,
        "aggregator_fee_bps": 500,
        "slash_bps": 5000,
        "max_strikes": 2,
        "max_absences": 2,
        "aggregator_stake": AGGREGATOR_STAKE,
        "aggregator_slash_bps": 5000,
        "enrol_seconds": 100,
        "submit_seconds": 100,
        "settle_seconds": 100,
        "attest_seconds": 100,
        "dimension": 2410,
        "rule": RULE,
        "verifier": VERIFIER,
        "aggregator": ZERO_ADDRESS,
        "spec_cid": make_cid("spec"),
    }
    return ProjectParams(**(params | changes))  # type: ignore[arg-type]


@dataclass(slots=True)
class Running:
    """A project of the market; `step` names the method that says what comes next."""

    step: str = "enrolling"
    members: list[Address] = field(default_factory=list)
    round: int = 0
    attempt: int = 0
    submitted: list[Address] = field(default_factory=list)
    rows: list[Address] = field(default_factory=list)
    """Trainers; a root is one more row, of the owner's."""
    shares: tuple[int, ...] = ()
    rooted: bool = False


@dataclass(slots=True)
class Market:
    """Enough of the contract to emit long, consistent, varied histories. Forks copy it."""

    projects: dict[ProjectId, Running] = field(default_factory=dict)
    counter: int = 0

    def act(self, rng: random.Random) -> list[Event]:
        """What one transaction of somebody's emits."""
        self.counter += 1
        running = [project for project, state in self.projects.items() if state.step != "ended"]
        if not running or (len(running) < 3 and rng.random() < 0.2):
            return self._create(rng)
        project_id = rng.choice(running)
        step: Callable[[ProjectId, random.Random], list[Event]] = getattr(self, f"_{self.projects[project_id].step}")
        return step(project_id, rng)

    def _create(self, rng: random.Random) -> list[Event]:
        project_id = ProjectId(hashlib.sha256(rng.randbytes(16)).digest())
        rooted = project_id[0] % 3 == 0
        self.projects[project_id] = Running(rooted=rooted)
        events: list[Event] = []
        if self.counter == 1:
            terms = AggregatorTerms(10**30, 10**6, 10, 0)
            events += [
                ev.KeyRegistered(AGGREGATOR, b"\x05" * 32),
                ev.StakeDeposited(AGGREGATOR, TOKEN, 10**24),
                ev.AggregatorRegistered(AGGREGATOR, TOKEN, terms),
            ]
        return [
            *events,
            ev.ProjectCreated(project_id, OWNER, self.counter, GENESIS_TIME + 500, make_params(), rooted),
        ]

    def _enrolling(self, project_id: ProjectId, rng: random.Random) -> list[Event]:
        state = self.projects[project_id]
        members = state.members
        outside = [trainer for trainer in TRAINERS if trainer not in members]
        if members and rng.random() < 0.15:
            leaver = members.pop(rng.randrange(len(members)))
            return [
                ev.StakeReleased(project_id, leaver, MIN_STAKE),
                ev.TrainerLeft(project_id, leaver, LeaveReason.LEFT),
            ]
        if not outside or (len(members) >= 4 and rng.random() < 0.5):
            state.step = "collecting"
            return [ev.ProjectStarted(project_id, len(members)), *self._open(project_id)]
        trainer = rng.choice(outside)
        members.append(trainer)
        return [
            ev.KeyRegistered(trainer, rng.randbytes(32)),
            ev.StakeDeposited(trainer, TOKEN, MIN_STAKE + rng.randrange(10**18)),
            ev.TrainerEnrolled(project_id, trainer, len(members) - 1),
            ev.StakeLocked(project_id, trainer, MIN_STAKE),
        ]

    def _open(self, project_id: ProjectId) -> list[Event]:
        state = self.projects[project_id]
        state.attempt += 1
        state.submitted = []
        opened = ev.RoundOpened(
            project_id,
            state.round,
            state.attempt,
            AGGREGATOR,
            GENESIS_TIME + 900,
            GENESIS_TIME + 1000,
        )
        return [ev.StakeLocked(project_id, AGGREGATOR, AGGREGATOR_STAKE), opened]

    def _collecting(self, project_id: ProjectId, rng: random.Random) -> list[Event]:
        state = self.projects[project_id]
        submitted = state.submitted
        waiting = [trainer for trainer in state.members if trainer not in submitted]
        if not waiting or (len(submitted) >= 3 and rng.random() < 0.3):
            state.step = "weighing"
            if not state.rooted:
                return []
            root = hashlib.sha256(project_id + bytes([state.attempt])).digest()
            return [ev.RootSubmitted(project_id, state.round, OWNER, state.attempt, make_cid("root"), Digest(root))]
        trainer = rng.choice(waiting)
        submitted.append(trainer)
        place = (project_id, state.round, trainer, state.attempt, len(submitted) - 1)
        return [ev.UpdateSubmitted(*place, make_cid(str(self.counter)), Digest(rng.randbytes(32)))]

    def _weighing(self, project_id: ProjectId, rng: random.Random) -> list[Event]:
        state = self.projects[project_id]
        if rng.random() < 0.2:
            return self._close(project_id, RoundOutcome.MISSED, rng)
        rows = list(state.submitted)
        exclusions: tuple[Exclusion, ...] = ()
        if len(rows) > 3 and rng.random() < 0.5:
            index = rng.randrange(len(rows))
            rows.pop(index)
            exclusions = (Exclusion(index, rng.choice(list(ExclusionReason)[1:])),)
        shares = tuple(rng.randrange(2**100) for _ in rows)
        state.step, state.rows, state.shares = "attesting", rows, shares
        settlement = Settlement(
            exclusions, rng.randbytes(128), rng.randbytes(48), rng.randbytes(64), b"", make_cid("a"), rng.randbytes(32)
        )
        place = (project_id, state.round)
        root = (0,) * state.rooted
        return [
            ev.RoundSettled(*place, AGGREGATOR, state.attempt, GENESIS_TIME + 2000, settlement),
            ev.RoundWeighed(
                *place,
                state.attempt,
                (*rows, *[OWNER] * state.rooted),
                0,
                BUDGET,
                tuple(rng.randrange(2**255) for _ in rows) + root,
                tuple(rng.randrange(2**255) for _ in rows) + root,
                shares + root,
                rng.randrange(2 ** len(rows)),
            ),
        ]

    def _attesting(self, project_id: ProjectId, rng: random.Random) -> list[Event]:
        state = self.projects[project_id]
        rows = state.rows
        votes: list[Event] = [
            ev.Attested(project_id, state.round, trainer, state.attempt, rng.random() < 0.8)
            for trainer in rows
            if rng.random() < 0.7
        ]
        outcome = RoundOutcome.VOID if rng.random() < 0.15 else RoundOutcome.FINAL
        return votes + self._close(project_id, outcome, rng)

    def _close(self, project_id: ProjectId, outcome: RoundOutcome, rng: random.Random) -> list[Event]:
        state = self.projects[project_id]
        events: list[Event] = []
        slashed = 0 if outcome is RoundOutcome.FINAL else AGGREGATOR_STAKE // 2
        if slashed:
            events.append(ev.StakeSlashed(project_id, AGGREGATOR, slashed, 0))
        events.append(ev.StakeReleased(project_id, AGGREGATOR, AGGREGATOR_STAKE - slashed))
        paid = 0
        if outcome is RoundOutcome.FINAL:
            state.round += 1
            events.append(ev.Credited(project_id, AGGREGATOR, TOKEN, 10**16, CreditKind.FEE))
            for trainer, share in zip(state.rows, state.shares, strict=True):
                paid += share
                events.append(ev.Credited(project_id, trainer, TOKEN, share, CreditKind.SHARE))
                events.append(ev.ReputationUpdated(trainer, project_id, 5000, rng.randrange(10_001)))
                if rng.random() < 0.1:
                    events.append(ev.StrikeRecorded(project_id, trainer, 1))
                if rng.random() < 0.3:
                    events.append(ev.Claimed(trainer, TOKEN, share, trainer))
        events.append(
            ev.RoundClosed(project_id, state.round - (outcome is RoundOutcome.FINAL), state.attempt, outcome, paid, 7)
        )
        if state.round == 3:
            state.step = "ended"
            for trainer in state.members:
                events.append(ev.StakeReleased(project_id, trainer, MIN_STAKE))
                events.append(ev.TrainerLeft(project_id, trainer, LeaveReason.ENDED))
            return [*events, ev.ProjectEnded(project_id, ProjectStatus.COMPLETED, 0, 21)]
        state.step = "collecting"
        return events + self._open(project_id)


@dataclass(frozen=True, slots=True)
class FakeBlock:
    """A block, its events, and the market after it."""

    header: Header
    events: tuple[LoggedEvent, ...]
    market: Market


class FakeChain(Source):
    """A chain that mines what it is told, or what its market does, and can be reorganised."""

    chain_id = CHAIN_ID
    marketplace = MARKETPLACE

    def __init__(self, seed: int = 0) -> None:
        self.rng = random.Random(seed)
        genesis = Header(0, b"\xee" * 32, bytes(32), GENESIS_TIME)
        self.blocks = [FakeBlock(genesis, (), Market())]

    @property
    def head(self) -> int:
        return len(self.blocks) - 1

    def mine(self, *groups: Sequence[Event], seconds: int = 12) -> None:
        """Mines one block per group of events."""
        for group in groups:
            self._append(list(group), self.blocks[-1].market, seconds)

    def mine_random(self, count: int) -> None:
        """Mines blocks in which the market acts, or nothing happens."""
        for _ in range(count):
            market = copy.deepcopy(self.blocks[-1].market)
            events = [event for _ in range(self.rng.choice((0, 1, 1, 2, 4))) for event in market.act(self.rng)]
            self._append(events, market, 12)

    def reorganise(self, depth: int, count: int) -> None:
        """Replaces the newest `depth` blocks by `count` others."""
        del self.blocks[len(self.blocks) - depth :]
        self.mine_random(count)

    def _append(self, events: list[Event], market: Market, seconds: int) -> None:
        parent = self.blocks[-1].header
        number, block_hash = parent.number + 1, self.rng.randbytes(32)
        logged = tuple(
            LoggedEvent(event, number, 3 * index, hashlib.sha256(block_hash + bytes([index // 5])).digest(), block_hash)
            for index, event in enumerate(events)
        )
        header = Header(number, block_hash, parent.hash, parent.timestamp + seconds)
        self.blocks.append(FakeBlock(header, logged, market))

    def get_head(self) -> Header:
        return self.blocks[-1].header

    def get_header(self, number: int) -> Header:
        if not 0 <= number < len(self.blocks):
            raise InconsistentNodeError(f"no block {number}")
        return self.blocks[number].header

    def get_events(self, first: int, last: int) -> Sequence[LoggedEvent]:
        return [event for block in self.blocks[first : last + 1] for event in block.events]

    def get_block_events(self, block_hash: bytes) -> Sequence[LoggedEvent]:
        for block in self.blocks:
            if block.header.hash == block_hash:
                return block.events
        raise InconsistentNodeError("no such block")

    def get_facts(self, logged: LoggedEvent) -> Facts:
        match logged.event:
            case ev.RoundSettled():
                return Facts(gas_used=1_000_000 + logged.block_number)
            case ev.ProjectCreated():
                return Facts(rule_name="clip-nnm-multi-krum", powers=4096)
            case _:
                return Facts()


class FakeNode(Node):
    """A node that knows some contract wallets' signatures and takes every transaction."""

    def __init__(self) -> None:
        self.signatures: set[tuple[Address, bytes, bytes]] = set()
        self.broadcasts: list[bytes] = []
        self.simulated: list[tuple[Address, Address, bytes]] = []
        self.revert: ChainError | None = None
        self.tokens = {TOKEN: TokenFacts("SYT", 18, PermitDomain("Steelyard Test", "1", CHAIN_ID, TOKEN))}

    def is_valid_signature(self, contract: Address, digest: bytes, signature: bytes) -> bool:
        return (contract, digest, signature) in self.signatures

    def get_figures(self, sender: Address, to: Address, data: bytes) -> Figures:
        if self.revert is not None:
            raise self.revert
        self.simulated.append((sender, to, data))
        return Figures(nonce=7, gas=100_000, fees=Fees(max_fee=3 * 10**9, tip=10**9))

    def get_token(self, token: Address) -> TokenFacts:
        if self.revert is not None:
            raise self.revert
        if token not in self.tokens:
            raise NotFoundError("token", token)
        return self.tokens[token]

    def get_holding(self, token: Address, account: Address, spender: Address) -> Holding:
        nonce = None if self.tokens[token].permit_domain is None else 3
        return Holding(balance=10**18 + int(account, 16) % 7, allowance=5, permit_nonce=nonce)

    def broadcast(self, raw: bytes) -> str:
        self.broadcasts.append(raw)
        return "0x" + hashlib.sha256(raw).hexdigest()

    def get_unbonding_seconds(self, marketplace: Address) -> int:
        if self.revert is not None:
            raise self.revert
        return 604_800


def load_bundle(name: str) -> EvidenceBundle:
    """One of the known answers."""
    return parse_bundle(json.dumps(json.loads((VECTORS / f"{name}.json").read_text())))


def make_settled_project(bundle: EvidenceBundle, excluded: Address | None = None) -> list[list[Event]]:
    """Blocks in which a project is created, enrolled, started and settled as an evidence bundle tells.

    Args:
      bundle: tells of a round with index 0 on the fake chain.
      excluded: one more trainer, whose submission comes first and is reported as unavailable.
    """
    project_id = bundle.project_id
    trainers = ((excluded,) if excluded else ()) + bundle.trainers
    hashes = ((Digest(b"\x0e" * 32),) if excluded else ()) + bundle.commitment_hashes
    enrolled: list[Event] = []
    for slot, trainer in enumerate(trainers):
        enrolled += [
            ev.StakeDeposited(trainer, TOKEN, MIN_STAKE),
            ev.TrainerEnrolled(project_id, trainer, slot),
            ev.StakeLocked(project_id, trainer, MIN_STAKE),
        ]
    opened = ev.RoundOpened(project_id, 0, 1, AGGREGATOR, GENESIS_TIME + 900, GENESIS_TIME + 1000)
    submitted: list[Event] = [
        ev.UpdateSubmitted(project_id, 0, trainer, 1, index, make_cid(trainer), commitment_hash)
        for index, (trainer, commitment_hash) in enumerate(zip(trainers, hashes, strict=True))
    ]
    settlement = Settlement(
        exclusions=(Exclusion(0, ExclusionReason.UNAVAILABLE),) if excluded else (),
        commitments=bundle.commitments,
        gram=bundle.gram,
        proof=bundle.proof.encode(),
        hints=b"",
        aggregate_cid=make_cid("aggregate"),
        blinders=bytes(32 * bundle.blocks),
    )
    contributions = bundle.shares
    weighed = ev.RoundWeighed(
        project_id, 0, 1, bundle.trainers, bundle.f, bundle.budget, bundle.weights, contributions, bundle.shares, 1 << 5
    )
    settled: list[Event] = [
        ev.RoundSettled(project_id, 0, AGGREGATOR, 1, GENESIS_TIME + 2000, settlement),
        weighed,
    ]
    params = make_params(max_trainers=len(trainers), dimension=bundle.d)
    return [
        [ev.ProjectCreated(project_id, OWNER, 0, GENESIS_TIME + 500, params, rooted=False)],
        enrolled,
        [
            ev.ProjectStarted(project_id, len(trainers)),
            ev.StakeDeposited(AGGREGATOR, TOKEN, AGGREGATOR_STAKE),
            ev.StakeLocked(project_id, AGGREGATOR, AGGREGATOR_STAKE),
            opened,
        ],
        submitted,
        settled,
    ]


def close_settled_project(bundle: EvidenceBundle) -> list[Event]:
    """What makes the round of `make_settled_project` final."""
    project_id = bundle.project_id
    events: list[Event] = [ev.Attested(project_id, 0, trainer, 1, True) for trainer in bundle.trainers[:4]]
    for trainer, share in zip(bundle.trainers, bundle.shares, strict=True):
        if share:
            events.append(ev.Credited(project_id, trainer, TOKEN, share, CreditKind.SHARE))
        events.append(ev.ReputationUpdated(trainer, project_id, 5000, 5625))
    paid = sum(bundle.shares)
    return [*events, ev.RoundClosed(project_id, 0, 1, RoundOutcome.FINAL, paid, bundle.budget - paid)]
