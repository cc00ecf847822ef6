from dataclasses import replace

import numpy as np
import pytest

from steelyard.errors import CommitmentMismatchError, PayloadError
from steelyard.gram import verify_opening
from steelyard.rounds.submission import open_submission
from steelyard.updates.faults import PayloadFault
from tests.rounds_kit import Kit


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.make()


def test_a_submission_opens_for_the_aggregator(kit: Kit) -> None:
    submission = kit.submit(0)
    opened = kit.open(0, submission)

    assert np.array_equal(opened.update, kit.updates[0])
    assert opened.commitment_hash == submission.commitment_hash
    verify_opening(kit.srs, opened.update, opened.seed, opened.commitments)


def test_two_submissions_of_one_update_share_nothing(kit: Kit) -> None:
    first, second = kit.submit(0), kit.submit(0)

    assert first.commitment_hash != second.commitment_hash
    assert first.blob[:128] != second.blob[:128]
    assert first.blob[128:] != second.blob[128:]


@pytest.mark.parametrize("row", [1, 2])
def test_a_copied_submission_does_not_open_for_another_sender(kit: Kit, row: int) -> None:
    with pytest.raises(PayloadError) as caught:
        kit.open(row, kit.submit(0))
    assert caught.value.reason == PayloadFault.UNDECRYPTABLE


def test_a_submission_does_not_open_in_another_round(kit: Kit) -> None:
    with pytest.raises(PayloadError) as caught:
        kit.open(0, kit.submit(0, round_index=0), round_index=1)
    assert caught.value.reason == PayloadFault.UNDECRYPTABLE


def test_commitments_other_than_the_posted_ones_are_refused(kit: Kit) -> None:
    submission = kit.submit(0)
    other = kit.submit(0)
    with pytest.raises(CommitmentMismatchError):
        kit.open(0, replace(submission, commitment_hash=other.commitment_hash))


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", PayloadFault.TRUNCATED),
        (bytes(128), PayloadFault.TRUNCATED),
        (bytes(100_000), PayloadFault.TOO_LARGE),
    ],
)
def test_a_blob_of_another_length_is_refused_before_it_is_read(kit: Kit, blob: bytes, reason: PayloadFault) -> None:
    submission = kit.submit(0)
    with pytest.raises(PayloadError) as caught:
        open_submission(
            blob, 0, submission.commitment_hash, kit.srs, kit.dimension, kit.key_pair, kit.payload_context(0)
        )
    assert caught.value.reason == reason
