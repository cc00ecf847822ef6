"""Proofs of what is not so, each made against a verifier that lacks one check. The real verifiers must refuse them all.

Names begin with the bug class in `tests/unit/gram/test_bug_classes.py` that they belong to.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

from flint import fmpz_mat

from scripts.gram_cases import CONTEXT, Case, add_torsion
from steelyard.gram import Srs
from steelyard.gram.field import Polynomial, make_polynomial, random_scalar
from steelyard.gram.points import decode_point, encode_point, multiply_sum
from tests.gram_weak import (
    SOUND,
    Parts,
    Prover,
    R,
    Transcript,
    Weakness,
    commit_to,
    compute_s_prime,
    split_products,
    u256,
)


@dataclasses.dataclass(frozen=True)
class Forgery:
    """A call, and the verifier that it deceives."""

    case: Case
    weakness: Weakness


Forge = Callable[[Srs], Forgery]
FORGERIES: Final[dict[str, Forge]] = {}


def forgery(name: str) -> Callable[[Forge], Forge]:
    def register(forge: Forge) -> Forge:
        FORGERIES[name] = forge
        return forge

    return register


def omit(*items: str) -> Weakness:
    return Weakness(omit=frozenset(items))


class Honest:
    """Rows with small entries, their commitments, and their true matrix. `entries[i][b]` are the coefficients."""

    def __init__(self, srs: Srs, entries: Sequence[Sequence[Sequence[int]]], *, d: int | None = None) -> None:
        self.srs = srs
        self.vectors = [[make_polynomial(list(block)) for block in row] for row in entries]
        self.blinders = [[random_scalar() for _ in row] for row in entries]
        n, B = len(entries), len(entries[0])
        points = [
            commit_to(srs, vector, blinder)
            for row, blinders in zip(self.vectors, self.blinders, strict=True)
            for vector, blinder in zip(row, blinders, strict=True)
        ]
        inner = [
            sum(x * y for p, q in zip(entries[i], entries[j], strict=True) for x, y in zip(p, q, strict=False))
            for i in range(n)
            for j in range(i, n)
        ]
        d = d or (B - 1) * srs.payload + min(len(entries[0][-1]), srs.payload)
        self.case = Case("", CONTEXT, n, d, b"".join(points), encode_entries(inner), b"")

    def claim(self, **changes: Any) -> Case:
        """The statement with something false in it."""
        return dataclasses.replace(self.case, **changes)

    def claim_entry(self, k: int = 0, change: int = 1) -> Case:
        """The statement with one entry of the matrix changed."""
        entries = decode_entries(self.case.gram)
        entries[k] += change
        return self.claim(gram=encode_entries(entries))

    def prover(self, case: Case, weakness: Weakness = SOUND, masks: list[Polynomial] | None = None) -> Prover:
        return Prover(self.srs, case, self.vectors, self.blinders, weakness, masks)


def make_rows(srs: Srs, n: int = 2, blocks: int = 1) -> Honest:
    full = [[1 + k % 5 for k in range(srs.payload)]] * (blocks - 1)
    return Honest(srs, [[*full, [3 + i, -4 * i, 5 - 2 * i]] for i in range(n)])


def encode_entries(entries: Sequence[int]) -> bytes:
    return b"".join((x % 2**64).to_bytes(8, "big") for x in entries)


def decode_entries(gram: bytes) -> list[int]:
    return [int.from_bytes(gram[k : k + 8], "big", signed=True) for k in range(0, len(gram), 8)]


def seal(case: Case, parts: Parts, weakness: Weakness) -> Forgery:
    return Forgery(dataclasses.replace(case, proof=parts.encode()), weakness)


def split_norm(norm: int) -> list[int]:
    """`x` and `y` with `x² + y² = (x + root·y)(x − root·y) = norm` modulo `r`, where `root² = −1`."""
    root = pow(7, (R - 1) // 4, R)
    return [(1 + norm) * pow(2, -1, R) % R, (1 - norm) * pow(2 * root, -1, R) % R]


# 1: points outside the subgroup, in the transcript from the beginning, so that nothing but the check notices them


@forgery("01_subgroup_C")
def forge_torsion_in_commitment(srs: Srs) -> Forgery:
    rows = make_rows(srs)
    case = rows.claim(commitments=add_torsion(rows.case.commitments[:128]) + rows.case.commitments[128:])
    return seal(case, rows.prover(case).prove(), Weakness(no_subgroup_check=True))


@forgery("01_subgroup_M")
def forge_torsion_in_mask(srs: Srs) -> Forgery:
    rows = make_rows(srs)

    def alter(parts: Parts) -> None:
        parts.M[0] = add_torsion(parts.M[0])

    return seal(rows.case, rows.prover(rows.case).prove(alter_first=alter), Weakness(no_subgroup_check=True))


@forgery("01_subgroup_S")
def forge_torsion_in_quotient(srs: Srs) -> Forgery:
    rows = make_rows(srs)

    def alter(parts: Parts) -> None:
        parts.S = add_torsion(parts.S)

    return seal(rows.case, rows.prover(rows.case).prove(alter_second=alter), Weakness(no_subgroup_check=True))


@forgery("01_subgroup_W")
def forge_torsion_in_witness(srs: Srs) -> Forgery:
    rows = make_rows(srs)
    parts = rows.prover(rows.case).prove()
    parts.W = add_torsion(parts.W)
    return seal(rows.case, parts, Weakness(no_subgroup_check=True))


# 2 and 3: another encoding of a good proof


@forgery("02_canonical_scalar")
def forge_second_encoding(srs: Srs) -> Forgery:
    rows = make_rows(srs)
    proof = rows.prover(rows.case).prove().encode()
    omega = int.from_bytes(proof[-32:], "big") + R
    case = dataclasses.replace(rows.case, proof=proof[:-32] + u256(omega))
    return Forgery(case, Weakness(no_canonicity_check=True))


@forgery("03_malleable_by_length")
def forge_trailing_bytes(srs: Srs) -> Forgery:
    rows = make_rows(srs)
    proof = rows.prover(rows.case).prove().encode()
    return Forgery(dataclasses.replace(rows.case, proof=proof + b"\x00"), Weakness(no_length_check=True))


# 4 and 7: items that the transcript leaves out


@forgery("04_transcript_context")
def forge_replay_in_another_project(srs: Srs) -> Forgery:
    return replay(srs, omit("context"), context=bytes(31) + b"\x01")


@forgery("04_transcript_d")
def forge_another_dimension(srs: Srs) -> Forgery:
    return replay(srs, omit("d"), d=2)


def replay(srs: Srs, weakness: Weakness, **changes: Any) -> Forgery:
    rows = make_rows(srs)
    return seal(rows.claim(**changes), rows.prover(rows.case, weakness).prove(), weakness)


@forgery("04_transcript_N")
def forge_another_reference_string(srs: Srs) -> Forgery:
    shorter = Srs(srs.g1[:-1], srs.g2)
    rows = make_rows(shorter)
    return seal(rows.case, rows.prover(rows.case, omit("N")).prove(), omit("N"))


@forgery("04_transcript_gram")
def forge_matrix_after_its_challenge(srs: Srs) -> Forgery:
    """Lattice reduction finds a small change of the matrix that the row challenges do not see."""
    rows, weakness = make_rows(srs, n=4), omit("gram")
    parts = rows.prover(rows.case, weakness).prove()
    transcript = Transcript(rows.case, srs.powers, weakness)
    r = transcript.draw_rows(transcript.draw_h0(parts.M, parts.t0))
    weights = [r[i] * r[j] * (1 if i == j else 2) % R for i in range(4) for j in range(i, 4)]
    size, scale = len(weights), 2**300
    basis = [[int(k == i) for i in range(size)] + [scale * weight] for k, weight in enumerate(weights)]
    reduced = fmpz_mat([*basis, [0] * size + [scale * R]]).lll()
    change = next(row for row in reduced.tolist() if row[size] == 0 and any(row))
    entries = [x + int(y) for x, y in zip(decode_entries(rows.case.gram), change[:size], strict=True)]
    assert all(-(2**63) <= x < 2**63 for x in entries)
    return seal(rows.claim(gram=encode_entries(entries)), parts, weakness)


@forgery("04_transcript_t0")
def forge_masks_norm_after_its_challenge(srs: Srs) -> Forgery:
    rows, weakness = make_rows(srs), omit("t0")
    case = rows.claim_entry()
    transcript = Transcript(case, srs.powers, weakness)
    parts = rows.prover(case, weakness).prove(
        choose_t0=lambda r, constant: (constant - transcript.compute_constant(0, r)) % R
    )
    return seal(case, parts, weakness)


@forgery("07_commitments_after_their_challenge")
def forge_commitments_after_their_challenge(srs: Srs) -> Forgery:
    """The old proof, for two commitments to something else whose sum under the row challenges is the same."""
    rows, weakness = make_rows(srs), omit("commitments")
    parts = rows.prover(rows.case, weakness).prove()
    transcript = Transcript(rows.case, srs.powers, weakness)
    r0, r1 = transcript.draw_rows(transcript.draw_h0(parts.M, parts.t0))
    C0, C1 = decode_point(rows.case.commitments[:128]), decode_point(rows.case.commitments[128:])
    moved = multiply_sum([C0, srs.g1[0]], [1, r1]), multiply_sum([C1, srs.g1[0]], [1, -r0])
    return seal(rows.claim(commitments=b"".join(map(encode_point, moved))), parts, weakness)


@forgery("07_masks_after_their_challenge")
def forge_masks_after_their_challenge(srs: Srs) -> Forgery:
    """Any combination with the claimed norm will do, if the mask may be what is missing from it."""
    rows, weakness = make_rows(srs), omit("M0")
    case = rows.claim_entry()
    transcript = Transcript(case, srs.powers, weakness)
    parts = Parts([bytes(128)], 0)
    h0 = transcript.draw_h0(parts.M, parts.t0)
    r = transcript.draw_rows(h0)
    c = transcript.compute_constant(0, r)
    alpha, beta = make_polynomial(split_norm(c)), random_scalar()
    points = [decode_point(case.commitments[k : k + 128]) for k in (0, 128)]
    parts.M[0] = encode_point(multiply_sum([decode_point(commit_to(srs, alpha, beta)), *points], [1, -r[0], -r[1]]))
    constant, S = split_products(srs.powers, [alpha])
    assert constant == c
    return seal(case, rows.prover(case, weakness).finish(transcript, parts, h0, [alpha], [beta], (c, c), S), weakness)


# 9: what no degree bound stops, the place of the evaluation does


@forgery("09_quotient_after_its_challenge")
def forge_quotient_after_its_challenge(srs: Srs) -> Forgery:
    """A constant added to `S` makes up for the false matrix at one place, if the prover knows which."""
    rows, weakness = make_rows(srs), omit("S")
    case = rows.claim_entry()
    transcript = Transcript(case, srs.powers, weakness)

    def alter(S: Polynomial, constant: int, c: int, h0: bytes) -> Polynomial:
        z = int.from_bytes(transcript.draw_h1(h0, b""), "big") % R
        return S + make_polynomial([(constant - c) * pow(z + pow(z, -1, R), -1, R)])

    return seal(case, rows.prover(case, weakness).prove(alter_quotient=alter), weakness)


@forgery("09_opened_at_one_place_only")
def forge_value_at_inverse(srs: Srs) -> Forgery:
    rows, weakness = make_rows(srs), Weakness(no_opening_at_inverse=True)
    case = rows.claim_entry()
    return seal(case, rows.prover(case, weakness).prove(), weakness)


# 5 and 6: values that cancel once it is known how they are joined


def cancel(parts: Parts, z: int, gamma: int, error: int) -> None:
    """False `a_0` and `s`: neither the joined value at `z` nor `s'` changes."""
    power = pow(gamma, len(parts.a), R)
    x = error * pow(parts.a_prime[0] + z * pow(power, -1, R), -1, R)
    parts.a[0] += x
    parts.s -= x * pow(power, -1, R)


@forgery("05_last_challenge")
def forge_values_after_their_challenge(srs: Srs) -> Forgery:
    rows, weakness = make_rows(srs), omit("a0", "a'0", "s")
    case = rows.claim_entry()
    return seal(case, rows.prover(case, weakness).prove(alter_values=cancel), weakness)


@forgery("05_last_challenge_without_a")
def forge_values_at_z_after_their_challenge(srs: Srs) -> Forgery:
    return forge_in_two_blocks(srs, omit("a0", "a1"), false="a", other="a_prime")


@forgery("05_last_challenge_without_a_prime")
def forge_values_at_inverse_after_their_challenge(srs: Srs) -> Forgery:
    return forge_in_two_blocks(srs, omit("a'0", "a'1"), false="a_prime", other="a")


def forge_in_two_blocks(srs: Srs, weakness: Weakness, *, false: str, other: str) -> Forgery:
    """Two false values at one place cancel in the sum; only their products with the others' change."""
    rows = make_rows(srs, blocks=2)
    case = rows.claim_entry()

    def alter(parts: Parts, z: int, gamma: int, error: int) -> None:
        values, factors = getattr(parts, false), getattr(parts, other)
        x = error * pow(factors[1] - gamma * factors[0], -1, R)
        values[0] -= gamma * x
        values[1] += x

    return seal(case, rows.prover(case, weakness).prove(alter_values=alter), weakness)


@forgery("06_predictable_combiner")
def forge_under_a_known_combiner(srs: Srs) -> Forgery:
    rows, weakness = make_rows(srs), Weakness(fixed_gamma=True)
    case = rows.claim_entry()
    return seal(case, rows.prover(case, weakness).prove(alter_values=cancel), weakness)


# 8 and 12: infinity for everything


@forgery("08_failure_taken_for_infinity")
def forge_nothing_at_all(srs: Srs) -> Forgery:
    rows = make_rows(srs)
    case = rows.claim(commitments=b"\x01" * len(rows.case.commitments), proof=bytes(544))
    return Forgery(case, Weakness(failure_is_infinity=True))


# 13 and 14: what the bytes of the matrix mean


@forgery("13_matrix_by_columns")
def forge_order_of_entries(srs: Srs) -> Forgery:
    rows, weakness = make_rows(srs, n=3), Weakness(entries_by_column=True)
    e = decode_entries(rows.case.gram)
    case = rows.claim(gram=encode_entries([e[0], e[1], e[3], e[2], e[4], e[5]]))
    return seal(case, rows.prover(case, weakness).prove(), weakness)


@forgery("14_unsigned_entries")
def forge_sign_of_an_entry(srs: Srs) -> Forgery:
    """A product of 2^64 − 5, whose eight bytes the rules read as −5. The norm of the long row is 7 modulo `r`."""
    weakness, long = Weakness(unsigned_entries=True), 2**64 - 5
    rows = Honest(srs, [[[1, 0, 0]], [[long, *split_norm(7 - long * long)]]])
    case = rows.claim(gram=encode_entries([1, -5, 7]))
    return seal(case, rows.prover(case, weakness).prove(), weakness)


def forge_with_secret(srs: Srs, tau: int) -> Case:
    """A proof of a false matrix for the real verifier over a string whose secret is known (class 10)."""
    rows = make_rows(srs)
    case = rows.claim_entry()
    parts = rows.prover(case).prove()
    transcript = Transcript(case, srs.powers)
    h0 = transcript.draw_h0(parts.M, parts.t0)
    r = transcript.draw_rows(h0)
    h1 = transcript.draw_h1(h0, parts.S)
    z = int.from_bytes(h1, "big") % R
    gamma = transcript.draw_gamma(h1, parts)
    s_prime = compute_s_prime(z, transcript.compute_constant(parts.t0, r), parts)
    at_z, at_inverse = (parts.a[0] + gamma * parts.s) % R, (parts.a_prime[0] + gamma * s_prime) % R
    slope = (at_z - at_inverse) * pow(z - pow(z, -1, R), -1, R) % R
    points = [decode_point(data) for data in (case.commitments[:128], case.commitments[128:], parts.M[0], parts.S)]
    parts.omega = 0
    left = multiply_sum([*points, srs.g1[0], srs.g1[1]], [*r, 1, gamma, slope * z - at_z, -slope])
    divisor = (tau * tau - (z + pow(z, -1, R)) * tau + 1) % R
    parts.W = encode_point(multiply_sum([left], [pow(divisor, -1, R)]))
    return dataclasses.replace(case, proof=parts.encode())
