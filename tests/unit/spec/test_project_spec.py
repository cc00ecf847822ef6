import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import SpecError
from steelyard.spec import (
    DataSpec,
    MlpSpec,
    NoPrivacy,
    ProjectSpec,
    QuantisationSpec,
    TrainingPhase,
    decode_project_spec,
    encode_project_spec,
    parse_project_spec,
)
from steelyard.storage.cid import compute_cid

INITIAL_MODEL = compute_cid(b"a model")
PHASE = {
    "first_round": 0,
    "epochs": 2,
    "batch_size": 32,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 1e-5,
}
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "title": "Handwritten digits",
    "task": "Tell the ten digits apart.\nImages of 8×8 pixels.",
    "model": {"name": "mlp", "layers": [64, 32, 10]},
    "initial_model": str(INITIAL_MODEL),
    "data": {"feature_shape": [8, 8], "classes": 10, "minimum": 0, "maximum": 1},
    "training": [PHASE, PHASE | {"first_round": 3, "learning_rate": 0.01}],
    "quantisation": {"scale": 4096, "l2_norm_clip": 10},
    "privacy": {"mechanism": "none"},
}


def change(path: str, value: object) -> dict[str, Any]:
    """The good document with one field replaced, or removed where `value` is `...`."""
    document: Any = copy.deepcopy(DOCUMENT)
    *outer, last = (int(key) if key.isdigit() else key for key in path.split("."))
    inner = document
    for key in outer:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return document  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("version", 2, "version"),
        ("version", ..., "version: Field required"),
        ("colour", "red", "colour: Extra inputs"),
        ("title", "", "title"),
        ("title", "x" * 121, "title"),
        ("title", " leading", "title: only printable"),
        ("title", "two\nlines", "title: only printable"),
        ("title", "\x1b[2Jcleared", "title: only printable"),
        ("title", "right\u202eto left", "title: only printable"),
        ("title", 5, "title"),
        ("task", "bell\x07", "task: only printable"),
        ("task", "x" * 4_001, "task"),
        ("model", {"name": "resnet"}, "model"),
        ("model.layers.1", -3, "model.mlp.layers.1"),
        ("initial_model", "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "initial_model: .*version 0"),
        ("initial_model", 7, "initial_model: .*string"),
        ("data.feature_shape", [8, 9], "data.feature_shape: the model does not take"),
        ("data.feature_shape", [], "data.feature_shape"),
        ("data.feature_shape", [2, 2, 2, 8], "data.feature_shape"),
        ("data.classes", 9, "10 outputs for 9 classes"),
        ("data.minimum", 1, "minimum 1.0 is not below maximum 1.0"),
        ("data.maximum", 1e10, "data.maximum"),
        ("data.maximum", "1", "data.maximum"),
        ("data.maximum", True, "data.maximum"),
        ("training", [], "training"),
        ("training", [PHASE] * 65, "training"),
        ("training.0.first_round", 1, r"training: .*\[1, 3\]"),
        ("training.1.first_round", 0, r"training: .*\[0, 0\]"),
        ("training.0.epochs", 0, "training.0.epochs"),
        ("training.0.batch_size", 4_097, "training.0.batch_size"),
        ("training.1.learning_rate", 0, "training.1.learning_rate"),
        ("training.1.learning_rate", 1e-7, "training.1.learning_rate"),
        ("training.1.learning_rate", 101, "training.1.learning_rate"),
        ("training.1.momentum", 1, "training.1.momentum"),
        ("training.1.momentum", -0.1, "training.1.momentum"),
        ("training.1.weight_decay", ..., "training.1.weight_decay: Field required"),
        ("quantisation.scale", 0, "quantisation.scale"),
        ("quantisation.scale", 4096.0, "quantisation.scale"),
        ("quantisation.scale", 2**33, "quantisation.scale"),
        ("quantisation.l2_norm_clip", 0, "quantisation.l2_norm_clip"),
        ("quantisation", {"scale": 10, "l2_norm_clip": 0.05}, "rounds to zero"),
        ("privacy.mechanism", "gaussian", "privacy.mechanism"),
        ("shortness", "optional", "shortness"),
        ("shortness", True, "shortness"),
    ],
)
def test_a_wrong_field_is_refused_by_its_path(path: str, value: object, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        parse_project_spec(json.dumps(change(path, value)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    text = json.dumps(DOCUMENT).replace("0.05", number)
    with pytest.raises(SpecError, match=r"learning_rate|JSON"):
        parse_project_spec(text)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(DOCUMENT),
        json.dumps(DOCUMENT, sort_keys=True, separators=(",", ":")),
        encode_project_spec(parse_project_spec(json.dumps(DOCUMENT))).decode() + "\n",
        encode_project_spec(parse_project_spec(json.dumps(DOCUMENT))).decode().replace('{"b', '{"epochs":9,"b', 1),
        encode_project_spec(parse_project_spec(json.dumps(DOCUMENT))).decode().replace('"maximum":1', '"maximum":1.0'),
        encode_project_spec(parse_project_spec(json.dumps(DOCUMENT))).decode().replace("×", "\\u00d7"),
    ],
    ids=["spaces", "escapes and floats", "line end", "repeated key", "float for integer", "escaped character"],
)
def test_what_is_not_canonical_is_valid_but_not_decoded(text: str) -> None:
    parse_project_spec(text)
    with pytest.raises(SpecError, match="canonical"):
        decode_project_spec(text.encode())


def test_the_canonical_text_is_that_of_rfc_8785() -> None:
    expected = (
        '{"confidential":false,"data":{"classes":10,"feature_shape":[8,8],"maximum":1,"minimum":0},'
        f'"initial_model":"{INITIAL_MODEL}",'
        '"model":{"layers":[64,32,10],"name":"mlp"},"privacy":{"mechanism":"none"},'
        '"quantisation":{"l2_norm_clip":10,"scale":4096},"sealing":"x25519","shortness":"required",'
        '"task":"Tell the ten digits apart.\\nImages of 8×8 pixels.","title":"Handwritten digits",'
        '"training":[{"batch_size":32,"epochs":2,"first_round":0,"learning_rate":0.05,"momentum":0.9,"weight_decay":0.00001},'
        '{"batch_size":32,"epochs":2,"first_round":3,"learning_rate":0.01,"momentum":0.9,"weight_decay":0.00001}],"version":1}'
    )
    assert encode_project_spec(parse_project_spec(json.dumps(DOCUMENT))) == expected.encode()


def test_a_specification_made_in_python_is_the_one_read_from_json() -> None:
    phase = TrainingPhase(
        first_round=0, epochs=2, batch_size=32, learning_rate=0.05, momentum=0.9, weight_decay=0.00001
    )
    spec = ProjectSpec(
        version=1,
        title="Handwritten digits",
        task="Tell the ten digits apart.\nImages of 8×8 pixels.",
        model=MlpSpec(name="mlp", layers=(64, 32, 10)),
        initial_model=INITIAL_MODEL,
        data=DataSpec(feature_shape=(8, 8), classes=10, minimum=0.0, maximum=1.0),
        training=(phase, phase.model_copy(update={"first_round": 3, "learning_rate": 0.01})),
        quantisation=QuantisationSpec(scale=4096, l2_norm_clip=10.0),
        privacy=NoPrivacy(mechanism="none"),
    )
    assert spec == parse_project_spec(json.dumps(DOCUMENT))
    assert decode_project_spec(encode_project_spec(spec)) == spec


@given(
    rate=st.one_of(st.floats(1e-6, 100), st.sampled_from([1e-6, 1.0, 100, 0.1 + 0.2, 1e-5 / 3])),
    minimum=st.one_of(st.just(-0.0), st.just(0.0), st.floats(-1e9, -1e-6)),
    title=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
        lambda text: text.isprintable() and text == text.strip()
    ),
)
def test_canonical_texts_round_trip_and_hold_no_exponents(rate: float, minimum: float, title: str) -> None:
    document = change("training.0.learning_rate", rate) | {"title": title}
    document["data"]["minimum"] = minimum
    spec = parse_project_spec(json.dumps(document))
    text = encode_project_spec(spec)
    assert decode_project_spec(text) == spec
    again = json.loads(text)
    assert (again["training"][0]["learning_rate"], again["data"]["minimum"], again["title"]) == (rate, minimum, title)
    numbers = json.dumps([again["data"]["minimum"], again["training"]])
    assert b"-0," not in text
    assert "E" not in numbers
    learning_rate = text.split(b'"learning_rate":')[1].split(b",")[0]
    assert b"e" not in learning_rate


@pytest.mark.parametrize(("round_index", "rate"), [(0, 0.05), (2, 0.05), (3, 0.01), (4, 0.01), (10**6, 0.01)])
def test_the_phase_of_a_round_is_the_last_that_began(round_index: int, rate: float) -> None:
    spec = parse_project_spec(json.dumps(DOCUMENT))
    assert spec.get_training(round_index).learning_rate == rate


def test_specifications_updates_stores_and_model_files_need_no_torch() -> None:
    script = (
        "import sys, pkgutil, importlib, steelyard.spec, steelyard.updates, steelyard.storage\n"
        "for package in (steelyard.spec, steelyard.updates, steelyard.storage):\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "import steelyard.models.initial, steelyard.models.safetensors_io\n"
        "print('torch' in sys.modules)\n"
        "import steelyard.models.zoo\n"
        "print('torch' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["False", "True"]
