"""Importing reference strings from files, keeping them, and telling insecure ones apart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from steelyard.constants import BLS12_381_ORDER
from steelyard.errors import SrsError
from steelyard.gram import ETHEREUM_SRS_DIGEST, Srs, load_ethereum_srs, load_srs, load_srs_by_digest, srs_files
from steelyard.gram.points import FIELD_MODULUS
from steelyard.gram.srs_files import dump_srs, encode_srs, read_srs_file
from steelyard.gram.srs_library import (
    FOLDER_VARIABLE,
    INSECURE_VARIABLE,
    check_known_srs,
    find_known_digests,
    get_srs_path,
    import_srs,
    is_insecure,
    make_insecure_srs,
    uses_insecure_srs,
)
from tests.gram_proofs import make_srs

SMALL = 16
TAUS = {16: 1001, 32: 1002, 64: 1003, 128: 1004}

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of the test's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "library"))
    monkeypatch.delenv(INSECURE_VARIABLE, raising=False)
    monkeypatch.setattr("steelyard.gram.srs_library._insecure_in_use", [])
    return tmp_path / "library"


def encode_hex(points: tuple[Any, ...]) -> list[str]:
    return ["0x" + point.to_compressed_bytes().hex() for point in points]


def make_document(srs: Srs | None = None) -> Document:
    srs = srs or make_srs(SMALL)
    return {
        "format": "steelyard-srs",
        "version": 1,
        "powers": srs.powers,
        "g2": encode_hex(srs.g2),
        "g1": encode_hex(srs.g1),
    }


def make_transcript() -> Document:
    """A ceremony of four strings, each with a secret of its own, five powers in G2, and a witness."""
    transcripts = []
    for powers, tau in TAUS.items():
        g2 = tuple(G2Point() * Scalar(tau**k) for k in range(5))
        transcripts.append(
            {
                "numG1Powers": powers,
                "numG2Powers": 5,
                "powersOfTau": {"G1Powers": encode_hex(make_srs(powers, tau).g1), "G2Powers": encode_hex(g2)},
                "witness": {"runningProducts": encode_hex((G1Point(),)), "potPubkeys": [], "blsSignatures": [""]},
            }
        )
    return {"transcripts": transcripts, "participantIds": ["eth|0x00"], "participantEcdsaSignatures": [""]}


def write(path: Path, document: Document) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_an_imported_string_is_found_by_its_digest(tmp_path: Path) -> None:
    srs = make_srs(SMALL)
    file = tmp_path / "srs.json"
    file.write_text(dump_srs(srs))
    digest = import_srs(file)
    assert digest == encode_srs(srs).compute_digest()
    loaded = load_srs_by_digest(digest)
    assert (loaded.g1, loaded.g2) == (srs.g1, srs.g2)
    assert find_known_digests() == (ETHEREUM_SRS_DIGEST, digest)
    check_known_srs(digest)


@pytest.mark.parametrize("powers", TAUS)
def test_a_transcript_gives_the_string_of_the_wanted_size(tmp_path: Path, powers: int) -> None:
    digest = import_srs(write(tmp_path / "transcript.json", make_transcript()), powers)
    assert load_srs_by_digest(digest).g1 == make_srs(powers, TAUS[powers]).g1


@pytest.mark.parametrize("powers", [None, 15, 17, 256])
def test_a_transcript_gives_nothing_but_one_of_its_strings(tmp_path: Path, powers: int | None) -> None:
    with pytest.raises(SrsError, match="16, 32, 64, 128 powers: say which one"):
        read_srs_file(write(tmp_path / "transcript.json", make_transcript()), powers)


def test_a_string_is_never_cut_to_a_wanted_size(tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="a part of a string is not offered"):
        read_srs_file(write(tmp_path / "srs.json", make_document()), 12)


def test_the_format_of_c_kzg_imports_too(tmp_path: Path) -> None:
    srs = make_srs(SMALL)
    g1, g2 = [point[2:] for point in encode_hex(srs.g1)], [point[2:] for point in encode_hex(srs.g2)]
    (tmp_path / "setup.txt").write_text("\n".join([str(SMALL), "3", *g1, *g2, *g1]))
    assert import_srs(tmp_path / "setup.txt") == encode_srs(srs).compute_digest()


def test_progress_ends_at_the_number_of_powers(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    import_srs(write(tmp_path / "srs.json", make_document()), progress=lambda *state: seen.append(state))
    assert seen[-1] == (SMALL, SMALL)


def compress_outside_the_subgroup() -> str:
    """A point of the curve that is not of order `r`: the first small `x` on the curve will do."""
    for x in range(1, 100):
        y = pow(x**3 + 4, (FIELD_MODULUS + 1) // 4, FIELD_MODULUS)
        if y * y % FIELD_MODULUS == (x**3 + 4) % FIELD_MODULUS:
            point = G1Point.from_xy_bytes_unchecked_be(x.to_bytes(48, "big") + y.to_bytes(48, "big"))
            assert not point.is_in_subgroup()
            return "0x" + point.to_compressed_bytes().hex()
    raise AssertionError("no small x is on the curve")


def replace_point(group: str, k: int, point: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document[group][k] = point

    return change


INFINITY_G1 = "0xc0" + "00" * 47
INFINITY_G2 = "0xc0" + "00" * 95
NOT_CANONICAL = "0x" + (FIELD_MODULUS + (1 << 383)).to_bytes(48, "big").hex()
OFF_THE_CURVE = "0x" + ((1 << 383) + 1).to_bytes(48, "big").hex()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replace_point("g1", 5, compress_outside_the_subgroup()), "power 5 in G1"),
        (replace_point("g1", 15, INFINITY_G1), "power 15 in G1"),
        (replace_point("g1", 0, INFINITY_G1), "power 0 in G1"),
        (replace_point("g1", 3, NOT_CANONICAL), "power 3 in G1"),
        (replace_point("g1", 3, OFF_THE_CURVE), "power 3 in G1"),
        (replace_point("g1", 3, "0x" + "00" * 48), "power 3 in G1"),
        (replace_point("g2", 1, INFINITY_G2), "power 1 in G2"),
        (replace_point("g2", 2, "0x80" + "00" * 95), "power 2 in G2"),
        (replace_point("g1", 2, "0x" + (G1Point() * Scalar(7)).to_compressed_bytes().hex()), "not consecutive"),
        (replace_point("g1", 2, "0x00"), "48 bytes"),
        (replace_point("g1", 2, "no hex"), "cannot be read"),
        (replace_point("g2", 2, "0x" + G2Point().to_compressed_bytes().hex()), "not the square"),
        (lambda document: document["g1"].pop(), "announces"),
        (lambda document: document["g2"].pop(), "in G2"),
        (lambda document: document["g2"].append(document["g2"][0]), "announces"),
        (lambda document: document["g1"].reverse(), "standard generators"),
        (lambda document: document.update(version=2), "version"),
        (lambda document: document.update(format="other"), "neither"),
        (lambda document: document.pop("format"), "cannot be read"),
        (lambda document: document.update(g1=5), "cannot be read"),
        (lambda document: document.update(g1=[1] * SMALL), "cannot be read"),
        (lambda document: document.update(transcripts=[]), "say which one"),
        (lambda document: document.update(transcripts=[{}]), "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    tmp_path: Path, folder: Path, change: Callable[[Document], None], reason: str
) -> None:
    document = make_document()
    change(document)
    with pytest.raises(SrsError, match=reason):
        import_srs(write(tmp_path / "srs.json", document))
    assert not folder.exists()


@pytest.mark.parametrize(("tau", "reason"), [(0, "infinity"), (1, "one or minus one"), (-1, "one or minus one")])
def test_a_trivial_secret_is_refused(tmp_path: Path, tau: int, reason: str) -> None:
    file = write(tmp_path / "srs.json", make_document(make_srs(SMALL, tau % BLS12_381_ORDER)))
    with pytest.raises(SrsError, match=reason):
        import_srs(file)


@pytest.mark.parametrize("text", ["{", "[]", '{"a":' * 100_000, "{}", '{"transcripts": 3}'])
def test_a_file_that_is_no_string_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "srs.json").write_text(text)
    with pytest.raises(SrsError):
        read_srs_file(tmp_path / "srs.json")


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(srs_files.MAX_FILE_BYTES + 1)
    with pytest.raises(SrsError, match="536,870,913 bytes"):
        read_srs_file(tmp_path / "large")


def test_too_many_powers_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    document = make_document() | {"g1": ["zz"] * (srs_files.MAX_POWERS + 1)}
    with pytest.raises(SrsError, match="65,537 points"):
        read_srs_file(write(tmp_path / "srs.json", document))


def test_a_changed_file_in_the_library_is_noticed(tmp_path: Path) -> None:
    document = make_document(make_srs(SMALL, 77))
    digest = import_srs(write(tmp_path / "srs.json", document))
    document["g1"][4] = document["g1"][5]
    write(get_srs_path(digest), document)
    for load in (load_srs_by_digest, check_known_srs):
        with pytest.raises(SrsError, match="not the pinned"):
            load(digest)


@pytest.mark.parametrize("digest", ["", "../" * 10, "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_what_is_no_digest_reaches_no_file(digest: str) -> None:
    with pytest.raises(SrsError, match="not the digest"):
        load_srs_by_digest(digest)


def test_an_unknown_digest_says_how_to_import() -> None:
    with pytest.raises(SrsError, match="not known here") as caught:
        load_srs_by_digest("0" * 64)
    assert "steelyard srs import" in str(caught.value.hint)


def test_the_ethereum_ceremony_needs_no_import() -> None:
    assert load_srs_by_digest(ETHEREUM_SRS_DIGEST) is load_ethereum_srs()
    assert not is_insecure(load_ethereum_srs())


class TestInsecureStrings:
    def test_one_is_refused_unless_allowed(self, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "srs.json"
        file.write_text(dump_srs(make_insecure_srs(SMALL)))
        with pytest.raises(SrsError, match="INSECURE"):
            import_srs(file)
        assert not folder.exists()
        digest = import_srs(file, insecure=True)
        with pytest.raises(SrsError, match="INSECURE") as caught:
            load_srs_by_digest(digest)
        assert INSECURE_VARIABLE in str(caught.value.hint)
        monkeypatch.setenv(INSECURE_VARIABLE, "1")
        assert load_srs_by_digest(digest).powers == SMALL

    def test_the_kept_file_says_so(self, tmp_path: Path) -> None:
        file = tmp_path / "srs.json"
        file.write_text(dump_srs(make_insecure_srs(SMALL)))
        digest = import_srs(file, insecure=True)
        assert "INSECURE" in json.loads(get_srs_path(digest).read_text())["warning"]

    def test_a_file_that_hides_it_deceives_nobody(self, tmp_path: Path) -> None:
        document = make_document(make_insecure_srs(SMALL)) | {"warning": "fine"}
        with pytest.raises(SrsError, match="INSECURE"):
            import_srs(write(tmp_path / "srs.json", document))

    def test_the_process_remembers(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert not uses_insecure_srs()
        file = tmp_path / "srs.json"
        file.write_text(dump_srs(make_insecure_srs(SMALL)))
        import_srs(file, insecure=True)
        assert uses_insecure_srs()
        assert "INSECURE" in caplog.text

    def test_it_is_consistent_all_the_same(self, tmp_path: Path) -> None:
        srs = make_insecure_srs(SMALL)
        (tmp_path / "srs.json").write_text(dump_srs(srs))
        assert load_srs(tmp_path / "srs.json", encode_srs(srs).compute_digest()).g1 == srs.g1


@pytest.mark.parametrize("expected", [ETHEREUM_SRS_DIGEST, ""])
def test_only_the_expected_string_is_taken(tmp_path: Path, folder: Path, expected: str) -> None:
    with pytest.raises(SrsError, match="not the pinned"):
        import_srs(write(tmp_path / "srs.json", make_document()), expected=expected)
    assert not folder.exists()
