"""A second prover and verifier of the Gram proof whose checks can be taken out one by one, to show that each matters.

With every check in place they agree with the real ones; `tests/unit/gram/test_bug_classes.py` sees to that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eth_utils.crypto import keccak
from py_arkworks_bls12381 import GT, G1Point, Scalar

from scripts.gram_cases import Case
from steelyard.constants import BLS12_381_ORDER, MASK_SLOTS
from steelyard.gram import Srs
from steelyard.gram.field import Polynomial, make_polynomial, random_scalar
from steelyard.gram.points import decode_point, encode_point, multiply_sum
from steelyard.gram.srs import get_blinding_generator

R: Final = BLS12_381_ORDER

Items = list[tuple[str, bytes]]
"""What a hash absorbs, by name."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """The checks that are left out. The default leaves out none."""

    omit: frozenset[str] = frozenset()
    """Items that the transcript does not absorb."""
    no_subgroup_check: bool = False
    no_canonicity_check: bool = False
    fixed_gamma: bool = False
    """The openings are joined with powers of a number that everybody knows beforehand."""
    no_opening_at_inverse: bool = False
    failure_is_infinity: bool = False
    """A sum over a bad point counts as infinity: the answer of a precompile whose failure nobody looks at."""
    unsigned_entries: bool = False
    entries_by_column: bool = False
    no_length_check: bool = False


SOUND: Final = Weakness()


@dataclass(slots=True)
class Parts:
    """A proof as it is being made."""

    M: list[bytes]
    t0: int
    S: bytes = b""
    a: list[int] = field(default_factory=list)
    a_prime: list[int] = field(default_factory=list)
    s: int = 0
    W: bytes = b""
    omega: int = 0

    def encode(self) -> bytes:
        scalars = [*self.a, *self.a_prime, self.s]
        return b"".join(
            [*self.M, u256(self.t0), self.S, *map(u256, scalars), self.W, u256(self.omega)],
        )

    @classmethod
    def decode(cls, data: bytes, B: int) -> "Parts":
        at = 0

        def take(length: int) -> bytes:
            nonlocal at
            at += length
            return data[at - length : at]

        def take_scalars(count: int) -> list[int]:
            return [int.from_bytes(take(32), "big") for _ in range(count)]

        M = [take(128) for _ in range(B)]
        (t0,) = take_scalars(1)
        S = take(128)
        a, a_prime, (s,) = take_scalars(B), take_scalars(B), take_scalars(1)
        W = take(128)
        return cls(M, t0, S, a, a_prime, s, W, *take_scalars(1))


def u256(x: int) -> bytes:
    return x.to_bytes(32, "big")


def u32(x: int) -> bytes:
    return x.to_bytes(4, "big")


def absorb(items: Items, omit: frozenset[str]) -> bytes:
    return keccak(b"".join(data for name, data in items if name not in omit))


def list_statement_items(case: Case, N: int, M: Sequence[bytes], t0: int) -> Items:
    """What `h0` absorbs."""
    return [
        ("tag", keccak(b"steelyard/gram/v1")),
        ("context", case.context),
        ("n", u32(case.n)),
        ("d", u32(case.d)),
        ("N", u32(N)),
        ("B", u32(len(M))),
        ("commitments", keccak(case.commitments)),
        ("gram", keccak(case.gram)),
        *((f"M{b}", point) for b, point in enumerate(M)),
        ("t0", u256(t0)),
    ]


def list_value_items(h1: bytes, parts: Parts) -> Items:
    """What `γ` comes from."""
    return [
        ("h1", h1),
        ("gamma_tag", b"\x03"),
        *((f"a{b}", u256(x)) for b, x in enumerate(parts.a)),
        *((f"a'{b}", u256(x)) for b, x in enumerate(parts.a_prime)),
        ("s", u256(parts.s)),
    ]


@dataclass(frozen=True, slots=True)
class Transcript:
    """The challenges of one statement, with items left out."""

    case: Case
    N: int
    weakness: Weakness = SOUND

    def draw_h0(self, M: Sequence[bytes], t0: int) -> bytes:
        return absorb(list_statement_items(self.case, self.N, M, t0), self.weakness.omit)

    def draw_rows(self, h0: bytes) -> list[int]:
        return [int.from_bytes(keccak(h0 + b"\x01" + u32(i)), "big") >> 128 for i in range(self.case.n)]

    def draw_h1(self, h0: bytes, S: bytes) -> bytes:
        return absorb([("h0", h0), ("z_tag", b"\x02"), ("S", S)], self.weakness.omit)

    def draw_gamma(self, h1: bytes, parts: Parts) -> int:
        if self.weakness.fixed_gamma:
            return 5
        return int.from_bytes(absorb(list_value_items(h1, parts), self.weakness.omit), "big") % R

    def compute_constant(self, t0: int, rows: Sequence[int]) -> int:
        """`c`."""
        n = self.case.n
        places = [(i, j) for i in range(n) for j in range(i, n)]
        if self.weakness.entries_by_column:
            places = [(i, j) for j in range(n) for i in range(j + 1)]
        total = t0
        for k, (i, j) in enumerate(places):
            data = self.case.gram[8 * k : 8 * k + 8]
            entry = int.from_bytes(data, "big", signed=not self.weakness.unsigned_entries)
            total += rows[i] * rows[j] * entry * (1 if i == j else 2)
        return total % R


def commit_to(srs: Srs, polynomial: Polynomial, blinder: int) -> bytes:
    coefficients = [int(x) for x in polynomial.coeffs()]
    points = [*srs.g1[: len(coefficients)], get_blinding_generator()]
    return encode_point(multiply_sum(points, [*coefficients, blinder]))


def split_products(N: int, alphas: Sequence[Polynomial]) -> tuple[int, Polynomial]:
    """The constant term of `Σ α(X)·α(1/X)`, and `S`."""
    total = make_polynomial([])
    for alpha in alphas:
        total += alpha * alpha.reverse(N - 1)
    return int(total[N - 1]), total.right_shift(N)


def draw_line(z: int, at_z: int, at_inverse: int) -> Polynomial:
    slope = (at_z - at_inverse) * pow(z - pow(z, -1, R), -1, R)
    return make_polynomial([at_z - slope * z, slope])


def compute_s_prime(z: int, c: int, parts: Parts) -> int:
    products = sum(x * y for x, y in zip(parts.a, parts.a_prime, strict=True))
    return z * (products - c - z * parts.s) % R


def leave(*_: object) -> None:
    """Changes nothing."""


def keep(S: Polynomial, *_: object) -> Polynomial:
    """The true quotient."""
    return S


@dataclass(slots=True)
class Prover:
    """Makes a proof step by step. A forger changes what it holds between the steps.

    `vectors[i][b]` is the polynomial of row `i` in block `b`, of any degree below `N` and with any coefficients.
    """

    srs: Srs
    case: Case
    vectors: Sequence[Sequence[Polynomial]]
    blinders: Sequence[Sequence[int]]
    weakness: Weakness = SOUND
    masks: list[Polynomial] | None = None

    def prove(
        self,
        *,
        alter_first: Callable[[Parts], None] = leave,
        choose_t0: Callable[[list[int], int], int] | None = None,
        alter_quotient: Callable[[Polynomial, int, int, bytes], Polynomial] = keep,
        alter_second: Callable[[Parts], None] = leave,
        alter_values: Callable[[Parts, int, int, int], None] = leave,
    ) -> Parts:
        """The proof. `error` is what the claimed constant term exceeds the true one by.

        Args:
            alter_first: Changes `M` and `t0` before `h0`.
            choose_t0: Chooses `t0` from the row challenges and the true constant term, after `h0`.
            alter_quotient: Another `S`, from the true one, the true and the claimed constant term, and `h0`.
            alter_second: Changes `Ŝ` before `h1`.
            alter_values: Changes the opened values, knowing `z` and the `γ` that follows from the true ones.
        """
        N, B = self.srs.powers, len(self.vectors[0])
        transcript = Transcript(self.case, N, self.weakness)
        masks = self.masks or [
            make_polynomial([0] * self.srs.payload + [random_scalar() for _ in range(MASK_SLOTS)]) for _ in range(B)
        ]
        betas = [random_scalar() for _ in range(B)]
        t0 = split_products(N, masks)[0]
        parts = Parts([commit_to(self.srs, m, mu) for m, mu in zip(masks, betas, strict=True)], t0)
        alter_first(parts)
        h0 = transcript.draw_h0(parts.M, parts.t0)
        rows = transcript.draw_rows(h0)
        alphas = list(masks)
        for weight, vector, blinders in zip(rows, self.vectors, self.blinders, strict=True):
            for b in range(B):
                alphas[b] += vector[b] * weight
                betas[b] += weight * blinders[b]
        constant, S = split_products(N, alphas)
        if choose_t0:
            parts.t0 = choose_t0(rows, constant)
        c = transcript.compute_constant(parts.t0, rows)
        return self.finish(
            transcript,
            parts,
            h0,
            alphas,
            betas,
            (constant, c),
            alter_quotient(S, constant, c, h0),
            alter_second,
            alter_values,
        )

    def finish(
        self,
        transcript: Transcript,
        parts: Parts,
        h0: bytes,
        alphas: Sequence[Polynomial],
        betas: Sequence[int],
        constants: tuple[int, int],
        S: Polynomial,
        alter_second: Callable[[Parts], None] = leave,
        alter_values: Callable[[Parts, int, int, int], None] = leave,
    ) -> Parts:
        """From the quotient to the end. The opened values need not be true: `W` is then the nearest that there is."""
        constant, c = constants
        sigma = random_scalar()
        parts.S = commit_to(self.srs, S, sigma)
        alter_second(parts)
        h1 = transcript.draw_h1(h0, parts.S)
        z = int.from_bytes(h1, "big") % R
        parts.a = [int(alpha(z)) for alpha in alphas]
        parts.a_prime = [int(alpha(pow(z, -1, R))) for alpha in alphas]
        parts.s = int(S(z))
        alter_values(parts, z, transcript.draw_gamma(h1, parts), (c - constant) % R)
        for values in (parts.a, parts.a_prime):
            values[:] = [x % R for x in values]
        parts.s %= R
        gamma = transcript.draw_gamma(h1, parts)
        F, omega = make_polynomial([]), 0
        for b, (polynomial, blinder) in enumerate(zip([*alphas, S], [*betas, sigma], strict=True)):
            F += polynomial * pow(gamma, b, R)
            omega += pow(gamma, b, R) * blinder
        at_z = join(parts.a, parts.s, gamma)
        at_inverse = join(parts.a_prime, compute_s_prime(z, c, parts), gamma)
        if self.weakness.no_opening_at_inverse:
            quotient = divmod(F - make_polynomial([at_z]), make_polynomial([-z, 1]))[0]
        else:
            divisor = make_polynomial([1, -(z + pow(z, -1, R)), 1])
            quotient = divmod(F - draw_line(z, at_z, at_inverse), divisor)[0]
        parts.W = commit_to(self.srs, quotient, 0)
        parts.omega = omega % R
        return parts


def join(values: Sequence[int], last: int, gamma: int) -> int:
    return sum(pow(gamma, b, R) * x for b, x in enumerate([*values, last])) % R


def weakly_verify(srs: Srs, case: Case, weakness: Weakness = SOUND) -> bool:
    """The verifier of docs/proof.md, section 6, without some of its checks."""
    B = srs.count_blocks(case.d)
    lengths = (128 * case.n * B, 4 * case.n * (case.n + 1), 192 * B + 352)
    if not weakness.no_length_check and lengths != (len(case.commitments), len(case.gram), len(case.proof)):
        return False
    parts = Parts.decode(case.proof, B)
    if not weakness.no_canonicity_check and max(parts.t0, *parts.a, *parts.a_prime, parts.s, parts.omega) >= R:
        return False
    reduced = Parts(
        parts.M,
        parts.t0 % R,
        parts.S,
        [x % R for x in parts.a],
        [x % R for x in parts.a_prime],
        parts.s % R,
        parts.W,
        parts.omega % R,
    )
    return _check_equation(srs, case, reduced, weakness)


def _check_equation(srs: Srs, case: Case, parts: Parts, weakness: Weakness) -> bool:
    transcript = Transcript(case, srs.powers, weakness)
    B = len(parts.M)
    h0 = transcript.draw_h0(parts.M, parts.t0)
    rows = transcript.draw_rows(h0)
    c = transcript.compute_constant(parts.t0, rows)
    h1 = transcript.draw_h1(h0, parts.S)
    z = int.from_bytes(h1, "big") % R
    gamma = transcript.draw_gamma(h1, parts)
    gammas = [pow(gamma, b, R) for b in range(B + 1)]
    at_z = join(parts.a, parts.s, gamma)
    at_inverse = join(parts.a_prime, compute_s_prime(z, c, parts), gamma)
    encodings = [case.commitments[128 * k : 128 * k + 128] for k in range(case.n * B)]
    scalars = [*(r_i * g for r_i in rows for g in gammas[:B]), *gammas, -parts.omega]
    try:
        points = [read_point(data, weakness) for data in [*encodings, *parts.M, parts.S]]
        total = multiply_sum([*points, get_blinding_generator()], scalars)
        witness = read_point(parts.W, weakness)
    except ValueError:
        if not weakness.failure_is_infinity:
            return False
        witness = read_point(parts.W, weakness)
        return GT.pairing_check([G1Point.identity(), witness], [srs.g2[0], srs.g2[1]])
    if weakness.no_opening_at_inverse:
        left = total + srs.g1[0] * Scalar(-at_z % R) + witness * Scalar(z)
        return GT.pairing_check([left, -witness], list(srs.g2[:2]))
    line = [int(x) for x in draw_line(z, at_z, at_inverse).coeffs()]
    left = total + multiply_sum(srs.g1[: len(line)], [-x for x in line]) + -witness
    shifted = witness * Scalar((z + pow(z, -1, R)) % R)
    return GT.pairing_check([left, shifted, -witness], list(srs.g2))


def read_point(data: bytes, weakness: Weakness) -> G1Point:
    if weakness.no_subgroup_check:
        return G1Point.from_xy_bytes_unchecked_be(data[16:64] + data[80:])
    return decode_point(data)
