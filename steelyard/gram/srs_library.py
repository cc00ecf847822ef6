"""Finds reference strings by their digest: the Ethereum ceremony, and what was imported. Source: docs/srs.md.

The Ethereum KZG ceremony (EIP-4844), 4,096 powers, is always there: `eth-account` ships it. Other strings are imported
once, with every check, into a folder of the user, one file each, named by the digest that is compared at each load.
"""

import functools
import importlib.util
import logging
import os
import re
import secrets
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak
from platformdirs import user_data_path
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import SrsError
from steelyard.gram.field import compute_powers
from steelyard.gram.srs import Srs, check_srs
from steelyard.gram.srs_files import Progress, decode_checked, decode_pinned, dump_srs, encode_srs, read_srs_file

ETHEREUM_SRS_DIGEST: Final = "8c8d5ae1d4a17018bd3a518a001a33048bf1668ce02b3e5cce33b112190f4111"
"""SHA-256 of the ceremony's 4,096 compressed monomial G1 points and its first three compressed G2 points."""

FOLDER_VARIABLE: Final = "STEELYARD_SRS"
"""Names another folder of imported strings."""

INSECURE_VARIABLE: Final = "STEELYARD_ALLOW_INSECURE_SRS"
"""Set to 1, it lets programs use a string whose secret is public."""

INSECURE_WARNING: Final = "INSECURE: the secret of this reference string is public. Anybody can forge proofs over it."

_INSECURE_SECRET: Final = int.from_bytes(keccak(b"steelyard/insecure-srs/v1"), "big") % BLS12_381_ORDER
_insecure_in_use: list[Srs] = []


def load_srs_by_digest(digest: str) -> Srs:
    """The string that a deployment or a project names.

    Raises:
        SrsError: it was never imported, its file has been changed, or it is insecure and nobody allowed that.
    """
    srs = get_known_srs(digest)
    refuse_insecure(srs, allowed=os.environ.get(INSECURE_VARIABLE) == "1")
    return srs


def get_known_srs(digest: str) -> Srs:
    """The same to look at, not to use: insecure strings too.

    Raises:
        SrsError: it was never imported, or its file has been changed.
    """
    return load_ethereum_srs() if digest == ETHEREUM_SRS_DIGEST else _load_imported(digest)


@functools.cache
def load_ethereum_srs() -> Srs:
    """The Ethereum ceremony, pinned by its hash and checked. Loaded once per process.

    Raises:
        SrsError: `eth-account` is not installed, or its file is not the pinned ceremony.
    """
    spec = importlib.util.find_spec("eth_account")
    if spec is None or not spec.submodule_search_locations:
        raise SrsError("the package `eth-account`, which ships the Ethereum ceremony, is not installed")
    package = Path(spec.submodule_search_locations[0])
    return load_srs(package / "typed_transactions" / "blob_transactions" / "kzg_trusted_setup.txt", ETHEREUM_SRS_DIGEST)


def load_srs(path: Path, digest: str) -> Srs:
    """A string from a file in any format that `read_srs_file` reads, pinned by its digest, its relations checked.

    Raises:
        SrsError: unreadable, malformed, not the pinned one, or not the powers of one secret.
    """
    srs = decode_pinned(read_srs_file(path), digest)
    check_srs(srs)
    return srs


@functools.lru_cache(maxsize=4)
def _load_imported(digest: str) -> Srs:
    path = get_srs_path(digest)
    if not path.exists():
        error = SrsError(f"the reference string {digest} is not known here")
        error.hint = "Import the ceremony's file: `steelyard srs import FILE`."
        raise error
    return decode_pinned(read_srs_file(path), digest)


def import_srs(
    path: Path,
    powers: int | None = None,
    *,
    expected: str | None = None,
    progress: Progress | None = None,
    insecure: bool = False,
) -> str:
    """Checks every point and relation of a string in a file, and keeps it for `load_srs_by_digest`.

    Args:
        path: The file, in any format that `read_srs_file` reads.
        powers: Which string of a transcript.
        expected: The only digest that is accepted.
        progress: Told how far the check is.
        insecure: Take a string even though its secret is public.

    Returns:
        Its digest.

    Raises:
        SrsError: it is not what a string must be, or its secret is public.
    """
    encoded = read_srs_file(path, powers)
    digest = encoded.compute_digest() if expected is None else expected
    srs = decode_checked(encoded, digest, progress)
    refuse_insecure(srs, allowed=insecure)
    target = get_srs_path(digest)
    fresh = target.with_name(f".{secrets.token_hex(8)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(dump_srs(srs, INSECURE_WARNING if is_insecure(srs) else None))
        fresh.replace(target)
    except OSError as error:
        raise SrsError(f"cannot keep the reference string in {target.parent}: {error.strerror}") from error
    return digest


def check_known_srs(digest: str, progress: Progress | None = None) -> Srs:
    """Checks a known string as on import, and that its digest still holds.

    Raises:
        SrsError: it does not pass.
    """
    known = digest == ETHEREUM_SRS_DIGEST
    encoded = encode_srs(load_ethereum_srs()) if known else read_srs_file(get_srs_path(digest))
    return decode_checked(encoded, digest, progress)


def find_known_digests() -> tuple[str, ...]:
    """The digests of the Ethereum ceremony and of all imported strings."""
    folder = get_srs_path("0" * 64).parent
    return (ETHEREUM_SRS_DIGEST, *sorted(path.stem for path in folder.glob("*.json") if _is_digest(path.stem)))


def get_srs_path(digest: str) -> Path:
    """Where an imported string lies.

    Raises:
        SrsError: that is not a digest.
    """
    if not _is_digest(digest):
        raise SrsError(f"`{digest}` is not the digest of a reference string: 64 lower-case hexadecimal digits")
    folder = os.environ.get(FOLDER_VARIABLE)
    return (Path(folder) if folder else user_data_path("steelyard") / "srs") / f"{digest}.json"


def _is_digest(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def make_insecure_srs(powers: int) -> Srs:
    """A string whose secret is public, for measurements and tests of sizes that no ceremony has."""
    tau = [Scalar(x) for x in compute_powers(_INSECURE_SECRET, powers)]
    return Srs(tuple(G1Point() * x for x in tau), (G2Point(), G2Point() * tau[1], G2Point() * tau[2]))


def is_insecure(srs: Srs) -> bool:
    """Whether a string comes from `make_insecure_srs`. Seen from its points, whatever its file says."""
    return srs.g1[1] == G1Point() * Scalar(_INSECURE_SECRET)


def refuse_insecure(srs: Srs, *, allowed: bool) -> None:
    """Lets an insecure string pass only where that was asked for, and remembers that it is in use.

    Raises:
        SrsError: it is insecure, and nobody asked for that.
    """
    if not is_insecure(srs):
        return
    if not allowed:
        error = SrsError(INSECURE_WARNING)
        error.hint = f"For benchmarks and tests only: `--allow-insecure`, or {INSECURE_VARIABLE}=1."
        raise error
    _insecure_in_use.append(srs)
    logging.getLogger(__name__).warning(INSECURE_WARNING)


def uses_insecure_srs() -> bool:
    """Whether this process has loaded an insecure string: every line that it logs must then say so."""
    return bool(_insecure_in_use)
