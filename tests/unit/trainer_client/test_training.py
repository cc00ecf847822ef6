import dataclasses

import numpy as np
import pytest
import torch

from steelyard.errors import ConfigError, MalformedUpdateError
from steelyard.models.initial import compute_initial_parameters
from steelyard.spec import ProjectSpec, TrainingPhase, parse_project_spec
from steelyard.storage import compute_cid
from steelyard.types import Address, ParameterVector, ProjectId
from tests.unit.trainer_client.support import make_spec_text
from trainer_client.data import Dataset, build_dataset, conform, load_dataset, split
from trainer_client.training import (
    LocalUpdate,
    TrainingProgress,
    _descend,
    compute_training_seed,
    evaluate,
    train_locally,
)

PROJECT = ProjectId(bytes(range(32)))
ALICE = Address("0x" + "aa" * 20)
BOB = Address("0x" + "bb" * 20)


@pytest.fixture(scope="module")
def spec() -> ProjectSpec:
    return parse_project_spec(make_spec_text(compute_cid(b"initial")))


@pytest.fixture(scope="module")
def data(spec: ProjectSpec) -> tuple[Dataset, Dataset]:
    return split(conform(load_dataset("digits:"), spec.data), 0.3, seed=0)


@pytest.fixture(scope="module")
def initial(spec: ProjectSpec) -> ParameterVector:
    return compute_initial_parameters(spec.model, 1)


def train(spec: ProjectSpec, initial: ParameterVector, dataset: Dataset, seed: int = 1) -> LocalUpdate:
    return train_locally(spec, 0, initial, dataset, seed, threads=1)


def test_training_teaches(spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset]) -> None:
    train_data, held_out = data
    before = evaluate(spec.model, initial, held_out, threads=1)
    update = train(spec, initial, train_data)
    after = evaluate(spec.model, (initial + update.delta).astype(np.float32), held_out, threads=1)

    assert before.accuracy < 0.3
    assert after.accuracy > 0.8
    assert after.loss < before.loss
    assert update.delta.shape == (spec.model.dimension,)
    assert update.delta.dtype == np.float64


def test_one_seed_gives_one_update_whatever_torch_did_before(
    spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset]
) -> None:
    torch.manual_seed(1)
    one = train(spec, initial, data[1], seed=5)
    torch.manual_seed(2)
    again, other = train(spec, initial, data[1], seed=5), train(spec, initial, data[1], seed=6)

    assert np.array_equal(one.delta, again.delta)
    assert one.loss == again.loss
    assert not np.array_equal(one.delta, other.delta)


def test_training_leaves_torchs_generator_threads_and_the_model_alone(
    spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset]
) -> None:
    model, state, threads = initial.copy(), torch.get_rng_state(), torch.get_num_threads()
    train(spec, initial, data[1])

    assert np.array_equal(model, initial)
    assert torch.equal(state, torch.get_rng_state())
    assert threads == torch.get_num_threads()


def test_the_seed_depends_on_project_round_and_account() -> None:
    seeds = {
        compute_training_seed(PROJECT, 0, ALICE),
        compute_training_seed(ProjectId(bytes(32)), 0, ALICE),
        compute_training_seed(PROJECT, 1, ALICE),
        compute_training_seed(PROJECT, 0, BOB),
    }
    assert len(seeds) == 4
    assert compute_training_seed(PROJECT, 0, ALICE) == compute_training_seed(PROJECT, 0, ALICE)


def test_the_rounds_phase_of_the_schedule_is_used(initial: ParameterVector, data: tuple[Dataset, Dataset]) -> None:
    spec = parse_project_spec(make_spec_text(compute_cid(b""), epochs=2, later_epochs=3))
    assert [train_locally(spec, r, initial, data[1], 1, threads=1).steps for r in (0, 9, 10)] == [
        2 * 17,
        2 * 17,
        3 * 17,
    ]


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.0), (0.5, 0.01)])
def test_a_step_is_that_of_torchs_own_optimiser_to_the_bit(momentum: float, weight_decay: float) -> None:
    generator = torch.Generator().manual_seed(1)
    ours, theirs = (
        [torch.randn(5, 4, generator=generator.manual_seed(seed)).requires_grad_() for seed in (1, 2)] for _ in "ab"
    )
    optimiser = torch.optim.SGD(theirs, lr=0.1, momentum=momentum, weight_decay=weight_decay)
    velocities = [torch.zeros_like(weight) for weight in ours]
    phase = TrainingPhase(
        first_round=0, epochs=1, batch_size=1, learning_rate=0.1, momentum=momentum, weight_decay=weight_decay
    )
    for _ in range(5):
        gradients = [torch.randn(5, 4, generator=generator) for _ in ours]
        _descend(ours, velocities, gradients, phase)
        for weight, gradient in zip(theirs, gradients, strict=True):
            weight.grad = gradient
        optimiser.step()
        assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))


def test_progress_counts_every_step(spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset]) -> None:
    seen: list[TrainingProgress] = []
    update = train_locally(spec, 0, initial, data[1], 1, threads=1, report=seen.append)

    assert [progress.step for progress in seen] == list(range(1, update.steps + 1))
    assert {progress.steps for progress in seen} == {update.steps}
    assert seen[-1].epoch == spec.get_training(0).epochs


def test_a_loss_that_becomes_nan_is_refused_with_advice(
    initial: ParameterVector, data: tuple[Dataset, Dataset]
) -> None:
    spec = parse_project_spec(make_spec_text(compute_cid(b""), learning_rate=100.0, momentum=0.99, epochs=50))
    wild = dataclasses.replace(data[1], features=data[1].features * np.float32(1e18))
    with pytest.raises(MalformedUpdateError, match="diverged") as caught:
        train(spec, initial, wild)
    assert "learning rate" in caught.value.hint


def test_an_update_that_is_not_finite_is_refused_even_if_every_loss_was(initial: ParameterVector) -> None:
    """One step, whose loss is finite and whose gradient is not."""
    spec = parse_project_spec(make_spec_text(compute_cid(b""), epochs=1, learning_rate=100.0))
    largest = np.finfo(np.float32).max
    features = np.zeros((2, 64), np.float32)
    features[:, 0] = largest
    parameters = np.zeros_like(initial)
    # One hidden unit sees the huge feature with a tiny weight; the last layer has a bias only where the label is not.
    names = {name: index for index, name in enumerate(sorted(spec.model.shapes))}
    offset = sum(int(np.prod(spec.model.shapes[name])) for name in sorted(names)[: names["layers.0.weight"]])
    parameters[offset] = 1e-38
    start = sum(int(np.prod(spec.model.shapes[name])) for name in sorted(names)[: names["layers.1.weight"]])
    parameters[start] = -1.0
    with pytest.raises(MalformedUpdateError) as caught:
        train(spec, parameters, build_dataset(features, np.zeros(2), 10))
    assert "NaN or infinite" in str(caught.value)


@pytest.mark.parametrize("device", ["nowhere", "meta"])
def test_an_unknown_device_is_refused(
    spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset], device: str
) -> None:
    with pytest.raises(ConfigError, match=device):
        train_locally(spec, 0, initial, data[1], 1, device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_missing_gpu_is_named(spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset]) -> None:
    with pytest.raises(ConfigError, match="CUDA"):
        evaluate(spec.model, initial, data[1], device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_the_same_model(
    spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset]
) -> None:
    cpu = train(spec, initial, data[1])
    gpu = train_locally(spec, 0, initial, data[1], 1, device="cuda")
    assert np.allclose(cpu.delta, gpu.delta, atol=1e-3)


def test_evaluation_is_the_same_in_one_batch_and_in_many(
    spec: ProjectSpec, initial: ParameterVector, data: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate(spec.model, initial, data[1], threads=1)
    monkeypatch.setattr("trainer_client.training._EVALUATION_BATCH", 100)
    parts = evaluate(spec.model, initial, data[1], threads=1)
    assert parts.accuracy == whole.accuracy
    assert parts.loss == pytest.approx(whole.loss)
