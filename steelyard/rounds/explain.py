"""Explains one row's payment from public data: every figure that decided it, as values and as plain sentences."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from math import sqrt
from typing import Final

from steelyard.constants import ONE
from steelyard.rules import Verdict, Weighing, compute_shares

Label = Callable[[int], str]
"""How a row is called, for example by its trainer's address."""

Amount = Callable[[int], str]
"""How an amount of the token's smallest unit is written."""


@dataclass(frozen=True, slots=True)
class ScreeningFact:
    """What the other rows say for it, before anything else."""

    support: float
    """By the rows left when it was looked at: a negative cosine counts in full, a positive one as `c − c²`."""
    removed: tuple[int, ...]
    """Which rows were left out, in the order in which they were found."""
    kept: bool


@dataclass(frozen=True, slots=True)
class ClipFact:
    """How far the row was shortened."""

    squared_norm: int
    median: int
    """The lower median of the squared norms."""
    factor: float
    """`s_i`, at most 1."""


@dataclass(frozen=True, slots=True)
class MixingFact:
    """Which rows it was mixed with, and which accepted rows were mixed with it."""

    neighbours: tuple[int, ...]
    accepted_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KrumFact:
    """How central the row, or its neighbourhood, is."""

    score: int
    rank: int
    """From 1, the most central."""
    ranks: int
    """How many rows are ranked."""
    places: int
    """How many ranks are accepted."""
    selected: bool


@dataclass(frozen=True, slots=True)
class PivotFact:
    """How far it is from the row that all others are measured from."""

    pivot: int
    squared_distance: int
    places: int
    """How many of the nearest are accepted, the pivot included."""
    selected: bool


@dataclass(frozen=True, slots=True)
class GradeFact:
    """What a rule that accepts by degrees found."""

    measure: str
    grade: float


@dataclass(frozen=True, slots=True)
class MeritFact:
    """From weight to contribution."""

    psi: int
    copies: float
    """`κ_i`: how many copies of the row the others amount to."""
    discount: float
    """`2^−κ_i`, the part that is left. A sharp discount counts each copy twice."""
    deviations: float
    """The cosine with the others in standard deviations above chance; four are asked for."""
    signal: int
    """`a_i²·d`"""
    noise: int
    """`16·G_ii·b_i`"""
    above_noise: bool
    value: int
    """What the row keeps, before the quorum."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a row was paid what it was paid. A step that the rule does not have is None."""

    rule: str
    n: int
    f: int
    d: int
    row: int
    verdict: Verdict
    cosines: tuple[float, ...]
    """With each row, its own place included."""
    cosine_with_others: float
    """With the weighted sum of the others; 0.0 if they have no weight, and for a root update."""
    screening: ScreeningFact | None
    clip: ClipFact | None
    mixing: MixingFact | None
    krum: KrumFact | None
    pivot: PivotFact | None
    grade: GradeFact | None
    weight: int
    weight_part: float
    """Of all weights together."""
    merit: MeritFact
    contributing: int
    """How many rows kept something."""
    quorum: int
    """How many would have been enough."""
    contribution: int
    contributions: int
    """Of all rows together."""
    share: int
    budget: int
    share_part: float
    """Of the budget."""
    strike: bool
    rooted: bool
    """Whether the last row is the owner's root."""

    @property
    def trainers(self) -> int:
        """How many rows are trainers'."""
        return self.n - self.rooted

    def to_json(self) -> dict[str, object]:
        """Nested dictionaries of primitives. Exact figures, which outgrow a float, are decimal strings."""
        return _to_json(self)


_EXACT: Final = frozenset(
    (
        *("squared_norm", "squared_distance", "median", "score", "weight", "psi", "signal", "noise", "value"),
        *("contribution", "contributions", "share", "budget"),
    )
)


def _to_json(record: object) -> dict[str, object]:
    return {field.name: _to_primitive(field.name, getattr(record, field.name)) for field in fields(record)}  # type: ignore[arg-type]


def _to_primitive(name: str, value: object) -> object:
    if isinstance(value, Verdict):
        return value.value
    if is_dataclass(value):
        return _to_json(value)
    if isinstance(value, tuple):
        return list(value)
    return str(value) if name in _EXACT else value


def explain_payment(weighing: Weighing, budget: int, row: int) -> Explanation:
    """Explains the payment of one row.

    Args:
      weighing: the round, as `Rule.weigh` gives it.
      budget: what the rows share.
      row: `0 ≤ row < n`.
    """
    n = len(weighing.weights)
    if not 0 <= row < n:
        raise IndexError(f"row {row} of {n}")
    share = compute_shares(budget, weighing.contributions).shares[row]
    weight, total_weight = weighing.weights[row], sum(weighing.weights)
    return Explanation(
        rule=weighing.rule,
        n=n,
        f=weighing.f,
        d=weighing.d,
        row=row,
        verdict=weighing.get_verdict(row),
        cosines=tuple(weighing.get_cosine(row, other) for other in range(n)),
        cosine_with_others=weighing.get_cosine_with_others(row),
        screening=_explain_screening(weighing, row),
        clip=_explain_clip(weighing, row),
        mixing=_explain_mixing(weighing, row),
        krum=_explain_krum(weighing, row),
        pivot=_explain_pivot(weighing, row),
        grade=_explain_grade(weighing, row),
        weight=weight,
        weight_part=weight / total_weight if total_weight else 0.0,
        merit=_explain_merit(weighing, row),
        contributing=sum(merit.value > 0 for merit in weighing.merits),
        quorum=(weighing.num_trainers - weighing.f + 1) // 2,
        contribution=weighing.contributions[row],
        contributions=sum(weighing.contributions),
        share=share,
        budget=budget,
        share_part=share / budget if budget else 0.0,
        strike=row in weighing.opposed,
        rooted=weighing.rooted,
    )


def _explain_screening(weighing: Weighing, row: int) -> ScreeningFact | None:
    screening = weighing.screening
    if screening is None:
        return None
    return ScreeningFact(screening.scores[row] / ONE, screening.removed, row in screening.kept)


def _explain_clip(weighing: Weighing, row: int) -> ClipFact | None:
    clipping = weighing.clipping
    if clipping is None or row not in weighing.kept:
        return None
    place = weighing.kept.index(row)
    return ClipFact(int(weighing.gram[row, row]), clipping.median, clipping.factors[place] / ONE)


def _explain_mixing(weighing: Weighing, row: int) -> MixingFact | None:
    neighbourhoods = weighing.neighbourhoods
    kept = weighing.kept
    if neighbourhoods is None or row not in kept:
        return None
    sets, place = neighbourhoods.sets, kept.index(row)
    return MixingFact(
        neighbours=tuple(kept[other] for other in sets[place] if other != place),
        accepted_by=tuple(kept[other] for other in weighing.selection.selected if place in sets[other]),
    )


def _explain_krum(weighing: Weighing, row: int) -> KrumFact | None:
    krum = weighing.krum
    if krum is None or row not in weighing.kept:
        return None
    place = weighing.kept.index(row)
    return KrumFact(
        krum.scores[place], krum.get_rank(place), len(krum.scores), len(krum.selected), place in krum.selected
    )


def _explain_pivot(weighing: Weighing, row: int) -> PivotFact | None:
    company = weighing.company
    if company is None:
        return None
    return PivotFact(company.pivot, company.distances[row], len(company.selected), row in company.selected)


def _explain_grade(weighing: Weighing, row: int) -> GradeFact | None:
    graded = weighing.graded
    return None if graded is None else GradeFact(graded.measure, graded.grades[row] / ONE)


def _explain_merit(weighing: Weighing, row: int) -> MeritFact:
    merit = weighing.merits[row]
    return MeritFact(
        psi=merit.psi,
        copies=merit.kappa / ONE,
        discount=merit.discount / 2**64,
        deviations=weighing.get_cosine_with_others(row) * sqrt(weighing.d),
        signal=merit.signal,
        noise=merit.noise,
        above_noise=merit.above_noise,
        value=merit.value,
    )


_REASONS: Final = {
    Verdict.ROOT: "it is the owner's root update, which guides the weights of the others and is not paid",
    Verdict.ZERO_UPDATE: "its update is all zeros",
    Verdict.OPPOSED: "it has no weight and points against the accepted updates, which is a strike",
    Verdict.CLIPPED_AWAY: "it is so much longer than the median update that clipping leaves nothing of it",
    Verdict.SCREENED: "it pulls against most of the other updates, so that it was left out before anything else",
    Verdict.OUTLIER: "it is an outlier, part of nothing that was accepted; that is no fault and no strike",
    Verdict.NO_AGREEMENT: "it has weight, but does not point the way that the others went",
    Verdict.BELOW_NOISE_FLOOR: "it agrees with the others no more than a random update might",
    Verdict.REPLICATED: "the others hold so many copies of it that the discount leaves nothing",
    Verdict.NO_QUORUM: "too few rows contributed, so the round moved nobody in common and pays nobody",
}


def render_explanation(
    explanation: Explanation, label: Label = "row {}".format, amount: Amount = "{:,}".format
) -> tuple[str, ...]:
    """One paragraph of plain text per fact, the outcome first, then the steps in the order of the rule."""
    steps = (_render_screening, _render_clip, _render_mixing, _render_krum, _render_pivot, _render_grade)
    facts = (_render_outcome, _render_agreement, *steps, _render_weight)
    paragraphs = [render(explanation, label) for render in facts]
    if explanation.verdict is not Verdict.ROOT:
        paragraphs += [_render_copies(explanation.merit), _render_noise(explanation.merit)]
    paragraphs += [_render_quorum(explanation), _render_pay(explanation, amount)]
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _render_outcome(explanation: Explanation, label: Label) -> str:
    rule = explanation.rule + (" against the owner's root" if explanation.rooted else "")
    who = f"{label(explanation.row)} (one of {explanation.trainers} weighed by {rule}, f = {explanation.f})"
    if explanation.verdict is Verdict.ROOT:
        who = label(explanation.row)
    if explanation.verdict is Verdict.PAID:
        return f"Outcome: {who} earned {explanation.share_part:.2%} of the round's budget."
    return f"Outcome: {who} earned nothing, because {_REASONS[explanation.verdict]}."


def _render_agreement(explanation: Explanation, label: Label) -> str:
    root = explanation.trainers if explanation.rooted else None
    each = ", ".join(
        f"{'the root' if other == root else label(other)} {cosine:+.3f}"
        for other, cosine in enumerate(explanation.cosines)
        if other != explanation.row
    )
    return f"Agreement: its cosine with what the others did together is {explanation.cosine_with_others:+.3f}; {each}."


def _render_screening(explanation: Explanation, label: Label) -> str:
    screening = explanation.screening
    if screening is None:
        return ""
    answer = "kept" if screening.kept else "left out"
    removed = ", ".join(map(label, screening.removed)) or "none"
    return (
        f"Screening: the others' support for it is {screening.support:+.3f} (cosines, less their squares where "
        f"positive), so it was {answer}. Left out of the round: {removed}."
    )


def _render_clip(explanation: Explanation, _label: Label) -> str:
    clip = explanation.clip
    if clip is None:
        return ""
    exact = f"squared norm {clip.squared_norm:,}, median of the round {clip.median:,}"
    if clip.squared_norm <= clip.median:
        return f"Clipping: not shortened, it is no longer than the median update ({exact})."
    return f"Clipping: shortened to {clip.factor:.4f} of its length, that of the median update ({exact})."


def _render_mixing(explanation: Explanation, label: Label) -> str:
    mixing = explanation.mixing
    if mixing is None:
        return ""
    nearest = ", ".join(map(label, mixing.neighbours))
    accepted_by = ", ".join(map(label, mixing.accepted_by)) or "none"
    return f"Mixing: averaged with its nearest rows, {nearest}. Accepted averages that it is part of: {accepted_by}."


def _render_krum(explanation: Explanation, _label: Label) -> str:
    krum = explanation.krum
    if krum is None:
        return ""
    what = "its average" if explanation.mixing else "it"
    answer = "accepted" if krum.selected else "not accepted"
    return (
        f"Selection: {what} is number {krum.rank} of {krum.ranks} by distance to the nearest others "
        f"(score {krum.score:,}); the first {krum.places} are accepted, so {what} was {answer}."
    )


def _render_pivot(explanation: Explanation, label: Label) -> str:
    pivot = explanation.pivot
    if pivot is None:
        return ""
    if pivot.pivot == explanation.row:
        return f"Selection: it is the row with the closest company; it and the {pivot.places - 1} nearest are accepted."
    answer = "accepted" if pivot.selected else "not accepted"
    return (
        f"Selection: {label(pivot.pivot)} has the closest company; it and the {pivot.places - 1} rows nearest to it "
        f"are accepted. This one, at the squared distance {pivot.squared_distance:,}, was {answer}."
    )


def _render_grade(explanation: Explanation, _label: Label) -> str:
    grade = explanation.grade
    return "" if grade is None else f"Grade: its {grade.measure} is {grade.grade:.4f}."


def _render_weight(explanation: Explanation, _label: Label) -> str:
    return f"Weight: {explanation.weight:,}, {explanation.weight_part:.2%} of all weights."


def _render_copies(merit: MeritFact) -> str:
    return (
        f"Copies: the other rows amount to {merit.copies:.3f} copies of it, which leaves {merit.discount:.2%} "
        f"of its Shapley value {merit.psi:,}."
    )


def _render_noise(merit: MeritFact) -> str:
    sign, answer = ("≥", "passes") if merit.signal >= merit.noise else ("<", "does not pass")
    if merit.signal >= merit.noise and not merit.above_noise:
        answer = "does not pass, since it does not agree at all"
    return (
        f"Noise floor: its agreement stands {merit.deviations:.1f} standard deviations above chance, 4 are needed "
        f"(a²·d = {merit.signal:,} {sign} 16·G·b = {merit.noise:,}): it {answer}."
    )


def _render_quorum(explanation: Explanation) -> str:
    answer = "the round counts" if explanation.contributing >= explanation.quorum else "the round pays nobody"
    return (
        f"Quorum: {explanation.contributing} of {explanation.trainers} rows contributed, "
        f"{explanation.quorum} are needed: {answer}."
    )


def _render_pay(explanation: Explanation, amount: Amount) -> str:
    return (
        f"Pay: contribution {explanation.contribution:,} of {explanation.contributions:,} in all, "
        f"so {amount(explanation.share)} of {amount(explanation.budget)}, rounded down."
    )
