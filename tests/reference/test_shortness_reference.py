"""docs/shortness.md read once more, slowly and plainly, on py-ecc: it judges proofs that the fast prover made."""

import hashlib
import random

import numpy as np
import pytest
from eth_utils.crypto import keccak
from py_ecc.optimized_bls12_381 import optimized_curve as curve
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing

from steelyard.errors import ProofRejectedError
from steelyard.gram import prove_shortness, verify_shortness
from steelyard.gram.reference import (
    H,
    ReferenceSrs,
    combine,
    decode,
    evaluate,
    line,
    r,
    scalars,
    u32,
)
from steelyard.gram.reference import (
    K as MASK_SLOTS,
)
from tests.gram_proofs import TAU, make_round, make_srs, make_updates

K = 20
SRS = make_srs(16)
REFERENCE_SRS = ReferenceSrs.from_secret(TAU, 16)


def verify(srs: ReferenceSrs, n: int, d: int, CS: bytes, proof: bytes) -> None:
    """Section 4, the verifier."""
    N, L = srs.N, srs.N - MASK_SLOTS
    B = -(-d // L)
    m = n * B
    Q = -(-K * m // L)
    if len(CS) != 128 * m or len(proof) != 128 * Q + 160 * m + 736:
        raise ProofRejectedError("lengths")
    position = 0

    def take(length: int) -> bytes:
        nonlocal position
        position += length
        return proof[position - length : position]

    def take_scalar() -> int:
        x = int.from_bytes(take(32), "big")
        if x >= r:
            raise ProofRejectedError("non-canonical scalar")
        return x

    Y_hat, p_bytes = take(128 * Q), take(8 * K * m)
    P_hat, O_hat, c0, S_hat = take(128), take(128), take_scalar(), take(128)
    v, v_prime, y, y_prime, s = (take_scalar() for _ in range(5))
    W, omega = take(128), take_scalar()
    p = [int.from_bytes(p_bytes[8 * e : 8 * e + 8], "big", signed=True) for e in range(K * m)]

    tag = keccak(b"steelyard/shortness/v1")
    h0 = keccak(tag + u32(n) + u32(d) + u32(N) + u32(B) + u32(K) + keccak(CS) + Y_hat)
    stream = hashlib.shake_256(h0 + b"\x01").digest(K * N)
    t = [[x - 256 if x >= 128 else x for x in stream[k * N : k * N + N]] for k in range(K)]
    h1 = keccak(h0 + b"\x02" + p_bytes)
    theta = int.from_bytes(h1, "big") % r
    T = [sum(pow(theta, k, r) * t[k][j] for k in range(K)) % r for j in range(N)]
    E = [pow(theta, j, r) for j in range(L)]
    h2 = keccak(h1 + b"\x03" + P_hat + O_hat + scalars(c0))
    epsilon = int.from_bytes(h2, "big") % r
    h3 = keccak(h2 + b"\x04" + S_hat)
    z = int.from_bytes(h3, "big") % r
    inverse = pow(z, -1, r)
    gamma = int.from_bytes(keccak(h3 + b"\x05" + scalars(v, v_prime, y, y_prime, s)), "big") % r

    constant = c0 + epsilon * sum(pow(theta, e, r) * x for e, x in enumerate(p))
    left = v * evaluate(T, inverse) + v_prime * evaluate(T, z) + y * evaluate(E, inverse) + y_prime * evaluate(E, z)
    s_prime = z * (left - 2 * constant - z * s) % r

    C = [decode(CS[128 * g : 128 * g + 128]) for g in range(m)]
    F = combine(C, [epsilon * pow(theta, g * K, r) for g in range(m)])
    Y = combine(
        [decode(Y_hat[128 * c : 128 * c + 128]) for c in range(Q)], [epsilon * pow(theta, c * L, r) for c in range(Q)]
    )
    others = [decode(P_hat), Y, decode(O_hat), decode(S_hat), H]
    F = curve.add(F, combine(others, [1, gamma, gamma, gamma**2, -omega]))
    R0, R1 = line(z, v + gamma * y + gamma**2 * s, v_prime + gamma * y_prime + gamma**2 * s_prime)
    witness = decode(W)
    X = curve.add(F, combine([srs.g1[0], srs.g1[1], witness], [-R0, -R1, -1]))
    product = pairing(srs.g2[0], X, final_exponentiate=False)
    product *= pairing(srs.g2[1], curve.multiply(witness, (z + inverse) % r), final_exponentiate=False)
    product *= pairing(srs.g2[2], curve.neg(witness), final_exponentiate=False)
    if final_exponentiate(product) != product.one():
        raise ProofRejectedError("the pairing equation does not hold")


@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 9)])
def test_the_page_accepts_what_the_fast_prover_proves(n: int, d: int) -> None:
    played = make_round(SRS, make_updates(n, d))
    proof = prove_shortness(SRS, played.updates, played.blinders, played.commitments).encode()
    verify(REFERENCE_SRS, n, d, played.statement.commitments, proof)


def test_the_page_refuses_a_changed_projection_like_the_fast_verifier() -> None:
    played = make_round(SRS, np.array([[7, -3]], dtype=np.int16))
    proof = prove_shortness(SRS, played.updates, played.blinders, played.commitments)
    verify_shortness(SRS, 2, played.commitments, proof)
    data = bytearray(proof.encode())
    data[128 * 3 + random.Random(1).randrange(160)] ^= 1
    with pytest.raises(ProofRejectedError):
        verify(REFERENCE_SRS, 1, 2, played.statement.commitments, bytes(data))
