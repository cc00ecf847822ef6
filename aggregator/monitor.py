"""How an aggregator is doing: counts for Prometheus, and the state behind health and readiness.

The service tells; whoever asks (`aggregator.monitor_server`) may do so from another thread.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.standing import Funds
from steelyard.chain.records import Exclusion, RoundOutcome
from steelyard.chain.transactions import Receipt

_PREFIX: Final = "steelyard_aggregator_"
_SECONDS: Final = (0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that did not work."""

    kind: str
    text: str
    at: float
    """Unix seconds."""


@dataclass(slots=True)
class _State:
    """Replaced piece by piece under the monitor's lock."""

    head_block: int | None = None
    head_timestamp: int | None = None
    looked_at: float | None = None
    rounds: Mapping[RoundOutcome, int] = field(default_factory=dict)
    funds: Funds | None = None
    failure: Failure | None = None
    sound: bool = False
    """Whether the newest look at the chain ended with nothing failed."""


class Monitor(Collector):
    """What a service has seen and done. One instance per service.

    Counters begin anew with the process; `rounds` and what is left to work with are read from the chain and do not.
    """

    def __init__(self, max_lag_seconds: float = 300.0) -> None:
        self.registry = CollectorRegistry()
        self._max_lag_seconds = max_lag_seconds
        self._lock = threading.Lock()
        self._state = _State()
        self._failed = False
        self._seconds = Histogram(
            f"{_PREFIX}step_seconds",
            "Seconds of each step of a settlement.",
            ["step"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._excluded = Counter(
            f"{_PREFIX}excluded", "Submissions refused in settled rounds.", ["reason"], registry=self.registry
        )
        self._transactions = Counter(
            f"{_PREFIX}transactions", "Transactions by call and fate.", ["call", "fate"], registry=self.registry
        )
        self._gas = Counter(f"{_PREFIX}gas", "Gas that transactions have used.", ["call"], registry=self.registry)
        self._fees = Counter(f"{_PREFIX}fees_wei", "What transactions have cost.", ["call"], registry=self.registry)
        self._failures = Counter(f"{_PREFIX}failures", "What did not work, by kind.", ["kind"], registry=self.registry)
        self.registry.register(self)

    # What the service tells

    def begin_look(self, block: int, timestamp: int) -> None:
        """It looks at the chain, whose newest block is this one."""
        with self._lock:
            self._failed = False
            self._state.head_block, self._state.head_timestamp = block, timestamp

    def end_look(self) -> None:
        """It has done what could be done now."""
        with self._lock:
            self._state.sound, self._state.looked_at = not self._failed, time.time()

    def fail(self, error: Exception) -> None:
        """Something did not work, and is tried again."""
        kind = type(error).__name__
        self._failures.labels(kind).inc()
        with self._lock:
            self._failed, self._state.sound = True, False
            self._state.failure = Failure(kind, str(error), time.time())

    def set_rounds(self, rounds: Mapping[RoundOutcome, int]) -> None:
        """So many attempts that it was ever drawn for ended like this."""
        with self._lock:
            self._state.rounds = rounds

    def set_funds(self, funds: Funds) -> None:
        """So much is left to work with."""
        with self._lock:
            self._state.funds = funds

    def measure(self, step: str, seconds: float) -> None:
        """A step of a settlement has taken so long."""
        self._seconds.labels(step.replace(" ", "_").lower()).observe(seconds)

    def exclude(self, exclusions: Iterable[Exclusion]) -> None:
        """These submissions were refused."""
        for exclusion in exclusions:
            self._excluded.labels(exclusion.reason.name.lower()).inc()

    def send(self, call: str, receipt: Receipt) -> None:
        """A transaction took effect."""
        self._transactions.labels(call, "mined").inc()
        self._gas.labels(call).inc(receipt.gas_used)
        self._fees.labels(call).inc(receipt.gas_used * receipt.effective_gas_price)

    def revert(self, call: str) -> None:
        """A transaction was refused."""
        self._transactions.labels(call, "reverted").inc()

    # What it is asked

    @property
    def is_ready(self) -> bool:
        """Whether it would settle a round that closed now: the last look was sound, at a chain that is up to date."""
        return self._get_status() == "ok"

    def to_json(self) -> dict[str, object]:
        """The state, for a health check."""
        with self._lock:
            state = self._state
            failure, looked_at = state.failure, state.looked_at
            return {
                "status": self._get_status(),
                "head_block": state.head_block,
                "lag_seconds": self._get_lag(),
                "last_look_at": looked_at,
                "rounds": _name(state.rounds),
                "gas_balance_wei": None if state.funds is None else str(state.funds.wei),
                "last_error": None
                if failure is None
                else {"kind": failure.kind, "text": failure.text, "at": failure.at},
            }

    def _get_status(self) -> str:
        if self._state.looked_at is None and not self._failed:
            return "starting"
        lag = self._get_lag()
        return "ok" if self._state.sound and lag is not None and lag <= self._max_lag_seconds else "degraded"

    def _get_lag(self) -> float | None:
        """Seconds since the newest block of the node; none where the chain's clock is ahead of ours."""
        timestamp = self._state.head_timestamp
        return None if timestamp is None else round(max(0.0, time.time() - timestamp), 3)

    def collect(self) -> Iterable[Metric]:
        """What is read from the chain. What is not known yet is left out."""
        with self._lock:
            state, lag, is_ready = replace(self._state), self._get_lag(), self.is_ready
        yield _gauge("ready", "1 where it would settle a round now.", is_ready)
        yield from _gauge_if_known("head_block", "Newest block of the node.", state.head_block)
        yield from _gauge_if_known("lag_seconds", "Age of the node's newest block.", lag)
        yield from _gauge_if_known("last_look_timestamp_seconds", "When a look at the chain ended.", state.looked_at)
        if state.failure is not None:
            yield _gauge("last_failure_timestamp_seconds", "When something failed last.", state.failure.at)
        rounds = _gauge("rounds", "Attempts that it was ever drawn for.", labels=["outcome"])
        for outcome, count in _name(state.rounds).items():
            rounds.add_metric([outcome], count)
        yield rounds
        if state.funds is not None:
            yield from _describe_funds(state.funds)


def _describe_funds(funds: Funds) -> Iterable[Metric]:
    yield _gauge("gas_balance_wei", "Ether left for gas.", funds.wei)
    stakes = _gauge("stake", "Stake in the token's smallest unit.", labels=["token", "state"])
    for token, stake in funds.stakes.items():
        for part in ("free", "locked", "unbonding"):
            stakes.add_metric([token, part], getattr(stake, part))
    yield stakes
    credits_ = _gauge("credit", "Earned and not claimed, in the token's smallest unit.", labels=["token"])
    for token, amount in funds.credits.items():
        credits_.add_metric([token], amount)
    yield credits_


def _gauge(name: str, text: str, value: float | None = None, labels: Sequence[str] | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}{name}", text, value, labels)


def _gauge_if_known(name: str, text: str, value: float | None) -> Iterable[Metric]:
    return () if value is None else (_gauge(name, text, value),)


def _name(rounds: Mapping[RoundOutcome, int]) -> dict[str, int]:
    """Counts by words; an attempt without an outcome is open."""
    return {outcome.name.lower() if outcome.value else "open": count for outcome, count in rounds.items()}
