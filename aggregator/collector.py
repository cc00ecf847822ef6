"""Fetches and opens the submissions of one attempt, and says what is wrong with those that cannot be used.

A submission that the store does not have may still arrive, so it stays pending until the caller runs out of patience.
Everything else about a submission is decided by its bytes and never changes.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from steelyard.chain.events import UpdateSubmitted
from steelyard.chain.records import Exclusion, ExclusionReason
from steelyard.errors import (
    BlobMismatchError,
    BlobTooLargeError,
    CommitmentMismatchError,
    MalformedBlobError,
    PayloadError,
    ReadOnlyStoreError,
    StorageError,
)
from steelyard.gram import Srs
from steelyard.rounds.settlement import RoundContext, find_not_opening
from steelyard.rounds.submission import OpenedSubmission, max_submission_bytes, open_submission
from steelyard.storage import BlobStore
from steelyard.types import Digest
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext
from steelyard.updates.faults import PayloadFault

logger = structlog.get_logger(__name__)

_PARALLEL: Final = 16


@dataclass(frozen=True, slots=True)
class Collection:
    """The submissions of an attempt so far, each in exactly one of the three, by ascending index."""

    opened: tuple[OpenedSubmission, ...]
    excluded: tuple[Exclusion, ...]
    pending: tuple[int, ...]


class Collector:
    """Opens the submissions of one attempt. Call `collect` as often as you like: what is known is not fetched again."""

    def __init__(self, store: BlobStore, srs: Srs, key_pair: EncryptionKeyPair, context: RoundContext) -> None:
        self._store = store
        self._srs = srs
        self._key_pair = key_pair
        self._context = context
        self._known: dict[int, OpenedSubmission | ExclusionReason] = {}

    def collect(self, submissions: Sequence[UpdateSubmitted]) -> Collection:
        """Fetches what is still missing and returns where every submission stands."""
        unknown = [submission for submission in submissions if submission.index not in self._known]
        # At the same time: a node may look a long while for each that is not there, and the round has a deadline.
        with ThreadPoolExecutor(_PARALLEL) as pool:
            outcomes = list(pool.map(self._open, unknown))
        for submission, outcome in zip(unknown, outcomes, strict=True):
            if outcome is not None:
                self._known[submission.index] = outcome
            if isinstance(outcome, OpenedSubmission):
                self._keep(submission)
        known = [(submission.index, self._known.get(submission.index)) for submission in submissions]
        return Collection(
            opened=tuple(outcome for _, outcome in known if isinstance(outcome, OpenedSubmission)),
            excluded=tuple(
                Exclusion(index, outcome) for index, outcome in known if isinstance(outcome, ExclusionReason)
            ),
            pending=tuple(index for index, outcome in known if outcome is None),
        )

    def check_openings(self, collection: Collection) -> Collection:
        """Moves what does not open its commitments from `opened` to `excluded`, by one combined check. Do it last."""
        false = find_not_opening(self._srs, collection.opened)
        for row in false:
            logger.warning("submission does not open its commitments", index=row.index, trainer=row.trainer)
            self._known[row.index] = ExclusionReason.NOT_OPENING
        excluded = (*collection.excluded, *(Exclusion(row.index, ExclusionReason.NOT_OPENING) for row in false))
        return Collection(
            opened=tuple(row for row in collection.opened if row not in false),
            excluded=tuple(sorted(excluded, key=lambda exclusion: exclusion.index)),
            pending=collection.pending,
        )

    def _keep(self, submission: UpdateSubmitted) -> None:
        """Has our own node keep what its trainer might lose. A restarted aggregator fetches it again."""
        try:
            self._store.pin(submission.cid)
        except ReadOnlyStoreError:
            pass
        except StorageError as error:
            logger.warning("a payload is not pinned here", index=submission.index, error=str(error))

    def _open(self, submission: UpdateSubmitted) -> OpenedSubmission | ExclusionReason | None:
        log = logger.bind(index=submission.index, trainer=submission.trainer, cid=str(submission.cid))
        context = self._context
        try:
            blob = self._store.get(
                submission.cid, max_submission_bytes(self._srs, context.dimension, self._key_pair.sealing)
            )
            return open_submission(
                blob,
                submission.index,
                Digest(submission.commitment_hash),
                self._srs,
                context.dimension,
                self._key_pair,
                PayloadContext(
                    context.chain_id,
                    context.marketplace,
                    context.project_id,
                    context.round_index,
                    submission.trainer,
                ),
            )
        except (BlobTooLargeError, MalformedBlobError, PayloadError) as error:
            log.warning("submission cannot be read", error=str(error))
            undecryptable = isinstance(error, PayloadError) and error.reason == PayloadFault.UNDECRYPTABLE
            return ExclusionReason.UNDECRYPTABLE if undecryptable else ExclusionReason.MALFORMED
        except CommitmentMismatchError as error:
            log.warning("submission has other commitments than it posted", error=str(error))
            return ExclusionReason.NOT_OPENING
        except (StorageError, BlobMismatchError) as error:
            log.info("submission is not available yet", error=str(error))
            return None
