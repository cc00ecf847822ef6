"""`steelyard srs`, and how programs say that a string is insecure."""

import json
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from scripts.cli import app
from steelyard.cli_support import print_warning
from steelyard.errors import SrsError
from steelyard.gram import ETHEREUM_SRS_DIGEST
from steelyard.gram.srs_files import dump_srs, encode_srs
from steelyard.gram.srs_library import FOLDER_VARIABLE, INSECURE_VARIABLE
from steelyard.logs import add_insecure_mark
from tests.gram_proofs import make_srs

runner = CliRunner()


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "library"))
    monkeypatch.delenv(INSECURE_VARIABLE, raising=False)
    monkeypatch.setattr("steelyard.gram.srs_library._insecure_in_use", [])


def run(*arguments: str) -> list[dict[str, object]]:
    result = runner.invoke(app, ["srs", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_imported_string_is_listed_and_passes_its_check(tmp_path: Path) -> None:
    file = tmp_path / "srs.json"
    file.write_text(dump_srs(make_srs(24)))
    digest = encode_srs(make_srs(24)).compute_digest()
    assert run("import", str(file), "--digest", digest)[0]["digest"] == digest
    assert [record["digest"] for record in run("info")] == [ETHEREUM_SRS_DIGEST, digest]
    assert run("info", digest)[0]["powers"] == 24
    assert run("check", digest) == [{"digest": digest, "powers": 24, "consistent": True}]


def test_another_string_than_the_expected_one_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "srs.json"
    file.write_text(dump_srs(make_srs(24)))
    result = runner.invoke(app, ["srs", "import", str(file), "--digest", ETHEREUM_SRS_DIGEST])
    assert result.exit_code == SrsError.exit_code
    assert len(run("info")) == 1


def test_an_insecure_string_says_so_wherever_it_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "insecure.json"
    made = runner.invoke(app, ["srs", "insecure", "--powers", "24", "--out", str(file)])
    assert made.exit_code == 0, made.output
    assert "INSECURE" in made.stderr
    assert "INSECURE" in json.loads(file.read_text())["warning"]
    assert runner.invoke(app, ["srs", "insecure", "--powers", "24", "--out", str(file)]).exit_code != 0

    print_warning("before")
    assert add_insecure_mark(None, "info", {}) == {}
    assert runner.invoke(app, ["srs", "import", str(file)]).exit_code == SrsError.exit_code
    digest = str(run("import", str(file), "--allow-insecure")[0]["digest"])
    assert "INSECURE" in str(run("info", digest)[0]["security"])
    print_warning("after")
    assert capsys.readouterr().err.splitlines()[-2:] == ["warning: before", "INSECURE SRS: warning: after"]
    assert (
        structlog.processors.JSONRenderer()(None, "info", add_insecure_mark(None, "info", {})) == '{"srs": "INSECURE"}'
    )
    assert runner.invoke(app, ["srs", "check", digest]).exit_code == SrsError.exit_code
