import getpass
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from eth_account import Account

from steelyard.errors import KeystoreError
from steelyard.keystore import (
    LIGHT_SCRYPT_N,
    PASSPHRASE_VARIABLE,
    STRONG_SCRYPT_N,
    Identity,
    export_account,
    forget,
    generate_identity,
    get_passphrase,
    import_account,
    is_keystore,
    read_address,
    read_keystore,
    read_public,
    rotate,
    write_keystore,
)
from steelyard.types import Sealing

PASSPHRASE = "correct horse, büttery staple"
FIRST_VERSION = Path(__file__).parents[1] / "vectors" / "keystore-0.1.json"
"""As the first version of the program wrote it, with `PASSPHRASE` and keys of 0x01… and 0x02…."""


@pytest.fixture(scope="module")
def identity() -> Identity:
    return generate_identity()


@pytest.fixture
def path(tmp_path: Path, identity: Identity) -> Path:
    path = tmp_path / "keys" / "trainer.json"
    write_keystore(path, identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
    return path


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_keystore_gives_back_both_keys(path: Path, identity: Identity) -> None:
    again = read_keystore(path, PASSPHRASE)

    assert (again.address, again.account.key, again.public_key) == (
        identity.address,
        identity.account.key,
        identity.public_key,
    )
    assert again.encryption.private_key == identity.encryption.private_key
    assert read_address(path) == identity.address


def test_other_wallets_can_open_the_account(path: Path, identity: Identity) -> None:
    assert Account.decrypt(path.read_text(), PASSPHRASE) == identity.account.key


def test_the_file_holds_no_secret_in_clear_and_belongs_to_its_owner_only(path: Path, identity: Identity) -> None:
    text = path.read_text()

    assert bytes(identity.account.key).hex() not in text
    assert identity.encryption.private_key.hex() not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["trainer.json"], "a temporary file was left"


def test_the_default_cost_is_the_strong_one(tmp_path: Path, identity: Identity) -> None:
    write_keystore(tmp_path / "k.json", identity, PASSPHRASE)
    document = json.loads((tmp_path / "k.json").read_text())

    for crypto in (document["crypto"], document["encryption"]["crypto"]):
        assert crypto["kdf"] == "scrypt"
        assert crypto["kdfparams"]["n"] == STRONG_SCRYPT_N == 2**18


def test_repr_shows_no_secret(identity: Identity) -> None:
    for text in (repr(identity), str(identity), f"{identity}"):
        assert identity.address in text
        assert bytes(identity.account.key).hex() not in text
        assert identity.encryption.private_key.hex() not in text


def test_a_wrong_passphrase_is_refused(path: Path) -> None:
    with pytest.raises(KeystoreError, match=r"passphrase of .* is wrong") as caught:
        read_keystore(path, PASSPHRASE + " ")
    assert caught.value.hint
    assert caught.value.exit_code == 7


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o755])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeystoreError, match=f"{mode:04o}") as caught:
        read_keystore(path, PASSPHRASE)
    assert "chmod 600" in caught.value.hint


def test_a_keystore_is_never_overwritten_unasked(path: Path, identity: Identity) -> None:
    before = path.read_bytes()
    other = generate_identity()

    with pytest.raises(KeystoreError, match="exists already"):
        write_keystore(path, other, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
    assert path.read_bytes() == before

    write_keystore(path, other, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N, overwrite=True)
    assert read_keystore(path, PASSPHRASE).address == other.address
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(
    path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeystoreError, match="No space left"):
        write_keystore(path, identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N, overwrite=True)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_an_empty_passphrase_is_refused(tmp_path: Path, identity: Identity) -> None:
    with pytest.raises(KeystoreError, match="empty"):
        write_keystore(tmp_path / "k.json", identity, "", scrypt_n=LIGHT_SCRYPT_N)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match=r"no keystore at .*nowhere\.json"):
        read_keystore(tmp_path / "nowhere.json", PASSPHRASE)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"version": 3}', '{"version": 3, "address": "00"}', "x" * 70_000, "[" * 60_000]
)
def test_something_else_is_not_a_keystore(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(KeystoreError):
        read_keystore(path, PASSPHRASE)


def test_a_wallet_without_encryption_key_is_refused(path: Path) -> None:
    rewrite(path, encryption=None)
    with pytest.raises(KeystoreError, match="no X25519 key"):
        read_keystore(path, PASSPHRASE)


def test_an_address_that_is_not_the_keys_is_refused(path: Path) -> None:
    rewrite(path, address="00" * 20)
    with pytest.raises(KeystoreError, match="its key is that of"):
        read_keystore(path, PASSPHRASE)


def test_another_public_key_than_the_private_one_has_is_refused(path: Path) -> None:
    encryption = json.loads(path.read_text())["encryption"]
    rewrite(path, encryption={**encryption, "publicKey": "00" * 32})
    with pytest.raises(KeystoreError, match="another X25519 public key"):
        read_keystore(path, PASSPHRASE)


def test_a_file_cannot_ask_for_unbounded_memory(path: Path) -> None:
    crypto = json.loads(path.read_text())["crypto"]
    rewrite(path, crypto={**crypto, "kdfparams": {**crypto["kdfparams"], "n": 2**40}})
    with pytest.raises(KeystoreError, match="memory"):
        read_keystore(path, PASSPHRASE)


@pytest.mark.parametrize("field", ["ciphertext", "mac", "cipherparams", "kdf"])
def test_a_damaged_file_is_refused(path: Path, field: str) -> None:
    crypto = json.loads(path.read_text())["crypto"]
    rewrite(path, crypto={key: value for key, value in crypto.items() if key != field})
    with pytest.raises(KeystoreError):
        read_keystore(path, PASSPHRASE)


class TestPassphrase:
    def test_a_file_goes_before_the_environment(self, tmp_path: Path) -> None:
        file = tmp_path / "passphrase"
        file.write_text(f" {PASSPHRASE} \n")
        file.chmod(0o600)
        assert get_passphrase(file=file, environment={PASSPHRASE_VARIABLE: "other"}) == f" {PASSPHRASE} "

    def test_the_environment_goes_before_the_prompt(self) -> None:
        assert get_passphrase(environment={PASSPHRASE_VARIABLE: PASSPHRASE}) == PASSPHRASE

    def test_a_file_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "passphrase"
        file.write_text(PASSPHRASE)
        file.chmod(0o644)
        with pytest.raises(KeystoreError, match="0644"):
            get_passphrase(file=file, environment={})

    def test_without_a_terminal_there_is_nobody_to_ask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
        with pytest.raises(KeystoreError, match="no terminal") as caught:
            get_passphrase(environment={})
        assert PASSPHRASE_VARIABLE in caught.value.hint

    def test_a_new_passphrase_is_asked_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = iter([PASSPHRASE, "typo"])
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(getpass, "getpass", lambda _: next(answers))
        with pytest.raises(KeystoreError, match="differ"):
            get_passphrase(environment={}, confirm=True)


# ------------------------------------------------------------------------------------------------- hybrid keys


def test_the_hybrid_key_comes_back_and_is_found_by_its_digest(path: Path, identity: Identity) -> None:
    again = read_keystore(path, PASSPHRASE)
    assert again == identity
    assert again.get_pair(Sealing.X25519) == identity.encryption
    assert again.get_pair(Sealing.HYBRID) == identity.hybrid
    assert identity.hybrid is not None
    assert read_public(path).hybrid_digest == identity.hybrid.registered.hex()
    assert identity.hybrid.private_key.hex() not in path.read_text()
    assert identity.hybrid.private_key.hex() not in repr(identity)


def test_rotated_keys_are_kept_in_order_until_they_are_forgotten(path: Path, identity: Identity) -> None:
    second = rotate(identity)
    third = rotate(second)
    write_keystore(path, third, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N, overwrite=True)

    again = read_keystore(path, PASSPHRASE)
    assert again == third
    assert (again.address, again.account.key) == (identity.address, identity.account.key)
    assert again.retired == (*second.key_pairs[:2], *identity.key_pairs)
    for pair in (*identity.key_pairs, *second.key_pairs):
        assert again.find_key(pair.registered) == pair

    left = forget(again, identity.public_key)
    with pytest.raises(KeystoreError, match="no private key for"):
        left.find_key(identity.public_key)
    assert len(left.retired) == len(again.retired) - 1
    for kept in (again.public_key, b"\x00" * 32):
        with pytest.raises(KeystoreError, match="not among the retired"):
            forget(again, kept)


def test_retired_keys_do_not_grow_without_bound(identity: Identity) -> None:
    for _ in range(32):
        identity = rotate(identity)
    with pytest.raises(KeystoreError, match="66 keys are kept already"):
        rotate(identity)


def test_a_keystore_of_the_first_version_is_read_and_gains_a_hybrid_key(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(FIRST_VERSION.read_bytes())
    path.chmod(0o600)
    old = read_keystore(path, PASSPHRASE)
    assert (old.account.key, old.encryption.private_key) == (b"\x01" * 32, b"\x02" * 32)
    assert old.hybrid is None
    assert read_public(path).hybrid_digest is None
    with pytest.raises(KeystoreError, match="no hybrid key") as caught:
        old.get_pair(Sealing.HYBRID)
    assert "keys rotate" in caught.value.hint
    write_keystore(path, old, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N, overwrite=True)
    assert read_keystore(path, PASSPHRASE) == old, "written again without one"
    fresh = rotate(old)
    assert fresh.hybrid is not None
    assert fresh.retired == (old.encryption,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"publicKeyDigest": "00" * 32}, "another hybrid key"),
        ({"publicKeyDigest": None}, "another hybrid key"),
        ({"crypto": {}}, "not a keystore"),
    ],
)
def test_a_keyring_that_contradicts_itself_is_refused(path: Path, changes: dict[str, object], message: str) -> None:
    rewrite(path, keyring={**json.loads(path.read_text())["keyring"], **changes})
    with pytest.raises(KeystoreError, match=message):
        read_keystore(path, PASSPHRASE)


def test_a_keyring_of_another_kind_is_refused(path: Path) -> None:
    rewrite(path, keyring=[])
    with pytest.raises(KeystoreError, match="something else than keys"):
        read_keystore(path, PASSPHRASE)


# ------------------------------------------------------------------------------------------------- import and export


def write_private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text", ["11" * 32, "0x" + "11" * 32 + "\n"])
def test_a_bare_key_is_imported_from_a_private_file(tmp_path: Path, text: str) -> None:
    file = write_private(tmp_path / "key", text)
    assert not is_keystore(file)
    assert import_account(file, None).key == b"\x11" * 32


def test_a_bare_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = write_private(tmp_path / "key", "11" * 32, 0o644)
    with pytest.raises(KeystoreError, match="0644") as caught:
        import_account(file, None)
    assert f"chmod 600 {file}" in caught.value.hint
    assert "11" * 32 not in str(caught.value)


@pytest.mark.parametrize("text", ["", "zz", "11" * 31, "11" * 33, "00" * 32])
def test_what_is_no_key_is_not_imported_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeystoreError, match="does not hold 64 hexadecimal digits") as caught:
        import_account(write_private(tmp_path / "key", text), None)
    assert text not in str(caught.value) or not text


def test_an_exported_account_is_a_plain_keystore_and_can_be_imported(tmp_path: Path, identity: Identity) -> None:
    target = tmp_path / "wallet.json"
    export_account(target, identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
    document = json.loads(target.read_text())
    assert set(document) == {"address", "crypto", "id", "version"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert is_keystore(target)
    assert import_account(target, PASSPHRASE).key == identity.account.key
    with pytest.raises(KeystoreError, match="wrong"):
        import_account(target, "another")
    with pytest.raises(KeystoreError, match="exists already"):
        export_account(target, identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
