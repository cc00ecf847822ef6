"""What a trainer may submit instead of an honest submission, each kind with the reason that it is excluded for."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import zstandard

from scripts.gram_cases import add_torsion
from steelyard.chain.records import ExclusionReason
from steelyard.gram import Srs, commit, hash_commitment
from steelyard.gram.points import POINT_BYTES
from steelyard.rounds.submission import Submission, build_submission, max_submission_bytes
from steelyard.types import Address, Seed, UpdateVector
from steelyard.updates.encryption import EncryptionKeyPair, PayloadContext, encrypt
from steelyard.updates.payload import UpdatePayload, encode_payload

BOMB_BYTES = 1 << 28
"""What the bomb unpacks to; its frame is a ten-thousandth of that."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a trainer needs to make a submission, honest or not."""

    srs: Srs
    update: UpdateVector
    aggregator_key: bytes
    context: PayloadContext
    other: Address
    """Another trainer of the round."""

    @property
    def commitment_bytes(self) -> int:
        return POINT_BYTES * self.srs.count_blocks(self.update.size)

    def submit(self) -> Submission:
        """An honest submission."""
        return build_submission(self.srs, self.update, self.aggregator_key, self.context)

    def submit_plaintext(self, plaintext: bytes) -> Submission:
        """One whose payload decrypts to anything at all, with commitments that somebody could open."""
        commitments = commit(self.srs, self.update, Seed(secrets.token_bytes(32)))
        return post(commitments + encrypt(plaintext, self.aggregator_key, self.context), len(commitments))

    def submit_frame(self, frame: bytes) -> Submission:
        """One whose payload announces the right dimension and holds another zstd frame."""
        plaintext = encode_payload(UpdatePayload(self.update, Seed(bytes(32))))
        return self.submit_plaintext(plaintext[:40] + frame)


def post(blob: bytes, commitment_bytes: int) -> Submission:
    """A submission that posts the hash of the commitments which its blob really begins with."""
    return Submission(blob, hash_commitment(blob[:commitment_bytes]))


def to_another_key(bench: Bench) -> Submission:
    return replace(bench, aggregator_key=EncryptionKeyPair.generate().public_key).submit()


def to_another_round(bench: Bench) -> Submission:
    return replace(bench, context=replace(bench.context, round_index=bench.context.round_index + 1)).submit()


def copied_from_another(bench: Bench) -> Submission:
    """Somebody else's ciphertext under commitments of one's own: the chain takes no hash twice."""
    theirs = replace(bench, context=replace(bench.context, trainer=bench.other)).submit()
    mine = commit(bench.srs, bench.update, Seed(secrets.token_bytes(32)))
    return post(mine + theirs.blob[bench.commitment_bytes :], bench.commitment_bytes)


def copied_whole(bench: Bench) -> Submission:
    """Somebody else's blob as it is, under a hash of one's own."""
    theirs = replace(bench, context=replace(bench.context, trainer=bench.other)).submit()
    return replace(theirs, commitment_hash=bench.submit().commitment_hash)


def damaged(bench: Bench) -> Submission:
    honest = bench.submit()
    return replace(honest, blob=honest.blob[:-1] + bytes([honest.blob[-1] ^ 1]))


def cut_in_the_payload(bench: Bench) -> Submission:
    honest = bench.submit()
    return replace(honest, blob=honest.blob[: bench.commitment_bytes + 20])


def ephemeral_key_of_low_order(bench: Bench) -> Submission:
    honest, cut = bench.submit(), bench.commitment_bytes
    return replace(honest, blob=honest.blob[:cut] + bytes(32) + honest.blob[cut + 32 :])


def cut_in_the_commitments(bench: Bench) -> Submission:
    honest = bench.submit()
    return replace(honest, blob=honest.blob[: bench.commitment_bytes - 1])


def empty(bench: Bench) -> Submission:
    return replace(bench.submit(), blob=b"")


def too_large(bench: Bench) -> Submission:
    honest = bench.submit()
    return replace(honest, blob=honest.blob.ljust(max_submission_bytes(bench.srs, bench.update.size) + 1, b"\0"))


def truncated_plaintext(bench: Bench) -> Submission:
    return bench.submit_plaintext(encode_payload(UpdatePayload(bench.update, Seed(bytes(32))))[:30])


def another_format(bench: Bench) -> Submission:
    return bench.submit_plaintext(b"SYU9" + encode_payload(UpdatePayload(bench.update, Seed(bytes(32))))[4:])


def wrong_dimension(bench: Bench) -> Submission:
    longer = np.append(bench.update[:-2], np.int16(0))
    return bench.submit_plaintext(encode_payload(UpdatePayload(longer, Seed(bytes(32)))))


def decompression_bomb(bench: Bench) -> Submission:
    compressor = zstandard.ZstdCompressor().compressobj(size=BOMB_BYTES)
    chunk = bytes(1 << 20)
    frame = b"".join(compressor.compress(chunk) for _ in range(BOMB_BYTES >> 20)) + compressor.flush()
    # Larger dimensions leave room for larger frames: what does not fit into this one's would only be too large.
    return bench.submit_frame(frame[: bench.update.nbytes])


def bomb_that_announces_nothing(bench: Bench) -> Submission:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return bench.submit_frame(compressor.compress(bytes(100 * bench.update.nbytes)) + compressor.flush())


def several_frames(bench: Bench) -> Submission:
    frame = zstandard.ZstdCompressor().compress(bytes(bench.update.nbytes))
    return bench.submit_frame(frame + frame)


def another_update(bench: Bench) -> Submission:
    """Commits to one update and sends another."""
    seed = Seed(secrets.token_bytes(32))
    commitments = commit(bench.srs, bench.update, seed)
    sent = np.roll(bench.update, 1)
    plaintext = encode_payload(UpdatePayload(sent, seed))
    return post(commitments + encrypt(plaintext, bench.aggregator_key, bench.context), len(commitments))


def another_seed(bench: Bench) -> Submission:
    return bench.submit_plaintext(encode_payload(UpdatePayload(bench.update, Seed(secrets.token_bytes(32)))))


def other_commitments_than_posted(bench: Bench) -> Submission:
    return replace(bench.submit(), commitment_hash=bench.submit().commitment_hash)


def _with_commitments(bench: Bench, commitments: bytes) -> Submission:
    return post(commitments + bench.submit().blob[bench.commitment_bytes :], bench.commitment_bytes)


def commitments_off_the_curve(bench: Bench) -> Submission:
    return _with_commitments(bench, secrets.token_bytes(bench.commitment_bytes))


def commitments_outside_the_subgroup(bench: Bench) -> Submission:
    honest = bench.submit().blob[: bench.commitment_bytes]
    return _with_commitments(bench, add_torsion(honest[:POINT_BYTES]) + honest[POINT_BYTES:])


def commitments_at_infinity(bench: Bench) -> Submission:
    return _with_commitments(bench, bytes(bench.commitment_bytes))


BAD_SUBMISSIONS: dict[Callable[[Bench], Submission], ExclusionReason] = {
    to_another_key: ExclusionReason.UNDECRYPTABLE,
    to_another_round: ExclusionReason.UNDECRYPTABLE,
    copied_from_another: ExclusionReason.UNDECRYPTABLE,
    damaged: ExclusionReason.UNDECRYPTABLE,
    cut_in_the_payload: ExclusionReason.UNDECRYPTABLE,
    ephemeral_key_of_low_order: ExclusionReason.UNDECRYPTABLE,
    cut_in_the_commitments: ExclusionReason.MALFORMED,
    empty: ExclusionReason.MALFORMED,
    too_large: ExclusionReason.MALFORMED,
    truncated_plaintext: ExclusionReason.MALFORMED,
    another_format: ExclusionReason.MALFORMED,
    wrong_dimension: ExclusionReason.MALFORMED,
    decompression_bomb: ExclusionReason.MALFORMED,
    bomb_that_announces_nothing: ExclusionReason.MALFORMED,
    several_frames: ExclusionReason.MALFORMED,
    copied_whole: ExclusionReason.NOT_OPENING,
    another_update: ExclusionReason.NOT_OPENING,
    another_seed: ExclusionReason.NOT_OPENING,
    other_commitments_than_posted: ExclusionReason.NOT_OPENING,
    commitments_off_the_curve: ExclusionReason.NOT_OPENING,
    commitments_outside_the_subgroup: ExclusionReason.NOT_OPENING,
    commitments_at_infinity: ExclusionReason.NOT_OPENING,
}
