"""The Solidity rules and the Python rules give the same weights, contributions and strikes, to the last bit."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.chain.artifacts import artifact_names, load_artifact
from steelyard.chain.devnet import Devnet
from steelyard.constants import ONE
from steelyard.gram import encode_gram
from steelyard.rules import ON_CHAIN_RULES, Rule, Weighing, encode_hints
from steelyard.types import Gram
from tests.gram_matrices import build_honest_vectors, compute_gram, gram_matrices, symmetric_matrices

pytestmark = pytest.mark.chain

WEIGH = "weigh(bytes,uint256,uint256,uint256,bytes)"
OUTCOME = ["uint256[]", "uint256[]", "uint256"]
REVERTS = {
    keccak(text=signature)[:4]: signature.partition("(")[0]
    for signature in (
        "InvalidGramLength(uint256,uint256)",
        "TooFewRows(uint256,uint256)",
        "TooManyRows(uint256,uint256)",
        "NegativeNorm(uint256)",
        "InvalidHintLength(uint256,uint256)",
        "WrongHint(uint256,uint256)",
    )
}


@dataclass(frozen=True)
class Reverted:
    error: str


@dataclass(frozen=True)
class Evm:
    """The rules on a chain. Calls go out in batches: one HTTP request for many matrices."""

    http: httpx.Client
    rules: dict[str, str]
    """Name → contract address."""

    def request(self, method: str, *params: object) -> Any:
        answer = self.http.post("/", json={"jsonrpc": "2.0", "id": 0, "method": method, "params": params}).json()
        assert "error" not in answer, answer
        return answer["result"]

    def deploy(self, bytecode: bytes, address: str) -> None:
        """Puts the code that a constructor returns at an address, without waiting for a block."""
        self.request("anvil_setCode", address, self.request("eth_call", {"data": "0x" + bytecode.hex()}, "latest"))

    def call(self, name: str, calls: list[tuple[bytes, int, int, int, bytes]]) -> list[Any]:
        """`weigh` of each argument tuple: `(weights, contributions, opposed)` or `Reverted`."""
        selector = keccak(text=WEIGH)[:4]
        batch = [
            {
                "jsonrpc": "2.0",
                "id": index,
                "method": "eth_call",
                "params": [
                    {
                        "to": self.rules[name],
                        "data": "0x"
                        + (selector + encode(["bytes", "uint256", "uint256", "uint256", "bytes"], arguments)).hex(),
                    },
                    "latest",
                ],
            }
            for index, arguments in enumerate(calls)
        ]
        answers = sorted(self.http.post("/", json=batch).json(), key=lambda answer: int(answer["id"]))
        return [self._read(answer) for answer in answers]

    @staticmethod
    def _read(answer: dict[str, Any]) -> Any:
        if "error" in answer:
            data = bytes.fromhex(str(answer["error"].get("data", "0x"))[2:])
            return Reverted(REVERTS.get(data[:4], answer["error"]["message"]))
        return decode(OUTCOME, bytes.fromhex(answer["result"][2:]))


@pytest.fixture(scope="module")
def evm(shared_devnet: Devnet) -> Iterator[Evm]:
    with httpx.Client(base_url=shared_devnet.url, timeout=60) as http:
        unnamed = Evm(http, {})
        rules = {}
        artifacts = [load_artifact(name) for name in artifact_names()]
        for number, artifact in enumerate(artifacts):
            if artifact.bytecode and any(entry.get("name") == "weigh" for entry in artifact.abi):
                address = f"0x{0xC0DE0000 + number:040x}"
                unnamed.deploy(artifact.bytecode, address)
                call = {"to": address, "data": "0x" + keccak(text="name()")[:4].hex()}
                name = decode(["string"], bytes.fromhex(unnamed.request("eth_call", call, "latest")[2:]))[0]
                rules[name] = address
        yield Evm(http, rules)


def get_outcome(weighing: Weighing) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    return weighing.weights, weighing.contributions, sum(1 << row for row in weighing.opposed)


def get_call(weighing: Weighing) -> tuple[bytes, int, int, int, bytes]:
    gram = weighing.gram
    return encode_gram(gram), len(gram), weighing.f, weighing.d, encode_hints(weighing)


def fit(rule: Rule, gram: Gram, f: int, d: int) -> tuple[Gram, int, int]:
    """The case for a rule. For a rooted one the last row is the root, and `f` is what the others tolerate at most."""
    if not rule.rooted:
        return gram, f, d
    if len(gram) == 3:
        gram = np.pad(gram, (0, 1), mode="edge")
    return gram, min(f, (len(gram) - 4) // 2), d


def assert_equal_on_chain(evm: Evm, cases: list[tuple[Gram, int, int]]) -> None:
    for name, rule in ON_CHAIN_RULES.items():
        fitted = [fit(rule, *case) for case in cases]
        weighings = [rule.weigh(*case) for case in fitted]
        answers = evm.call(name, [get_call(weighing) for weighing in weighings])
        for case, weighing, answer in zip(fitted, weighings, answers, strict=True):
            assert answer == get_outcome(weighing), (name, case)


def test_every_rule_is_written_in_both_languages(evm: Evm) -> None:
    assert evm.rules.keys() == ON_CHAIN_RULES.keys()


@settings(max_examples=52, deadline=None, database=None)
@given(st.lists(gram_matrices(), min_size=10, max_size=10))
def test_rules_are_equal_on_hostile_matrices(evm: Evm, cases: list[tuple[Gram, int, int]]) -> None:
    """520 matrices for each rule: clones, ties, zero rows, opposites, huge norms, every `n` and `f`, any `d`."""
    assert_equal_on_chain(evm, cases)


@settings(max_examples=20, deadline=None, database=None)
@given(st.lists(symmetric_matrices(), min_size=10, max_size=10))
def test_rules_are_equal_on_any_symmetric_matrix(evm: Evm, cases: list[tuple[Gram, int, int]]) -> None:
    """200 matrices for each rule that are no Gram matrices of anything, up to the largest int64."""
    assert_equal_on_chain(evm, cases)


def test_rules_are_equal_on_training_rounds(evm: Evm) -> None:
    """Updates with a common direction, where payments and strikes happen; every `n`, the least and largest `f`."""
    cases = []
    for n in range(3, 33):
        vectors = build_honest_vectors(n, noise=2.0, seed=n)
        vectors[: n // 4] *= -3
        vectors[-1] = vectors[-2]
        cases += [(compute_gram(vectors), f, 400) for f in {0, (n - 3) // 2}]
    assert_equal_on_chain(evm, cases)
    for rule in (ON_CHAIN_RULES["multi-krum"], ON_CHAIN_RULES["nna"], ON_CHAIN_RULES["fltrust"]):
        outcomes = [rule.weigh(*fit(rule, *case)) for case in cases]
        assert any(weighing.opposed for weighing in outcomes)
        assert any(weighing.has_quorum for weighing in outcomes)


def test_trust_is_equal_where_it_is_odd(evm: Evm) -> None:
    """No root, rows of no length, rows at the end of the range, weights at their bound, roots that are copies."""
    rng = random.Random(1)
    largest = 2**63 - 1
    choices = (0, 1, -1, 2, 15, 16, 17, 2**31, -(2**31), largest, -largest - 1)
    cases = []
    for _ in range(300):
        n = rng.randint(4, 32)
        gram = np.zeros((n, n), dtype=object)
        for i, j in itertools.combinations_with_replacement(range(n), 2):
            gram[i, j] = gram[j, i] = rng.choice(choices)
        for i in range(n):
            gram[i, i] = min(abs(gram[i, i]), largest)
        cases.append((gram, rng.randint(0, (n - 4) // 2), rng.choice((1, 400, 2**32 - 1))))
    rule = ON_CHAIN_RULES["fltrust"]
    weighings = [rule.weigh(*case) for case in cases]
    assert {weight for weighing in weighings for weight in weighing.weights} >= {0, ONE, 16 * ONE}
    answers = evm.call("fltrust", [get_call(weighing) for weighing in weighings])
    assert answers == [get_outcome(weighing) for weighing in weighings]


def test_rules_are_equal_at_the_ends_of_the_range(evm: Evm) -> None:
    """The largest entries that an int64 holds, all alike, all opposed, and all against one; zero; the largest `d`."""
    largest = 2**63 - 1
    cases = []
    for n in (3, 8, 32):
        signs = np.array([(-1) ** i for i in range(n)], dtype=object)
        one_against = np.array([-1] + [1] * (n - 1), dtype=object)
        patterns = (np.zeros((n, n), dtype=object), np.full((n, n), 1, dtype=object), np.outer(signs, signs))
        for pattern, d in itertools.product((*patterns, np.outer(one_against, one_against)), (1, 16, 2**32 - 1)):
            cases += [(pattern * largest, f, d) for f in {0, (n - 3) // 2}]
    assert_equal_on_chain(evm, cases)


@pytest.mark.parametrize("name", ["screen-clip-nnm-multi-krum", "clip-nnm-multi-krum", "multi-krum", "nna"])
@pytest.mark.parametrize("n", [3, 7, 32])
def test_any_flipped_bit_of_a_hint_reverts(evm: Evm, name: str, n: int) -> None:
    f = (n - 3) // 2
    for gram in (compute_gram(build_honest_vectors(n, noise=2.0, seed=n)), np.full((n, n), 5, dtype=object)):
        right = get_call(ON_CHAIN_RULES[name].weigh(gram, f, 400))
        bits = 8 * len(right[4])
        flipped = random.Random(n).sample(range(bits), min(bits, 150))
        calls = []
        for bit in flipped:
            hints = bytearray(right[4])
            hints[bit // 8] ^= 1 << bit % 8
            calls.append((*right[:4], bytes(hints)))
        assert set(evm.call(name, calls)) == {Reverted("WrongHint")}


@pytest.mark.parametrize("name", ["screen-clip-nnm-multi-krum", "clip-nnm-multi-krum", "multi-krum", "nna"])
def test_a_set_of_the_right_size_with_a_wrong_member_reverts(evm: Evm, name: str) -> None:
    """Swaps one member of each set for one outside it: nothing but the order tells that the set is wrong."""
    n, f = 9, 3
    right = get_call(ON_CHAIN_RULES[name].weigh(compute_gram(build_honest_vectors(n, noise=2.0)), f, 400))
    masks = np.frombuffer(right[4], dtype=">u4")
    calls = []
    for place, mask in enumerate(masks.tolist()):
        inside = [i for i in range(n) if mask >> i & 1]
        outside = [i for i in range(n) if not mask >> i & 1]
        for member, other in itertools.product(inside, outside):
            swapped = masks.copy()
            swapped[place] = mask ^ (1 << member) ^ (1 << other)
            calls.append((*right[:4], swapped.tobytes()))
    assert set(evm.call(name, calls)) == {Reverted("WrongHint")}


@pytest.mark.parametrize("name", ON_CHAIN_RULES)
def test_malformed_calls_revert_with_the_reason(evm: Evm, name: str) -> None:
    rooted = ON_CHAIN_RULES[name].rooted
    right = get_call(ON_CHAIN_RULES[name].weigh(compute_gram(build_honest_vectors(7 + rooted)), 2, 400))
    gram, n, f, d, hints = right
    negative = bytes([gram[0] | 0x80]) + gram[1:]
    calls = [
        (negative, n, f, d, hints),
        (gram[:-8], n, f, d, hints),
        (gram + bytes(8), n, f, d, hints),
        (gram, n, f + 1, d, hints),
        (gram, 33, f, d, hints),
        (gram, n, f, d, hints + bytes(4)),
        (gram, n, f, d, hints + bytes(1)),
    ]
    assert [answer.error for answer in evm.call(name, calls)] == [
        *("NegativeNorm", "InvalidGramLength", "InvalidGramLength", "TooFewRows", "TooManyRows"),
        *("InvalidHintLength", "InvalidHintLength"),
    ]
