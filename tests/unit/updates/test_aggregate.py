import hashlib
import struct
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from steelyard.constants import BLS12_381_ORDER, ONE
from steelyard.errors import MalformedModelError, PayloadError
from steelyard.gram import compute_gram
from steelyard.types import Cid, Codec
from steelyard.updates.aggregate import (
    AGGREGATE_LIMIT,
    Aggregate,
    compute_aggregate,
    compute_next_parameters,
    decode_aggregate,
    encode_aggregate,
    max_aggregate_bytes,
)
from steelyard.updates.compression import compress
from steelyard.updates.faults import PayloadFault

D, B = 300, 2
NEXT_MODEL = Cid(Codec.DAG_PB, bytes(range(32)))
VECTOR = np.random.default_rng(8).integers(-AGGREGATE_LIMIT, AGGREGATE_LIMIT, D)
BLINDERS = (5, BLS12_381_ORDER - 1)
PROOF = b"proof of shortness"
P = len(PROOF)
BLOB = encode_aggregate(Aggregate(VECTOR, BLINDERS, NEXT_MODEL, PROOF))
FIXED = 49 + 32 * B + P


def replace_bytes(at: int, new: bytes) -> bytes:
    return BLOB[:at] + new + BLOB[at + len(new) :]


def test_the_sum_is_exact_across_blocks() -> None:
    rng = np.random.default_rng(3)
    d, n = 65_536 + 7, 5
    updates = [rng.integers(-(2**15), 2**15, d).astype(np.int16) for _ in range(n)]
    weights = [0, 1, 2**37, 2**37 - 12_345, 999]
    aggregate = compute_aggregate(updates, weights)
    assert aggregate.dtype == np.int64
    for k in (0, 1, 65_535, 65_536, d - 1, *rng.integers(0, d, 200).tolist()):
        assert aggregate[k] == sum(w * int(u[k]) for w, u in zip(weights, updates, strict=True)), k


@pytest.mark.parametrize(
    "weights",
    [
        [2**8, 2**8],
        [2**8, 2**8 + 1],
        [3 * 2**44, 2**44],
        [2**37, 2**37],
        [2**37, 2**37, 2**36 + 1],
        [2**45 + 1, 2**45 - 1, 2**20],
        [2**39 - 1 - i for i in range(180)],
        [1, *[0] * 178, 2**46 - 1],
    ],
    ids=lambda weights: f"{len(weights)}-{sum(weights):x}",
)
def test_the_sum_is_exact_where_a_float_just_holds_it_and_beyond(weights: list[int]) -> None:
    """In float32, in float64 and in limbs, with every entry at one end of its range or the other."""
    ends = np.array([-(2**15), 2**15 - 1], dtype=np.int16)
    updates = list(np.random.default_rng(len(weights)).choice(ends, (len(weights), 50)))
    updates[0][:2] = updates[-1][:2] = ends
    wide = np.array(updates, dtype=object)
    assert compute_aggregate(updates, weights, 2**62).tolist() == (np.array(weights, dtype=object) @ wide).tolist()


def test_without_any_weight_nothing_moves() -> None:
    assert compute_aggregate([np.ones(3, dtype=np.int16)] * 2, [0, 0]).tolist() == [0, 0, 0]


def test_the_largest_aggregate_that_a_rule_can_give_fits() -> None:
    n = 32
    lowest = [np.full(3, -(2**15), dtype=np.int16)] * n
    assert compute_aggregate(lowest, [ONE * n] * n).tolist() == [-AGGREGATE_LIMIT] * 3


@pytest.mark.parametrize("weights", [[-1, 2], [2**42, 1], [2**62, 2**62]])
def test_weights_that_no_rule_gives_are_the_callers_mistake(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="rule"):
        compute_aggregate([np.ones(3, dtype=np.int16)] * 2, weights)


def test_rows_and_weights_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        compute_aggregate([np.ones(3, dtype=np.int16)] * 2, [1])


def test_the_next_model_is_the_one_plain_floats_give() -> None:
    rng = np.random.default_rng(4)
    parameters = rng.normal(size=2_000).astype(np.float32)
    aggregate = rng.integers(-(2**57), 2**57, 2_000)
    total, scale = ONE * 49, 4_096
    following = compute_next_parameters(parameters, aggregate, total, scale)
    for k in range(2_000):
        moved = float(parameters[k]) + float(int(aggregate[k])) / float(total * scale)
        assert struct.pack("<f", moved) == following[k].tobytes(), k


def test_the_next_model_is_right_to_float32() -> None:
    rng = np.random.default_rng(4)
    parameters = rng.normal(size=200).astype(np.float32)
    aggregate = rng.integers(-(2**57), 2**57, 200)
    total, scale = ONE * 49, 4_097
    following = compute_next_parameters(parameters, aggregate, total, scale)
    for k in range(200):
        exact = Fraction(float(parameters[k])) + Fraction(int(aggregate[k]), total * scale)
        assert abs(Fraction(float(following[k])) - exact) <= abs(exact) * Fraction(1, 2**24) * Fraction(1_001, 1_000), k


def test_the_next_model_is_the_same_on_every_machine() -> None:
    # Pinned bytes: another value here means that trainers on different machines would disagree about the model.
    index = np.arange(10_000, dtype=np.int64)
    parameters = ((index * 7_919 % 10_007).astype(np.float64) / 10_007 - 0.5).astype(np.float32)
    aggregate = (index * 67_004) ** 2 % 2**57 - 2**56
    following = compute_next_parameters(parameters, aggregate, ONE * 25, 3_000)
    assert (
        hashlib.sha256(following.astype("<f4").tobytes()).hexdigest()
        == "31a31daa3951149a3d268c28593f9752f977bed9ca36fe67bc78f58d3127fc34"
    )


def test_an_update_of_the_mean_moves_the_model_by_the_mean() -> None:
    updates = [np.array([4_096, -8_192], dtype=np.int16)] * 4
    aggregate = compute_aggregate(updates, [ONE] * 4)
    following = compute_next_parameters(np.array([1.0, 1.0], dtype=np.float32), aggregate, ONE * 4, 4_096)
    assert following.tolist() == [2.0, -1.0]


def test_no_aggregate_moves_a_finite_model_to_infinity() -> None:
    limit = np.finfo(np.float32).max
    aggregate = np.array([AGGREGATE_LIMIT, -AGGREGATE_LIMIT])
    following = compute_next_parameters(np.array([limit, -limit], dtype=np.float32), aggregate, 1, 1)
    assert following.tolist() == [limit, -limit]


@pytest.mark.parametrize(
    ("parameters", "aggregate"),
    [
        (np.zeros(3, dtype=np.float32), np.zeros(4, dtype=np.int64)),
        (np.zeros(3, dtype=np.float64), np.zeros(3, dtype=np.int64)),
        (np.zeros(3, dtype=np.float32), np.zeros(3, dtype=np.int32)),
    ],
)
def test_shapes_and_types_must_agree(parameters: np.ndarray, aggregate: np.ndarray) -> None:
    with pytest.raises(MalformedModelError):
        compute_next_parameters(parameters, aggregate, 1, 1)


BAD_BLOBS: dict[str, tuple[bytes, PayloadFault]] = {
    "empty": (b"", PayloadFault.TRUNCATED),
    "another magic": (b"SYU1" + BLOB[4:], PayloadFault.WRONG_MAGIC),
    "no vector and half a proof": (BLOB[: FIXED - 1], PayloadFault.TRUNCATED),
    "another d": (replace_bytes(4, (D + 1).to_bytes(4, "big")), PayloadFault.WRONG_DIMENSION),
    "another B": (replace_bytes(8, (B + 1).to_bytes(4, "big")), PayloadFault.WRONG_DIMENSION),
    "another P": (replace_bytes(12, (P - 1).to_bytes(4, "big")), PayloadFault.WRONG_DIMENSION),
    "no proof": (encode_aggregate(Aggregate(VECTOR, BLINDERS, NEXT_MODEL)), PayloadFault.WRONG_DIMENSION),
    "unknown codec": (replace_bytes(16, b"\x71"), PayloadFault.OUT_OF_RANGE),
    "blinder at the order": (replace_bytes(49, BLS12_381_ORDER.to_bytes(32, "big")), PayloadFault.OUT_OF_RANGE),
    "blinder of ones": (replace_bytes(81, b"\xff" * 32), PayloadFault.OUT_OF_RANGE),
    "no vector": (BLOB[:FIXED], PayloadFault.BAD_COMPRESSION),
    "vector cut": (BLOB[:-1], PayloadFault.BAD_COMPRESSION),
    "byte after the vector": (BLOB + b"\0", PayloadFault.BAD_COMPRESSION),
    "vector too short": (BLOB[:FIXED] + compress(bytes(8 * D - 8)), PayloadFault.WRONG_LENGTH),
    "bomb": (BLOB[:FIXED] + compress(bytes(2**24)), PayloadFault.WRONG_LENGTH),
    "entry above 2^57": (
        BLOB[:FIXED] + compress(np.full(D, 2**57 + 1, dtype="<i8").tobytes()),
        PayloadFault.OUT_OF_RANGE,
    ),
    "entry of the least int64": (
        BLOB[:FIXED] + compress(np.full(D, -(2**63), dtype="<i8").tobytes()),
        PayloadFault.OUT_OF_RANGE,
    ),
    "longer than any honest one": (BLOB + bytes(max_aggregate_bytes(D, B, P)), PayloadFault.TOO_LARGE),
}


@pytest.mark.parametrize("case", BAD_BLOBS)
def test_a_malformed_blob_is_refused_with_its_reason(case: str) -> None:
    blob, fault = BAD_BLOBS[case]
    with pytest.raises(PayloadError) as raised:
        decode_aggregate(blob, D, B, P)
    assert raised.value.reason == fault


def test_the_blob_has_the_documented_format() -> None:
    assert BLOB[:17] == b"SYA2" + b"".join(x.to_bytes(4, "big") for x in (D, B, P)) + b"\x70"
    assert BLOB[17:49] == bytes(range(32))
    assert BLOB[49 : FIXED - P] == (5).to_bytes(32, "big") + (BLS12_381_ORDER - 1).to_bytes(32, "big")
    assert BLOB[FIXED - P : FIXED] == PROOF
    assert len(BLOB) <= max_aggregate_bytes(D, B, P)


def test_a_blob_is_decoded_to_what_was_encoded() -> None:
    decoded = decode_aggregate(BLOB, D, B, P)
    assert decoded.vector.dtype == np.int64
    np.testing.assert_array_equal(decoded.vector, VECTOR)
    assert (decoded.blinders, decoded.next_model, decoded.shortness) == (BLINDERS, NEXT_MODEL, PROOF)


def test_sums_are_taken_in_blocks_and_never_copy_all_rows_in_floats() -> None:
    """In float64 the rows alone would take 61 MiB. What is left is the aggregate, and some blocks of 2 MiB."""
    rows = np.ones((40, 200_000), dtype=np.int16)
    for work, result in (
        (lambda: compute_gram(rows), 0),
        (lambda: compute_aggregate(list(rows), [ONE + 7] * 40), 8 * 200_000),
    ):
        tracemalloc.start()
        work()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < result + 12 * 2**20


def test_hundreds_of_rows_and_weights_of_every_size_are_added_exactly() -> None:
    rng = np.random.default_rng(3)
    for n, bits in ((1, 1), (3, 31), (40, 40), (129, 38), (300, 37)):
        rows = rng.integers(-(2**15), 2**15, (n, 50), dtype=np.int16)
        weights = [int(x) << 3 for x in rng.integers(0, 2 ** (bits - 3) + 1, n)] if bits > 3 else [1] * n
        expected = np.array(weights, dtype=object) @ rows.astype(object)
        assert compute_aggregate(list(rows), weights, 2**62).tolist() == expected.tolist(), (n, bits)
