"""One attempt from its submissions to the settlement on chain."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aggregator.collector import Collection, Collector
from steelyard.chain.client import Marketplace
from steelyard.chain.events import UpdateSubmitted
from steelyard.chain.records import Exclusion, ExclusionReason, Settlement
from steelyard.chain.transactions import Receipt
from steelyard.constants import ROOT_INDEX
from steelyard.errors import AggregationError, RootUnusableError
from steelyard.gram import Srs, encode_scalars
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.access import Outlet
from steelyard.rounds.global_model import GlobalModel, move
from steelyard.rounds.settlement import RoundContext, WeighedRound, check_exclusions, prove_short, weigh_round
from steelyard.rules.registry import Rule
from steelyard.spec import ProjectSpec
from steelyard.storage import BlobStore
from steelyard.updates.aggregate import Aggregate, encode_aggregate


class WaitingError(AggregationError):
    """Submissions are still missing from the store, and there is time to wait for them."""

    def __init__(self, missing: tuple[int, ...]) -> None:
        super().__init__(f"submissions {', '.join(map(str, missing))} are not in the store yet")
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement that took effect."""

    receipt: Receipt
    rows: int
    excluded: tuple[Exclusion, ...]
    seconds: dict[str, float]
    """By step."""


@dataclass(frozen=True, slots=True)
class RoundWork:
    """The parts that one attempt is settled with."""

    context: RoundContext
    rule: Rule
    srs: Srs
    store: BlobStore
    collector: Collector

    def settle(
        self,
        marketplace: Marketplace,
        submissions: Sequence[UpdateSubmitted],
        model: GlobalModel,
        spec: ProjectSpec,
        *,
        give_up: bool,
        outlet: Outlet | None = None,
        measure: Callable[[str, float], None] = lambda _step, _seconds: None,
    ) -> Settled:
        """Opens, weighs, proves, publishes and settles.

        Args:
          marketplace: sends as the attempt's aggregator.
          submissions: all of the attempt, in their order, a root last.
          model: the one that the round started from.
          spec: the project's.
          give_up: whether to exclude what the store does not have, rather than to wait for it.
          outlet: publishes model and aggregate; in clear if not given.
          measure: told the seconds of each step as it ends.

        Raises:
          WaitingError: something is missing and `give_up` is not set.
          RootUnusableError, TooManyExclusionsError, TooFewUpdatesError: the round can only be abandoned.
          StorageError: the aggregate or the model cannot be published.
          ChainError: the settlement was refused, or not mined.
        """
        clock = _Clock(measure)
        clock.start("collect")
        collection = self.collector.collect(submissions)
        if collection.pending and not give_up:
            raise WaitingError(collection.pending)
        clock.start("openings")
        collection = self.collector.check_openings(_exclude_pending(collection))
        self._check_usable(submissions, collection.excluded)
        weighed = weigh_round(self.srs, self.rule, self.context, collection.opened, clock.start)
        clock.start("shortness")
        shortness = prove_short(self.srs, collection.opened) if spec.shortness == "required" else b""
        clock.start("publish")
        settlement = self._publish(weighed, shortness, collection.excluded, model, spec, outlet or Outlet(self.store))
        clock.start("settle")
        receipt = marketplace.settle(self.context.project_id, self.context.round_index, settlement)
        return Settled(receipt, len(collection.opened), collection.excluded, clock.stop())

    def _check_usable(self, submissions: Sequence[UpdateSubmitted], excluded: Sequence[Exclusion]) -> None:
        for exclusion in excluded:
            if exclusion.index == ROOT_INDEX:
                raise RootUnusableError(exclusion.reason.name.lower().replace("_", " "))
        trainers = sum(submission.index != ROOT_INDEX for submission in submissions)
        check_exclusions(trainers, len(excluded), self.context.byzantine_bps)

    def _publish(
        self,
        weighed: WeighedRound,
        shortness: bytes,
        excluded: tuple[Exclusion, ...],
        model: GlobalModel,
        spec: ProjectSpec,
        outlet: Outlet,
    ) -> Settlement:
        following = move(model, weighed.aggregate, weighed.weighing.normaliser, spec)
        model_cid = outlet.put_model(encode_model(following.parameters, spec.model.shapes))
        aggregate = Aggregate(weighed.aggregate, weighed.blinders, model_cid, shortness)
        aggregate_cid = outlet.put_aggregate(encode_aggregate(aggregate))
        return Settlement(
            exclusions=excluded,
            commitments=weighed.commitments,
            gram=weighed.gram,
            proof=weighed.proof,
            hints=weighed.hints,
            aggregate_cid=aggregate_cid,
            blinders=encode_scalars(weighed.blinders),
        )


def _exclude_pending(collection: Collection) -> Collection:
    missing = tuple(Exclusion(index, ExclusionReason.UNAVAILABLE) for index in collection.pending)
    excluded = sorted((*collection.excluded, *missing), key=lambda exclusion: exclusion.index)
    return replace(collection, excluded=tuple(excluded), pending=())


class _Clock:
    """Seconds by step; starting one ends the one before."""

    def __init__(self, measure: Callable[[str, float], None]) -> None:
        self._measure = measure
        self._seconds: dict[str, float] = {}
        self._current: str | None = None
        self._since = 0.0

    def start(self, step: str) -> None:
        self.stop()
        self._current, self._since = step, time.perf_counter()

    def stop(self) -> dict[str, float]:
        if self._current is not None:
            self._seconds[self._current] = time.perf_counter() - self._since
            self._measure(self._current, self._seconds[self._current])
            self._current = None
        return self._seconds
