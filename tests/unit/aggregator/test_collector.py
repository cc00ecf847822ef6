"""What the aggregator makes of submissions: honest ones are opened, each kind of bad one is excluded for its reason."""

import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from aggregator.collector import Collection, Collector
from steelyard.chain.events import UpdateSubmitted
from steelyard.chain.records import Exclusion, ExclusionReason
from steelyard.errors import BlobNotFoundError, StorageUnavailableError
from steelyard.rounds.submission import Submission
from steelyard.storage import BlobStore, MemoryBlobStore, compute_cid
from steelyard.types import Cid
from tests import bad_submissions
from tests.bad_submissions import BAD_SUBMISSIONS, Bench
from tests.rounds_kit import PROJECT, Kit

N = 5
BAD = 2


class CountingStore(MemoryBlobStore):
    """Counts downloads, and fails or lies when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[Cid] = []
        self.lie: bytes | None = None
        self.down = False

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        self.reads.append(cid)
        if self.down:
            raise StorageUnavailableError("no answer")
        return super()._read(cid, max_bytes) if self.lie is None else self.lie[: max_bytes + 1]


class MeetingStore(MemoryBlobStore):
    """Has nothing, and says so only once everybody has asked: a node that looks for each blob as long as it may."""

    def __init__(self, readers: int) -> None:
        super().__init__()
        self._barrier = threading.Barrier(readers)

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        self._barrier.wait(timeout=30)
        raise BlobNotFoundError(str(cid))


@dataclass(slots=True)
class Attempt:
    """Submissions of an attempt as the chain lists them, and a collector for them."""

    kit: Kit
    store: CountingStore = field(default_factory=CountingStore)
    submissions: list[UpdateSubmitted] = field(default_factory=list)

    def bench(self, row: int) -> Bench:
        kit = self.kit
        return Bench(
            kit.srs,
            kit.updates[row],
            kit.key_pair.public_key,
            kit.payload_context(row),
            kit.trainers[(row + 1) % len(kit.trainers)],
        )

    def post(self, submission: Submission, *, stored: bool = True) -> None:
        row = len(self.submissions)
        cid = self.store.put(submission.blob) if stored else compute_cid(submission.blob)
        self.submissions.append(
            UpdateSubmitted(PROJECT, 0, self.kit.trainers[row], 1, row, cid, submission.commitment_hash)
        )

    def collector(self, store: BlobStore | None = None) -> Collector:
        return Collector(store or self.store, self.kit.srs, self.kit.key_pair, self.kit.context())


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.make(n=N)


@pytest.fixture
def attempt(kit: Kit) -> Attempt:
    return Attempt(kit)


def rows(collection: Collection) -> list[int]:
    return [row.index for row in collection.opened]


def test_honest_submissions_are_opened_in_their_order(attempt: Attempt) -> None:
    for row in range(N):
        attempt.post(attempt.kit.submit(row))
    collector = attempt.collector()
    collection = collector.check_openings(collector.collect(attempt.submissions))

    assert rows(collection) == list(range(N))
    assert (collection.excluded, collection.pending) == ((), ())
    for opened in collection.opened:
        assert np.array_equal(opened.update, attempt.kit.updates[opened.index])
        assert opened.trainer == attempt.kit.trainers[opened.index]


@pytest.mark.parametrize("make", BAD_SUBMISSIONS, ids=lambda make: make.__name__)
def test_a_bad_submission_is_excluded_for_its_reason_and_the_rest_go_on(
    attempt: Attempt, make: Callable[[Bench], Submission]
) -> None:
    for row in range(N):
        attempt.post(make(attempt.bench(row)) if row == BAD else attempt.kit.submit(row))
    collector = attempt.collector()
    collection = collector.check_openings(collector.collect(attempt.submissions))

    assert collection.excluded == (Exclusion(BAD, BAD_SUBMISSIONS[make]),)
    assert rows(collection) == [row for row in range(N) if row != BAD]
    assert collection.pending == ()
    again = collector.collect(attempt.submissions)
    assert (again.excluded, rows(again)) == (collection.excluded, rows(collection)), "what was found out is forgotten"


def test_every_row_may_be_bad_in_its_own_way(kit: Kit) -> None:
    kinds = [
        bad_submissions.another_seed,
        bad_submissions.to_another_key,
        bad_submissions.commitments_off_the_curve,
        bad_submissions.empty,
        bad_submissions.copied_whole,
    ]
    attempt = Attempt(kit)
    for row, make in enumerate(kinds):
        attempt.post(make(attempt.bench(row)))
    collector = attempt.collector()
    collection = collector.check_openings(collector.collect(attempt.submissions))

    assert collection.opened == ()
    assert [exclusion.index for exclusion in collection.excluded] == list(range(N))
    assert [exclusion.reason for exclusion in collection.excluded] == [BAD_SUBMISSIONS[make] for make in kinds]


def test_a_bomb_is_never_unpacked() -> None:
    """2^28 bytes in a frame that a dimension of 20,000 leaves room for."""
    attempt = Attempt(Kit.make(n=N, d=20_000))
    attempt.post(bad_submissions.decompression_bomb(attempt.bench(0)))
    collector = attempt.collector()
    tracemalloc.start()
    collection = collector.collect(attempt.submissions)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert collection.excluded == (Exclusion(0, ExclusionReason.MALFORMED),)
    assert peak < 1 << 20


def test_a_blob_that_is_too_large_is_not_read_whole(attempt: Attempt) -> None:
    honest = attempt.kit.submit(0)
    attempt.post(Submission(honest.blob + bytes(10_000_000), honest.commitment_hash))
    collector = attempt.collector()
    tracemalloc.start()
    collection = collector.collect(attempt.submissions)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert collection.excluded == (Exclusion(0, ExclusionReason.MALFORMED),)
    assert peak < 1 << 20


class TestOutOfReach:
    """What is not there now may be there later, so it is neither opened nor excluded."""

    def test_a_missing_submission_is_pending_until_it_appears(self, attempt: Attempt) -> None:
        late = attempt.kit.submit(1)
        attempt.post(attempt.kit.submit(0))
        attempt.post(late, stored=False)
        collector = attempt.collector()
        first = collector.collect(attempt.submissions)
        assert (rows(first), first.excluded, first.pending) == ([0], (), (1,))

        attempt.store.put(late.blob)
        second = collector.collect(attempt.submissions)
        assert (rows(second), second.excluded, second.pending) == ([0, 1], (), ())

    def test_a_store_that_is_down_is_no_fault_of_the_trainers(self, attempt: Attempt) -> None:
        attempt.post(attempt.kit.submit(0))
        collector = attempt.collector()
        attempt.store.down = True
        assert collector.collect(attempt.submissions).pending == (0,)
        attempt.store.down = False
        assert rows(collector.collect(attempt.submissions)) == [0]

    def test_a_store_that_hands_out_other_bytes_is_not_believed(self, attempt: Attempt) -> None:
        attempt.post(attempt.kit.submit(0))
        collector = attempt.collector()
        attempt.store.lie = attempt.kit.submit(0).blob
        assert collector.collect(attempt.submissions).pending == (0,)
        attempt.store.lie = None
        assert rows(collector.collect(attempt.submissions)) == [0]


def test_what_is_known_is_not_fetched_again(attempt: Attempt) -> None:
    attempt.post(attempt.kit.submit(0))
    attempt.post(bad_submissions.to_another_key(attempt.bench(1)))
    attempt.post(attempt.kit.submit(2), stored=False)
    collector = attempt.collector()
    for _ in range(3):
        collector.collect(attempt.submissions)
    read = [submission.cid for submission in attempt.submissions]
    assert attempt.store.reads == [*read, read[2], read[2]]


def test_submissions_may_arrive_one_by_one(attempt: Attempt) -> None:
    collector = attempt.collector()
    for row in range(N):
        attempt.post(attempt.kit.submit(row))
        assert rows(collector.collect(attempt.submissions)) == list(range(row + 1))


def test_missing_payloads_are_looked_for_at_the_same_time(attempt: Attempt) -> None:
    for row in range(N):
        attempt.post(attempt.bench(row).submit(), stored=False)
    collection = attempt.collector(MeetingStore(N)).collect(attempt.submissions)
    assert collection.pending == tuple(range(N))
