"""One encrypted file per identity: the account that signs, and the keys that others encrypt to.

The account's key is an Ethereum keystore of version 3 (Web3 Secret Storage), readable by other wallets. The X25519 key
stands in the same file under `encryption`, and the hybrid key with those that were replaced under `keyring`, encrypted
by the same scheme and passphrase. Files without a keyring, as earlier versions wrote them, are read as they are. The
file is readable by its owner only: that is enforced when it is written and checked whenever it is read.
"""

import getpass
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from pydantic_core import from_json

from steelyard.keyfile import decrypt_secret, encrypt_secret, make_error, read_private, write_private
from steelyard.types import Address, Sealing
from steelyard.updates.encryption import EncryptionKeyPair

PASSPHRASE_VARIABLE: Final = "STEELYARD_PASSPHRASE"  # noqa: S105 - the name, not the secret
"""The environment variable that may hold the passphrase. There is no option for it: command lines are public."""

STRONG_SCRYPT_N: Final = 2**18
"""scrypt's cost for files that people keep: about 256 MiB and a second."""

LIGHT_SCRYPT_N: Final = 2**12
"""scrypt's cost for keys that are worth nothing: tests and local chains."""

_MAX_RETIRED: Final = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """An account with its keys. Its `repr` shows what is public and nothing else."""

    account: LocalAccount
    encryption: EncryptionKeyPair
    """The X25519 key."""
    hybrid: EncryptionKeyPair | None = None
    """None where the keystore is of an earlier version; `rotate` makes one."""
    retired: tuple[EncryptionKeyPair, ...] = ()
    """Keys that were replaced, the newest first: what was encrypted to them still opens."""

    @property
    def address(self) -> Address:
        """The account's address, EIP-55 checksummed."""
        return Address(self.account.address)

    @property
    def public_key(self) -> bytes:
        """The X25519 public key, 32 bytes: what `registerKey` takes."""
        return self.encryption.public_key

    def find_key(self, registered: bytes) -> EncryptionKeyPair:
        """The pair whose public key stands on chain as `registered`: of now, or a retired one.

        Raises:
          KeystoreError: the keystore has no such pair.
        """
        for pair in self.key_pairs:
            if pair.registered == registered:
                return pair
        raise make_error(
            f"the keystore of {self.address} has no private key for 0x{registered.hex()}",
            "Use the keystore that registered it, or restart the program if the key was rotated meanwhile.",
        )

    @property
    def key_pairs(self) -> tuple[EncryptionKeyPair, ...]:
        """Every pair, those of now first."""
        return (self.encryption, *(() if self.hybrid is None else (self.hybrid,)), *self.retired)

    def get_pair(self, sealing: Sealing) -> EncryptionKeyPair:
        """The pair of now for a sealing.

        Raises:
          KeystoreError: the keystore is of an earlier version and has no hybrid key.
        """
        if sealing is Sealing.X25519:
            return self.encryption
        if self.hybrid is None:
            raise make_error(
                f"the keystore of {self.address} has no hybrid key",
                "Add one with `steelyard keys rotate`, then register it with `steelyard keys register`.",
            )
        return self.hybrid

    def __repr__(self) -> str:
        return f"Identity(address={self.address}, public_key=0x{self.public_key.hex()})"

    __str__ = __repr__


def generate_identity() -> Identity:
    """A fresh account with fresh keys, from the operating system's generator."""
    return make_identity(Account.from_key(secrets.token_bytes(32)))


def make_identity(account: LocalAccount) -> Identity:
    """An account with fresh keys to encrypt to."""
    return Identity(account, EncryptionKeyPair.generate(), EncryptionKeyPair.generate(Sealing.HYBRID))


def rotate(identity: Identity) -> Identity:
    """The same account with fresh keys; those of before become the first retired ones.

    Raises:
      KeystoreError: too many keys are kept already.
    """
    fresh = make_identity(identity.account)
    kept = identity.key_pairs
    if len(kept) > _MAX_RETIRED:
        raise make_error(f"{len(kept)} keys are kept already", "Forget some with `steelyard keys forget`.")
    return replace(fresh, retired=kept)


def forget(identity: Identity, registered: bytes) -> Identity:
    """The identity without one of its retired keys.

    Raises:
      KeystoreError: no retired key stands on chain as `registered`.
    """
    left = tuple(pair for pair in identity.retired if pair.registered != registered)
    if len(left) == len(identity.retired):
        raise make_error(f"0x{registered.hex()} is not among the retired keys of {identity.address}")
    return replace(identity, retired=left)


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
        raise make_error("an empty passphrase protects nothing", "Choose a passphrase, or a file that holds one.")
    write_private(path, _encode(identity, passphrase, scrypt_n), overwrite=overwrite)


def read_keystore(path: Path, passphrase: str) -> Identity:
    """Decrypts the identity at `path`.

    Raises:
      KeystoreError: the file is missing, readable by others, not a keystore, or its passphrase is another.
    """
    document = _read_document(path)
    account_key = decrypt_secret(path, document, passphrase)
    encryption = document.get("encryption")
    if not isinstance(encryption, dict):
        raise make_error(
            f"{path} has no X25519 key in its field `encryption`", "Make one with `steelyard trainer init`."
        )
    try:
        identity = Identity(
            Account.from_key(account_key),
            EncryptionKeyPair.from_private_key(decrypt_secret(path, encryption, passphrase)),
            *_decode_keyring(path, document.get("keyring"), passphrase),
        )
    except ValueError as error:
        raise make_error(f"{path} holds something that is not a key") from error
    if document["address"].lower() != identity.address[2:].lower():
        raise make_error(f"{path} says it belongs to 0x{document['address']}, its key is that of {identity.address}")
    if encryption.get("publicKey") != identity.public_key.hex():
        raise make_error(f"{path} names another X25519 public key than its private key has")
    return identity


def read_address(path: Path) -> Address:
    """The address that the keystore at `path` says it belongs to; needs no passphrase.

    Raises:
      KeystoreError: the file is missing, readable by others, or not a keystore.
    """
    return Address(to_checksum_address("0x" + _read_document(path)["address"]))


@dataclass(frozen=True, slots=True)
class PublicView:
    """What a keystore says in clear."""

    address: Address
    public_key: str
    """X25519, hexadecimal."""
    hybrid_digest: str | None
    """sha2-256 of the hybrid public key, hexadecimal."""
    scrypt_n: int


def read_public(path: Path) -> PublicView:
    """What the keystore at `path` says in clear; needs no passphrase, and proves nothing.

    Raises:
      KeystoreError: the file is missing, readable by others, or not a keystore.
    """
    document = _read_document(path)
    try:
        return PublicView(
            Address(to_checksum_address("0x" + document["address"])),
            str(document["encryption"]["publicKey"]),
            document["keyring"]["publicKeyDigest"] if "keyring" in document else None,
            int(document["crypto"]["kdfparams"].get("n", STRONG_SCRYPT_N)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise make_error(f"{path} is not a keystore of Steelyard's") from error


def import_account(path: Path, passphrase: str | None) -> LocalAccount:
    """The account in a file that only its owner can read: 64 hexadecimal digits, or another wallet's keystore.

    Args:
      path: the file.
      passphrase: of a keystore; None for bare digits.

    Raises:
      KeystoreError: the file is readable by others or holds neither, or the passphrase is wrong.
    """
    content = read_private(path, "key file")
    try:
        if passphrase is None:
            return cast("LocalAccount", Account.from_key(bytes.fromhex(content.decode().strip().removeprefix("0x"))))
    except ValueError as error:
        raise make_error(f"{path} does not hold 64 hexadecimal digits of a private key") from error
    return cast("LocalAccount", Account.from_key(decrypt_secret(path, _read_document(path), passphrase)))


def is_keystore(path: Path) -> bool:
    """Whether a file that only its owner can read looks like a keystore rather than a bare key.

    Raises:
      KeystoreError: it cannot be read, or others can read it.
    """
    return read_private(path, "key file").lstrip().startswith(b"{")


def export_account(path: Path, identity: Identity, passphrase: str, *, scrypt_n: int = STRONG_SCRYPT_N) -> None:
    """Encrypts the account alone into a new keystore of version 3, for another wallet.

    Raises:
      KeystoreError: a file is there already, or the folder cannot be written.
    """
    document = Account.encrypt(bytes(identity.account.key), passphrase, kdf="scrypt", iterations=scrypt_n)
    write_private(path, document, overwrite=False)


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
        return read_private(file, "passphrase file").decode().removesuffix("\n").removesuffix("\r")
    if passphrase := environment.get(PASSPHRASE_VARIABLE):
        return passphrase
    if not sys.stdin.isatty():
        raise make_error(
            "there is no passphrase and no terminal to ask for it",
            f"Set {PASSPHRASE_VARIABLE}, or STEELYARD_PASSPHRASE_FILE to a file that only you can read.",
        )
    passphrase = getpass.getpass("Passphrase: ")
    if confirm and getpass.getpass("Once more: ") != passphrase:
        raise make_error("the two passphrases differ")
    return passphrase


def _encode(identity: Identity, passphrase: str, scrypt_n: int) -> dict[str, Any]:
    document = dict(Account.encrypt(bytes(identity.account.key), passphrase, kdf="scrypt", iterations=scrypt_n))
    document["encryption"] = {
        "algorithm": Sealing.X25519.value,
        "publicKey": identity.public_key.hex(),
        "crypto": encrypt_secret(identity.encryption.private_key, passphrase, scrypt_n),
        "version": 3,
    }
    if identity.hybrid is not None:
        keyring = {
            "hybrid": identity.hybrid.private_key.hex(),
            "retired": [pair.private_key.hex() for pair in identity.retired],
        }
        document["keyring"] = {
            "algorithm": Sealing.HYBRID.value,
            "publicKeyDigest": identity.hybrid.registered.hex(),
            "crypto": encrypt_secret(json.dumps(keyring).encode(), passphrase, scrypt_n),
            "version": 3,
        }
    return document


def _decode_keyring(
    path: Path, keyring: object, passphrase: str
) -> tuple[EncryptionKeyPair | None, tuple[EncryptionKeyPair, ...]]:
    if keyring is None:
        return None, ()
    if not isinstance(keyring, dict):
        raise make_error(f"{path} has something else than keys in its field `keyring`")
    try:
        found = json.loads(decrypt_secret(path, keyring, passphrase))
        hybrid = EncryptionKeyPair.from_private_key(bytes.fromhex(found["hybrid"]))
        retired = tuple(EncryptionKeyPair.from_private_key(bytes.fromhex(key)) for key in found["retired"])
    except (KeyError, TypeError) as error:
        raise make_error(f"{path} is damaged: its keyring lacks {error}") from error
    if hybrid.sealing is not Sealing.HYBRID or keyring.get("publicKeyDigest") != hybrid.registered.hex():
        raise make_error(f"{path} names another hybrid key than its private key has")
    return hybrid, retired


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = from_json(read_private(path, "keystore"))
    except ValueError as error:
        raise make_error(f"{path} is not JSON") from error
    address = document.get("address") if isinstance(document, dict) else None
    if not isinstance(address, str) or len(address) != 40 or document.get("version") != 3:
        raise make_error(f"{path} is not a keystore of version 3")
    return cast("dict[str, Any]", document)
