"""Nothing but a good call is accepted: every byte and field changed, off chain and in the EVM, and a million at random.

Of the random changes, by `tests.gram_mutations.MUTATIONS`, 54 % leave a call whose every field is well-formed, so that
the pairing equation alone refuses it; 30 % are refused for a point off the curve or outside the subgroup, 11 % for a
scalar that is not below the group order, 5 % for a length. The long suites hold themselves to `LEAST` of each. Every
call gets a verdict of its own from `verify_gram`, 1.7 ms on average, nearly all of it in the curve library.

The random suites take their size from `STEELYARD_MUTATIONS` and `STEELYARD_EVM_MUTATIONS`, their seed from
`STEELYARD_MUTATION_SEED`. The million says on stderr how far it is.
"""

import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from scripts.gram_cases import REJECTED, Case
from scripts.gram_lies import tamper
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from tests import evm_verifier
from tests.evm_verifier import EvmVerifier
from tests.gram_mutations import (
    ACCEPTED,
    MUTATIONS,
    PARTS,
    Pool,
    count_verdicts,
    judge,
    make_ethereum_pools,
    make_small_pools,
    mutate,
    replace,
)

SEED = int(os.environ.get("STEELYARD_MUTATION_SEED", "20240229"))
OFF_CHAIN = int(os.environ.get("STEELYARD_MUTATIONS", "1000000"))
IN_EVM = int(os.environ.get("STEELYARD_EVM_MUTATIONS", "10000"))
ETHEREUM_SHARE = 4  # one in so many of the changes off chain is over the ceremony
CHUNK = 5_000
PROGRESS = 10  # chunks

LEAST = {"pairing equation": 0.5, "invalid point": 0.2, "non-canonical scalar": 0.07, "shape": 0.03}
"""Share of the random changes that each check must have refused: a suite that stops at the door shows little."""
WELL_FORMED = {
    "draw_whole_proof",
    "exchange_fields",
    "join_proofs",
    "replace_one_field",
    "replace_several_fields",
    "take_foreign_parts",
}
"""Changes that put well-formed fields in place of others: nothing but the pairing equation can refuse them."""

CHECKS = {
    REJECTED: "pairing equation",
    "InvalidPoint": "invalid point",
    "NonCanonicalScalar": "non-canonical scalar",
    "InvalidLength": "shape",
    "InvalidSize": "shape",
}


def change_every_byte(case: Case) -> Iterator[Case]:
    """Each byte of the call alone, to a value that a seed chooses."""
    rng = random.Random(SEED)
    for part in PARTS:
        data: bytes = getattr(case, part)
        for at in range(len(data)):
            yield replace(case, part, data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :])


def report(capsys: pytest.CaptureFixture[str], where: str, verdicts: Counter[str], seconds: float) -> None:
    """One line that a long run leaves behind."""
    by_check = ", ".join(f"{check} {count:,}" for check, count in verdicts.most_common())
    with capsys.disabled():
        sys.stderr.write(
            f"\n{where}: {verdicts.total():,} changed calls in {seconds:,.0f} s, {verdicts[ACCEPTED]} accepted; "
            f"refused by {by_check}\n"
        )
        sys.stderr.flush()


def count_checks(verdicts: Counter[tuple[str, str]]) -> Counter[str]:
    """How many each check refused, whatever the change was."""
    by_check: Counter[str] = Counter()
    for (_, verdict), count in verdicts.items():
        by_check[verdict] += count
    return by_check


def find_idle_checks(verdicts: Counter[str]) -> dict[str, float]:
    """The checks that refused less than their share, with what they refused."""
    shares = {check: verdicts[check] / verdicts.total() for check in LEAST}
    return {check: share for check, share in shares.items() if share < LEAST[check]}


@pytest.mark.parametrize("pool", make_small_pools()[:3], ids=lambda pool: pool.good[0].name)
def test_no_call_with_one_changed_byte_is_accepted(pool: Pool) -> None:
    case = pool.good[0]
    assert judge(pool.srs, case) == ACCEPTED
    verdicts = Counter(judge(pool.srs, changed) for changed in change_every_byte(case))
    assert verdicts[ACCEPTED] == 0
    assert verdicts.total() == sum(len(getattr(case, part)) for part in PARTS)


@pytest.mark.parametrize("pool", make_small_pools()[1:3], ids=lambda pool: pool.good[0].name)
def test_no_call_with_one_changed_field_is_accepted_and_the_right_check_refuses_it(pool: Pool) -> None:
    lies = list(tamper(pool.good[0]))
    wrong = [
        (lie.name, verdict) for lie in lies if (verdict := judge(pool.srs, lie)) != CHECKS[lie.expected_error or ""]
    ]
    assert wrong == []
    assert len(lies) > 130


def test_random_changes_are_refused() -> None:
    verdicts = count_verdicts(SEED, 500, ethereum=False)
    assert not [change for change, verdict in verdicts if verdict == ACCEPTED]
    assert {verdict for _, verdict in verdicts} == set(LEAST), "every check has something to refuse"


@pytest.fixture(scope="module")
def evm(devnet: Devnet, deployment: Deployment) -> EvmVerifier:
    return EvmVerifier.of(devnet, deployment)


@pytest.mark.chain
def test_the_contract_accepts_no_call_with_one_changed_byte(evm: EvmVerifier) -> None:
    pool = make_ethereum_pools()[0]
    changed = list(change_every_byte(pool.good[0]))
    accepted, *verdicts = evm.judge([pool.good[0], *changed])
    assert accepted == evm_verifier.ACCEPTED
    assert set(verdicts) == {"ProofRejected", "InvalidPoint", "NonCanonicalScalar"}


@pytest.mark.chain
def test_the_contract_refuses_every_changed_field_of_a_fresh_proof_for_its_fault(evm: EvmVerifier) -> None:
    lies = list(tamper(make_ethereum_pools()[0].good[0]))
    verdicts = evm.judge(lies)
    assert [
        (lie.name, verdict) for lie, verdict in zip(lies, verdicts, strict=True) if verdict != lie.expected_error
    ] == []


@pytest.mark.deep
@pytest.mark.chain
@pytest.mark.parametrize("k", [1, 2])
def test_the_contract_accepts_no_call_with_one_changed_byte_of_a_larger_statement(k: int, evm: EvmVerifier) -> None:
    verdicts = evm.judge(list(change_every_byte(make_ethereum_pools()[k].good[0])))
    assert evm_verifier.ACCEPTED not in verdicts


@pytest.mark.deep
@pytest.mark.chain
def test_ten_thousand_random_changes_are_refused_in_the_evm(
    evm: EvmVerifier, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    rng = random.Random(SEED)
    pools = make_ethereum_pools()
    assert set(evm.judge([case for pool in pools for case in pool.good])) == {evm_verifier.ACCEPTED}
    verdicts: Counter[str] = Counter()
    while verdicts.total() < IN_EVM:
        cases = [mutate(rng, rng.choice(pools))[1] for _ in range(min(1_000, IN_EVM - verdicts.total()))]
        verdicts.update(CHECKS[verdict] if verdict else ACCEPTED for verdict in evm.judge(cases))
    report(capsys, "EVM", verdicts, time.monotonic() - start)
    assert verdicts[ACCEPTED] == 0
    assert verdicts.total() == IN_EVM
    assert find_idle_checks(verdicts) == {}


@pytest.mark.deep
def test_a_million_random_changes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    start = time.monotonic()
    chunks = range(-(-OFF_CHAIN // CHUNK))
    verdicts: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as workers:
        jobs = [
            workers.submit(
                count_verdicts,
                SEED + chunk,
                min(CHUNK, OFF_CHAIN - chunk * CHUNK),
                ethereum=chunk % ETHEREUM_SHARE == 0,
            )
            for chunk in chunks
        ]
        for done, job in enumerate(jobs, start=1):
            verdicts += job.result()
            if done % PROGRESS == 0 or done == len(jobs):
                report(capsys, "off chain", count_checks(verdicts), time.monotonic() - start)
    assert not [change for change, verdict in verdicts if verdict == ACCEPTED]
    assert verdicts.total() == OFF_CHAIN
    assert find_idle_checks(count_checks(verdicts)) == {}
    assert {verdict for change, verdict in verdicts if change in WELL_FORMED} == {"pairing equation"}
    assert {change for change, _ in verdicts} == {change.__name__ for change in MUTATIONS}
