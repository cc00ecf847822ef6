"""A round of a small project in memory: trainers, their submissions, the settlement and the events that it leaves."""

from dataclasses import dataclass

import numpy as np

from steelyard.chain.events import Event, LoggedEvent, RoundClosed, RoundSettled, RoundWeighed, UpdateSubmitted
from steelyard.chain.records import Exclusion, RoundOutcome, Settlement
from steelyard.gram import Srs, load_ethereum_srs
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.global_model import GlobalModel, compute_model_cid, move
from steelyard.rounds.settlement import RoundContext, WeighedRound, prove_short, weigh_round
from steelyard.rounds.submission import OpenedSubmission, Submission, build_submission, open_submission
from steelyard.rules.pay import compute_shares
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.spec import ProjectSpec, parse_project_spec
from steelyard.storage import BlobStore, MemoryBlobStore, compute_cid
from steelyard.types import Address, ParameterVector, ProjectId, UpdateVector
from steelyard.updates.aggregate import Aggregate, encode_aggregate
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext

CHAIN_ID = 31337
MARKETPLACE = Address("0x" + "11" * 20)
PROJECT = ProjectId(b"\x07" * 32)
AGGREGATOR = Address("0x" + "aa" * 20)
BUDGET = 10**18
BYZANTINE_BPS = 3000


def make_trainers(n: int) -> list[Address]:
    """Addresses whose every byte is the trainer's number, from 1."""
    return [Address("0x" + f"{i + 1:02x}" * 20) for i in range(n)]


def make_spec(initial: ParameterVector | None = None) -> ProjectSpec:
    """Logistic regression of 8 features and 3 classes: `d = 27`."""
    spec = parse_project_spec(
        b"""{"version":1,"title":"Test","task":"Test.","model":{"name":"logistic","inputs":8,"classes":3},
        "initial_model":"bafkreihna4ylke3sh7lqkgrpnuva2lhmi3ku6y37ofhnis3cgxh4q4u3ey",
        "data":{"feature_shape":[8],"classes":3,"minimum":0.0,"maximum":1.0},
        "training":[{"first_round":0,"epochs":1,"batch_size":8,"learning_rate":0.1,"momentum":0.0,"weight_decay":0.0}],
        "quantisation":{"scale":4096,"l2_norm_clip":4.0},"privacy":{"mechanism":"none"}}"""
    )
    if initial is None:
        return spec
    return spec.model_copy(update={"initial_model": compute_cid(encode_model(initial, spec.model.shapes))})


def make_updates(n: int, d: int, seed: int = 0) -> list[UpdateVector]:
    """Updates that agree on a direction, each with noise of its own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=d)
    return [np.rint(1000 * (shared + 0.3 * rng.normal(size=d))).astype(np.int16) for _ in range(n)]


@dataclass(slots=True)
class Kit:
    """Everything that a round needs. Change what a test is about, then `weigh` and `log`."""

    srs: Srs
    key_pair: EncryptionKeyPair
    trainers: list[Address]
    updates: list[UpdateVector]

    @classmethod
    def make(cls, n: int = 5, d: int = 27) -> "Kit":
        """`n` honest trainers with updates of `d` entries."""
        return cls(load_ethereum_srs(), EncryptionKeyPair.generate(), make_trainers(n), make_updates(n, d))

    @property
    def dimension(self) -> int:
        return self.updates[0].size

    def context(self, round_index: int = 0) -> RoundContext:
        return RoundContext(CHAIN_ID, MARKETPLACE, PROJECT, round_index, self.dimension, BYZANTINE_BPS)

    def payload_context(self, row: int, round_index: int = 0) -> PayloadContext:
        return PayloadContext(CHAIN_ID, MARKETPLACE, PROJECT, round_index, self.trainers[row])

    def submit(self, row: int, round_index: int = 0) -> Submission:
        return build_submission(
            self.srs, self.updates[row], self.key_pair.public_key, self.payload_context(row, round_index)
        )

    def open(self, row: int, submission: Submission, round_index: int = 0) -> OpenedSubmission:
        return open_submission(
            submission.blob,
            row,
            submission.commitment_hash,
            self.srs,
            self.dimension,
            self.key_pair,
            self.payload_context(row, round_index),
        )

    def log(
        self,
        submissions: list[Submission],
        opened: list[OpenedSubmission],
        exclusions: tuple[Exclusion, ...],
        weighed: WeighedRound,
        aggregate_blob: bytes,
        round_index: int = 0,
        attempt: int = 1,
        outcome: RoundOutcome = RoundOutcome.FINAL,
    ) -> list[LoggedEvent]:
        """The events that the contract would emit."""
        weighing = weighed.weighing
        settlement = Settlement(
            exclusions=exclusions,
            commitments=weighed.commitments,
            gram=weighed.gram,
            proof=weighed.proof,
            hints=weighed.hints,
            aggregate_cid=compute_cid(aggregate_blob),
            blinders=b"".join(blinder.to_bytes(32, "big") for blinder in weighed.blinders),
        )
        shares = compute_shares(BUDGET, weighing.contributions)
        events: list[Event] = [
            UpdateSubmitted(
                PROJECT,
                round_index,
                self.trainers[i],
                attempt,
                i,
                compute_cid(submission.blob),
                submission.commitment_hash,
            )
            for i, submission in enumerate(submissions)
        ]
        events += [
            RoundSettled(PROJECT, round_index, AGGREGATOR, attempt, 1000, settlement),
            RoundWeighed(
                PROJECT,
                round_index,
                attempt,
                tuple(row.trainer for row in opened),
                weighing.f,
                BUDGET,
                weighing.weights,
                weighing.contributions,
                shares.shares,
                sum(1 << row for row in weighing.opposed),
            ),
            RoundClosed(PROJECT, round_index, attempt, outcome, sum(shares.shares), shares.remainder),
        ]
        return [LoggedEvent(event, attempt, i, b"\x01" * 32, b"\x02" * 32) for i, event in enumerate(events)]


@dataclass(slots=True)
class PlayedRound:
    """A settled round and what it left in the store and on the chain."""

    model: GlobalModel
    weighed: WeighedRound
    aggregate: Aggregate
    events: list[LoggedEvent]


def play_round(kit: Kit, store: BlobStore, model: GlobalModel, spec: ProjectSpec, attempt: int = 1) -> PlayedRound:
    """Plays one round with honest parties and returns the model that follows."""
    index = model.round_index
    submissions = [kit.submit(row, index) for row in range(len(kit.trainers))]
    opened = [kit.open(row, submission, index) for row, submission in enumerate(submissions)]
    weighed = weigh_round(kit.srs, DEFAULT_RULE, kit.context(index), opened)
    following = move(model, weighed.aggregate, weighed.weighing.normaliser, spec)
    shortness = prove_short(kit.srs, opened) if spec.shortness == "required" else b""
    aggregate = Aggregate(weighed.aggregate, weighed.blinders, compute_model_cid(following, spec), shortness)
    blob = encode_aggregate(aggregate)
    store.put(blob)
    events = kit.log(submissions, opened, (), weighed, blob, index, attempt)
    return PlayedRound(following, weighed, aggregate, events)


def make_store(initial: ParameterVector, spec: ProjectSpec) -> MemoryBlobStore:
    """A store that holds the initial model."""
    store = MemoryBlobStore()
    store.put(encode_model(initial, spec.model.shapes))
    return store
