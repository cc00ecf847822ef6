"""The weighing rules as docs/rules.md writes them: plain loops over plain integers, in the order of the text.

Nothing is shared with `steelyard.rules`. Slow on purpose: it judges the fast one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor

ONE = 2**32
Matrix = Sequence[Sequence[int]]


@dataclass(frozen=True)
class TwinWeighing:
    weights: tuple[int, ...]
    contributions: tuple[int, ...]
    opposed: tuple[int, ...]
    normaliser: int
    hints: bytes


def floor_root(value: int) -> int:
    """The largest integer whose square is at most `value`, by bisection."""
    low, high = 0, 1
    while high * high <= value:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle * middle <= value else (low, middle)
    return low


def distance(gram: Matrix, i: int, j: int) -> int:
    return gram[i][i] + gram[j][j] - 2 * gram[i][j]


def nearest_others(gram: Matrix, i: int, count: int) -> list[int]:
    others = [(distance(gram, i, j), j) for j in range(len(gram)) if j != i]
    return [j for _, j in sorted(others)[:count]]


def mask(members: Sequence[int]) -> bytes:
    bits = 0
    for member in members:
        bits |= 1 << member
    return (bits & 0xFFFFFFFF).to_bytes(4, "big")


def krum(gram: Matrix, f: int) -> tuple[list[int], bytes]:
    n = len(gram)
    near = [nearest_others(gram, i, n - f - 2) for i in range(n)]
    scores = [sum(distance(gram, i, j) for j in near[i]) for i in range(n)]
    selected = [i for _, i in sorted((scores[i], i) for i in range(n))[: n - f]]
    return selected, b"".join(mask(members) for members in near) + mask(selected)


def screen(gram: Matrix, f: int) -> list[int]:
    n = len(gram)
    norms = [floor_root(gram[i][i] << 64) for i in range(n)]

    def support(i: int, j: int) -> int:
        if norms[i] == 0 or norms[j] == 0:
            return 0
        cosine = min(ONE, abs(gram[i][j]) * 2**96 // (norms[i] * norms[j]))
        return cosine - cosine**2 // ONE if gram[i][j] > 0 else -cosine

    kept = list(range(n))
    for _ in range(f):
        scores = [(sum(support(i, j) for j in kept if j != i), i) for i in kept]
        least, row = min(scores)
        if 8 * least > -ONE * (len(kept) - 1):
            break
        kept.remove(row)
    return kept


def clipped_rule(gram: Matrix, f: int) -> tuple[list[int], int, bytes]:
    n = len(gram)
    # 1. Clip.
    m = sorted(gram[i][i] for i in range(n))[(n - 1) // 2]
    s = [ONE if gram[i][i] <= m else floor_root((m << 64) // gram[i][i]) for i in range(n)]
    g1 = [[(s[i] * s[j] * gram[i][j]) >> 64 for j in range(n)] for i in range(n)]
    # 2. Nearest-neighbour mixing.
    neighbours = [[i, *nearest_others(g1, i, n - f - 1)] for i in range(n)]
    h = [[sum(g1[a][b] for a in neighbours[i] for b in neighbours[j]) for j in range(n)] for i in range(n)]
    # 3. Multi-Krum.
    selected, krum_hints = krum(h, f)
    # 4. Weights.
    weights = [s[a] * sum(1 for i in selected if a in neighbours[i]) for a in range(n)]
    return weights, ONE * (n - f) ** 2, b"".join(mask(members) for members in neighbours) + krum_hints


def multi_krum_rule(gram: Matrix, f: int) -> tuple[list[int], int, bytes]:
    selected, hints = krum(gram, f)
    return [ONE if i in selected else 0 for i in range(len(gram))], ONE * (len(gram) - f), hints


def mean_rule(gram: Matrix, f: int) -> tuple[list[int], int, bytes]:
    return [ONE] * len(gram), ONE * len(gram), b""


def nna_rule(gram: Matrix, f: int) -> tuple[list[int], int, bytes]:
    n = len(gram)
    company = [[i, *nearest_others(gram, i, n - f - 1)] for i in range(n)]
    scores = [sum(distance(gram, i, j) for j in company[i]) for i in range(n)]
    pivot = scores.index(min(scores))
    weights = [ONE if i in company[pivot] else 0 for i in range(n)]
    return weights, ONE * (n - f), b"".join(mask(members) for members in company)


def fltrust_rule(gram: Matrix, f: int) -> tuple[list[int], int, bytes]:
    r = len(gram) - 1
    weights, normaliser = [], 0
    for i in range(r):
        if min(gram[i][r], gram[i][i], gram[r][r]) <= 0:
            weights.append(0)
            continue
        weights.append(min(16 * ONE, gram[i][r] * ONE // gram[i][i]))
        squared_trust = Fraction(gram[i][r] ** 2 * ONE**2, gram[i][i] * gram[r][r])
        trust = floor_root(floor(squared_trust))
        normaliser += trust if trust**2 == squared_trust else trust + 1
    return [*weights, 0], normaliser or ONE, b""


ROOTED = ("fltrust",)
SCREENED = ("screen-clip-nnm-multi-krum",)
GENTLE = ("clip-nnm-multi-krum", "multi-krum", "mean")
RULES = {
    "screen-clip-nnm-multi-krum": clipped_rule,
    "nna": nna_rule,
    "fltrust": fltrust_rule,
    "clip-nnm-multi-krum": clipped_rule,
    "multi-krum": multi_krum_rule,
    "mean": mean_rule,
}


def exp2neg(kappa: int) -> int:
    fraction = kappa % ONE
    value = 2**64
    with localcontext() as context:
        context.prec = 80
        for b in range(1, 17):
            if fraction & (1 << (32 - b)):
                value = (value * int(Decimal(2) ** (64 - Decimal(2) ** -b))) >> 64
    return value >> (kappa // ONE)


def contributions(gram: Matrix, w: Sequence[int], f: int, d: int, *, is_gentle: bool) -> list[int]:
    n = len(gram)
    phi = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        a = sum(w[j] * gram[i][j] for j in others)
        b = sum(w[j] * w[k] * gram[j][k] for j in others for k in others)
        psi = max(0, w[i] * a)
        kappa = 0
        for j in others:
            if gram[i][j] > 0 and gram[i][i] > 0 and gram[j][j] > 0:
                q = (gram[i][j] ** 2 << 32) // (gram[i][i] * gram[j][j])
                if is_gentle:
                    kappa += q**2 >> 32
                    continue
                q = min(q, ONE)
                for _ in "4", "8", "16", "32":
                    q = q**2 // ONE
                kappa += 2 * q
        is_signal = a > 0 and a * a * d >= 16 * gram[i][i] * b
        phi.append((psi * exp2neg(kappa)) >> 64 if is_signal else 0)
    if 2 * sum(1 for value in phi if value > 0) < n - f:
        return [0] * n
    return phi


def weigh(name: str, gram: Matrix, f: int, d: int) -> TwinWeighing:
    n = len(gram) - 1 if name in ROOTED else len(gram)
    kept = screen(gram, f) if name in SCREENED else list(range(len(gram)))
    rest = [[gram[i][j] for j in kept] for i in kept]
    weights, normaliser, hints = RULES[name](rest, f - (len(gram) - len(kept)))
    w = [weights[kept.index(i)] if i in kept else 0 for i in range(len(gram))]
    phi = contributions([row[:n] for row in gram[:n]], w[:n], f, d, is_gentle=name in GENTLE)
    opposed = tuple(
        i for i in range(n) if sum(phi) > 0 and w[i] == 0 and sum(w[j] * gram[i][j] for j in range(n) if w[j] > 0) < 0
    )
    phi += [0] * (len(gram) - n)
    return TwinWeighing(tuple(w), tuple(phi), opposed, normaliser, hints)
