"""Whole projects in one process."""

import json
from dataclasses import asdict
from typing import ClassVar, Literal

import numpy as np
import pytest

from simulation.attacks import Attack, KnowledgeError, View
from simulation.attacks.base import Updates
from simulation.engine import Engine, PlayedRound, play
from simulation.results import play_run
from steelyard.errors import SpecError
from steelyard.gram import compute_gram
from steelyard.rules import RULES, compute_num_byzantine, get_rule
from steelyard.rules.market import Status
from steelyard.updates.aggregate import compute_aggregate, compute_next_parameters
from tests.unit.simulation.support import DOCUMENT, make_scenario


def test_a_round_is_what_the_shared_code_makes_of_its_updates() -> None:
    scenario = make_scenario(attack={"name": "sign-flip", "factor": 4.0})
    rounds = list(play(scenario))
    assert [played.index for played in rounds] == [0, 1, 2]
    for before, played in zip([None, *rounds], rounds, strict=False):
        f = compute_num_byzantine(len(played.updates), scenario.market.byzantine_bps)
        weighing = get_rule(scenario.rule).weigh(compute_gram(played.updates), f, played.updates.shape[1])
        assert played.weighing == weighing
        aggregate = compute_aggregate(list(played.updates), weighing.weights)
        following = compute_next_parameters(
            played.parameters, aggregate, weighing.normaliser, scenario.quantisation.scale
        )
        assert (played.following == following).all()
        if before is not None:
            assert (played.parameters == before.following).all()
    assert rounds[-1].market.status is Status.COMPLETED


def test_training_pays_off_and_attackers_do_not() -> None:
    changes = {"rounds": 8, "dishonest": 2, "data": {"examples": 150}}
    clean = play_run(make_scenario(**changes))
    attacked = play_run(make_scenario(**changes, attack={"name": "sign-flip", "factor": 4.0}))
    assert clean.accuracy is not None
    assert attacked.accuracy is not None
    assert clean.accuracy > 0.85
    assert attacked.accuracy > clean.accuracy - 0.05
    assert attacked.dishonest_pay < 0.01
    assert attacked.honest_slashed == 0
    assert clean.dishonest_pay == pytest.approx(2 / 7, abs=0.1)


def test_equal_scenarios_give_equal_runs_and_other_seeds_others() -> None:
    scenario = make_scenario(attack={"name": "gaussian"}, data={"split": {"name": "dirichlet", "alpha": 0.5}})

    def strip(seed: int) -> dict[str, object]:
        run = play_run(scenario.model_copy(update={"seed": seed}))
        fields = asdict(run)
        del fields["seconds"]
        json.dumps(fields)
        return fields

    assert strip(1) == strip(1)
    assert strip(1)["rounds"] != strip(2)["rounds"]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_plays(rule: str) -> None:
    rounds = list(play(make_scenario(rule=rule, rounds=2, data={"root_examples": 40})))
    assert len(rounds) == 2
    assert all(len(played.trainers) == len(played.shares) == 7 for played in rounds)
    assert (rounds[0].root is not None) == get_rule(rule).rooted
    assert (rounds[1].weighing.history is not None) == get_rule(rule).historic


def test_a_historic_rule_sees_the_sums_of_all_rounds() -> None:
    name = next(name for name, rule in RULES.items() if rule.historic)
    rounds = list(play(make_scenario(rule=name, rounds=3)))
    sums = np.sum([played.updates for played in rounds], axis=0, dtype=np.int64)
    history = rounds[-1].weighing.history
    assert history is not None
    assert (history == sums.astype(object) @ sums.T.astype(object)).all()


def test_a_rooted_rule_needs_root_examples() -> None:
    with pytest.raises(SpecError, match="root_examples"):
        Engine(make_scenario(rule="fltrust"))


def test_the_root_and_the_trainers_share_no_example() -> None:
    engine = Engine(make_scenario(rule="fltrust", data={"root_examples": 40}))
    assert engine.holdings.root is not None
    root = {row.tobytes() for row in engine.holdings.root.features}
    held = {row.tobytes() for dataset in engine.holdings.trainers for row in dataset.features}
    assert len(root) == 40
    assert not root & held


def test_worker_momentum_sends_the_moving_average_of_updates() -> None:
    beta = 0.8
    plain = Engine(make_scenario(dishonest=0))
    averaged = Engine(make_scenario(dishonest=0, worker_momentum=beta))
    first: list[PlayedRound] = [next(plain.play()), next(averaged.play())]
    assert (first[0].updates == first[1].updates).all()
    second = next(averaged.play())
    deltas = plain._cohort.train(1, second.parameters, list(range(7)))
    scale = averaged.scenario.quantisation.scale
    expected = beta * first[0].updates / scale + (1 - beta) * deltas
    np.testing.assert_allclose(second.updates / scale, expected, atol=2 / scale)


def test_trainers_whose_training_diverges_sit_out_and_are_removed() -> None:
    # Each step multiplies the weights by −99.
    phase = DOCUMENT["training"][0] | {"learning_rate": 100.0, "weight_decay": 1.0, "epochs": 10}
    engine = Engine(make_scenario(dishonest=0, rounds=5, training=[phase]))
    assert list(engine.play()) == []
    assert engine.market.status is Status.FAILED


def test_absent_trainers_are_neither_weighed_nor_kept() -> None:
    scenario = make_scenario(dishonest=0, rounds=4, market={"max_absences": 2})
    engine = Engine(scenario, takes_part=lambda index, trainer: trainer != 3 or index == 0)
    rounds = list(engine.play())
    assert [len(played.trainers) for played in rounds] == [7, 6, 6, 6]
    assert engine.market.active == (0, 1, 2, 4, 5, 6)


def test_accuracy_is_looked_at_when_asked_for_and_at_the_end() -> None:
    run = play_run(make_scenario(rounds=5, evaluate_every=2))
    assert [found.accuracy is not None for found in run.rounds] == [False, True, False, True, True]


def test_a_backdoor_works_under_a_mean_and_is_measured() -> None:
    changes = {
        "attack": {"name": "backdoor", "target": 0, "size": 2},
        "rounds": 6,
        "quantisation": {"scale": 2048, "l2_norm_clip": 15.0},
        "data": {"examples": 150},
    }
    weak = play_run(make_scenario(rule="mean", **changes))
    strong = play_run(make_scenario(rule="clip-nnm-multi-krum", **changes))
    assert weak.attack_success is not None
    assert strong.attack_success is not None
    assert weak.attack_success > 0.8
    assert strong.attack_success < 0.3


class Spy(Attack):
    """Sends honest updates and notes what it sees."""

    name: Literal["none"] = "none"
    seen: ClassVar[list[View]] = []
    tried: ClassVar[list[Updates]] = []

    def craft(self, view: View, rng: np.random.Generator) -> Updates:
        self.seen.append(view)
        self.tried.append(view.aggregate(view.own, view.known))
        return view.own


@pytest.mark.parametrize("knowledge", ["own", "omniscient"])
def test_attackers_see_what_their_knowledge_allows(knowledge: str) -> None:
    scenario = make_scenario(knowledge=knowledge, worker_momentum=0.5).model_copy(update={"attack": Spy()})
    Spy.seen.clear()
    rounds = list(play(scenario))
    scale = scenario.quantisation.scale
    for view, played in zip(Spy.seen, rounds, strict=True):
        assert (view.n, view.k, view.f, view.round_index) == (7, 2, 2, played.index)
        assert (view.parameters == played.parameters).all()
        np.testing.assert_allclose(played.updates[:2] / scale, view.own, atol=1 / scale)
        if knowledge == "own":
            with pytest.raises(KnowledgeError):
                _ = view.honest
        else:
            np.testing.assert_allclose(played.updates[2:] / scale, view.honest, atol=1 / scale)
    assert Spy.seen[0].movement is None
    for view, before in zip(Spy.seen[1:], rounds, strict=False):
        assert view.movement is not None
        np.testing.assert_allclose(view.movement, before.following.astype(float) - before.parameters, atol=1e-7)


@pytest.mark.parametrize("rule", ["clip-nnm-multi-krum", "fltrust", "foolsgold"])
def test_omniscient_attackers_try_the_rule_as_the_round_applies_it(rule: str) -> None:
    scenario = make_scenario(knowledge="omniscient", rule=rule, data={"root_examples": 40})
    Spy.tried.clear()
    rounds = list(play(scenario.model_copy(update={"attack": Spy()})))
    for tried, played in zip(Spy.tried, rounds, strict=True):
        moved = played.following.astype(float) - played.parameters
        np.testing.assert_allclose(tried, moved, atol=1e-6)


def test_a_few_attackers_alone_do_not_make_a_round() -> None:
    """All honest trainers diverge; the two attackers send zeros."""
    phase = DOCUMENT["training"][0] | {"learning_rate": 100.0, "weight_decay": 1.0, "epochs": 10}
    engine = Engine(make_scenario(attack={"name": "zero"}, training=[phase]))
    assert list(engine.play()) == []
    assert engine.market.status is Status.FAILED


@pytest.mark.parametrize("name", ["ipm", "copied", "tailored"])
@pytest.mark.parametrize("dishonest", [2, 3])
def test_omniscient_attackers_without_honest_trainers_play_on_with_what_they_have(name: str, dishonest: int) -> None:
    """All honest trainers go away after the first round: three attackers are enough for a round, two are not."""
    scenario = make_scenario(
        attack={"name": name}, dishonest=dishonest, knowledge="omniscient", rounds=2, market={"max_absences": 9}
    )
    engine = Engine(scenario, takes_part=lambda index, trainer: index == 0 or trainer < dishonest)
    rounds = list(engine.play())
    assert [len(played.trainers) for played in rounds] == ([7, 3] if dishonest == 3 else [7])
    assert all(np.isfinite(played.following).all() for played in rounds)


def test_more_trainers_than_a_chain_takes_can_be_simulated() -> None:
    run = play_run(make_scenario(trainers=100, dishonest=30, rounds=2, data={"examples": 14}))
    assert len(run.rounds) == 2
    assert run.status == "completed"
