"""What a trainer publishes for one attempt: `C^0 ‖ … ‖ C^{B−1} ‖ sealed payload` behind one CID, and the hash on chain.

The commitments stand in clear before the payload, so that the aggregator can open all trainers' with one combined check
instead of committing to each vector again. Their hash is on chain; nothing else about them has to be trusted.
"""

import secrets
from dataclasses import dataclass, field

from steelyard.errors import CommitmentMismatchError, PayloadError
from steelyard.gram.commitment import commit, hash_commitment
from steelyard.gram.points import POINT_BYTES
from steelyard.gram.srs import Srs
from steelyard.types import Address, Digest, Sealing, Seed, UpdateVector
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext
from steelyard.updates.faults import PayloadFault
from steelyard.updates.payload import UpdatePayload, max_payload_bytes, open_payload, seal_payload


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission, ready to be stored and posted."""

    blob: bytes = field(repr=False)
    commitment_hash: Digest


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSubmission:
    """A submission as the aggregator reads it. That `update` opens `commitments` is checked for all rows together."""

    index: int
    """Place in the order of submission; the constant `ROOT_INDEX` for the owner's root."""
    trainer: Address
    commitments: bytes
    commitment_hash: Digest
    update: UpdateVector
    seed: Seed = field(repr=False)
    content_key: bytes = field(default=b"", repr=False)
    """Of the model that was trained on, in a confidential project. Nothing vouches for it yet."""


def build_submission(
    srs: Srs,
    update: UpdateVector,
    aggregator_public_key: bytes,
    context: PayloadContext,
    content_key: bytes = b"",
) -> Submission:
    """Commits to an update with a fresh seed and seals it for the aggregator, with the model's key if it has one.

    Raises:
      PayloadError: the aggregator registered an unusable key.
    """
    seed = Seed(secrets.token_bytes(32))
    commitments = commit(srs, update, seed)
    sealed = seal_payload(UpdatePayload(update, seed, content_key), aggregator_public_key, context)
    return Submission(commitments + sealed, hash_commitment(commitments))


def open_submission(
    blob: bytes,
    index: int,
    commitment_hash: Digest,
    srs: Srs,
    dimension: int,
    key_pair: EncryptionKeyPair,
    context: PayloadContext,
) -> OpenedSubmission:
    """Reads a submission.

    Raises:
      PayloadError: the blob is too short or too long, does not decrypt for this sender, or holds something else.
      CommitmentMismatchError: its commitments are not those whose hash was posted.
    """
    cut = POINT_BYTES * srs.count_blocks(dimension)
    if len(blob) > max_submission_bytes(srs, dimension, key_pair.sealing):
        raise PayloadError(PayloadFault.TOO_LARGE, f"{len(blob):,} bytes for {dimension:,} entries")
    if len(blob) <= cut:
        raise PayloadError(PayloadFault.TRUNCATED, f"{len(blob):,} bytes, the commitments alone have {cut:,}")
    commitments = blob[:cut]
    if hash_commitment(commitments) != commitment_hash:
        raise CommitmentMismatchError(f"submission {index} of {context.trainer}")
    payload = open_payload(blob[cut:], dimension, key_pair, context)
    return OpenedSubmission(
        index, context.trainer, commitments, commitment_hash, payload.update, payload.seed, payload.content_key
    )


def max_submission_bytes(srs: Srs, dimension: int, sealing: Sealing = Sealing.X25519) -> int:
    """How long an honest submission can be: the cap for its download."""
    return POINT_BYTES * srs.count_blocks(dimension) + max_payload_bytes(dimension, sealing)
