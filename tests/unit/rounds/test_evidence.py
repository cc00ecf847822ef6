"""Evidence bundles from end to end: every known answer is accepted, every change of a weight, share or order is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import CommitmentMismatchError, EvidenceError, ProofRejectedError
from steelyard.gram import (
    GramStatement,
    Srs,
    commit,
    compute_aggregate_blinders,
    compute_gram,
    derive_blinders,
    hash_commitment,
    load_ethereum_srs,
    prove_gram,
)
from steelyard.gram.evidence import EvidenceBundle, dump_bundle, parse_bundle
from steelyard.gram.proof import encode_gram
from steelyard.rounds.evidence import verify_bundle_aggregate, verify_evidence, verify_weighing, weigh_bundle
from steelyard.rules import compute_shares, get_rule
from steelyard.types import Address, ProjectId, Seed
from steelyard.updates.aggregate import compute_aggregate
from tests.gram_matrices import build_honest_vectors

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "gram").glob("ev_*.json"))


@pytest.fixture(scope="module")
def srs() -> Srs:
    return load_ethereum_srs()


@pytest.fixture(params=VECTORS, ids=lambda path: path.stem)
def known(request: pytest.FixtureRequest) -> EvidenceBundle:
    path: Path = request.param
    return parse_bundle(path.read_text())


@pytest.fixture(scope="module")
def bundle() -> EvidenceBundle:
    return parse_bundle(next(path for path in VECTORS if path.stem == "ev_7_2410_bad").read_text())


def replace_at(values: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*values[:index], value, *values[index + 1 :])


def test_known_answers_are_accepted(srs: Srs, known: EvidenceBundle) -> None:
    verify_evidence(srs, known)


def test_any_changed_weight_is_rejected_by_its_row(known: EvidenceBundle) -> None:
    for row, weight in enumerate(known.weights):
        for changed in (weight + 1, weight - 1):
            with pytest.raises(EvidenceError, match=rf"the weight of row {row} is {weight}, the bundle says {changed}"):
                verify_weighing(replace(known, weights=replace_at(known.weights, row, changed)))


def test_any_changed_share_is_rejected_by_its_row(known: EvidenceBundle) -> None:
    for row, share in enumerate(known.shares):
        for changed in (share + 1, share - 1):
            with pytest.raises(EvidenceError, match=rf"the share of row {row} is {share}, the bundle says {changed}"):
                verify_weighing(replace(known, shares=replace_at(known.shares, row, changed)))


def test_any_changed_gram_entry_is_rejected(srs: Srs, bundle: EvidenceBundle) -> None:
    for place in range(7, len(bundle.gram), 8):
        gram = bytearray(bundle.gram)
        gram[place] ^= 1
        with pytest.raises(ProofRejectedError):
            verify_evidence(srs, replace(bundle, gram=bytes(gram)))


def test_any_two_rows_exchanged_are_rejected(srs: Srs, bundle: EvidenceBundle) -> None:
    for row in range(bundle.n - 1):
        order = list(range(bundle.n))
        order[row], order[row + 1] = order[row + 1], order[row]
        trainers = tuple(bundle.trainers[i] for i in order)
        hashes = tuple(bundle.commitment_hashes[i] for i in order)
        for changed in (
            replace(bundle, trainers=trainers),
            replace(bundle, trainers=trainers, commitment_hashes=hashes),
        ):
            with pytest.raises(ProofRejectedError):
                verify_evidence(srs, changed)


def test_weights_and_shares_in_another_order_are_rejected(bundle: EvidenceBundle) -> None:
    with pytest.raises(EvidenceError, match="the weight of row 1"):
        verify_weighing(replace(bundle, weights=(*bundle.weights[:1], *bundle.weights[2:], bundle.weights[1])))
    with pytest.raises(EvidenceError, match="the share of row 0"):
        verify_weighing(replace(bundle, shares=bundle.shares[::-1]))


@pytest.mark.parametrize(
    "changes",
    [
        {"f": 1},
        {"rule_name": "multi-krum"},
        {"budget": 10**18 + 1000},
        {"weights": ()},
        {"shares": (1,) * 8},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_rule_budget_or_length_is_rejected(bundle: EvidenceBundle, changes: dict[str, object]) -> None:
    with pytest.raises(EvidenceError, match="row"):
        verify_weighing(replace(bundle, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rule_name": "median"}, "unknown rule 'median'"),
        ({"f": 3}, "with f = 3"),
        ({"d": 0}, "out of range"),
        ({"gram": b"\x80" + bytes(223)}, "squared norm"),
        ({"trainers": (Address("0x0"),) * 33}, "33 rows"),
    ],
)
def test_what_no_rule_can_weigh_is_rejected_with_the_reason(
    bundle: EvidenceBundle, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(EvidenceError, match=reason):
        weigh_bundle(replace(bundle, **changes))  # type: ignore[arg-type]


class Round:
    """A round of our own, with its updates and its aggregate: the vectors keep theirs secret."""

    def __init__(self, srs: Srs, n: int = 4, d: int = 300) -> None:
        updates = build_honest_vectors(n, d, seed=3).astype(np.int16)
        seeds = [Seed(bytes([i]) * 32) for i in range(1, n + 1)]
        commitments = [commit(srs, update, seed) for update, seed in zip(updates, seeds, strict=True)]
        blinders = [derive_blinders(seed, 1) for seed in seeds]
        gram = compute_gram(updates)
        weighing = get_rule("clip-nnm-multi-krum").weigh(gram, 0, d)
        self.aggregate = compute_aggregate(list(updates), weighing.weights)
        unproved = EvidenceBundle(
            chain_id=31337,
            marketplace=Address("0x" + "11" * 20),
            project_id=ProjectId(bytes(32)),
            round_index=4,
            trainers=tuple(Address("0x" + f"{i:02d}" * 20) for i in range(1, n + 1)),
            commitment_hashes=tuple(map(hash_commitment, commitments)),
            d=d,
            powers=srs.powers,
            blocks=1,
            commitments=b"".join(commitments),
            gram=encode_gram(gram),
            proof=None,  # type: ignore[arg-type]
            rule_name="clip-nnm-multi-krum",
            f=0,
            weights=weighing.weights,
            budget=10**21,
            shares=compute_shares(10**21, weighing.contributions).shares,
            aggregate_cid="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
            aggregate_blinders=compute_aggregate_blinders(blinders, weighing.weights),
        )
        statement: GramStatement = unproved.statement
        self.bundle = replace(unproved, proof=prove_gram(srs, statement, updates, blinders))


@pytest.fixture(scope="module")
def played(srs: Srs) -> Round:
    return Round(srs)


def test_a_round_of_our_own_is_accepted_after_a_trip_through_json(srs: Srs, played: Round) -> None:
    assert parse_bundle(dump_bundle(played.bundle)) == played.bundle
    verify_evidence(srs, played.bundle)


def test_the_aggregate_opens_and_no_other_does(srs: Srs, played: Round) -> None:
    verify_bundle_aggregate(srs, played.bundle, played.aggregate)
    for place in (0, 150, 299):
        other = played.aggregate.copy()
        other[place] += 1
        with pytest.raises(CommitmentMismatchError):
            verify_bundle_aggregate(srs, played.bundle, other)


def test_an_aggregate_does_not_open_with_other_blinders_or_weights(srs: Srs, played: Round) -> None:
    assert played.bundle.aggregate_blinders is not None
    blinder = (played.bundle.aggregate_blinders[0] + 1) % BLS12_381_ORDER
    weights = replace_at(played.bundle.weights, 0, played.bundle.weights[0] + 1)
    for changed in (
        replace(played.bundle, aggregate_blinders=(blinder,)),
        replace(played.bundle, weights=weights),
    ):
        with pytest.raises(CommitmentMismatchError):
            verify_bundle_aggregate(srs, changed, played.aggregate)


def test_an_aggregate_needs_blinders_and_the_right_shape(srs: Srs, played: Round) -> None:
    with pytest.raises(EvidenceError, match="aggregateBlinders"):
        verify_bundle_aggregate(srs, replace(played.bundle, aggregate_blinders=None), played.aggregate)
    with pytest.raises(EvidenceError, match="300 entries"):
        verify_bundle_aggregate(srs, played.bundle, played.aggregate[:-1])
