"""The scores that ours is held against: small games with known values, brute force, and each paper's own properties."""

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.bench.cgsv import CgsvSettings, compute_cgsv, compute_cosine_values
from scripts.bench.game import Coalition, Game, tabulate
from scripts.bench.gtg_shapley import GtgSettings, compute_gtg_shapley
from scripts.bench.leave_one_out import compute_leave_one_out
from scripts.bench.shapley import compute_shapley

WORTHS = np.array([0.3, -0.1, 0.5, 0.0, 0.2])


def play_additive(coalition: Coalition) -> float:
    return float(sum(worth for player, worth in enumerate(WORTHS) if coalition >> player & 1))


def play_gloves(coalition: Coalition) -> float:
    """Players 0 and 1 have a left glove each, player 2 a right one; a pair is worth 1."""
    return float(bool(coalition & 0b011) and bool(coalition & 0b100))


def play_airport(coalition: Coalition) -> float:
    """Player `i` needs a runway of length `i + 1`, and they share one."""
    return float(coalition.bit_length())


def build_random_game(n: int, seed: int) -> Game:
    worths = np.random.default_rng(seed).normal(size=1 << n)
    worths[0] = 0.0
    return Game(n, lambda coalition: float(worths[coalition]))


def compute_by_orders(game: Game) -> NDArray[np.float64]:
    """The definition: the mean marginal worth over every order of joining."""
    values = np.zeros(game.n)
    for order in permutations(range(game.n)):
        coalition = 0
        for player in order:
            values[player] += game(coalition | 1 << player) - game(coalition)
            coalition |= 1 << player
    return values / factorial(game.n)


# Exact Shapley


def test_an_additive_game_pays_everybody_what_it_brings() -> None:
    assert compute_shapley(tabulate(Game(5, play_additive))) == pytest.approx(WORTHS)


def test_the_glove_game_has_its_textbook_value() -> None:
    assert compute_shapley(tabulate(Game(3, play_gloves))) == pytest.approx([1 / 6, 1 / 6, 4 / 6])


def test_the_airport_game_shares_each_stretch_among_those_who_need_it() -> None:
    expected = [1 / 4, 1 / 4 + 1 / 3, 1 / 4 + 1 / 3 + 1 / 2, 1 / 4 + 1 / 3 + 1 / 2 + 1]
    assert compute_shapley(tabulate(Game(4, play_airport))) == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6])
def test_the_sum_over_coalitions_is_the_mean_over_orders(n: int) -> None:
    game = build_random_game(n, seed=n)
    assert compute_shapley(tabulate(game)) == pytest.approx(compute_by_orders(game))
    assert game.evaluations == 2**n - 1


def test_a_table_that_is_no_game_is_refused() -> None:
    with pytest.raises(ValueError, match="3 worths"):
        compute_shapley(np.zeros(3))


# Leave-one-out


def test_leave_one_out_sees_no_value_in_either_of_two_copies() -> None:
    game = Game(3, play_gloves)
    assert compute_leave_one_out(game).tolist() == [0.0, 0.0, 1.0]
    assert game.evaluations == 4


def test_leave_one_out_is_the_shapley_value_of_an_additive_game() -> None:
    assert compute_leave_one_out(Game(5, play_additive)) == pytest.approx(WORTHS)


# GTG-Shapley

THOROUGH = GtgSettings(round_threshold=0, within_threshold=0, min_permutations=6_000, tolerance=1)


@pytest.mark.parametrize("seed", range(3))
def test_gtg_without_truncation_converges_to_the_shapley_value(seed: int) -> None:
    game = build_random_game(5, seed)
    estimate = compute_gtg_shapley(game, np.random.default_rng(seed), THOROUGH)
    assert estimate == pytest.approx(compute_by_orders(game), abs=0.05)
    assert estimate.sum() == pytest.approx(game(game.everyone))  # efficiency is exact for any number of orders


def test_gtg_stops_at_its_minimum_where_every_order_says_the_same() -> None:
    game = Game(5, play_additive)
    estimate = compute_gtg_shapley(game, np.random.default_rng(0), GtgSettings(within_threshold=0))
    assert estimate == pytest.approx(WORTHS)
    assert game.evaluations <= 2**5 - 1


def test_gtg_skips_a_round_that_moved_nothing() -> None:
    game = Game(8, lambda coalition: 0.009 if coalition == 0xFF else float(coalition.bit_count()) * (coalition != 0))
    assert compute_gtg_shapley(game, np.random.default_rng(0)).tolist() == [0.0] * 8
    assert game.evaluations == 1


def test_gtg_ends_an_order_where_nothing_is_left_to_gain() -> None:
    game = Game(10, lambda coalition: float(coalition > 0))
    estimate = compute_gtg_shapley(game, np.random.default_rng(0))
    assert game.evaluations == 11  # the singletons and the grand coalition
    assert estimate.sum() == pytest.approx(1.0)


def test_gtg_is_guided_everybody_leads_equally_often() -> None:
    """In a game that only the first to come earns anything in, unguided orders would leave some with nothing."""
    game = Game(31, lambda coalition: float(coalition > 0))
    settings = GtgSettings(min_permutations=30, tolerance=10)
    assert compute_gtg_shapley(game, np.random.default_rng(0), settings) == pytest.approx([1 / 31] * 31)


def test_gtg_gives_up_at_its_limit() -> None:
    game = build_random_game(6, seed=0)
    settings = GtgSettings(tolerance=0, max_permutations=50)
    assert np.isfinite(compute_gtg_shapley(game, np.random.default_rng(0), settings)).all()


# CGSV


def test_cosine_values_are_those_of_the_vectors_themselves() -> None:
    rng = np.random.default_rng(0)
    updates, weights = rng.normal(size=(6, 40)), rng.dirichlet(np.ones(6))
    together = weights @ (updates / np.linalg.norm(updates, axis=1, keepdims=True))
    expected = updates @ together / np.linalg.norm(updates, axis=1) / np.linalg.norm(together)
    assert compute_cosine_values(updates @ updates.T, weights) == pytest.approx(expected)


def test_reputations_are_a_distribution_and_do_not_depend_on_lengths() -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(size=400)
    grams, stretched = [], []
    for _ in range(5):
        updates = common + rng.normal(size=(5, 400)) * np.arange(1, 6)[:, None] / 2
        grams.append(updates @ updates.T)
        longer = updates * np.array([1, 10, 0.1, 3, 100])[:, None]
        stretched.append(longer @ longer.T)
    reputations = compute_cgsv(grams)
    assert reputations.sum() == pytest.approx(1)
    assert reputations == pytest.approx(compute_cgsv(stretched))
    assert reputations.argsort().tolist() == [4, 3, 2, 1, 0]  # less noise, more reputation


def test_equal_updates_have_equal_reputations() -> None:
    assert compute_cgsv([np.ones((4, 4))] * 3) == pytest.approx([0.25] * 4)


def test_whoever_goes_against_all_keeps_the_floor_only() -> None:
    updates = np.array([[1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [-1.0, 0.0]])
    settings = CgsvSettings()
    reputations = compute_cgsv([updates @ updates.T] * 30, settings)
    assert 0 < reputations[3] <= settings.floor


def test_a_zero_update_has_no_cosine() -> None:
    gram = np.diag([1.0, 1.0, 0.0])
    assert compute_cosine_values(gram, np.full(3, 1 / 3))[2] == 0.0
    assert compute_cosine_values(np.zeros((3, 3)), np.full(3, 1 / 3)).tolist() == [0.0] * 3
