"""Every attack does what its definition says, and knows no more than it may."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from simulation.attacks import ATTACKS, Attack, Backdoor, Knowledge, KnowledgeError, View
from simulation.attacks.min_max import Geometry, MinMax, MinSum
from simulation.attacks.tailored import maximise, suppose_honest
from trainer_client.data import build_dataset

Vectors = NDArray[np.float64]

N, K, D = 12, 4, 300

VARIANTS: list[dict[str, Any]] = [
    {"name": "none"},
    {"name": "label-flip"},
    {"name": "label-flip", "source": 2, "target": 7},
    *({"name": "sign-flip", "factor": factor} for factor in (1.0, 4.0, 10.0)),
    *({"name": "gaussian", "sigma": sigma} for sigma in (0.1, 1.0, 10.0)),
    {"name": "zero"},
    {"name": "stale"},
    {"name": "copied"},
    *({"name": "ipm", "epsilon": epsilon} for epsilon in (0.1, 0.5, 2.0, 100.0)),
    *({"name": "alie", "z": z} for z in (-1.0, 0.25, 1.5)),
    *({"name": "min-max", "perturbation": p} for p in ("std", "sign", "unit")),
    *({"name": "min-sum", "perturbation": p} for p in ("std", "sign", "unit")),
    {"name": "min-sum", "bound": "min"},
    {"name": "backdoor"},
    *({"name": "clones", "variant": variant} for variant in ("exact", "noisy", "split")),
    {"name": "scaling", "factor": 3.0},
    {"name": "free-rider"},
    {"name": "free-rider", "variant": "delta-weight", "noise": 0.1},
    {"name": "disguised"},
    {"name": "dynamic-free-rider"},
    {"name": "dynamic-free-rider", "honest_rounds": 2, "noise": 0.1},
    {"name": "mimic"},
    {"name": "mimic", "target": 5},
    *({"name": "tailored", "perturbation": p} for p in ("mean", "std", "sign")),
]


def make_attack(**fields: Any) -> Attack:
    return ATTACKS.validate_json(json.dumps(fields))


def make_updates(rows: int, seed: int, d: int = D) -> Vectors:
    rng = np.random.default_rng(seed)
    return 0.1 * (np.random.default_rng(0).normal(size=d) + 0.8 * rng.normal(size=(rows, d)))


def average(crafted: Vectors, honest: Vectors) -> Vectors:
    mean: Vectors = np.vstack([crafted, honest]).mean(axis=0)
    return mean


def make_view(
    knowledge: Knowledge = Knowledge.OMNISCIENT,
    *,
    k: int = K,
    aggregate: Callable[[Vectors, Vectors], Vectors] = average,
    movement: bool = True,
) -> View:
    return View(
        own=make_updates(k, 1),
        parameters=np.zeros(D, dtype=np.float32),
        movement=make_updates(1, 3)[0] if movement else None,
        round_index=3,
        n=N,
        f=3,
        clip=4.0,
        aggregate=aggregate,
        knowledge=knowledge,
        _honest=make_updates(N - k, 2) if knowledge is Knowledge.OMNISCIENT else None,
    )


def craft(attack: Attack, view: View, seed: int = 7) -> Vectors:
    return attack.craft(view, np.random.default_rng(seed))


def parametrize(*names: str) -> pytest.MarkDecorator:
    chosen = [variant for variant in VARIANTS if not names or variant["name"] in names]
    return pytest.mark.parametrize("fields", chosen, ids=lambda fields: "-".join(map(str, fields.values())))


# For all


@parametrize()
@pytest.mark.parametrize("knowledge", Knowledge)
@pytest.mark.parametrize("k", [1, K])
def test_updates_have_the_shape_are_finite_and_follow_the_seed(
    fields: dict[str, Any], knowledge: Knowledge, k: int
) -> None:
    attack, view = make_attack(**fields), make_view(knowledge, k=k)
    before = view.own.copy()
    sent, again = craft(attack, view), craft(attack, view)
    assert sent.shape == (k, D)
    assert np.isfinite(sent).all()
    assert (sent == again).all()
    assert (view.own == before).all(), "the attack wrote over what it saw"


@parametrize()
def test_attackers_that_know_only_themselves_read_nothing_else(fields: dict[str, Any]) -> None:
    view = make_view(Knowledge.OWN)
    with pytest.raises(KnowledgeError):
        _ = view.honest
    # The view raises when honest updates are asked for, and here the attack comes through.
    craft(make_attack(**fields), view)


@parametrize()
@pytest.mark.parametrize("k", [1, 2, K])
def test_where_no_honest_trainer_is_left_the_omniscient_know_themselves(fields: dict[str, Any], k: int) -> None:
    """All honest trainers may be absent, removed or diverged, and attackers alone are enough for a round."""
    view = replace(make_view(Knowledge.OMNISCIENT, k=k), n=k, _honest=np.empty((0, D)))
    alone = replace(view, knowledge=Knowledge.OWN, _honest=None)
    attack = make_attack(**fields)
    assert np.isfinite(view.mean).all()
    assert (craft(attack, view) == craft(attack, alone)).all()


@parametrize()
def test_omniscience_matters_exactly_where_the_attack_says_so(fields: dict[str, Any]) -> None:
    attack = make_attack(**fields)
    view = make_view(Knowledge.OMNISCIENT)
    other = replace(view, _honest=make_updates(N - K, 99))
    assert (craft(attack, view) != craft(attack, other)).any() == attack.reads_honest


@parametrize()
def test_poisoned_data_are_as_many_and_honest_data_stay(fields: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    dataset = build_dataset(rng.random((40, 64)), np.arange(40) % 10, 10)
    poisoned = make_attack(**fields).poison(dataset, np.random.default_rng(1))
    assert len(poisoned) == len(dataset)
    assert poisoned.num_classes == 10
    assert not dataset.features.flags.writeable
    changed = (poisoned.labels != dataset.labels).any() or (poisoned.features != dataset.features).any()
    assert changed == (fields["name"] in ("label-flip", "backdoor"))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "nonsense"},
        {"name": "ipm", "epsilon": -1.0},
        {"name": "ipm", "strength": 1.0},
        {"name": "label-flip", "source": 2},
        {"name": "clones", "variant": "many"},
    ],
)
def test_unknown_attacks_and_parameters_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_attack(**fields)


# One by one


def test_label_flip_mirrors_every_label_or_moves_one_class() -> None:
    dataset = build_dataset(np.zeros((6, 2)), np.array([0, 1, 2, 2, 8, 9]), 10)
    rng = np.random.default_rng(0)
    assert make_attack(name="label-flip").poison(dataset, rng).labels.tolist() == [9, 8, 7, 7, 1, 0]
    targeted = make_attack(name="label-flip", source=2, target=7).poison(dataset, rng)
    assert targeted.labels.tolist() == [0, 1, 7, 7, 8, 9]


@parametrize("sign-flip")
def test_sign_flip_turns_updates_round(fields: dict[str, Any]) -> None:
    own, all_known = make_view(Knowledge.OWN), make_view()
    np.testing.assert_allclose(craft(make_attack(**fields), own), -fields["factor"] * own.own)
    flipped = craft(make_attack(**fields), all_known)
    np.testing.assert_allclose(flipped, np.tile(-fields["factor"] * all_known.honest.mean(axis=0), (K, 1)))


@parametrize("gaussian")
def test_noise_is_independent_and_as_long_as_it_says(fields: dict[str, Any]) -> None:
    view = make_view()
    noise = craft(make_attack(**fields), view)
    rms = np.sqrt(np.mean(view.honest**2))
    assert np.std(noise) == pytest.approx(fields["sigma"] * rms, rel=0.1)
    cosines = np.corrcoef(np.vstack([noise, view.mean]))
    assert np.abs(cosines - np.eye(K + 1)).max() < 0.3


def test_zero_stale_and_copied() -> None:
    view, own = make_view(), make_view(Knowledge.OWN)
    assert not craft(make_attack(name="zero"), view).any()
    assert view.movement is not None
    assert (craft(make_attack(name="stale"), view) == view.movement).all()
    assert not craft(make_attack(name="stale"), make_view(movement=False)).any()
    assert (craft(make_attack(name="copied"), view) == view.honest[:K]).all()
    assert (craft(make_attack(name="copied"), own) == own.own[[1, 2, 3, 0]]).all()


@parametrize("ipm")
@pytest.mark.parametrize("knowledge", Knowledge)
def test_ipm_is_minus_epsilon_times_the_known_mean(fields: dict[str, Any], knowledge: Knowledge) -> None:
    view = make_view(knowledge)
    known = view.own if knowledge is Knowledge.OWN else view.honest
    np.testing.assert_allclose(
        craft(make_attack(**fields), view), np.tile(-fields["epsilon"] * known.mean(axis=0), (K, 1))
    )


@parametrize("alie")
@pytest.mark.parametrize("knowledge", Knowledge)
def test_alie_is_the_known_mean_less_z_deviations(fields: dict[str, Any], knowledge: Knowledge) -> None:
    view = make_view(knowledge)
    known = view.own if knowledge is Knowledge.OWN else view.honest
    expected = known.mean(axis=0) - fields["z"] * np.sqrt(np.mean((known - known.mean(axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(craft(make_attack(**fields), view), np.tile(expected, (K, 1)))


def measure_min_max(update: Vectors, known: Vectors) -> tuple[float, float]:
    """Both sides of the bound."""
    pairs = np.linalg.norm(known[:, None] - known[None], axis=2)
    return float(np.linalg.norm(update - known, axis=1).max()), float(pairs.max())


def measure_min_sum(update: Vectors, known: Vectors, bound: str) -> tuple[float, float]:
    sums = (np.linalg.norm(known[:, None] - known[None], axis=2) ** 2).sum(axis=1)
    return float((np.linalg.norm(update - known, axis=1) ** 2).sum()), float(
        sums.max() if bound == "max" else sums.min()
    )


@parametrize("min-max", "min-sum")
@pytest.mark.parametrize("knowledge", Knowledge)
def test_bounded_deviations_meet_their_bound_and_go_no_farther(fields: dict[str, Any], knowledge: Knowledge) -> None:
    attack, view = make_attack(**fields), make_view(knowledge)
    assert isinstance(attack, MinMax | MinSum)
    sent = craft(attack, view)
    assert (sent == sent[0]).all()

    def measure(update: Vectors) -> tuple[float, float]:
        if isinstance(attack, MinSum):
            return measure_min_sum(update, view.known, attack.bound)
        return measure_min_max(update, view.known)

    reached, limit = measure(sent[0])
    assert reached == pytest.approx(limit)
    farther, _ = measure(view.mean + 1.01 * (sent[0] - view.mean))
    assert farther > limit * (1 + 1e-6)
    # And it does go that way: along p, against the mean.
    direction = attack.get_direction(view)
    deviation = view.mean - sent[0]
    assert deviation @ direction == pytest.approx(np.linalg.norm(deviation) * np.linalg.norm(direction))


@pytest.mark.parametrize("p", ["std", "sign", "unit"])
def test_perturbations_are_those_of_the_paper(p: str) -> None:
    view = make_view()
    attack = make_attack(name="min-max", perturbation=p)
    assert isinstance(attack, MinMax)
    expected = {
        "std": view.honest.std(axis=0),
        "sign": np.sign(view.honest.mean(axis=0)),
        "unit": view.honest.mean(axis=0) / np.linalg.norm(view.honest.mean(axis=0)),
    }
    np.testing.assert_allclose(attack.get_direction(view), expected[p])


def test_geometry_is_that_of_the_updates() -> None:
    known = make_updates(5, 4, d=7)
    p = make_updates(1, 5, d=7)[0]
    geometry = Geometry.measure(known, p)
    for strength in (0.0, 0.7, 3.0):
        distances = np.linalg.norm(known.mean(axis=0) - strength * p - known, axis=1) ** 2
        np.testing.assert_allclose(geometry.a * strength**2 - 2 * geometry.b * strength + geometry.c, distances)


def test_exact_clones_are_one_update() -> None:
    view = make_view(Knowledge.OWN)
    assert (craft(make_attack(name="clones"), view) == view.own[0]).all()


@pytest.mark.parametrize("noise", [0.0, 1e-3, 1e-1])
def test_noisy_clones_are_as_far_apart_as_their_noise(noise: float) -> None:
    view = make_view(Knowledge.OWN)
    sent = craft(make_attack(name="clones", variant="noisy", noise=noise), view)
    distances = np.linalg.norm(sent - view.own[0], axis=1) / np.linalg.norm(view.own[0])
    assert distances == pytest.approx(noise, rel=0.2)


def test_split_clones_are_parts_of_one_update() -> None:
    view = make_view(Knowledge.OWN)
    sent = craft(make_attack(name="clones", variant="split"), view)
    np.testing.assert_allclose(sent.sum(axis=0), view.own[0])
    parts = sent @ view.own[0] / (view.own[0] @ view.own[0])
    assert (parts > 0).all()
    np.testing.assert_allclose(sent, np.outer(parts, view.own[0]))


def test_scaling_multiplies() -> None:
    view = make_view(Knowledge.OWN)
    np.testing.assert_allclose(craft(make_attack(name="scaling", factor=10.0), view), 10 * view.own)


def test_free_riders_make_up_something_as_long_as_an_update() -> None:
    view = make_view(Knowledge.OWN)
    assert view.movement is not None
    random = craft(make_attack(name="free-rider"), view)
    assert np.linalg.norm(random) == pytest.approx(np.linalg.norm(view.own), rel=0.1)
    assert np.abs(random).max() <= np.sqrt(3 * np.mean(view.own**2))
    assert (craft(make_attack(name="free-rider", variant="delta-weight"), view) == view.movement).all()
    disguised = craft(make_attack(name="free-rider", variant="delta-weight", noise=0.1), view)
    noise = np.linalg.norm(disguised - view.movement, axis=1) / np.linalg.norm(view.movement)
    assert noise == pytest.approx(0.1, rel=0.2)
    first = craft(make_attack(name="free-rider", variant="delta-weight"), make_view(movement=False))
    assert (first == random).all()


def test_disguised_free_riders_send_noise_that_fades_by_a_power_of_the_round() -> None:
    attack, view = make_attack(name="disguised", length=0.5, decay=0.5), make_view(Knowledge.OWN)
    for round_index, length in ((0, 2.0), (3, 1.0), (15, 0.5)):
        noise = craft(attack, replace(view, round_index=round_index))
        assert np.linalg.norm(noise, axis=1) == pytest.approx(length, rel=0.15)
        assert np.abs(np.corrcoef(np.vstack([noise, view.mean])) - np.eye(K + 1)).max() < 0.3
    constant = make_attack(name="disguised", decay=0.0)
    assert (craft(constant, view) == craft(constant, replace(view, round_index=9))).all()


def test_dynamic_free_riders_are_honest_first_and_then_repeat_the_global_model() -> None:
    attack, view = make_attack(name="dynamic-free-rider", honest_rounds=3), make_view(Knowledge.OWN)
    assert view.movement is not None
    assert (craft(attack, replace(view, round_index=2)) == view.own).all()
    assert (craft(attack, replace(view, round_index=3)) == view.movement).all()
    noisy = make_attack(name="dynamic-free-rider", honest_rounds=3, noise=0.1)
    delta_weight = make_attack(name="free-rider", variant="delta-weight", noise=0.1)
    assert (craft(noisy, view) == craft(delta_weight, view)).all()


def test_mimics_send_one_honest_update() -> None:
    view = make_view()
    assert (craft(make_attack(name="mimic", target=5), view) == view.honest[5]).all()


def test_backdoor_puts_the_trigger_where_it_says_and_scales() -> None:
    features = np.linspace(0, 0.5, 20 * 36).reshape(20, 6, 6).astype(np.float32)
    dataset = build_dataset(features, np.arange(20) % 10, 10)
    attack = make_attack(name="backdoor", target=3, size=2, part=0.25)
    assert isinstance(attack, Backdoor)
    poisoned = attack.poison(dataset, np.random.default_rng(0))
    rows = np.flatnonzero((poisoned.features != dataset.features).reshape(20, -1).any(axis=1))
    assert len(rows) == 5
    assert (poisoned.labels[rows] == 3).all()
    assert (poisoned.features[rows, 4:, 4:] == dataset.features.max()).all()
    untouched = poisoned.features.copy()
    untouched[rows, 4:, 4:] = dataset.features[rows, 4:, 4:]
    assert (untouched == dataset.features).all()
    flat = attack.add_trigger(dataset.features.reshape(20, 36), 1.0).reshape(20, 6, 6)
    assert (flat == attack.add_trigger(dataset.features, 1.0)).all()
    view = make_view(Knowledge.OWN)
    np.testing.assert_allclose(craft(attack, view), N / K * view.own)
    np.testing.assert_allclose(craft(make_attack(name="backdoor", factor=50.0), view), 50 * view.own)


def test_model_replacement_replaces_the_model_under_a_mean() -> None:
    """`n/k` times the attackers' update, averaged with honest updates that have converged, is the attackers' update."""
    view = make_view(Knowledge.OWN)
    sent = craft(make_attack(name="backdoor"), view)
    np.testing.assert_allclose(average(sent, np.zeros((N - K, D))), view.own.mean(axis=0))


def test_line_search_finds_the_best_strength() -> None:
    tried: list[float] = []

    def measure(strength: float) -> float:
        tried.append(strength)
        return -(math.log(strength / 1.7) ** 2)

    assert maximise(measure, 24) == pytest.approx(1.7, rel=0.05)
    assert len(tried) == 24
    # So many trials that the gaps beside the best one shrink to nothing.
    assert maximise(measure, 200) == pytest.approx(1.7)


def test_tailored_attack_goes_exactly_as_far_as_the_rule_lets_it() -> None:
    honest = make_updates(N - K, 2)
    limit = 1.3 * np.linalg.norm(honest.mean(axis=0))

    def reject_beyond(crafted: Vectors, supposed: Vectors) -> Vectors:
        """A rule that leaves out who is farther from the honest mean than `limit`."""
        center = supposed.mean(axis=0)
        return average(crafted, supposed) if np.linalg.norm(crafted[0] - center) <= limit else center

    view = make_view(aggregate=reject_beyond)
    sent = craft(make_attack(name="tailored", trials=40), view)
    reached = np.linalg.norm(sent[0] - honest.mean(axis=0))
    assert 0.97 * limit < reached <= limit


def test_supposed_honest_updates_have_the_attackers_own_moments() -> None:
    view = replace(make_view(Knowledge.OWN, k=5), n=3_000)
    supposed = suppose_honest(view, np.random.default_rng(0))
    assert supposed.shape == (2_995, D)
    spread = view.own.std(axis=0, ddof=1)
    np.testing.assert_allclose(supposed.mean(axis=0), view.own.mean(axis=0), atol=5 * spread.max() / np.sqrt(2_995))
    np.testing.assert_allclose(supposed.std(axis=0), spread, rtol=0.1)
