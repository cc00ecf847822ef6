"""What a proof says about the updates beyond their Gram matrix: nothing that these tests can see.

They can fail: each also meets a prover whose masks are fixed, missing or biased, and must notice. The statistics
compare proofs about two sets of updates with the same matrix. `z` is new in each proof, so the opened values look
uniform by themselves; what could give the updates away are the values less what a suspected witness contributes.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS
from steelyard.gram import GramProof
from steelyard.gram.field import RandomScalar, make_polynomial, random_scalar
from steelyard.gram.prover import _prove
from steelyard.gram.transcript import compute_h0, compute_h1, compute_point, compute_row_weights
from tests.gram_proofs import Round, make_round, make_srs, make_updates

R = BLS12_381_ORDER
SRS = make_srs(12)
L = SRS.payload
UPDATES = np.array([[300, -7, 25, 4], [-12, 90, 6, 31000]], dtype=np.int16)
ROUNDS = (make_round(SRS, UPDATES), make_round(SRS, UPDATES[:, [2, 3, 1, 0]]))
"""Two witnesses with one matrix: the coordinates of the second are those of the first in another order."""

WINDOW = 16
BUCKETS = 16
FALSE_ALARM = 1e-7
"""Chance that an honest prover fails the statistics of one test."""

Samples = dict[str, NDArray[np.object_]]


def prove(round_: Round, draw: RandomScalar) -> GramProof:
    return _prove(SRS, round_.statement, round_.updates, round_.blinders, draw)


# Provers that leak. The masks are the first draws, then come the blinders of the mask and of the quotient.


def draw_nothing() -> RandomScalar:
    return lambda: 0


def draw_always_the_same() -> RandomScalar:
    counter = itertools.count(1)
    return lambda: pow(7, 1000 + next(counter), R)


def draw_masks(mask: Callable[[int], int]) -> Callable[[], RandomScalar]:
    def make() -> RandomScalar:
        counter = itertools.count()

        def draw() -> int:
            k = next(counter)
            return mask(k) if k < MASK_SLOTS else random_scalar()

        return draw

    return make


LEAKY: dict[str, Callable[[], RandomScalar]] = {
    "no masks": draw_masks(lambda _: 0),
    "one small mask": draw_masks(lambda k: random_scalar() >> 127 if k == 0 else 0),
    "one mask below r/2": draw_masks(lambda k: random_scalar() >> 1 if k == 0 else 0),
    "one mask without its lowest bit": draw_masks(lambda k: random_scalar() >> 1 << 1 if k == 0 else 0),
    "masks as small as the updates": draw_masks(lambda _: random_scalar() & 0xFFFF),
    "the same masks each time": draw_masks(lambda k: pow(7, 1000 + k, R)),
}


# Strings


def list_windows(proof: GramProof) -> set[bytes]:
    """Every string of 16 bytes in a value of the proof. The padding of a coordinate is not the proof's."""
    points = [half[16:] for point in (*proof.M, proof.S, proof.W) for half in (point[:64], point[64:])]
    values = [*points, *(x.to_bytes(32, "big") for x in (proof.t0, *proof.a, *proof.a_prime, proof.s, proof.omega))]
    return {value[at : at + WINDOW] for value in values for at in range(len(value) - WINDOW + 1)}


def test_proofs_of_one_statement_share_no_string_unless_their_masks_are_the_same() -> None:
    two_blocks = make_round(SRS, make_updates(2, L + 1))
    for round_ in (*ROUNDS, two_blocks):
        windows = [list_windows(prove(round_, random_scalar)) for _ in range(8)]
        assert all(not first & second for first, second in itertools.combinations(windows, 2))
    fixed = [list_windows(prove(ROUNDS[0], draw_always_the_same())) for _ in range(2)]
    assert fixed[0] & fixed[1]


def test_a_proof_holds_no_string_of_its_statement() -> None:
    round_ = make_round(SRS, make_updates(2, L + 1))
    data = b"".join((round_.statement.context, round_.statement.commitments, round_.statement.gram))
    windows = {data[at : at + WINDOW] for at in range(len(data) - WINDOW + 1)} - {bytes(WINDOW)}
    assert not windows & list_windows(prove(round_, random_scalar))


# Evaluations


def draw_challenges(round_: Round, proof: GramProof) -> tuple[list[int], int]:
    """The row challenges and `z`, which everybody can compute."""
    h0 = compute_h0(round_.statement, SRS.powers, proof.M, proof.t0)
    return compute_row_weights(h0, round_.statement.n), compute_point(compute_h1(h0, proof.S))


def subtract_witness(round_: Round, proof: GramProof, suspected: Round) -> tuple[int, int]:
    """What is left of `a` and `a'` without the suspected updates, as a polynomial in the mask slots."""
    weights, z = draw_challenges(round_, proof)
    combined = make_polynomial([int(x) for x in np.array(weights, dtype=object) @ suspected.updates.astype(object)])
    at_z, at_inverse = proof.a[0] - int(combined(z)), proof.a_prime[0] - int(combined(pow(z, -1, R)))
    return at_z * pow(z, -L, R) % R, at_inverse * pow(z, L, R) % R


def test_without_masks_the_opened_values_are_those_of_the_updates() -> None:
    bare = prove(ROUNDS[0], draw_nothing())
    assert subtract_witness(ROUNDS[0], bare, ROUNDS[0]) == (0, 0)
    assert 0 not in subtract_witness(ROUNDS[0], bare, ROUNDS[1])
    masked = prove(ROUNDS[0], random_scalar)
    assert 0 not in subtract_witness(ROUNDS[0], masked, ROUNDS[0])
    assert bare.t0 == 0
    assert (bytes(128),) == bare.M


def collect(round_: Round, make_draw: Callable[[], RandomScalar], count: int) -> Samples:
    """The scalars of many proofs, as they are and less what either witness contributes."""
    samples: dict[str, list[int]] = {}
    for _ in range(count):
        proof = prove(round_, make_draw())
        values = {"a": proof.a[0], "a'": proof.a_prime[0], "s": proof.s, "t0": proof.t0, "omega": proof.omega}
        for name, suspected in zip(("first", "second"), ROUNDS, strict=True):
            values[f"a less the {name}"], values[f"a' less the {name}"] = subtract_witness(round_, proof, suspected)
        for name, value in values.items():
            samples.setdefault(name, []).append(value)
    return {name: np.array(values, dtype=object) for name, values in samples.items()}


def compute_p_values(one: Samples, other: Samples) -> Iterator[tuple[str, float]]:
    """Uniformity of the high and the low bits of each kind of value, and equality between the two witnesses."""
    for name in one:
        for who, sample in (("first", one[name]), ("second", other[name])):
            for bits, buckets in (("high", sample * BUCKETS // R), ("low", sample % BUCKETS)):
                counts = np.bincount(buckets.astype(np.int64), minlength=BUCKETS)
                yield f"{name}, {bits} bits, {who} witness", float(stats.chisquare(counts).pvalue)
        fractions = [(sample / R).astype(np.float64) for sample in (one[name], other[name])]
        yield f"{name}, between witnesses", float(stats.ks_2samp(*fractions).pvalue)


def find_leaks(make_draw: Callable[[], RandomScalar], count: int) -> list[str]:
    """What tells the proofs from noise, at a level that is shared among all comparisons."""
    found = list(compute_p_values(*(collect(round_, make_draw, count) for round_ in ROUNDS)))
    return [f"{name}: p = {p_value:.1e}" for name, p_value in found if p_value < FALSE_ALARM / len(found)]


def honest() -> RandomScalar:
    return random_scalar


def test_both_witnesses_have_one_matrix_and_other_commitments() -> None:
    first, second = (round_.statement for round_ in ROUNDS)
    assert first.gram == second.gram
    assert first.commitments != second.commitments


def test_opened_values_look_like_noise() -> None:
    assert find_leaks(honest, 150) == []


@pytest.mark.parametrize("name", LEAKY)
def test_a_prover_that_leaks_is_noticed(name: str) -> None:
    assert find_leaks(LEAKY[name], 80) != []


@pytest.mark.deep
def test_opened_values_look_like_noise_over_two_thousand_proofs_of_each_witness() -> None:
    assert find_leaks(honest, 2_000) == []


@pytest.mark.deep
@pytest.mark.parametrize("bits", [1, 2])
def test_a_mask_that_lacks_a_little_is_noticed_over_a_thousand_proofs(bits: int) -> None:
    """One slot alone, whose top bits are zero in one proof of four."""

    def mask(k: int) -> int:
        x = random_scalar() if k == 0 else 0
        return x >> bits if random_scalar() % 4 == 0 else x

    assert find_leaks(draw_masks(mask), 1_000) != []


def test_the_masks_of_the_real_prover_come_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def randbelow(bound: int) -> int:
        drawn.append(bound)
        return 11

    monkeypatch.setattr("secrets.randbelow", randbelow)
    proof = ROUNDS[0].prove()
    assert drawn == [R] * (MASK_SLOTS + 2)
    assert proof == dataclasses.replace(proof, t0=MASK_SLOTS * 121)
