"""Loading and checking reference strings."""

import hashlib
import importlib.util
from pathlib import Path

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from steelyard.errors import SrsError
from steelyard.gram import ETHEREUM_SRS_DIGEST, Srs, check_srs, load_ethereum_srs, load_srs
from steelyard.gram.points import encode_point
from steelyard.gram.srs import get_blinding_generator
from tests.gram_proofs import make_srs

SMALL = 16


def write_setup(path: Path, srs: Srs) -> str:
    """Writes an SRS in the format of c-kzg, the powers in place of the Lagrange points too, and returns its digest."""
    g1 = [point.to_compressed_bytes() for point in srs.g1]
    g2 = [point.to_compressed_bytes() for point in srs.g2]
    lines = [str(len(g1)), str(len(g2)), *(point.hex() for point in [*g1, *g2, *g1])]
    path.write_text("\n".join(lines))
    return hashlib.sha256(b"".join(g1 + g2)).hexdigest()


def with_power(srs: Srs, k: int, point: G1Point) -> Srs:
    return Srs((*srs.g1[:k], point, *srs.g1[k + 1 :]), srs.g2)


def test_the_ethereum_ceremony_loads_once_with_the_specified_sizes() -> None:
    srs = load_ethereum_srs()
    assert (srs.powers, srs.payload) == (4096, 4088)
    assert load_ethereum_srs() is srs


def test_every_power_of_the_ethereum_ceremony_is_in_the_subgroup() -> None:
    assert all(point.is_in_subgroup() for point in load_ethereum_srs().g1)


def test_the_blinding_generator_is_the_specified_one() -> None:
    assert encode_point(get_blinding_generator())[16:32].hex() == "01dd5364877938bd0407df4230e73b05"


@pytest.mark.parametrize(("d", "blocks"), [(1, 1), (8, 1), (9, 2), (16, 2), (17, 3)])
def test_blocks_are_counted_by_payload(d: int, blocks: int) -> None:
    assert make_srs(SMALL).count_blocks(d) == blocks


def test_a_ceremony_of_another_size_loads_from_its_file(tmp_path: Path) -> None:
    srs = make_srs(SMALL)
    loaded = load_srs(tmp_path / "setup.txt", write_setup(tmp_path / "setup.txt", srs))
    assert (loaded.g1, loaded.g2) == (srs.g1, srs.g2)


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    write_setup(tmp_path / "setup.txt", make_srs(SMALL))
    with pytest.raises(SrsError, match="not the pinned one"):
        load_srs(tmp_path / "setup.txt", ETHEREUM_SRS_DIGEST)


def test_one_changed_digit_in_the_shipped_ceremony_is_refused(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("eth_account.typed_transactions.blob_transactions")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).with_name("kzg_trusted_setup.txt").read_text().rstrip()
    (tmp_path / "setup.txt").write_text(text[:-1] + ("0" if text[-1] != "0" else "1"))
    with pytest.raises(SrsError, match="not the pinned one"):
        load_srs(tmp_path / "setup.txt", ETHEREUM_SRS_DIGEST)


@pytest.mark.parametrize("text", ["", "x", "1 3", "16 3 zz", "4096 65 00", "-1 3 00", "\x80"])
def test_a_malformed_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "setup.txt").write_text(text, "latin-1")
    with pytest.raises(SrsError):
        load_srs(tmp_path / "setup.txt", ETHEREUM_SRS_DIGEST)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="cannot be read"):
        load_srs(tmp_path / "nothing.txt", ETHEREUM_SRS_DIGEST)


def test_too_few_powers_for_one_block_are_refused() -> None:
    with pytest.raises(SrsError, match="no room"):
        make_srs(8)


@pytest.mark.parametrize("k", [2, 7, SMALL - 1])
def test_a_power_that_does_not_follow_is_noticed(k: int) -> None:
    srs = make_srs(SMALL)
    with pytest.raises(SrsError, match="not consecutive"):
        check_srs(with_power(srs, k, srs.g1[k] + G1Point()))


def test_two_swapped_powers_are_noticed() -> None:
    srs = make_srs(SMALL)
    swapped = with_power(with_power(srs, 5, srs.g1[6]), 6, srs.g1[5])
    with pytest.raises(SrsError, match="not consecutive"):
        check_srs(swapped)


def test_another_generator_is_noticed() -> None:
    srs = make_srs(SMALL)
    doubled = tuple(point * Scalar(2) for point in srs.g1)
    with pytest.raises(SrsError, match="standard generators"):
        check_srs(Srs(doubled, srs.g2))


def test_secrets_of_the_two_groups_must_agree() -> None:
    srs, other = make_srs(SMALL), make_srs(SMALL, tau=99)
    with pytest.raises(SrsError, match="different secrets"):
        check_srs(Srs(srs.g1, other.g2))


def test_the_third_g2_point_must_be_the_square() -> None:
    srs = make_srs(SMALL)
    with pytest.raises(SrsError, match="not the square"):
        check_srs(Srs(srs.g1, (srs.g2[0], srs.g2[1], srs.g2[2] + G2Point())))


def test_secret_zero_is_noticed() -> None:
    with pytest.raises(SrsError, match="secret zero"):
        check_srs(make_srs(SMALL, tau=0))
