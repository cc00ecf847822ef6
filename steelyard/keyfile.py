"""Secrets in files: encrypted as keystores of version 3 do it (Web3 Secret Storage), readable by their owner only.

What a keystore's fields mean is `steelyard.keystore`'s business.
"""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from eth_keyfile.keyfile import decode_keyfile_json
from eth_utils.crypto import keccak

from steelyard.errors import KeystoreError

_MAX_SCRYPT_MEMORY: Final = 2**30
_MAX_FILE_BYTES: Final = 64 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, document: Mapping[str, Any], *, overwrite: bool) -> None:
    """Writes a document as JSON, all or nothing, with permission bits 0600. Its folder is made where it is missing.

    Raises:
      KeystoreError: a file is there already and may not be replaced, or the folder cannot be written.
    """
    content = json.dumps(document, indent=2).encode() + b"\n"
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
        raise make_error(f"{path} exists already", "Choose another path, or move that keystore away first.") from None
    except OSError as error:
        raise make_error(f"{path} cannot be written: {error.strerror}") from error


def read_private(path: Path, what: str) -> bytes:
    """The bytes of a file that nobody but its owner may read. The check and the reading are of the same open file.

    Raises:
      KeystoreError: it is missing, readable by others, too large, or cannot be read; `what` says what it is.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise make_error(
                    f"the {what} {path} has permissions {stat.S_IMODE(mode):04o}: others may use it",
                    f"Run `chmod 600 {path}`, and think about who may have read it.",
                )
            content = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise make_error(f"there is no {what} at {path}", "`steelyard trainer init` makes a keystore.") from None
    except OSError as error:
        raise make_error(f"the {what} {path} cannot be read: {error.strerror}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise make_error(f"the {what} {path} is larger than {_MAX_FILE_BYTES:,} bytes")
    return content


def encrypt_secret(secret: bytes, passphrase: str, scrypt_n: int) -> dict[str, Any]:
    """The `crypto` object of a keystore of version 3, for a secret of any length: AES-128-CTR, then keccak-256."""
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    parameters = {"dklen": 32, "n": scrypt_n, "r": 8, "p": 1}
    key = hashlib.scrypt(passphrase.encode(), salt=salt, maxmem=_MAX_SCRYPT_MEMORY, **parameters)
    encryptor = Cipher(AES(key[:16]), CTR(iv)).encryptor()
    ciphertext = encryptor.update(secret) + encryptor.finalize()
    return {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": iv.hex()},
        "ciphertext": ciphertext.hex(),
        "kdf": "scrypt",
        "kdfparams": {**parameters, "salt": salt.hex()},
        "mac": keccak(key[16:] + ciphertext).hex(),
    }


def decrypt_secret(path: Path, document: dict[str, Any], passphrase: str) -> bytes:
    """The secret in an object with a field `crypto`, from the file at `path`.

    Raises:
      KeystoreError: the passphrase is another, the object is damaged, or it asks for more memory than is reasonable.
    """
    _verify_scrypt(path, document)
    try:
        return decode_keyfile_json(document, passphrase.encode())
    except ValueError as error:
        if "MAC mismatch" not in str(error):
            raise make_error(f"{path} is damaged: {error}") from error
        raise make_error(
            f"the passphrase of {path} is wrong", "Check which keystore and which passphrase file are set."
        ) from None
    except (KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise make_error(f"{path} is damaged: {error!r}") from error


def _verify_scrypt(path: Path, document: dict[str, Any]) -> None:
    try:
        parameters = document["crypto"]["kdfparams"]
        memory = 128 * parameters["n"] * parameters["r"] if document["crypto"]["kdf"] == "scrypt" else 0
        too_costly = not 0 <= memory <= _MAX_SCRYPT_MEMORY
    except (KeyError, TypeError) as error:
        raise make_error(f"{path} is not a keystore of version 3") from error
    if too_costly:
        raise make_error(f"{path} asks scrypt for {memory:,} bytes of memory, more than {_MAX_SCRYPT_MEMORY:,}")


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


def make_error(message: str, hint: str = "") -> KeystoreError:
    """An error with a hint."""
    error = KeystoreError(message)
    error.hint = hint
    return error
