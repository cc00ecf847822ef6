import hashlib
import math

import numpy as np

from steelyard.models.initial import compute_initial_parameters
from steelyard.spec import CnnSpec, MlpSpec
from steelyard.updates.flatten import unflatten_parameters

MLP = MlpSpec(name="mlp", layers=(64, 32, 10))
CNN = CnnSpec(name="cnn", height=28, width=28, channels=(8, 16), classes=10)


def test_the_initial_model_is_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(compute_initial_parameters(MLP, seed=2_023).astype("<f4").tobytes()).hexdigest()
    assert digest == "91619ba94c6afa7f1f38f89c839a60e5dc26cf7527c816d63b08adf6b4190c72"


def test_another_seed_gives_another_model() -> None:
    assert not np.array_equal(compute_initial_parameters(MLP, 1), compute_initial_parameters(MLP, 2))


def test_each_layer_is_uniform_within_its_fan_in() -> None:
    parameters = unflatten_parameters(compute_initial_parameters(CNN, 0), CNN.shapes)
    fan_ins = {"convolutions.0": 9, "convolutions.1": 72, "classifier": 784}
    for name, array in parameters.items():
        bound = 1 / math.sqrt(fan_ins[name.rpartition(".")[0]])
        assert np.abs(array).max() <= bound, name
        if array.size > 500:
            assert np.abs(array).max() > 0.98 * bound, name
            np.testing.assert_allclose(array.std(), bound / math.sqrt(3), rtol=0.1)
            assert abs(array.mean()) < 0.1 * bound, name
