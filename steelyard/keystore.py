"""One encrypted file per identity: the account that signs and the X25519 key that payloads are encrypted to.

The account's key is an Ethereum keystore of version 3 (Web3 Secret Storage), readable by other wallets. The X25519 key
stands in the same file under `encryption`, encrypted by the same scheme and passphrase. The file is readable by its
owner only: that is enforced when it is written and checked whenever it is read.
"""

import getpass
import json
import os
import secrets
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json
from eth_utils.address import to_checksum_address

from steelyard.errors import KeystoreError
from steelyard.types import Address
from steelyard.updates.encryption import EncryptionKeyPair

PASSPHRASE_VARIABLE: Final = "STEELYARD_PASSPHRASE"  # noqa: S105 - the name, not the secret
"""The environment variable that may hold the passphrase. There is no option for it: command lines are public."""

STRONG_SCRYPT_N: Final = 2**18
"""scrypt's cost for files that people keep: about 256 MiB and a second."""

LIGHT_SCRYPT_N: Final = 2**12
"""scrypt's cost for keys that are worth nothing: tests and local chains."""

_MAX_SCRYPT_MEMORY: Final = 2**30
_MAX_FILE_BYTES: Final = 64 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Identity:
    """An account with its two keys. Its `repr` shows what is public and nothing else."""

    account: LocalAccount
    encryption: EncryptionKeyPair

    @property
    def address(self) -> Address:
        """The account's address, EIP-55 checksummed."""
        return Address(self.account.address)

    @property
    def public_key(self) -> bytes:
        """The X25519 public key, 32 bytes: what `registerKey` takes."""
        return self.encryption.public_key

    def __repr__(self) -> str:
        return f"Identity(address={self.address}, public_key=0x{self.public_key.hex()})"

    __str__ = __repr__


def generate_identity() -> Identity:
    """A fresh account and a fresh X25519 key, from the operating system's generator."""
    return Identity(Account.from_key(secrets.token_bytes(32)), EncryptionKeyPair.generate())


def write_keystore(
    path: Path, identity: Identity, passphrase: str, *, scrypt_n: int = STRONG_SCRYPT_N, overwrite: bool = False
) -> None:
    """Encrypts `identity` into a new file at `path`, all or nothing, with permission bits 0600.

    Args:
      path: where the file goes; its folder is made where it is missing.
      identity: both of its keys are encrypted.
      passphrase: must not be empty.
      scrypt_n: the cost of guessing a passphrase.
      overwrite: whether a file that is there already may be replaced, and its keys lost.

    Raises:
      KeystoreError: the passphrase is empty, a file is there already, or the folder cannot be written.
    """
    if not passphrase:
        raise _error("an empty passphrase protects nothing", "Choose a passphrase, or a file that holds one.")
    content = json.dumps(_encode(identity, passphrase, scrypt_n), indent=2).encode() + b"\n"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write_new(temporary, content)
            if overwrite:
                temporary.replace(path)
            else:
                path.hardlink_to(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise _error(f"{path} exists already", "Choose another path, or move that keystore away first.") from None
    except OSError as error:
        raise _error(f"{path} cannot be written: {error.strerror}") from error


def read_keystore(path: Path, passphrase: str) -> Identity:
    """Decrypts the identity at `path`.

    Raises:
      KeystoreError: the file is missing, readable by others, not a keystore, or its passphrase is another.
    """
    document = _read_document(path)
    account_key = _decrypt(path, document, passphrase)
    encryption = document.get("encryption")
    if not isinstance(encryption, dict):
        raise _error(f"{path} has no X25519 key in its field `encryption`", "Make one with `steelyard trainer init`.")
    try:
        identity = Identity(
            Account.from_key(account_key),
            EncryptionKeyPair.from_private_key(_decrypt(path, encryption, passphrase)),
        )
    except ValueError as error:
        raise _error(f"{path} holds something that is not a key") from error
    if document["address"].lower() != identity.address[2:].lower():
        raise _error(f"{path} says it belongs to 0x{document['address']}, its key is that of {identity.address}")
    if encryption.get("publicKey") != identity.public_key.hex():
        raise _error(f"{path} names another X25519 public key than its private key has")
    return identity


def read_address(path: Path) -> Address:
    """The address that the keystore at `path` says it belongs to; needs no passphrase.

    Raises:
      KeystoreError: the file is missing, readable by others, or not a keystore.
    """
    return Address(to_checksum_address("0x" + _read_document(path)["address"]))


def get_passphrase(
    *, file: Path | None = None, environment: Mapping[str, str] = os.environ, confirm: bool = False
) -> str:
    """The passphrase from a file, else from `STEELYARD_PASSPHRASE`, else from a prompt.

    Args:
      file: one line; readable by its owner only.
      environment: where the variable is looked up.
      confirm: whether the prompt asks twice, as it should for a new keystore.

    Raises:
      KeystoreError: the file cannot be read or others can read it, the two answers differ, or there is nobody to ask.
    """
    if file is not None:
        return _read_private(file, "passphrase file").decode().removesuffix("\n").removesuffix("\r")
    if passphrase := environment.get(PASSPHRASE_VARIABLE):
        return passphrase
    if not sys.stdin.isatty():
        raise _error(
            "there is no passphrase and no terminal to ask for it",
            f"Set {PASSPHRASE_VARIABLE}, or STEELYARD_PASSPHRASE_FILE to a file that only you can read.",
        )
    passphrase = getpass.getpass("Passphrase: ")
    if confirm and getpass.getpass("Once more: ") != passphrase:
        raise _error("the two passphrases differ")
    return passphrase


def _encode(identity: Identity, passphrase: str, scrypt_n: int) -> dict[str, Any]:
    secret, encryption_secret = bytes(identity.account.key), identity.encryption.private_key
    document = dict(Account.encrypt(secret, passphrase, kdf="scrypt", iterations=scrypt_n))
    # An X25519 key is no secp256k1 key: of the second object only the ciphertext is kept, not the address made from it.
    encryption = create_keyfile_json(encryption_secret, passphrase.encode(), kdf="scrypt", iterations=scrypt_n)
    document["encryption"] = {
        "algorithm": "x25519",
        "publicKey": identity.public_key.hex(),
        "crypto": encryption["crypto"],
        "version": 3,
    }
    return document


def _decrypt(path: Path, document: dict[str, Any], passphrase: str) -> bytes:
    _verify_scrypt(path, document)
    try:
        return decode_keyfile_json(document, passphrase.encode())
    except ValueError as error:
        if "MAC mismatch" not in str(error):
            raise _error(f"{path} is damaged: {error}") from error
        raise _error(
            f"the passphrase of {path} is wrong", "Check which keystore and which passphrase file are set."
        ) from None
    except (KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise _error(f"{path} is damaged: {error!r}") from error


def _verify_scrypt(path: Path, document: dict[str, Any]) -> None:
    try:
        parameters = document["crypto"]["kdfparams"]
        memory = 128 * parameters["n"] * parameters["r"] if document["crypto"]["kdf"] == "scrypt" else 0
        too_costly = not 0 <= memory <= _MAX_SCRYPT_MEMORY
    except (KeyError, TypeError) as error:
        raise _error(f"{path} is not a keystore of version 3") from error
    if too_costly:
        raise _error(f"{path} asks scrypt for {memory:,} bytes of memory, more than {_MAX_SCRYPT_MEMORY:,}")


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(_read_private(path, "keystore"))
    except ValueError as error:
        raise _error(f"{path} is not JSON") from error
    address = document.get("address") if isinstance(document, dict) else None
    if not isinstance(address, str) or len(address) != 40 or document.get("version") != 3:
        raise _error(f"{path} is not a keystore of version 3")
    return cast("dict[str, Any]", document)


def _read_private(path: Path, what: str) -> bytes:
    """The bytes of a file that nobody but its owner may read. The check and the reading are of the same open file."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise _error(
                    f"the {what} {path} has permissions {stat.S_IMODE(mode):04o}: others may use it",
                    f"Run `chmod 600 {path}`, and think about who may have read it.",
                )
            content = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _error(f"there is no {what} at {path}", "`steelyard trainer init` makes a keystore.") from None
    except OSError as error:
        raise _error(f"the {what} {path} cannot be read: {error.strerror}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise _error(f"the {what} {path} is larger than {_MAX_FILE_BYTES:,} bytes")
    return content


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _error(message: str, hint: str = "") -> KeystoreError:
    error = KeystoreError(message)
    error.hint = hint
    return error
