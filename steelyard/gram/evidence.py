"""Evidence bundles: a settled round as a JSON file that an outsider verifies offline. Source: docs/proof.md, section 9.

Parsing is strict, so that one bundle has one meaning: no key missing, unknown or twice, one spelling for a number and
for a byte string, an address in lower case or with the right checksum.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from eth_utils.address import to_checksum_address

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import EvidenceError, ProofRejectedError
from steelyard.gram.points import POINT_BYTES, split_points
from steelyard.gram.proof import U32_MAX, GramProof, GramStatement, gram_length
from steelyard.gram.srs import Srs
from steelyard.gram.transcript import compute_context
from steelyard.gram.verifier import verify_commitment_hashes, verify_gram
from steelyard.types import Address, Digest, ProjectId

T = TypeVar("T")

VERSION: Final = 1
MAX_BUNDLE_BYTES: Final = 64 * 2**20

_MAX_BRACKETS: Final = 16
_UINT256_MAX: Final = 2**256 - 1
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_HEX: Final = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_CID: Final = re.compile(r"b[a-z2-7]{1,127}", re.ASCII)
_RULE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)

_KEYS: Final = frozenset(
    {
        *("version", "chainId", "marketplace", "projectId", "round", "trainers", "commitmentHashes"),
        *("n", "d", "N", "B", "commitments", "gram", "proof", "rule", "weights", "budget", "shares"),
    }
)
_AGGREGATE_KEYS: Final = frozenset({"aggregateCid", "aggregateBlinders"})
_PROOF_KEYS: Final = frozenset({"M", "t0", "S", "a", "aPrime", "s", "W", "omega"})
_RULE_KEYS: Final = frozenset({"name", "f"})


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """Everything public about one settled round. Rows of `G`, trainers, weights and shares are in the same order."""

    chain_id: int
    marketplace: Address
    project_id: ProjectId
    round_index: int
    trainers: tuple[Address, ...]
    commitment_hashes: tuple[Digest, ...]
    d: int
    powers: int
    """`N`, the number of powers of the SRS."""
    blocks: int
    """`B`."""
    commitments: bytes
    """`CS`, row by row."""
    gram: bytes
    """Upper triangle, as sent to the chain."""
    proof: GramProof
    rule_name: str
    f: int
    """Byzantine rows that the rule was told to tolerate."""
    weights: tuple[int, ...]
    budget: int
    """What the trainers of this round share, in the token's smallest unit."""
    shares: tuple[int, ...]
    aggregate_cid: str | None
    aggregate_blinders: tuple[int, ...] | None
    """`ρ_A^b`, one per block. Absent, with the CID, where a bundle is about the proof and the payment alone."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.trainers)

    @property
    def row_commitments(self) -> tuple[bytes, ...]:
        """The commitments of each row, `128·B` bytes each."""
        size = POINT_BYTES * self.blocks
        return tuple(self.commitments[start : start + size] for start in range(0, len(self.commitments), size))

    @property
    def statement(self) -> GramStatement:
        """What the bundle's proof has to prove: the context is recomputed, never taken from the file."""
        context = compute_context(
            self.chain_id,
            self.marketplace,
            self.project_id,
            self.round_index,
            self.trainers,
            self.commitment_hashes,
        )
        return GramStatement(context, self.n, self.d, self.commitments, self.gram)


def verify_bundle_proof(srs: Srs, bundle: EvidenceBundle) -> None:
    """Checks the cryptographic part of a bundle: commitment hashes, context and proof. Weights and shares are not its.

    Raises:
        ProofRejectedError: the proof does not verify, or is over another SRS.
    """
    if bundle.powers != srs.powers:
        raise ProofRejectedError(f"made for an SRS of {bundle.powers} powers, not {srs.powers}")
    if bundle.blocks != srs.count_blocks(bundle.d):
        raise ProofRejectedError(f"{bundle.d} coordinates are not {bundle.blocks} blocks")
    statement = bundle.statement
    verify_commitment_hashes(statement, bundle.commitment_hashes)
    verify_gram(srs, statement, bundle.proof)


def dump_bundle(bundle: EvidenceBundle) -> str:
    """The bundle as JSON, ending in a newline. `parse_bundle` is the inverse."""
    proof = bundle.proof
    document: dict[str, object] = {
        "version": VERSION,
        "chainId": str(bundle.chain_id),
        "marketplace": bundle.marketplace,
        "projectId": str(int.from_bytes(bundle.project_id, "big")),
        "round": str(bundle.round_index),
        "trainers": list(bundle.trainers),
        "commitmentHashes": [_to_hex(digest) for digest in bundle.commitment_hashes],
        "n": bundle.n,
        "d": bundle.d,
        "N": bundle.powers,
        "B": bundle.blocks,
        "commitments": _to_hex(bundle.commitments),
        "gram": _to_hex(bundle.gram),
        "proof": {
            "M": _to_hex(b"".join(proof.M)),
            "t0": str(proof.t0),
            "S": _to_hex(proof.S),
            "a": [str(x) for x in proof.a],
            "aPrime": [str(x) for x in proof.a_prime],
            "s": str(proof.s),
            "W": _to_hex(proof.W),
            "omega": str(proof.omega),
        },
        "rule": {"name": bundle.rule_name, "f": bundle.f},
        "weights": [str(weight) for weight in bundle.weights],
        "budget": str(bundle.budget),
        "shares": [str(share) for share in bundle.shares],
    }
    if bundle.aggregate_blinders is not None:
        document["aggregateCid"] = bundle.aggregate_cid
        document["aggregateBlinders"] = [str(blinder) for blinder in bundle.aggregate_blinders]
    return json.dumps(document, indent=1) + "\n"


def parse_bundle(data: str | bytes) -> EvidenceBundle:
    """Reads a bundle, whatever a stranger put into the file.

    Counts (`version`, `n`, `d`, `N`, `B`, `f`) are JSON numbers, every other integer is a decimal string, byte strings
    are 0x-hex in lower case, addresses are in lower case or carry their EIP-55 checksum.

    Raises:
        EvidenceError: too large, not JSON, or not exactly the format.
    """
    document = _load_json(data)
    _check_keys("the bundle", document, _KEYS | (_AGGREGATE_KEYS & document.keys()))
    if _read_count("version", document["version"], _UINT256_MAX) != VERSION:
        raise EvidenceError(f"`version` must be {VERSION}")
    n = _read_count("n", document["n"], U32_MAX)
    blocks = _read_count("B", document["B"], U32_MAX)
    if n < 1 or blocks < 1:
        raise EvidenceError("a bundle needs at least one row and one block")
    trainers = _read_list("trainers", document["trainers"], _read_address, n)
    if len(set(trainers)) != n:
        raise EvidenceError("`trainers` names somebody twice")
    rule = document["rule"]
    _check_keys("`rule`", rule, _RULE_KEYS)
    cid, blinders = None, None
    if _AGGREGATE_KEYS & document.keys():
        _check_keys("the bundle", document, _KEYS | _AGGREGATE_KEYS)
        cid = _read_match("aggregateCid", document["aggregateCid"], _CID)
        blinders = _read_list("aggregateBlinders", document["aggregateBlinders"], _read_scalar, blocks)
    return EvidenceBundle(
        chain_id=_read_integer("chainId", document["chainId"]),
        marketplace=_read_address("marketplace", document["marketplace"]),
        project_id=ProjectId(_read_integer("projectId", document["projectId"]).to_bytes(32, "big")),
        round_index=_read_integer("round", document["round"]),
        trainers=trainers,
        commitment_hashes=_read_list("commitmentHashes", document["commitmentHashes"], _read_digest, n),
        d=_read_count("d", document["d"], U32_MAX),
        powers=_read_count("N", document["N"], U32_MAX),
        blocks=blocks,
        commitments=_read_bytes("commitments", document["commitments"], POINT_BYTES * n * blocks),
        gram=_read_bytes("gram", document["gram"], gram_length(n)),
        proof=_read_proof(document["proof"], blocks),
        rule_name=_read_match("rule.name", rule["name"], _RULE_NAME),
        f=_read_count("rule.f", rule["f"], U32_MAX),
        weights=_read_list("weights", document["weights"], _read_integer, n),
        budget=_read_integer("budget", document["budget"]),
        shares=_read_list("shares", document["shares"], _read_integer, n),
        aggregate_cid=cid,
        aggregate_blinders=blinders,
    )


def _load_json(data: str | bytes) -> dict[str, Any]:
    if len(data) > MAX_BUNDLE_BYTES:
        raise EvidenceError(f"a bundle may have {MAX_BUNDLE_BYTES:,} bytes at most")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        # The parser recurses: where some import has raised the recursion limit, deep nesting would overflow the stack.
        if text.count("[") + text.count("{") > _MAX_BRACKETS:
            raise EvidenceError("a bundle has fewer lists and objects")
        document = json.loads(text, object_pairs_hook=_make_object)
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON, an integer of thousands of digits
        raise EvidenceError(f"a bundle must be JSON: {error}") from error
    if not isinstance(document, dict):
        raise EvidenceError("a bundle must be a JSON object")
    return document


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise EvidenceError("a key stands twice in one object")
    return made


def _check_keys(name: str, value: object, expected: frozenset[str]) -> None:
    if not isinstance(value, dict):
        raise EvidenceError(f"{name} must be a JSON object")
    wrong = expected ^ value.keys()
    if wrong:
        raise EvidenceError(f"{name} has missing or unknown keys: {', '.join(sorted(map(repr, wrong)))[:200]}")


def _read_proof(value: Any, blocks: int) -> GramProof:
    _check_keys("`proof`", value, _PROOF_KEYS)
    return GramProof(
        M=tuple(split_points(_read_bytes("proof.M", value["M"], POINT_BYTES * blocks))),
        t0=_read_scalar("proof.t0", value["t0"]),
        S=_read_bytes("proof.S", value["S"], POINT_BYTES),
        a=_read_list("proof.a", value["a"], _read_scalar, blocks),
        a_prime=_read_list("proof.aPrime", value["aPrime"], _read_scalar, blocks),
        s=_read_scalar("proof.s", value["s"]),
        W=_read_bytes("proof.W", value["W"], POINT_BYTES),
        omega=_read_scalar("proof.omega", value["omega"]),
    )


def _read_list(name: str, value: object, read: Callable[[str, object], T], length: int) -> tuple[T, ...]:
    if not isinstance(value, list) or len(value) != length:
        raise EvidenceError(f"`{name}` must be a list of {length}")
    return tuple(read(name, item) for item in value)


def _read_match(name: str, value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise EvidenceError(f"`{name}` is malformed")
    return value


def _read_integer(name: str, value: object) -> int:
    number = int(_read_match(name, value, _DECIMAL))
    if number > _UINT256_MAX:
        raise EvidenceError(f"`{name}` is not below 2^256")
    return number


def _read_count(name: str, value: object, limit: int) -> int:
    if type(value) is not int or not 0 <= value <= limit:  # a bool is an int, but no count
        raise EvidenceError(f"`{name}` must be a number between 0 and {limit}")
    return value


def _read_scalar(name: str, value: object) -> int:
    scalar = _read_integer(name, value)
    if scalar >= BLS12_381_ORDER:
        raise EvidenceError(f"`{name}` is not below the group order")
    return scalar


def _read_bytes(name: str, value: object, length: int) -> bytes:
    data = bytes.fromhex(_read_match(name, value, _HEX)[2:])
    if len(data) != length:
        raise EvidenceError(f"`{name}` must have {length} bytes, not {len(data)}")
    return data


def _read_digest(name: str, value: object) -> Digest:
    return Digest(_read_bytes(name, value, 32))


def _read_address(name: str, value: object) -> Address:
    address = _read_match(name, value, _ADDRESS)
    checksummed = to_checksum_address(address)
    if address not in {checksummed, checksummed.lower()}:
        raise EvidenceError(f"`{name}` holds an address with a wrong EIP-55 checksum")
    return Address(checksummed)


def _to_hex(data: bytes) -> str:
    return "0x" + data.hex()
