"""The aggregator's loop: follow the chain, and bring each round that it was drawn for to its settlement.

Nothing is kept on disk. What to do follows from the chain, and doing it again is harmless: blobs are addressed by their
content, a round can be settled once, and a settlement that was sent twice reverts before it costs anything.
"""

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from aggregator.collector import Collector
from aggregator.decision import Action, decide
from aggregator.monitor import Monitor
from aggregator.settling import RoundWork, Settled, WaitingError
from aggregator.standing import count_rounds, read_funds
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.events import LoggedEvent, ProjectEnded, RoundOpened, UpdateSubmitted
from steelyard.chain.history import EventHistory
from steelyard.chain.records import Round
from steelyard.chain.reverts import NothingToDoError
from steelyard.errors import (
    AccessError,
    AggregationError,
    BlobMismatchError,
    ChainError,
    ChainUnavailableError,
    ConfigError,
    ProtocolError,
    StorageError,
    TransactionRevertedError,
    VerificationError,
)
from steelyard.keystore import Identity
from steelyard.rounds.access import Outlet, SealedAccess, SealedOutlet, list_recipients, wrap_for
from steelyard.rounds.global_model import (
    GlobalModel,
    fetch_initial_model,
    fetch_published_model,
    sync_global_model,
)
from steelyard.rounds.keys import fetch_public_key, find_opening, find_registered
from steelyard.rounds.project import ProjectTerms, open_project
from steelyard.rounds.records import SettledRound, collect_settled_rounds, collect_submissions, select_final
from steelyard.rounds.retention import Housekeeper
from steelyard.rounds.settlement import RoundContext
from steelyard.rounds.submission import OpenedSubmission
from steelyard.storage import BlobStore
from steelyard.types import Address, ProjectId
from steelyard.updates.content import CONTENT_KEY_BYTES
from steelyard.updates.encryption import EncryptionKeyPair

logger = structlog.get_logger(__name__)

FUNDS_SECONDS: Final = 60.0
"""Between two looks at what is left to work with."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    poll_seconds: float = 2.0
    missing_seconds: float = 60.0
    """For a payload that the store does not have yet, once collecting has ended."""
    reserve_seconds: float = 60.0
    """Left before the settlement deadline when what cannot be done is given up: an abandoned round costs nothing."""


@dataclass(slots=True)
class _Assignment:
    """An attempt that this aggregator was drawn for, and what it knows of it."""

    work: RoundWork
    weighing_since: float | None = None


@dataclass(slots=True)
class AggregatorService:
    """Serves every project that draws this account. One instance per account."""

    marketplace: Marketplace
    history: EventHistory
    deployment: Deployment
    store: BlobStore
    identity: Identity
    patience: Patience = field(default_factory=Patience)
    monitor: Monitor = field(default_factory=Monitor)
    _assignments: dict[tuple[ProjectId, int], _Assignment] = field(default_factory=dict)
    _terms: dict[ProjectId, ProjectTerms] = field(default_factory=dict)
    _models: dict[ProjectId, GlobalModel] = field(default_factory=dict)
    _attempts: set[tuple[ProjectId, int]] = field(default_factory=set)
    """That this aggregator was drawn for, ever."""
    _housekeeper: Housekeeper = field(init=False)
    _funds_due: float = 0.0
    """When to look again at what is left to work with, on the monotonic clock."""

    def __post_init__(self) -> None:
        self._housekeeper = Housekeeper(self.store, lambda hold: (hold.project_id, hold.attempt) in self._attempts)

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set, and then ends after the step that it is at. Failures are logged and tried again.

        What was begun and not sent is begun again by the next process, from the chain.
        """
        while not stop.is_set():
            try:
                self.step(stop)
            except ChainError as error:
                away = isinstance(error, ChainUnavailableError)
                logger.warning("chain not available" if away else "chain refuses", error=str(error), hint=error.hint)
                self.monitor.fail(error)
            stop.wait(self.patience.poll_seconds)

    def step(self, stop: threading.Event | None = None) -> None:
        """Looks at every project once and does what can be done now, or what could be until `stop` was set.

        Raises:
          ChainError: the node did not answer.
        """
        head = self.marketplace.get_block_number()
        self.monitor.begin_look(head, self.marketplace.get_timestamp(head))
        events = self.history.refresh(head)
        attempts = _find_attempts(events)
        self._forget(attempts)
        self._tidy(events, head)
        self._look_at_funds(events)
        for project_id, opened in attempts.items():
            if stop is not None and stop.is_set():
                return
            if opened.aggregator == self.me:
                self._look_at_project(project_id, events)
        self.monitor.end_look()

    def _look_at_project(self, project_id: ProjectId, events: Sequence[LoggedEvent]) -> None:
        project = self.marketplace.get_project(project_id)
        round_ = self.marketplace.get_round(project_id)
        action = decide(project, round_, self.me)
        if action is Action.NOTHING:
            return
        log = logger.bind(project=project_id.hex()[:8], round=round_.index, attempt=round_.attempt)
        try:
            self._act(action, project_id, round_, events, log)
        except (StorageError, VerificationError, ConfigError) as error:
            log.warning("cannot go on yet", action=action.value, error=str(error))
            self.monitor.fail(error)
            self._abandon_if_late(action, project_id, round_, log)
        except TransactionRevertedError as error:
            log.error("transaction reverted", action=action.value, error=str(error))
            self.monitor.revert(action.value)
            self.monitor.fail(error)
            self._abandon_if_late(action, project_id, round_, log)

    def _look_at_funds(self, events: Sequence[LoggedEvent]) -> None:
        """Tells the monitor what the chain says of this account's rounds and money."""
        self.monitor.set_rounds(count_rounds(events, self.me))
        if time.monotonic() >= self._funds_due:
            self.monitor.set_funds(read_funds(self.marketplace, self.me, events))
            self._funds_due = time.monotonic() + FUNDS_SECONDS

    def _forget(self, attempts: Mapping[ProjectId, RoundOpened]) -> None:
        """Lets go of what belongs to projects that have ended, and of submissions to attempts that are over."""
        for ended in self._terms.keys() - attempts.keys():
            del self._terms[ended]
            self._models.pop(ended, None)
        for project_id, attempt in list(self._assignments):
            if project_id not in attempts or attempts[project_id].attempt != attempt:
                del self._assignments[project_id, attempt]

    def _tidy(self, events: Sequence[LoggedEvent], head: int) -> None:
        """Lets go of the payloads of attempts that are over (`steelyard.rounds.retention`). It can wait."""
        self._attempts |= {
            (logged.event.project_id, logged.event.attempt)
            for logged in events
            if isinstance(logged.event, RoundOpened) and logged.event.aggregator == self.me
        }
        try:
            released = self._housekeeper.tidy(events, head)
        except StorageError as error:
            logger.info("payloads are let go of later", error=str(error))
        else:
            if released:
                logger.info("let go of payloads", count=released)

    def _act(
        self,
        action: Action,
        project_id: ProjectId,
        round_: Round,
        events: Sequence[LoggedEvent],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        if action is Action.POKE:
            try:
                self.monitor.send("poke", self.marketplace.poke(project_id))
                log.info("round closed")
            except NothingToDoError:
                log.debug("somebody else closed the round")
            return
        terms = self._get_terms(project_id)
        assignment = self._get_assignment(terms, round_, events)
        submissions = collect_submissions(events, project_id, round_.attempt)
        if action is Action.COLLECT:
            assignment.work.collector.collect(submissions)
            return
        expected = round_.submissions + round_.has_root
        if len(submissions) < expected:
            log.info("the node's logs are behind its state", logged=len(submissions), submitted=expected)
            self._abandon_if_late(action, project_id, round_, log)
            return
        if assignment.weighing_since is None:
            assignment.weighing_since = time.monotonic()
        waited = time.monotonic() - assignment.weighing_since
        give_up = waited >= self.patience.missing_seconds or self._is_late(round_)
        try:
            model, outlet = self._prepare(terms, round_, assignment, submissions, events)
            settled = assignment.work.settle(
                self.marketplace,
                submissions,
                model,
                terms.spec,
                give_up=give_up,
                outlet=outlet,
                measure=self.monitor.measure,
            )
        except WaitingError as waiting:
            log.info("waiting for submissions", missing=waiting.missing, waited_seconds=round(waited, 1))
        except AggregationError as error:
            log.error("the round cannot be settled, giving it up", error=str(error))
            self.monitor.fail(error)
            self.monitor.send("abandon", self.marketplace.abandon(project_id, round_.index))
        else:
            _log_settled(log, settled)
            self.monitor.send("settle", settled.receipt)
            self.monitor.exclude(settled.excluded)
            self._funds_due = 0.0
            del self._assignments[project_id, round_.attempt]

    def _prepare(
        self,
        terms: ProjectTerms,
        round_: Round,
        assignment: _Assignment,
        submissions: Sequence[UpdateSubmitted],
        events: Sequence[LoggedEvent],
    ) -> tuple[GlobalModel, Outlet]:
        """The model that the round started from, and where its results go."""
        final = select_final(collect_settled_rounds(events, terms.project_id))
        known = self._models.get(terms.project_id)
        if terms.spec.confidential:
            rows = assignment.work.collector.collect(submissions).opened
            model = known if known and known.round_index == round_.index else self._open_model(terms, final, rows)
            outlet: Outlet = self._make_outlet(terms, round_, events)
        else:
            start = known or fetch_initial_model(self.store, terms.spec)
            model = sync_global_model(start, final, self.store, terms.srs, terms.rule, terms.spec)
            outlet = Outlet(self.store)
        self._models[terms.project_id] = model
        return model, outlet

    def _open_model(
        self, terms: ProjectTerms, final: Sequence[SettledRound], rows: Sequence[OpenedSubmission]
    ) -> GlobalModel:
        """A confidential model, with the key that trainers have sent along: whichever of them fits."""
        keys = dict.fromkeys(row.content_key for row in rows if row.content_key)
        access = SealedAccess(terms, lambda _round_index, _wraps: iter(keys))
        if not final:
            return fetch_initial_model(self.store, terms.spec, access)
        return fetch_published_model(self.store, terms.srs, terms.spec, final[-1], access)

    def _make_outlet(self, terms: ProjectTerms, round_: Round, events: Sequence[LoggedEvent]) -> Outlet:
        content_key, following = secrets.token_bytes(CONTENT_KEY_BYTES), round_.index + 1
        members = self.marketplace.get_members(terms.project_id)
        active = [member.account for member in members if member.active]
        public_keys = {
            account: self._find_public_key(terms, account, events)
            for account in list_recipients(terms, active, events, following)
        }
        wraps = wrap_for(terms, following, content_key, public_keys)
        return SealedOutlet(self.store, terms, following, content_key, wraps)

    def _find_public_key(self, terms: ProjectTerms, account: Address, events: Sequence[LoggedEvent]) -> bytes | None:
        registered = find_registered(events, account, terms.spec.sealing)
        try:
            return None if registered is None else fetch_public_key(self.store, terms.spec.sealing, registered)
        except (StorageError, BlobMismatchError) as error:
            logger.warning("a reader's public key is not to be had", account=account, error=str(error))
            return None

    @property
    def me(self) -> Address:
        """The account that this service works for."""
        return self.identity.address

    def _find_key(self, terms: ProjectTerms, attempt: int, events: Sequence[LoggedEvent]) -> EncryptionKeyPair:
        """The private key of an attempt: of the public one that this account had registered when it was opened."""
        sealing = terms.spec.sealing
        opening = find_opening(events, terms.project_id, attempt)
        registered = find_registered(events, self.me, sealing, opening)
        if registered is None:
            raise AccessError(f"{self.me} has registered no key for {sealing.value}")
        return self.identity.find_key(registered)

    def _get_assignment(self, terms: ProjectTerms, round_: Round, events: Sequence[LoggedEvent]) -> _Assignment:
        key = (terms.project_id, round_.attempt)
        if key not in self._assignments:
            context = RoundContext(
                terms.chain_id,
                terms.marketplace,
                terms.project_id,
                round_.index,
                terms.params.dimension,
                terms.params.byzantine_bps,
            )
            collector = Collector(self.store, terms.srs, self._find_key(terms, round_.attempt, events), context)
            self._assignments[key] = _Assignment(RoundWork(context, terms.rule, terms.srs, self.store, collector))
        return self._assignments[key]

    def _get_terms(self, project_id: ProjectId) -> ProjectTerms:
        if project_id not in self._terms:
            self._terms[project_id] = open_project(self.marketplace, self.deployment, self.store, project_id)
        return self._terms[project_id]

    def _is_late(self, round_: Round) -> bool:
        """Whether the settlement deadline is so near that what is still missing will not come."""
        window = round_.settle_deadline - round_.submit_deadline
        reserve = min(self.patience.reserve_seconds, window / 4)
        return self.marketplace.get_timestamp() >= round_.settle_deadline - reserve

    def _abandon_if_late(
        self, action: Action, project_id: ProjectId, round_: Round, log: structlog.stdlib.BoundLogger
    ) -> None:
        if action is Action.SETTLE and self._is_late(round_):
            try:
                self.monitor.send("abandon", self.marketplace.abandon(project_id, round_.index))
                log.error("gave the round up before its deadline")
            except ProtocolError as error:
                log.error("could not give the round up", error=str(error))


def _find_attempts(events: Sequence[LoggedEvent]) -> dict[ProjectId, RoundOpened]:
    """The latest attempt of each project that has not ended."""
    latest: dict[ProjectId, RoundOpened] = {}
    for logged in events:
        match logged.event:
            case RoundOpened() as opened:
                latest[opened.project_id] = opened
            case ProjectEnded(project_id=project_id):
                latest.pop(project_id, None)
            case _:
                pass
    return latest


def _log_settled(log: structlog.stdlib.BoundLogger, settled: Settled) -> None:
    log.info(
        "round settled",
        rows=settled.rows,
        excluded=[exclusion.reason.name.lower() for exclusion in settled.excluded],
        gas=settled.receipt.gas_used,
        tx=settled.receipt.tx_hash,
        **{f"{name.replace(' ', '_')}_seconds": round(seconds, 3) for name, seconds in settled.seconds.items()},
    )
