"""The shortness proof: what its prover promises, what its verifier enforces, and the arithmetic of its theorem."""

import dataclasses
import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS
from steelyard.errors import ProofRejectedError
from steelyard.gram import ShortnessProof, derive_blinders, prove_shortness, verify_shortness
from steelyard.gram import shortness as shortness_module
from steelyard.gram import shortness_prover as prover_module
from steelyard.gram.field import compute_powers
from steelyard.gram.shortness import PROJECTION_LIMIT, PROJECTIONS, compute_multipliers, shortness_length
from steelyard.gram.shortness_prover import _project, _prove, _Updates
from steelyard.types import Seed
from tests.gram_proofs import make_round, make_srs, make_updates
from tests.wrap_around import FieldRows, centre, commit_field_vector, dot, reduce_rows

R = BLS12_381_ORDER
SRS = make_srs(16)
ROUND = make_round(SRS, make_updates(3, SRS.payload + 1))
D = ROUND.statement.d
ROWS = 6
PROOF = prove_shortness(SRS, ROUND.updates, ROUND.blinders, ROUND.commitments)


def refuse(proof: ShortnessProof, reason: str) -> None:
    with pytest.raises(ProofRejectedError, match=reason):
        verify_shortness(SRS, D, ROUND.commitments, proof)


def test_a_proof_verifies() -> None:
    verify_shortness(SRS, D, ROUND.commitments, PROOF)


def test_two_proofs_about_the_same_updates_share_nothing_and_both_verify() -> None:
    other = prove_shortness(SRS, ROUND.updates, ROUND.blinders, ROUND.commitments)
    verify_shortness(SRS, D, ROUND.commitments, other)
    for field in dataclasses.fields(ShortnessProof):
        ours, theirs = getattr(PROOF, field.name), getattr(other, field.name)
        assert not set(ours) & set(theirs) if isinstance(ours, tuple) else ours != theirs, field.name


@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 8), (2, 9), (5, 40)])
def test_every_shape_is_proved(n: int, d: int) -> None:
    played = make_round(SRS, make_updates(n, d, seed=n))
    proof = prove_shortness(SRS, played.updates, played.blinders, played.commitments)
    verify_shortness(SRS, d, played.commitments, proof)


@pytest.mark.parametrize("entry", [-(2**15), 2**15 - 1, 0])
def test_extreme_updates_are_proved(entry: int) -> None:
    played = make_round(SRS, np.full((2, 11), entry, dtype=np.int16))
    proof = prove_shortness(SRS, played.updates, played.blinders, played.commitments)
    verify_shortness(SRS, 11, played.commitments, proof)


def test_projections_in_float64_are_exact() -> None:
    multipliers = compute_multipliers(b"any", SRS.powers)
    blocks = [row[start : start + SRS.payload].tolist() for row in ROUND.updates for start in range(0, D, SRS.payload)]
    expected = [dot(block, t[: len(block)]) for block in blocks for t in multipliers.tolist()]
    assert _Updates(SRS, ROUND.updates).project(multipliers) == expected
    assert max(map(abs, expected)) <= _Updates(SRS, ROUND.updates).bound


@pytest.mark.parametrize(
    ("updates", "blinders", "commitments"),
    [
        (ROUND.updates[:2], ROUND.blinders, ROUND.commitments),
        (ROUND.updates.astype(np.int64), ROUND.blinders, ROUND.commitments),
        (ROUND.updates[0], ROUND.blinders, ROUND.commitments),
        (ROUND.updates[:, :0], ROUND.blinders, ROUND.commitments),
        (ROUND.updates, [row[:1] for row in ROUND.blinders], ROUND.commitments),
        (ROUND.updates, ROUND.blinders, ROUND.commitments[:2]),
    ],
)
def test_the_prover_refuses_shapes_that_do_not_fit(updates: Any, blinders: Any, commitments: Any) -> None:
    with pytest.raises(ValueError, match=r"needed|int16"):
        prove_shortness(SRS, updates, blinders, commitments)


class TestVerifier:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"c0": PROOF.c0 + R}, "non-canonical scalar in c0"),
            ({"v": -1}, "non-canonical scalar in v"),
            ({"s": R}, "non-canonical scalar in v"),
            ({"omega": PROOF.omega + R}, "non-canonical scalar in ω"),
            ({"Y": PROOF.Y[:-1]}, "not about 6 blocks"),
            ({"Y": PROOF.Y[::-1]}, "pairing"),
            ({"projections": PROOF.projections[:-1]}, "not about 6 blocks"),
            ({"projections": PROOF.projections[::-1]}, "pairing"),
            ({"projections": (PROJECTION_LIMIT, *PROOF.projections[1:])}, "out of range"),
            ({"projections": (-PROJECTION_LIMIT - 1, *PROOF.projections[1:])}, "out of range"),
            ({"projections": (PROOF.projections[0] + R, *PROOF.projections[1:])}, "out of range"),
            ({"P": PROOF.O, "O": PROOF.P}, "pairing"),
            ({"P": PROOF.P[:-1]}, "invalid point in P"),
            ({"S": bytes(127) + b"\x01"}, "invalid point in S"),
            ({"W": bytes(128)}, "pairing"),
            ({"v": PROOF.v_prime, "v_prime": PROOF.v}, "pairing"),
            ({"v": PROOF.y, "y": PROOF.v}, "pairing"),
        ],
    )
    def test_another_proof_is_refused(self, changes: dict[str, Any], reason: str) -> None:
        refuse(dataclasses.replace(PROOF, **changes), reason)

    @pytest.mark.parametrize("field", ["c0", "v", "v_prime", "y", "y_prime", "s", "omega"])
    def test_every_scalar_counts(self, field: str) -> None:
        refuse(dataclasses.replace(PROOF, **{field: (getattr(PROOF, field) + 1) % R}), "pairing")

    def test_another_statement_is_refused(self) -> None:
        first, second, third = ROUND.commitments
        for commitments in ([second, first, third], [first, second, second]):
            with pytest.raises(ProofRejectedError, match="pairing"):
                verify_shortness(SRS, D, commitments, PROOF)
        with pytest.raises(ProofRejectedError, match="pairing"):
            verify_shortness(SRS, D + 1, ROUND.commitments, PROOF)
        with pytest.raises(ProofRejectedError, match="pairing"):
            verify_shortness(make_srs(16, tau=77), D, ROUND.commitments, PROOF)

    @pytest.mark.parametrize("d", [-1, 0, 1, 2**32])
    def test_a_statement_of_another_size_is_refused(self, d: int) -> None:
        with pytest.raises(ProofRejectedError, match=r"coordinates|blocks"):
            verify_shortness(SRS, d, ROUND.commitments, PROOF)

    def test_no_commitments_are_refused(self) -> None:
        with pytest.raises(ProofRejectedError, match="0 rows"):
            verify_shortness(SRS, D, [], PROOF)


class TestBytes:
    DATA = PROOF.encode()

    def test_a_proof_round_trips(self) -> None:
        assert len(self.DATA) == shortness_length(SRS.payload, ROWS) == 128 * 15 + 160 * ROWS + 736
        assert ShortnessProof.decode(self.DATA, SRS.payload, ROWS) == PROOF

    @pytest.mark.parametrize("rows", [-1, 0, 5, 7])
    def test_another_length_is_refused(self, rows: int) -> None:
        with pytest.raises(ProofRejectedError, match="cannot have"):
            ShortnessProof.decode(self.DATA, SRS.payload, rows)

    def test_bytes_all_over_the_proof_count(self) -> None:
        rng = random.Random(3)
        for place in range(len(self.DATA)):
            changed = bytearray(self.DATA)
            changed[place] ^= rng.randrange(1, 256)
            with pytest.raises(ProofRejectedError):
                verify_shortness(SRS, D, ROUND.commitments, ShortnessProof.decode(bytes(changed), SRS.payload, ROWS))

    def test_a_projection_out_of_range_has_no_encoding(self) -> None:
        with pytest.raises(OverflowError):
            dataclasses.replace(PROOF, projections=(PROJECTION_LIMIT, *PROOF.projections[1:])).encode()


class TestZeroKnowledge:
    def test_published_projections_do_not_lean_towards_the_true_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a range of 256, where a shift by the true projection of ±8 would be seen at once."""
        limit = 128
        monkeypatch.setattr(prover_module, "PROJECTION_LIMIT", limit)

        def draw_mean(true: int) -> float:
            rows = FieldRows([[0]], bound=8, lie=lambda projections: [true] * len(projections))
            drawn = [_project(SRS, 1, rows, [bytes(128)], 1)[3] for _ in range(240)]
            assert all(-limit <= p < limit for one in drawn for p in one)
            return float(np.mean(drawn))

        deviation = 2 * limit / math.sqrt(12) / math.sqrt(240 * PROJECTIONS)
        assert abs(draw_mean(8) + 0.5) < 5 * deviation < 6
        assert abs(draw_mean(-8) + 0.5) < 5 * deviation

    def test_the_masks_hide_every_opened_value(self) -> None:
        """`c0` and the five evaluations are independent functions of the sixteen mask coefficients."""
        rng = random.Random(4)
        N, L = SRS.powers, SRS.payload
        for _ in range(5):
            t = compute_multipliers(rng.randbytes(32), N).tolist()
            theta, z = rng.randrange(R), rng.randrange(R)
            T = [dot(compute_powers(theta, PROJECTIONS), column) % R for column in zip(*t, strict=True)]
            E = compute_powers(theta, L) + [0] * MASK_SLOTS

            def quotient(public: list[int], slot: int, z: int = z) -> int:
                return sum(x * pow(z, abs(k - slot) - 1, R) for k, x in enumerate(public) if k != slot)

            slots = range(L, N)
            none = [0] * MASK_SLOTS
            at_z, at_inverse = [pow(z, k, R) for k in slots], [pow(z, -k, R) for k in slots]
            functions = [
                [*(T[k] for k in slots), *(E[k] for k in slots)],
                [*at_z, *none],
                [*at_inverse, *none],
                [*none, *at_z],
                [*none, *at_inverse],
                [*(quotient(T, k) for k in slots), *(quotient(E, k) for k in slots)],
            ]
            assert len(reduce_rows(functions)[0]) == len(functions)


class TestTheorem:
    """The steps of the proof in docs/shortness.md, section 5, that are arithmetic."""

    def test_a_share_of_the_bytes_is_below_the_power_that_the_proof_uses(self) -> None:
        for index in range(1, 257):
            assert math.ceil(256 / index) ** 8 * index**7 <= 256**8

    def test_no_group_of_more_than_256_elements_passes_more_often_than_the_page_says(self) -> None:
        """Every sequence of factors, by the group that the columns before the last generate and its largest share."""
        shares = {1: Fraction(1)}
        for order in range(1, 257):
            for factor in range(2, 256 // order + 1) if order in shares else ():
                share = shares[order] * math.ceil(256 / factor) / 256
                shares[order * factor] = max(share, shares.get(order * factor, Fraction(0)))
        greatest = max(
            share * math.ceil(256 / factor) / 256
            for order, share in shares.items()
            for factor in range(2, 258)
            if order * factor > 256
        )
        assert greatest == Fraction(135, 2**15) < Fraction(1, 2**7)

    def test_no_step_of_the_proof_wraps_around(self) -> None:
        beta, denominator, most_rows = PROJECTION_LIMIT, 256, 2**32
        assert 255**9 * (9 * 255 + 1) * 2 * beta < R // 2
        for powers in (16, 2**12, 2**15, 2**28):
            most_entries = (most_rows // (powers - MASK_SLOTS) + 1) * powers
            assert most_entries * (2 * beta * denominator) ** 2 + denominator**2 * 2**63 < R // 2
        assert 2**42 * 2 * beta * denominator + denominator * 2**57 < R // 2

    @pytest.mark.parametrize("q", [1, 2, 3, 7, 85, 128, 171, 254, 255])
    def test_fractions_pass_as_often_as_the_proof_says(self, q: int) -> None:
        """One entry `1/q`: with the best offset `⌈256/q⌉` of the 256 bytes pass, never more."""
        x = pow(q, -1, R)
        in_range = {t for t in range(-128, 128) if abs(centre(t * x)) < PROJECTION_LIMIT}
        assert in_range == {t for t in range(-128, 128) if t % q == 0}
        best = max(
            sum(abs(centre((t - offset) * x)) < PROJECTION_LIMIT for t in range(-128, 128))
            for offset in range(-128, 128)
        )
        assert best == math.ceil(256 / q)

    def test_an_entry_that_is_no_small_fraction_passes_for_one_byte_at_most(self) -> None:
        rng = random.Random(5)
        for x in [rng.randrange(R) for _ in range(50)] + [pow(257, -1, R), 2**200]:
            places = sorted(t * x % R for t in range(-128, 128))
            gaps = [(b - a) % R for a, b in zip(places, places[1:] + places[:1], strict=True)]
            assert min(gaps) >= 2 * PROJECTION_LIMIT

    def test_two_denominators_pass_no_more_often_than_the_group_they_span_allows(self) -> None:
        rng = random.Random(6)
        t = np.arange(-128, 128)
        for _ in range(60):
            q1, q2 = rng.randrange(1, 256), rng.randrange(1, 256)
            e1, e2 = (
                next(e for e in iter(lambda: rng.randrange(1, 10**6), 0) if math.gcd(e, q) == 1) for q in (q1, q2)
            )
            order = math.lcm(q1, q2)
            sums = (t[:, None] * (e1 * order // q1) + t[None, :] * (e2 * order // q2)) % order
            share = int(np.bincount(sums.ravel(), minlength=order).max()) / 256**2
            assert share <= max(order ** (-7 / 8), 2**-14)


def test_halves_are_what_can_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """With three projections instead of twenty a prover that tries again gets entries of 1/2 through: no fault.

    They are short rational numbers, for which no inner product wraps around. With twenty it takes 2^20 trials.
    """
    for module in (shortness_module, prover_module):
        monkeypatch.setattr(module, "PROJECTIONS", 3)
    half = (R + 1) // 2
    vector = [half, half, 5, -7]
    assert dot(vector, vector) % R == (1 + 2 * (5**2 + 7**2)) * half % R
    seed = Seed(bytes(32))
    commitment = commit_field_vector(SRS, vector, seed)
    proof = _prove(SRS, 4, FieldRows([vector]), [derive_blinders(seed, 1)], [commitment])
    verify_shortness(SRS, 4, [commitment], proof)
