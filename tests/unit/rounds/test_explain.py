"""Explanations: their figures are those of the weighing, and every verdict has its sentence."""

import json

import numpy as np
import pytest

from steelyard.rounds.explain import Explanation, explain_payment, render_explanation
from steelyard.rules import DEFAULT_RULE, RULES, Verdict, Weighing, compute_shares
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram

BUDGET = 10**18
N, F, D = 9, 2, 400
FLIPPED, NOISE = 7, 8


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rows = build_honest_vectors(N, D)
    rows[0] *= 2
    rows[FLIPPED] *= -4
    rows[NOISE] = np.random.default_rng(1).permutation(rows[1])
    return rows


@pytest.fixture(scope="module")
def weighing(vectors: np.ndarray) -> Weighing:
    return RULES["clip-nnm-multi-krum"].weigh(compute_gram(vectors), F, D)


def render(explanation: Explanation) -> dict[str, str]:
    """Paragraphs by their first word."""
    return {paragraph.split(":", 1)[0]: paragraph for paragraph in render_explanation(explanation)}


def test_a_row_that_is_not_there_is_refused(weighing: Weighing) -> None:
    for row in (-1, N):
        with pytest.raises(IndexError, match="of 9"):
            explain_payment(weighing, BUDGET, row)


def test_figures_are_those_of_the_vectors(vectors: np.ndarray, weighing: Weighing) -> None:
    explanation = explain_payment(weighing, BUDGET, 0)
    others = sum(weighing.weights[j] / 2**32 * vectors[j] for j in range(1, N))
    cosine = others @ vectors[0] / np.linalg.norm(others) / np.linalg.norm(vectors[0])
    assert explanation.cosine_with_others == pytest.approx(cosine)
    assert explanation.cosines[0] == pytest.approx(1)
    assert explanation.cosines[FLIPPED] < -0.3
    assert explanation.clip is not None
    median = sorted(np.linalg.norm(vectors, axis=1))[(N - 1) // 2]
    assert explanation.clip.factor == pytest.approx(median / np.linalg.norm(vectors[0]))
    assert explanation.merit.deviations == pytest.approx(cosine * np.sqrt(D))
    assert explanation.merit.discount == pytest.approx(2**-explanation.merit.copies, rel=1e-4)


def test_shares_and_parts_add_up(weighing: Weighing) -> None:
    explanations = [explain_payment(weighing, BUDGET, row) for row in range(N)]
    assert tuple(e.share for e in explanations) == compute_shares(BUDGET, weighing.contributions).shares
    assert sum(e.share_part for e in explanations) == pytest.approx(1)
    assert sum(e.weight_part for e in explanations) == pytest.approx(1)
    assert {e.contributing for e in explanations} == {sum(value > 0 for value in weighing.contributions)}
    assert sorted(e.krum.rank for e in explanations if e.krum) == list(range(1, N + 1))


def test_mixing_counts_the_accepted_neighbourhoods(weighing: Weighing) -> None:
    assert weighing.clipping is not None
    for row in range(N):
        explanation = explain_payment(weighing, BUDGET, row)
        assert explanation.mixing is not None
        assert len(explanation.mixing.neighbours) == N - F - 1
        assert row not in explanation.mixing.neighbours
        assert weighing.weights[row] == weighing.clipping.factors[row] * len(explanation.mixing.accepted_by)


def test_the_flipped_row_is_told_of_its_strike(weighing: Weighing) -> None:
    explanation = explain_payment(weighing, BUDGET, FLIPPED)
    assert explanation.strike
    assert explanation.verdict is Verdict.OPPOSED
    assert explanation.share == explanation.weight == 0
    text = render(explanation)
    assert "strike" in text["Outcome"]
    assert "shortened to 0.2" in text["Clipping"]
    assert "not accepted" in text["Selection"]
    assert "does not agree at all" in text["Noise floor"]


def test_a_paid_row_is_told_every_figure(weighing: Weighing) -> None:
    explanation = explain_payment(weighing, BUDGET, 1)
    text = render(explanation)
    assert list(text) == [
        *("Outcome", "Agreement", "Clipping", "Mixing", "Selection", "Weight"),
        *("Copies", "Noise floor", "Quorum", "Pay"),
    ]
    assert f"{explanation.share_part:.2%}" in text["Outcome"]
    assert f"{explanation.weight:,}" in text["Weight"]
    assert f"{explanation.merit.signal:,}" in text["Noise floor"]
    assert f"{explanation.merit.noise:,}" in text["Noise floor"]
    assert f"{explanation.contribution:,} of {explanation.contributions:,}" in text["Pay"]
    assert f"{explanation.share:,} of {BUDGET:,}" in text["Pay"]


def test_rows_and_amounts_are_written_as_the_caller_likes(weighing: Weighing) -> None:
    paragraphs = render_explanation(
        explain_payment(weighing, BUDGET, 1), lambda row: f"trainer {'ABCDEFGHI'[row]}", lambda amount: f"{amount} wei"
    )
    assert "trainer B (one of 9" in paragraphs[0]
    assert "trainer A +" in paragraphs[1]
    assert f"{BUDGET} wei" in paragraphs[-1]
    assert not any("row 0" in paragraph for paragraph in paragraphs)


def test_steps_that_a_rule_does_not_have_are_not_told(vectors: np.ndarray) -> None:
    gram = compute_gram(vectors)
    told = {
        name: list(
            render(explain_payment(rule.weigh(gram, F - rule.rooted, D, gram if rule.historic else None), BUDGET, 0))
        )[2:-5]
        for name, rule in RULES.items()
    }
    assert told == {
        "screen-clip-nnm-multi-krum": ["Screening", "Clipping", "Mixing", "Selection"],
        "clip-nnm-multi-krum": ["Clipping", "Mixing", "Selection"],
        "multi-krum": ["Selection"],
        "mean": [],
        "nna": ["Selection"],
        "fltrust": ["Grade"],
        "geometric-median": ["Grade"],
        "clip-nnm-geometric-median": ["Clipping", "Mixing", "Grade"],
        "centred-clipping": ["Grade"],
        "flag": ["Grade"],
        "foolsgold": ["Grade"],
    }


def build_screened_gram() -> Gram:
    """Five rows one way, four across it, and one that agrees with the five and disagrees with the four."""
    angles = np.radians([0] * 5 + [85] * 4 + [-45])
    return compute_gram(np.rint(10_000 * np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.int64))


def test_a_row_that_is_screened_out_is_told_so_and_is_not_struck() -> None:
    weighing = RULES["screen-clip-nnm-multi-krum"].weigh(build_screened_gram(), 1, D)
    explanation = explain_payment(weighing, BUDGET, 9)
    assert explanation.verdict is Verdict.SCREENED
    assert explanation.screening is not None
    assert explanation.screening.removed == (9,)
    assert explanation.screening.support == pytest.approx(5 * (0.707 - 0.5) + 4 * -0.643, abs=0.01)
    assert (explanation.clip, explanation.mixing, explanation.krum) == (None, None, None)
    assert not explanation.strike
    paragraphs = render(explanation)
    assert "left out" in paragraphs["Screening"]
    assert "Selection" not in paragraphs


def test_every_reason_has_its_own_sentence(weighing: Weighing) -> None:
    against = build_honest_vectors(5)
    against[4] *= -9
    zero_median = np.zeros((5, 4), dtype=np.int64)
    zero_median[4] = 9
    orthogonal = np.diag([9, 9, 9, 1, 1])
    orthogonal[1, 0] = 9
    weighings = [
        weighing,
        RULES["fltrust"].weigh(compute_gram(build_honest_vectors(5)), 0, D),
        DEFAULT_RULE.weigh(compute_gram(zero_median), 0, D),
        RULES["multi-krum"].weigh(compute_gram([*build_honest_vectors(6), build_honest_vectors(6)[0] * 9]), 2, D),
        RULES["mean"].weigh(compute_gram(against), 1, D),
        RULES["mean"].weigh(compute_gram(build_honest_vectors(5)), 0, 1),
        RULES["mean"].weigh(compute_gram(orthogonal), 0, 2**31),
        RULES["screen-clip-nnm-multi-krum"].weigh(build_screened_gram(), 1, D),
        RULES["mean"].weigh(np.ones((100, 100), dtype=np.int64), 0, 2**31),
    ]
    outcomes = {
        explanation.verdict: render(explanation)["Outcome"].partition("earned")[2]
        for each in weighings
        for explanation in (explain_payment(each, BUDGET, row) for row in range(len(each.weights)))
    }
    assert outcomes.keys() == set(Verdict)
    assert len(set(outcomes.values())) == len(Verdict)


def test_json_has_primitives_only_and_exact_figures_as_strings(weighing: Weighing) -> None:
    for row in range(N):
        explanation = explain_payment(weighing, BUDGET, row)
        record = explanation.to_json()
        assert json.loads(json.dumps(record)) == record
        assert record["share"] == str(explanation.share)
        assert record["verdict"] == explanation.verdict.value
        merit = record["merit"]
        assert isinstance(merit, dict)
        assert merit["signal"] == str(explanation.merit.signal)
        assert_no_integer_outgrows_a_float(record)


def assert_no_integer_outgrows_a_float(value: object) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            assert_no_integer_outgrows_a_float(item)
    assert not isinstance(value, int) or abs(value) < 2**53


def test_nearest_neighbours_are_told_of_the_pivot(vectors: np.ndarray) -> None:
    weighing = RULES["nna"].weigh(compute_gram(vectors), F, D)
    explanations = [explain_payment(weighing, BUDGET, row) for row in range(N)]
    pivots = {explanation.pivot.pivot for explanation in explanations if explanation.pivot}
    (pivot,) = pivots
    assert "it is the row with the closest company" in render(explanations[pivot])["Selection"]
    assert (
        f"row {pivot} has the closest company; it and the {N - F - 1} rows"
        in render(explanations[FLIPPED])["Selection"]
    )
    assert render(explanations[FLIPPED])["Selection"].endswith("was not accepted.")
    distance = int(((vectors[FLIPPED] - vectors[pivot]) ** 2).sum())
    assert json.loads(json.dumps(explanations[FLIPPED].to_json()))["pivot"] == {
        "pivot": pivot,
        "squared_distance": str(distance),
        "places": N - F,
        "selected": False,
    }


def test_a_root_update_is_told_that_it_is_not_paid(vectors: np.ndarray) -> None:
    rooted = np.vstack([vectors, build_honest_vectors(N + 1, D)[-1]])
    weighing = RULES["fltrust"].weigh(compute_gram(rooted), F, D)
    root = explain_payment(weighing, BUDGET, N)
    assert (root.merit.psi, root.merit.value, root.cosine_with_others) == (0, 0, 0.0)
    assert "the owner's root update" in render(root)["Outcome"]
    assert {"Copies", "Noise floor"}.isdisjoint(render(root))
    flipped = explain_payment(weighing, BUDGET, FLIPPED)
    assert flipped.verdict is Verdict.OPPOSED
    assert "root update if that is positive, is 0.0000" in render(flipped)["Grade"]
    assert sum(explain_payment(weighing, BUDGET, row).share for row in range(N)) == pytest.approx(BUDGET)
