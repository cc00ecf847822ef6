"""The Fiat–Shamir transcript: the challenges and the context they are bound to. Source: docs/proof.md, 4 and 5."""

from collections.abc import Sequence
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import ProofRejectedError
from steelyard.gram.field import encode_scalar, encode_scalars
from steelyard.gram.proof import GramStatement
from steelyard.types import Address, Digest, Gram, ProjectId

_PROOF_TAG: Final = keccak(b"steelyard/gram/v1")


def compute_context(
    chain_id: int,
    marketplace: Address,
    project_id: ProjectId,
    round_index: int,
    trainers: Sequence[Address],
    commitment_hashes: Sequence[Digest],
) -> Digest:
    """`ctx`: binds a proof to its chain, contract, project, round, and to the trainers in the order of the rows."""
    submissions = keccak(encode(["address[]", "bytes32[]"], [list(trainers), list(commitment_hashes)]))
    return Digest(
        keccak(
            encode(
                ["uint256", "address", "bytes32", "uint256", "bytes32"],
                [chain_id, marketplace, project_id, round_index, submissions],
            )
        )
    )


def compute_h0(statement: GramStatement, powers: int, masks: Sequence[bytes], t0: int) -> bytes:
    """`h0`: hashes the whole statement and the prover's first message. `B` is the number of masks."""
    sizes = (statement.n, statement.d, powers, len(masks))
    return keccak(
        b"".join(
            (
                _PROOF_TAG,
                statement.context,
                *(size.to_bytes(4, "big") for size in sizes),
                keccak(statement.commitments),
                keccak(statement.gram),
                *masks,
                encode_scalar(t0),
            )
        )
    )


def compute_row_weights(h0: bytes, n: int) -> list[int]:
    """`r_i = keccak(h0 ‖ 0x01 ‖ u32(i)) >> 128`, 128 bits each."""
    return [int.from_bytes(keccak(h0 + b"\x01" + i.to_bytes(4, "big")), "big") >> 128 for i in range(n)]


def compute_constant_term(t0: int, row_weights: Sequence[int], gram: Gram) -> int:
    """`c = t0 + Σ_i Σ_j r_i r_j G_ij mod r`, the constant term that the Laurent polynomial must have."""
    total = t0
    for i, r_i in enumerate(row_weights):
        row = gram[i, i] * r_i + 2 * sum(gram[i, j] * row_weights[j] for j in range(i + 1, len(row_weights)))
        total += r_i * row
    return int(total % BLS12_381_ORDER)


def compute_h1(h0: bytes, s_hat: bytes) -> bytes:
    """`h1 = keccak(h0 ‖ 0x02 ‖ Ŝ)`."""
    return keccak(h0 + b"\x02" + s_hat)


def compute_point(h1: bytes) -> int:
    """`z = h1 mod r`, where the polynomials are opened.

    Raises:
        ProofRejectedError: `z` is 0, 1 or −1, where the identity says nothing.
    """
    z = int.from_bytes(h1, "big") % BLS12_381_ORDER
    if z in {0, 1, BLS12_381_ORDER - 1}:
        raise ProofRejectedError("the evaluation challenge is degenerate")
    return z


def compute_gamma(h1: bytes, a: Sequence[int], a_prime: Sequence[int], s: int) -> int:
    """`γ = keccak(h1 ‖ 0x03 ‖ a ‖ a' ‖ s) mod r`, which joins the openings into one."""
    h2 = keccak(h1 + b"\x03" + encode_scalars([*a, *a_prime, s]))
    return int.from_bytes(h2, "big") % BLS12_381_ORDER


def compute_line(z: int, z_inverse: int, at_z: int, at_inverse: int) -> tuple[int, int]:
    """`(R0, R1)` of the line `R0 + R1·X` through `(z, at_z)` and `(1/z, at_inverse)`."""
    slope = (at_z - at_inverse) * pow(z - z_inverse, -1, BLS12_381_ORDER) % BLS12_381_ORDER
    return (at_z - slope * z) % BLS12_381_ORDER, slope
