"""Verdicts, facts for explanations, hints and the registry."""

import numpy as np
import pytest

from steelyard.constants import ONE
from steelyard.errors import SpecError
from steelyard.rules import (
    DEFAULT_RULE,
    ON_CHAIN_RULES,
    RULES,
    Rule,
    Verdict,
    Weighing,
    encode_hints,
    get_on_chain_rule,
    get_rule,
)
from steelyard.rules.selection import select_multi_krum
from tests.gram_matrices import build_honest_vectors, compute_gram


def weigh(vectors: np.ndarray, f: int, d: int = 400, rule: Rule = DEFAULT_RULE) -> Weighing:
    return rule.weigh(compute_gram(vectors), f, d)


def test_verdict_of_the_paid_the_opposed_and_the_outlier() -> None:
    vectors = build_honest_vectors(9)
    vectors[7] *= -4
    vectors[8] = np.random.default_rng(3).permutation(vectors[0]) * 3
    weighing = weigh(vectors, 2)
    assert [weighing.get_verdict(i) for i in range(7)] == [Verdict.PAID] * 7
    assert weighing.get_verdict(7) is Verdict.OPPOSED
    assert weighing.get_verdict(8) in {Verdict.OUTLIER, Verdict.OPPOSED}
    assert (weighing.get_verdict(8) is Verdict.OUTLIER) == (weighing.merits[8].agreement >= 0)


def test_verdict_of_zero_rows_and_of_rows_clipped_to_them() -> None:
    vectors = np.zeros((5, 4), dtype=np.int64)
    vectors[4] = 100
    weighing = weigh(vectors, 0)
    assert [weighing.get_verdict(i) for i in range(5)] == [Verdict.ZERO_UPDATE] * 4 + [Verdict.CLIPPED_AWAY]


def test_verdict_of_noise_that_was_accepted() -> None:
    vectors = build_honest_vectors(9)
    vectors[8] = np.random.default_rng(1).permutation(vectors[0])
    weighing = weigh(vectors, 0)
    expected = Verdict.NO_AGREEMENT if weighing.merits[8].agreement <= 0 else Verdict.BELOW_NOISE_FLOOR
    assert weighing.get_verdict(8) is expected
    assert weighing.weights[8] > 0


def test_verdict_of_copies_beyond_any_value() -> None:
    """A hundred identical rows of one unit: the discount 2^−99 leaves nothing of anybody."""
    weighing = weigh(np.ones((100, 1), dtype=np.int64), 0, d=2**31, rule=RULES["mean"])
    assert {weighing.get_verdict(i) for i in range(100)} == {Verdict.REPLICATED}


def test_cosines_are_those_of_the_vectors() -> None:
    vectors = build_honest_vectors(7)
    weighing = weigh(vectors, 2)
    norms = np.linalg.norm(vectors, axis=1)
    for i in range(7):
        others = sum(weighing.weights[j] / ONE * vectors[j] for j in range(7) if j != i)
        assert weighing.get_cosine_with_others(i) == pytest.approx(
            others @ vectors[i] / norms[i] / np.linalg.norm(others)
        )
        for j in range(7):
            assert weighing.get_cosine(i, j) == pytest.approx(vectors[i] @ vectors[j] / norms[i] / norms[j])


def test_facts_that_a_rule_does_not_have_are_none() -> None:
    gram = compute_gram(build_honest_vectors(7))
    facts = {
        name: [
            fact
            for fact in ("screening", "clipping", "neighbourhoods", "krum", "company", "graded")
            if getattr(weighing, fact) is not None
        ]
        for name, weighing in (
            (name, rule.weigh(gram, 1, 400, gram if rule.historic else None)) for name, rule in RULES.items()
        )
    }
    assert facts == {
        "screen-clip-nnm-multi-krum": ["screening", "clipping", "neighbourhoods", "krum"],
        "clip-nnm-multi-krum": ["clipping", "neighbourhoods", "krum"],
        "multi-krum": ["krum"],
        "mean": [],
        "nna": ["company"],
        "fltrust": ["graded"],
        "geometric-median": ["graded"],
        "clip-nnm-geometric-median": ["clipping", "neighbourhoods", "graded"],
        "centred-clipping": ["graded"],
        "flag": ["graded"],
        "foolsgold": ["graded"],
    }


def test_normaliser_is_the_sum_of_the_weights_where_nothing_is_clipped() -> None:
    gram = np.full((7, 7), 10**6, dtype=np.int64)
    names = ("screen-clip-nnm-multi-krum", "clip-nnm-multi-krum", "multi-krum", "mean", "nna", "fltrust")
    counting = {name: RULES[name] for name in names}
    normalisers = {name: rule.weigh(gram, 2 - rule.rooted, 400) for name, rule in counting.items()}
    assert {name: weighing.normaliser // ONE for name, weighing in normalisers.items()} == {
        "screen-clip-nnm-multi-krum": 25,
        "clip-nnm-multi-krum": 25,
        "multi-krum": 5,
        "mean": 7,
        "nna": 5,
        "fltrust": 6,
    }
    assert all(sum(weighing.weights) == weighing.normaliser for weighing in normalisers.values())


def test_hints_are_the_masks_of_the_sets_in_the_order_of_the_steps() -> None:
    weighing = weigh(build_honest_vectors(5), 1)
    masks = np.frombuffer(encode_hints(weighing), dtype=">u4").tolist()
    assert len(masks) == 11
    assert weighing.neighbourhoods is not None
    assert weighing.krum is not None
    for mask, members in zip(
        masks, (*weighing.neighbourhoods.sets, *weighing.krum.nearest, weighing.krum.selected), strict=True
    ):
        assert tuple(i for i in range(32) if mask >> i & 1) == members


def test_hints_of_multi_krum_and_mean() -> None:
    gram = compute_gram(build_honest_vectors(32))
    assert len(encode_hints(RULES["multi-krum"].weigh(gram, 14, 400))) == 4 * 33
    assert encode_hints(RULES["mean"].weigh(gram, 14, 400)) == b""
    assert len(encode_hints(RULES["nna"].weigh(gram, 14, 400))) == 4 * 32
    assert encode_hints(RULES["fltrust"].weigh(gram, 14, 400)) == b""


def test_hints_of_row_31_use_the_highest_bit() -> None:
    hints = encode_hints(DEFAULT_RULE.weigh(np.full((32, 32), 9, dtype=np.int64), 0, 400))
    assert hints[:4] == b"\xff" * 4
    assert hints[-4:] == b"\xff" * 4


def test_more_rows_than_bits_have_no_hints() -> None:
    weighing = RULES["mean"].weigh(compute_gram(build_honest_vectors(33, d=4)), 0, 4)
    with pytest.raises(ValueError, match="33 rows"):
        encode_hints(weighing)


def test_rules_are_found_by_their_name_and_no_other() -> None:
    assert all(get_rule(name).name == name for name in RULES)
    with pytest.raises(SpecError, match=r"unknown rule 'median'.*clip-nnm-multi-krum"):
        get_rule("median")


def test_a_project_may_have_a_rule_that_a_contract_computes() -> None:
    assert list(ON_CHAIN_RULES) == [name for name, rule in RULES.items() if rule.on_chain]
    assert all(get_on_chain_rule(name) is RULES[name] for name in ON_CHAIN_RULES)
    assert ON_CHAIN_RULES.keys() >= {"clip-nnm-multi-krum", "multi-krum", "mean"}
    for name in RULES.keys() - ON_CHAIN_RULES.keys():
        with pytest.raises(SpecError, match=f"'{name}' is off-chain only.*clip-nnm-multi-krum"):
            get_on_chain_rule(name)
    with pytest.raises(SpecError, match="unknown rule 'median'"):
        get_on_chain_rule("median")


def test_a_history_is_for_rules_that_ask_for_one() -> None:
    gram = compute_gram(build_honest_vectors(7))
    with pytest.raises(ValueError, match="mean is weighed without a history"):
        RULES["mean"].weigh(gram, 2, 400, gram)
    historic = Rule("by history", (), select_multi_krum, historic=True)
    with pytest.raises(ValueError, match="by history is weighed with a history"):
        historic.weigh(gram, 2, 400)
    with pytest.raises(ValueError, match="history of 6 rows for 7"):
        historic.weigh(gram, 2, 400, gram[:6, :6])


def test_weights_come_from_the_history_and_pay_from_the_round() -> None:
    past, present = build_honest_vectors(7, seed=1), build_honest_vectors(7, seed=2)
    past[6] *= -3
    present[0] = 0
    historic = Rule("by history", (), select_multi_krum, historic=True)
    weighing = historic.weigh(compute_gram(present), 2, 400, compute_gram(past))
    assert weighing.weights == RULES["multi-krum"].weigh(compute_gram(past), 2, 400).weights
    assert weighing.contributions[0] == 0
    assert weighing.get_cosine(0, 1) == 0
    assert weighing.history is not None
    assert (weighing.history == compute_gram(past)).all()
