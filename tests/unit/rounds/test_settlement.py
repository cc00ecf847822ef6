import numpy as np
import pytest

from steelyard.errors import TooFewUpdatesError, TooManyExclusionsError
from steelyard.gram import GramProof, GramStatement, compute_context, verify_gram
from steelyard.rounds.settlement import check_exclusions, find_not_opening, weigh_round
from steelyard.rules.registry import DEFAULT_RULE
from tests.rounds_kit import BYZANTINE_BPS, CHAIN_ID, MARKETPLACE, PROJECT, Kit


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.make(n=7)


def test_a_weighed_round_has_a_proof_that_verifies(kit: Kit) -> None:
    opened = [kit.open(row, kit.submit(row)) for row in range(7)]
    steps: list[str] = []
    weighed = weigh_round(kit.srs, DEFAULT_RULE, kit.context(), opened, steps.append)

    context = compute_context(CHAIN_ID, MARKETPLACE, PROJECT, 0, kit.trainers, [row.commitment_hash for row in opened])
    statement = GramStatement(context, 7, kit.dimension, weighed.commitments, weighed.gram)
    verify_gram(kit.srs, statement, GramProof.decode(weighed.proof, 1))
    assert steps == ["Gram matrix", "weights", "proof", "aggregate"]


def test_the_aggregate_is_the_weighted_sum(kit: Kit) -> None:
    opened = [kit.open(row, kit.submit(row)) for row in range(7)]
    weighed = weigh_round(kit.srs, DEFAULT_RULE, kit.context(), opened)

    for column, total in enumerate(weighed.aggregate):
        terms = zip(weighed.weighing.weights, kit.updates, strict=True)
        assert int(total) == sum(weight * int(update[column]) for weight, update in terms)


def test_an_update_that_does_not_open_its_commitments_is_named(kit: Kit) -> None:
    opened = [kit.open(row, kit.submit(row)) for row in range(7)]
    opened[3].update[0] += 1

    assert [row.index for row in find_not_opening(kit.srs, opened)] == [3]


def test_nothing_submitted_means_nothing_to_check(kit: Kit) -> None:
    assert find_not_opening(kit.srs, []) == ()


@pytest.mark.parametrize(("submitted", "excluded"), [(3, 0), (5, 1), (7, 2), (10, 3)])
def test_up_to_f_exclusions_may_be_settled(submitted: int, excluded: int) -> None:
    check_exclusions(submitted, excluded, BYZANTINE_BPS)
    with pytest.raises(TooManyExclusionsError) as caught:
        check_exclusions(submitted, excluded + 1, BYZANTINE_BPS)
    assert (caught.value.excluded, caught.value.limit) == (excluded + 1, excluded)


def test_two_submissions_cannot_be_settled() -> None:
    with pytest.raises(TooFewUpdatesError):
        check_exclusions(2, 0, BYZANTINE_BPS)


def test_a_zero_update_is_weighed_like_any_other() -> None:
    kit = Kit.make(n=5)
    kit.updates[2] = np.zeros_like(kit.updates[2])
    opened = [kit.open(row, kit.submit(row)) for row in range(5)]
    weighed = weigh_round(kit.srs, DEFAULT_RULE, kit.context(), opened)

    assert weighed.weighing.contributions[2] == 0
