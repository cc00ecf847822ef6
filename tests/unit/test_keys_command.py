"""`steelyard keys`: nothing secret on the command line, in the output or readable by others."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scripts.cli import app
from steelyard.keystore import read_keystore

PASSPHRASE = "only for tests"


@pytest.fixture
def keystore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEELYARD_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("STEELYARD_KEYSTORE", str(tmp_path / "me.json"))
    return tmp_path / "me.json"


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["keys", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_keystore_is_made_shown_rotated_and_exported(keystore: Path) -> None:
    made = json.loads(run("new", "--light-kdf", "--json").stdout)
    assert json.loads(run("show", "--json").stdout) == made
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    before = read_keystore(keystore, PASSPHRASE)

    rotated = json.loads(run("rotate", "--json").stdout)
    after = read_keystore(keystore, PASSPHRASE)
    assert rotated["address"] == made["address"] == after.address
    assert {rotated["publicKey"], rotated["hybridDigest"]}.isdisjoint({made["publicKey"], made["hybridDigest"]})
    assert after.retired == before.key_pairs

    run("export", str(keystore.with_name("wallet.json")))
    imported = keystore.with_name("again.json")
    run("import", str(keystore.with_name("wallet.json")), "--keystore", str(imported), "--light-kdf")
    assert read_keystore(imported, PASSPHRASE).account.key == before.account.key

    listed = run("forget").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["0x" + pair.registered.hex() for pair in after.retired]


def test_no_command_prints_a_secret_or_takes_one(keystore: Path) -> None:
    output = run("new", "--light-kdf").output + run("rotate").output + run("show").output + run("forget").output
    identity = read_keystore(keystore, PASSPHRASE)
    for secret in (bytes(identity.account.key), *(pair.private_key for pair in identity.key_pairs)):
        assert secret.hex() not in output
        assert secret.hex() not in keystore.read_text()
    assert PASSPHRASE not in output
    options = "".join(run(command, "--help").output for command in ("new", "import", "rotate", "export", "forget"))
    assert "--private-key" not in options
    assert "--passphrase " not in options


def test_an_existing_file_is_left_alone(keystore: Path) -> None:
    run("new", "--light-kdf")
    before = keystore.read_bytes()
    assert "exists already" in run("new", "--light-kdf", code=7).output
    assert keystore.read_bytes() == before


@pytest.mark.parametrize("command", ["show", "rotate", "forget"])
def test_a_keystore_that_others_can_read_is_refused_with_the_remedy(keystore: Path, command: str) -> None:
    run("new", "--light-kdf")
    keystore.chmod(0o644)
    assert "chmod 600" in run(command, code=7).output.replace("\n", " ")


def test_a_bare_key_is_imported_from_a_file_only(keystore: Path) -> None:
    bare = keystore.with_name("bare")
    bare.write_text("22" * 32)
    bare.chmod(0o600)
    output = run("import", str(bare), "--light-kdf").output
    assert "22" * 32 not in output
    assert read_keystore(keystore, PASSPHRASE).account.key == b"\x22" * 32
