"""Plays a project round by round: train, attack, quantise, weigh, pay, move the model.

Everything after training is the code that the parties of a real project run: `steelyard.updates` from the update to
integers and from the aggregate to the next model, `steelyard.gram` for the matrix, `steelyard.rules` for weights, pay
and membership. What a chain adds (commitments, proofs, votes, deadlines) changes none of its numbers.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.attacks import Backdoor, Knowledge, View
from simulation.attacks.base import Updates
from simulation.cohort import Cohort, ExactCohort, SeedOf
from simulation.convolutions import ConvolutionCohort
from simulation.data import Holdings, deal_data
from simulation.examiner import Examiner
from simulation.experiment import Scenario
from simulation.perceptrons import PerceptronCohort
from steelyard.constants import UPDATE_MAX, UPDATE_MIN
from steelyard.errors import MalformedUpdateError, SpecError
from steelyard.gram import compute_gram
from steelyard.models.initial import compute_initial_parameters
from steelyard.rules import Rule, Weighing, compute_num_byzantine, get_rule
from steelyard.rules.market import Market, Status
from steelyard.spec import CnnSpec, LogisticSpec, MlpSpec, ProjectSpec, parse_project_spec
from steelyard.storage import compute_cid
from steelyard.types import Address, ParameterVector, ProjectId, UpdateVector
from steelyard.updates.aggregate import compute_aggregate, compute_next_parameters
from steelyard.updates.quantise import clip_to_norm, dequantise, quantise
from trainer_client.data import Dataset, conform
from trainer_client.training import Evaluation, compute_training_seed

_ATTACK: Final = 16
_SUM_LIMIT: Final = 2**62
"""Bounds `A` instead of `AGGREGATE_LIMIT`, which is for 32 trainers: with more of them it still fits an int64."""


@dataclass(frozen=True, slots=True, eq=False)
class PlayedRound:
    """A round, with everything that it was decided by.

    Attributes:
      index: from 0.
      parameters: the global model that it started from, shape `(d,)`.
      trainers: which trainer each row is.
      updates: int16, shape `(n, d)`.
      root: the owner's root update, if the rule has one, shape `(d,)`.
      weighing: the rule's outcome; its last row is the root update, if there is one.
      shares: what each row was paid.
      following: the global model after it, shape `(d,)`.
      market: the project after it.
      evaluation: of `following` on held-out data, if it was looked at.
      attack_success: the part of held-out examples on which a backdoor works, if there is one.
    """

    index: int
    parameters: ParameterVector
    trainers: tuple[int, ...]
    updates: NDArray[np.int16]
    root: UpdateVector | None
    weighing: Weighing
    shares: tuple[int, ...]
    following: ParameterVector
    market: Market
    evaluation: Evaluation | None
    attack_success: float | None


@dataclass(frozen=True, slots=True)
class Identities:
    """Who the trainers are on a chain: it decides the seeds of their batches."""

    project_id: ProjectId
    accounts: tuple[Address, ...]

    @classmethod
    def invent(cls, seed: int, trainers: int) -> "Identities":
        """Names for a project without a chain; one more for the owner's root update."""
        accounts = tuple(Address(f"0x{trainer + 1:040x}") for trainer in range(trainers + 1))
        return cls(ProjectId(seed.to_bytes(32, "big")), accounts)

    def seed_of(self, round_index: int, trainer: int) -> int:
        """The seed of a trainer's batches in a round."""
        return compute_training_seed(self.project_id, round_index, self.accounts[trainer])


class Engine:
    """A project being played. `play` is the usual way in."""

    def __init__(
        self,
        scenario: Scenario,
        holdings: Holdings | None = None,
        identities: Identities | None = None,
        spec: ProjectSpec | None = None,
        takes_part: Callable[[int, int], bool] = lambda _round, _trainer: True,
    ) -> None:
        """Deals the data and prepares training.

        Args:
          scenario: what to play.
          holdings: the data, if they are not the scenario's.
          identities: the trainers' accounts, if they stand on a chain.
          spec: the project's specification, if it stands on a chain.
          takes_part: whether a trainer submits in a round; everybody does if not given.

        Raises:
          DataError: the data cannot be read or dealt.
          SpecError: the model does not fit the data.
        """
        self.scenario = scenario
        self.takes_part = takes_part
        self.holdings = holdings or deal_data(scenario)
        self.spec = spec or build_spec(scenario, self.holdings)
        self.identities = identities or Identities.invent(scenario.seed, scenario.trainers)
        self.rule: Rule = get_rule(scenario.rule)
        datasets = [conform(dataset, self.spec.data) for dataset in self.holdings.trainers]
        if self.rule.rooted:
            if self.holdings.root is None:
                raise SpecError(f"data.root_examples: the rule `{self.rule.name}` needs some for its root update")
            datasets.append(conform(self.holdings.root, self.spec.data))
        self._cohort = build_cohort(scenario.cohort, self.spec, datasets, self.identities.seed_of)
        self._examiner = Examiner(self.spec, conform(self.holdings.test, self.spec.data))
        self._momenta: dict[int, NDArray[np.float64]] = {}
        self._histories: dict[int, NDArray[np.int32]] = {}
        self._movement: NDArray[np.float64] | None = None
        self.parameters = compute_initial_parameters(scenario.model, scenario.initial_seed)
        self.market = Market.open(scenario.terms, scenario.trainers)

    def play(self) -> Iterator[PlayedRound]:
        """Plays until the project has ended."""
        while self.market.status is Status.RUNNING:
            played = self._play_round()
            if played is not None:
                yield played

    def _play_round(self) -> PlayedRound | None:
        """One attempt; None if too few submitted."""
        index, before = self.market.round_index, self.parameters
        active = [trainer for trainer in self.market.active if self.takes_part(index, trainer)]
        rows, updates, root = self._submit(index, active)
        if len(rows) < self.scenario.market.min_trainers:
            self.market = self.market.close_too_few(rows)
            return None
        weighing = self._weigh(rows, updates, root)
        for row, update in zip(rows, updates, strict=True) if self.rule.historic else ():
            self._histories[row] = self._add_up(row, update)
        self.parameters = self._move(updates, weighing)
        self._movement = self.parameters.astype(np.float64) - before
        contributions = dict(zip(rows, weighing.contributions[: len(rows)], strict=True))
        earned = [self.market.members[row].earned for row in rows]
        self.market = self.market.close_round(contributions, tuple(rows[i] for i in weighing.opposed))
        evaluation, success = self._examine(index)
        return PlayedRound(
            index=index,
            parameters=before,
            trainers=rows,
            updates=updates,
            root=root,
            weighing=weighing,
            shares=tuple(self.market.members[row].earned - old for row, old in zip(rows, earned, strict=True)),
            following=self.parameters,
            market=self.market,
            evaluation=evaluation,
            attack_success=success,
        )

    # From data to integers

    def _submit(
        self, index: int, active: Sequence[int]
    ) -> tuple[tuple[int, ...], NDArray[np.int16], UpdateVector | None]:
        """Who submits, what they submit (int16, shape `(n, d)`), and the root update, if there is to be one.

        Honest trainers without a usable update sit the round out.
        """
        scenario = self.scenario
        trained = self._cohort.train(index, self.parameters, (*active, *((scenario.trainers,) * self.rule.rooted)))
        root = self._force(np.nan_to_num(trained[-1])) if self.rule.rooted else None
        deltas = self._remember(active, trained[: len(active)])
        attackers = [row for row, trainer in enumerate(active) if trainer < scenario.dishonest]
        sent: dict[int, UpdateVector] = {}
        for row, trainer in enumerate(active):
            if row not in attackers:
                try:
                    sent[trainer] = self._quantise(deltas[row])
                except MalformedUpdateError:
                    continue
        if attackers:
            finite = np.logical_and.reduce(np.isfinite(deltas), axis=1)
            own = np.where(finite[attackers, None], deltas[attackers], 0.0)
            honest = [row for row in range(len(active)) if row not in attackers and finite[row]]
            parties = [active[row] for row in (*attackers, *honest)]
            crafted = self._craft(index, parties, own, deltas[honest], root)
            for row, update in zip(attackers, crafted, strict=True):
                sent[active[row]] = self._force(update)
        rows = tuple(sorted(sent))
        empty = np.empty((0, self.parameters.size), np.int16)
        return rows, np.stack([sent[row] for row in rows]) if rows else empty, root

    def _remember(self, active: Sequence[int], deltas: Updates) -> Updates:
        """What everybody sends if it is honest: its update, or the momentum of its updates."""
        beta = self.scenario.worker_momentum
        if not beta:
            return deltas
        for row, trainer in enumerate(active):
            before = self._momenta.get(trainer)
            momentum = deltas[row] if before is None else beta * before + (1 - beta) * deltas[row]
            if np.isfinite(momentum).all():
                self._momenta[trainer] = momentum
            deltas[row] = momentum
        return deltas

    def _craft(
        self, index: int, parties: Sequence[int], own: Updates, honest: Updates, root: UpdateVector | None
    ) -> Updates:
        scenario = self.scenario
        omniscient = scenario.known is Knowledge.OMNISCIENT
        known = parties if omniscient else parties[: len(own)]
        if root is not None and not omniscient:
            root = self._force(own.mean(axis=0))

        def aggregate(crafted: Updates, supposed: Updates) -> NDArray[np.float64]:
            """As the round itself would, with attackers first. Who is not known has no history, and so no number."""
            if len(crafted) + len(supposed) < scenario.market.min_trainers:
                return np.zeros(self.parameters.size)
            updates = np.stack([self._force(update) for update in (*crafted, *supposed)])
            rows = [*known, *[-1] * len(updates)][: len(updates)]
            weighing = self._weigh(rows, updates, root)
            weights = np.array([weight / weighing.normaliser for weight in weighing.weights[: len(updates)]])
            return weights @ dequantise(updates, self.spec.quantisation.scale)

        n = len(own) + len(honest)
        view = View(
            own=own,
            parameters=self.parameters,
            movement=self._movement,
            round_index=index,
            n=n,
            f=compute_num_byzantine(n, scenario.market.byzantine_bps) if n >= 3 else 0,
            clip=self.spec.quantisation.l2_norm_clip,
            aggregate=aggregate,
            knowledge=scenario.known,
            _honest=honest if omniscient else None,
        )
        crafted = scenario.attack.craft(view, np.random.default_rng((scenario.seed, _ATTACK, index)))
        if crafted.shape != own.shape:
            raise ValueError(f"the attack sends {crafted.shape}, {own.shape} is due")
        return crafted

    def _quantise(self, delta: NDArray[np.float64]) -> UpdateVector:
        quantisation = self.spec.quantisation
        return quantise(delta, quantisation.scale, quantisation.l2_norm_clip)

    def _force(self, delta: NDArray[np.float64]) -> UpdateVector:
        """As `quantise`, but zeros are sent too: an attacker's program need not refuse them."""
        quantisation = self.spec.quantisation
        clipped = clip_to_norm(delta, quantisation.l2_norm_clip)
        return np.clip(np.rint(clipped * quantisation.scale), UPDATE_MIN, UPDATE_MAX).astype(np.int16)

    # From integers to the next model

    def _weigh(self, rows: Sequence[int], updates: NDArray[np.int16], root: UpdateVector | None) -> Weighing:
        gram = compute_gram(updates if root is None else np.vstack([updates, root]))
        f = compute_num_byzantine(len(updates), self.scenario.market.byzantine_bps)
        history = None
        if self.rule.historic:
            history = compute_gram(
                np.array([self._add_up(row, update) for row, update in zip(rows, updates, strict=True)])
            )
        return self.rule.weigh(gram, f, updates.shape[1], history)

    def _add_up(self, row: int, update: UpdateVector) -> NDArray[np.int32]:
        """A trainer's history with one more update. No number of rounds that a project may have leaves an int32."""
        return self._histories.get(row, 0) + update.astype(np.int32)

    def _move(self, updates: NDArray[np.int16], weighing: Weighing) -> ParameterVector:
        aggregate = compute_aggregate(list(updates), weighing.weights[: len(updates)], _SUM_LIMIT)
        scale = self.spec.quantisation.scale
        return compute_next_parameters(self.parameters, aggregate, weighing.normaliser, scale)

    def _examine(self, index: int) -> tuple[Evaluation | None, float | None]:
        due = (index + 1) % self.scenario.evaluate_every == 0 or self.market.status is not Status.RUNNING
        if not due:
            return None, None
        attack = self.scenario.attack
        success = self._examiner.measure_backdoor(self.parameters, attack) if isinstance(attack, Backdoor) else None
        return self._examiner.evaluate(self.parameters), success


def build_cohort(name: str, spec: ProjectSpec, datasets: Sequence[Dataset], seed_of: SeedOf) -> Cohort:
    """The cohort of that name, for the specification's model."""
    match spec.model:
        case CnnSpec() as model if name == "fast":
            return ConvolutionCohort(spec, model, datasets, seed_of)
        case MlpSpec() | LogisticSpec() as model if name == "fast":
            return PerceptronCohort(spec, model, datasets, seed_of)
        case _:
            return ExactCohort(spec, datasets, seed_of)


def play(scenario: Scenario) -> Iterator[PlayedRound]:
    """Plays a scenario from the first round to its end.

    Raises:
      DataError: the data cannot be read or dealt.
      SpecError: the model does not fit the data.
    """
    return Engine(scenario).play()


def build_spec(scenario: Scenario, holdings: Holdings) -> ProjectSpec:
    """The specification that trainers of such a project would read.

    Raises:
      SpecError: model and data do not fit.
    """
    data = (*holdings.trainers, holdings.test)
    shape = data[0].feature_shape
    fields = {
        "version": 1,
        "title": "Simulated",
        "task": "Simulated.",
        "model": scenario.model.model_dump(),
        "initial_model": str(compute_cid(b"")),
        "data": {
            "feature_shape": shape if len(shape) <= 3 else (int(np.prod(shape)),),
            "classes": max(dataset.num_classes for dataset in data),
            "minimum": float(np.floor(min(dataset.features.min() for dataset in data))),
            "maximum": float(np.ceil(max(dataset.features.max() for dataset in data))),
        },
        "training": [phase.model_dump() for phase in scenario.training],
        "quantisation": scenario.quantisation.model_dump(),
        "privacy": {"mechanism": "none"},
        "shortness": "none",
    }
    try:
        return parse_project_spec(json.dumps(fields))
    except SpecError as error:
        raise SpecError(f"the scenario is no project: {error}") from error
