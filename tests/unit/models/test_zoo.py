import numpy as np
import pytest
import torch
from torch.nn import functional

from steelyard.errors import MalformedModelError
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.zoo import build_module, get_parameters, set_parameters
from steelyard.spec import CnnSpec, LogisticSpec, MlpSpec
from steelyard.updates.flatten import flatten_parameters, unflatten_parameters

SPECS: dict[str, LogisticSpec | MlpSpec | CnnSpec] = {
    "logistic": LogisticSpec(name="logistic", inputs=64, classes=10),
    "mlp": MlpSpec(name="mlp", layers=(64, 32, 10)),
    "deep mlp": MlpSpec(name="mlp", layers=(5, 4, 3, 4, 3, 4, 3, 4, 3, 4, 3, 2)),
    "cnn": CnnSpec(name="cnn", height=8, width=8, channels=(4, 8), classes=10),
    "odd cnn": CnnSpec(name="cnn", height=9, width=13, channels=(3, 2, 5), classes=3),
}


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> LogisticSpec | MlpSpec | CnnSpec:
    return SPECS[request.param]


def shape_of_examples(spec: LogisticSpec | MlpSpec | CnnSpec) -> tuple[int, ...]:
    match spec:
        case LogisticSpec():
            return (spec.inputs,)
        case MlpSpec():
            return (spec.layers[0],)
        case CnnSpec():
            return (spec.height, spec.width)


def test_the_module_has_the_names_and_shapes_of_its_specification(spec: LogisticSpec | MlpSpec | CnnSpec) -> None:
    module = build_module(spec)
    assert {name: tuple(parameter.shape) for name, parameter in module.named_parameters()} == spec.shapes
    assert list(module.buffers()) == [], "whatever is trained is a parameter: nothing else travels"
    assert sum(parameter.numel() for parameter in module.parameters()) == spec.dimension


def test_the_module_gives_one_logit_per_class(spec: LogisticSpec | MlpSpec | CnnSpec) -> None:
    assert spec.accepts(shape_of_examples(spec))
    logits = build_module(spec)(torch.zeros(7, *shape_of_examples(spec)))
    assert logits.shape == (7, spec.classes)


def test_images_may_come_with_or_without_a_channel_axis() -> None:
    spec, images = SPECS["odd cnn"], torch.rand(4, 9, 13)
    module = build_module(spec)
    assert spec.accepts((1, 9, 13))
    assert torch.equal(module(images), module(images.unsqueeze(1)))


def test_a_perceptron_flattens_its_examples() -> None:
    module, features = build_module(SPECS["mlp"]), torch.rand(4, 8, 8)
    assert SPECS["mlp"].accepts((8, 8))
    assert torch.equal(module(features), module(features.flatten(1)))


def test_an_mlp_computes_what_its_parameters_say() -> None:
    spec = MlpSpec(name="mlp", layers=(6, 5, 4, 3))
    parameters = unflatten_parameters(compute_initial_parameters(spec, 3), spec.shapes)
    module = build_module(spec)
    set_parameters(module, parameters)
    features = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    hidden = features
    for layer in range(3):
        hidden = hidden @ parameters[f"layers.{layer}.weight"].T + parameters[f"layers.{layer}.bias"]
        hidden = np.maximum(hidden, 0) if layer < 2 else hidden
    np.testing.assert_allclose(module(torch.from_numpy(features)).detach().numpy(), hidden, rtol=1e-4, atol=1e-6)


def test_parameters_set_are_the_ones_got(spec: LogisticSpec | MlpSpec | CnnSpec) -> None:
    vector = compute_initial_parameters(spec, seed=5)
    module = build_module(spec)
    set_parameters(module, unflatten_parameters(vector, spec.shapes))
    assert flatten_parameters(get_parameters(module), spec.shapes).tobytes() == vector.tobytes()


def test_parameters_are_copied_both_ways() -> None:
    spec = SPECS["logistic"]
    vector = compute_initial_parameters(spec, seed=5)
    module = build_module(spec)
    set_parameters(module, unflatten_parameters(vector, spec.shapes))
    got = get_parameters(module)
    got["layers.0.bias"][:] = 9
    vector[:] = 9
    assert not any((array == 9).any() for array in get_parameters(module).values())


def test_parameters_of_another_model_are_refused() -> None:
    module = build_module(SPECS["logistic"])
    for other in ("mlp", "cnn"):
        foreign = unflatten_parameters(compute_initial_parameters(SPECS[other], 0), SPECS[other].shapes)
        with pytest.raises(MalformedModelError):
            set_parameters(module, foreign)


@pytest.mark.parametrize("name", ["logistic", "mlp", "cnn"])
def test_the_initial_parameters_can_be_trained(name: str) -> None:
    spec = SPECS[name]
    module = build_module(spec)
    set_parameters(module, unflatten_parameters(compute_initial_parameters(spec, 1), spec.shapes))
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 10
    templates = torch.rand(10, 8, 8, generator=generator)
    features = templates[labels] + 0.1 * torch.randn(200, 8, 8, generator=generator)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(module(features), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    accuracy = (module(features).argmax(1) == labels).float().mean().item()
    assert accuracy > 0.9, accuracy
