"""The wrap-around attack: it succeeds against the Gram proof alone, and the shortness proof stops it."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from steelyard.chain.records import Settlement
from steelyard.errors import ProofRejectedError
from steelyard.gram import (
    GramProof,
    GramStatement,
    commit,
    compute_aggregate_blinders,
    compute_gram,
    derive_blinders,
    encode_gram,
    find_false_openings,
    prove_shortness,
    reference,
    verify_aggregate_opening,
    verify_gram,
    verify_shortness,
)
from steelyard.gram.shortness import PROJECTION_LIMIT, PROJECTIONS, compute_multipliers
from steelyard.gram.shortness_prover import _prove
from steelyard.rounds.global_model import fetch_aggregate
from steelyard.rounds.records import SettledRound
from steelyard.rules.registry import DEFAULT_RULE
from steelyard.storage import MemoryBlobStore
from steelyard.types import Cid, Codec, Digest, Gram, Seed
from steelyard.updates.aggregate import Aggregate, encode_aggregate
from tests.gram_proofs import CONTEXT, TAU, make_srs
from tests.rounds_kit import AGGREGATOR, PROJECT, make_spec, make_trainers
from tests.wrap_around import FieldRows, R, Vector, centre, commit_field_vector, dot, find_hidden_vector

SRS = make_srs(32)
D = SRS.payload
HONEST = 5
F = 1
SEEDS = [Seed(bytes([i + 1]) * 32) for i in range(HONEST + 2)]
BLINDERS = [derive_blinders(seed, 1) for seed in SEEDS]


def make_honest_updates() -> NDArray[np.int16]:
    rng = np.random.default_rng(5)
    shared = rng.normal(size=D)
    return np.rint(1000 * (shared + 0.3 * rng.normal(size=(HONEST, D)))).astype(np.int16)


def make_poison(honest: NDArray[np.int16]) -> NDArray[np.int64]:
    """The honest mean, and at right angles to everybody a vector about a hundred times as long."""
    span, _ = np.linalg.qr(honest.T.astype(float))
    away = np.random.default_rng(6).normal(size=D)
    away -= span @ (span.T @ away)
    mean = np.rint(honest.mean(axis=0)).astype(np.int64)
    poison: NDArray[np.int64] = mean + np.rint(2.0**17 * away / np.abs(away).max()).astype(np.int64)
    return poison


HONEST_UPDATES = make_honest_updates()
POISON = make_poison(HONEST_UPDATES)
CLAIMED_NORM = int(0.8 * np.median((HONEST_UPDATES.astype(np.int64) ** 2).sum(axis=1)))


def make_attack() -> list[Vector]:
    """Five honest rows, then `g + h` and `g − h` with `⟨h,h⟩` chosen so that their squared norms look like theirs."""
    honest, g = HONEST_UPDATES.tolist(), POISON.tolist()
    h = find_hidden_vector([*honest, g], CLAIMED_NORM - dot(g, g), D)
    plus, minus = ([(x + sign * y) % R for x, y in zip(g, h, strict=True)] for sign in (1, -1))
    return [*honest, plus, minus]


ATTACK = make_attack()
COMMITMENTS = [
    *(commit(SRS, update, seed) for update, seed in zip(HONEST_UPDATES, SEEDS[:HONEST], strict=True)),
    *(commit_field_vector(SRS, vector, seed) for vector, seed in zip(ATTACK[HONEST:], SEEDS[HONEST:], strict=True)),
]


def compute_wrapped_gram(vectors: list[Vector]) -> Gram:
    return np.array([[centre(dot(x, y)) for y in vectors] for x in vectors], dtype=object)


def compute_wrapped_aggregate(weights: Sequence[int]) -> NDArray[np.int64]:
    """`h` cancels: what is left is short, and opens."""
    return np.array([centre(dot(weights, column)) for column in zip(*ATTACK, strict=True)], dtype=np.int64)


def settle_attack(store: MemoryBlobStore, shortness: bytes) -> SettledRound:
    """The round as the colluding aggregator settles it; the contract accepts its Gram matrix and weights."""
    gram = compute_wrapped_gram(ATTACK)
    weighing = DEFAULT_RULE.weigh(gram, F, D)
    blinders = compute_aggregate_blinders(BLINDERS, weighing.weights)
    aggregate = Aggregate(
        compute_wrapped_aggregate(weighing.weights), tuple(blinders), Cid(Codec.RAW, bytes(32)), shortness
    )
    settlement = Settlement(
        exclusions=(),
        commitments=b"".join(COMMITMENTS),
        gram=encode_gram(gram),
        proof=b"",
        hints=b"",
        aggregate_cid=store.put(encode_aggregate(aggregate)),
        blinders=b"".join(blinder.to_bytes(32, "big") for blinder in blinders),
    )
    n = len(ATTACK)
    return SettledRound(
        project_id=PROJECT,
        round_index=0,
        attempt=1,
        aggregator=AGGREGATOR,
        attest_deadline=0,
        settlement=settlement,
        trainers=tuple(make_trainers(n)),
        commitment_hashes=tuple(Digest(keccak(commitment)) for commitment in COMMITMENTS),
        excluded=(),
        f=F,
        budget=1,
        weights=weighing.weights,
        contributions=weighing.contributions,
        shares=(0,) * n,
        opposed=0,
        tx_hash=bytes(32),
        block_number=1,
    )


def test_a_trainer_takes_the_attack_where_no_shortness_is_asked_for_and_refuses_it_where_it_is() -> None:
    spec = make_spec()
    spec = spec.model_copy(update={"model": spec.model.model_copy(update={"inputs": 7})})
    assert spec.model.dimension == D
    store = MemoryBlobStore()

    aggregate = fetch_aggregate(
        store, SRS, spec.model_copy(update={"shortness": "none"}), settle_attack(store, shortness=b"")
    )
    assert np.linalg.norm(aggregate.vector.astype(float)) > 0

    rows = FieldRows(ATTACK, bound=2**50, lie=lambda projections: [0] * len(projections))
    best = _prove(SRS, D, rows, BLINDERS, COMMITMENTS).encode()
    with pytest.raises(ProofRejectedError, match="pairing"):
        fetch_aggregate(
            store, SRS, spec.model_copy(update={"shortness": "required"}), settle_attack(store, shortness=best)
        )


def test_without_the_check_the_attack_succeeds() -> None:
    gram = compute_wrapped_gram(ATTACK)
    statement = GramStatement(CONTEXT, HONEST + 2, D, b"".join(COMMITMENTS), encode_gram(gram))
    draw = random.Random(1)
    proof = reference.prove(
        reference.ReferenceSrs.from_secret(TAU, SRS.powers),
        CONTEXT,
        ATTACK,
        SEEDS,
        statement.gram,
        lambda: draw.randrange(R),
    )
    verify_gram(SRS, statement, GramProof.decode(proof, 1))

    weighing = DEFAULT_RULE.weigh(gram, F, D)
    assert weighing.weights[HONEST] == weighing.weights[HONEST + 1] > 0
    aggregate = compute_wrapped_aggregate(weighing.weights)
    blinders = compute_aggregate_blinders(BLINDERS, weighing.weights)
    verify_aggregate_opening(SRS, aggregate, blinders, COMMITMENTS, weighing.weights)

    step = np.linalg.norm(aggregate.astype(float)) / weighing.normaliser
    honest_step = np.linalg.norm(HONEST_UPDATES.mean(axis=0))
    assert step > 20 * honest_step


def test_with_its_true_inner_products_the_poison_has_no_weight() -> None:
    gram = compute_wrapped_gram([*HONEST_UPDATES.tolist(), POISON.tolist(), POISON.tolist()])
    weighing = DEFAULT_RULE.weigh(gram, F, D)
    aggregate = dot(weighing.weights, [0] * HONEST + [1, 1]) * POISON.astype(object)
    step = np.linalg.norm((aggregate / weighing.normaliser).astype(float))
    assert step < np.linalg.norm(HONEST_UPDATES.mean(axis=0))


def test_the_vectors_of_the_attack_are_no_updates() -> None:
    """The prover takes int16 alone, and what then is proved about does not open."""
    updates = np.array([[centre(x) % 2**15 for x in vector] for vector in ATTACK], dtype=np.int16)
    assert set(find_false_openings(SRS, updates, BLINDERS, COMMITMENTS)) >= {HONEST, HONEST + 1}
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_shortness(SRS, D, COMMITMENTS, prove_shortness(SRS, updates, BLINDERS, COMMITMENTS))


def test_a_prover_that_knows_the_vectors_finds_no_projections_in_range() -> None:
    with pytest.raises(ValueError, match="not short"):
        _prove(SRS, D, FieldRows(ATTACK), BLINDERS, COMMITMENTS)


def clamp(x: int) -> int:
    return max(-(2**50), min(2**50, x))


@pytest.mark.parametrize(
    "lie",
    [
        lambda projections: [0] * len(projections),
        lambda projections: [clamp(x) for x in projections],
        lambda projections: [x % 2**40 for x in projections],
    ],
    ids=["nothing", "cut off", "reduced"],
)
def test_a_prover_that_lies_about_projections_is_refused(lie: Callable[[list[int]], list[int]]) -> None:
    proof = _prove(SRS, D, FieldRows(ATTACK, bound=2**50, lie=lie), BLINDERS, COMMITMENTS)
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_shortness(SRS, D, COMMITMENTS, proof)


@pytest.mark.parametrize("place", [0, PROJECTIONS - 1, PROJECTIONS * HONEST + 3])
def test_one_false_projection_is_one_too_many(place: int) -> None:
    honest = [*HONEST_UPDATES.tolist(), HONEST_UPDATES[0].tolist()]
    commitments = [*COMMITMENTS[:HONEST], commit_field_vector(SRS, honest[HONEST], SEEDS[HONEST])]

    def change_one(projections: list[int]) -> list[int]:
        projections[place] += 1
        return projections

    rows = FieldRows(honest)
    verify_shortness(SRS, D, commitments, _prove(SRS, D, rows, BLINDERS[:-1], commitments))
    rows.lie = change_one
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_shortness(SRS, D, commitments, _prove(SRS, D, rows, BLINDERS[:-1], commitments))


def test_what_hides_in_the_mask_slots_is_found_too() -> None:
    """`h` may be where no update has coordinates: the Gram proof counts these slots, so the check has to."""
    h = [*([0] * D), *find_hidden_vector([[0] * 8], 12345, SRS.powers - D)]
    commitment = commit_field_vector(SRS, h, SEEDS[0])
    assert all(x == 0 for x in h[:D])
    assert centre(dot(h, h)) == 12345
    with pytest.raises(ValueError, match="not short"):
        _prove(SRS, D, FieldRows([h]), BLINDERS[:1], [commitment])
    lying = FieldRows([h], lie=lambda projections: [0] * len(projections))
    with pytest.raises(ProofRejectedError, match="pairing"):
        verify_shortness(SRS, D, [commitment], _prove(SRS, D, lying, BLINDERS[:1], [commitment]))


def test_projections_of_the_attack_are_never_in_range() -> None:
    """A projection modulo `r` is in range with probability `2^-190`: none of 20,000 may be, whatever the offset."""
    offsets = random.Random(2)
    for trial in range(500):
        multipliers = compute_multipliers(trial.to_bytes(32, "big"), SRS.powers)
        for x in FieldRows(ATTACK[HONEST:]).project(multipliers):
            assert not -PROJECTION_LIMIT <= centre(x + offsets.randrange(R)) < PROJECTION_LIMIT


def test_honest_projections_and_the_fast_ones_are_the_same() -> None:
    """The prover's float64 sums are exact at the largest entries."""
    updates = np.full((2, D), -(2**15), dtype=np.int16)
    commitments = [commit(SRS, update, seed) for update, seed in zip(updates, SEEDS, strict=False)]
    verify_shortness(SRS, D, commitments, prove_shortness(SRS, updates, BLINDERS[:2], commitments))
    assert np.array_equal(compute_gram(updates), compute_wrapped_gram(updates.tolist()))
