"""The Gram proof: commitments to updates, and a proof that a matrix holds their inner products (docs/proof.md)."""

from steelyard.gram.commitment import (
    add_commitments,
    commit,
    compute_aggregate_blinders,
    derive_blinders,
    hash_commitment,
)
from steelyard.gram.evidence import EvidenceBundle, dump_bundle, parse_bundle, verify_bundle_proof
from steelyard.gram.field import decode_scalars, encode_scalars
from steelyard.gram.linear import HISTORY_LIMIT, compute_gram
from steelyard.gram.opening import find_false_openings, verify_aggregate_opening, verify_opening
from steelyard.gram.proof import GramProof, GramStatement, decode_gram, encode_gram
from steelyard.gram.prover import prove_gram
from steelyard.gram.shortness import ShortnessProof, shortness_length, verify_shortness
from steelyard.gram.shortness_prover import prove_shortness
from steelyard.gram.srs import Srs, check_srs
from steelyard.gram.srs_library import ETHEREUM_SRS_DIGEST, load_ethereum_srs, load_srs, load_srs_by_digest
from steelyard.gram.transcript import compute_context
from steelyard.gram.verifier import verify_commitment_hashes, verify_gram

__all__ = [
    "ETHEREUM_SRS_DIGEST",
    "HISTORY_LIMIT",
    "EvidenceBundle",
    "GramProof",
    "GramStatement",
    "ShortnessProof",
    "Srs",
    "add_commitments",
    "check_srs",
    "commit",
    "compute_aggregate_blinders",
    "compute_context",
    "compute_gram",
    "decode_gram",
    "decode_scalars",
    "derive_blinders",
    "dump_bundle",
    "encode_gram",
    "encode_scalars",
    "find_false_openings",
    "hash_commitment",
    "load_ethereum_srs",
    "load_srs",
    "load_srs_by_digest",
    "parse_bundle",
    "prove_gram",
    "prove_shortness",
    "shortness_length",
    "verify_aggregate_opening",
    "verify_bundle_proof",
    "verify_commitment_hashes",
    "verify_gram",
    "verify_opening",
    "verify_shortness",
]
