"""`steelyard keys`: the encrypted file that an account's keys live in."""

from pathlib import Path
from typing import Annotated

import typer

from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    DEFAULT_STORE,
    AsJson,
    DeploymentFile,
    KeystoreFile,
    PassphraseFile,
    RpcUrl,
    StoreUrl,
    create_app,
    open_connection,
    open_identity,
    print_json,
    print_lines,
    stderr,
)
from steelyard.errors import ConfigError
from steelyard.keystore import (
    LIGHT_SCRYPT_N,
    STRONG_SCRYPT_N,
    Identity,
    export_account,
    forget,
    generate_identity,
    get_passphrase,
    import_account,
    is_keystore,
    make_identity,
    read_keystore,
    read_public,
    rotate,
    write_keystore,
)

app = create_app(
    """Look after the keys of an account.

    One file holds them all, encrypted with one passphrase: the Ethereum account (a keystore of version 3, which other
    wallets read), the keys that others encrypt to (X25519, and X25519 with ML-KEM-768), and those that were replaced.
    Keep a copy of the file: with it and the chain a lost machine costs nothing but time.

    The passphrase comes from `--passphrase-file`, STEELYARD_PASSPHRASE or a prompt. Keys and passphrases are never
    taken from the command line, nor printed.
    """
)

LightKdf = Annotated[bool, typer.Option("--light-kdf", help="Cheap key derivation. Only for keys of a local chain.")]


@app.command()
def new(
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    light_kdf: LightKdf = False,
    as_json: AsJson = False,
) -> None:
    """Make an account with fresh keys in a new file. A file that exists is left alone.

    Example: `steelyard keys new --keystore me.json`.
    """
    _refuse_to_replace(keystore)
    _write(keystore, generate_identity(), passphrase_file, light_kdf=light_kdf)
    show(keystore, as_json=as_json)


@app.command(name="import")
def import_key(
    source: Annotated[
        Path, typer.Argument(help="64 hexadecimal digits, or a wallet's keystore of version 3.", metavar="FILE")
    ],
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    source_passphrase_file: Annotated[
        Path | None,
        typer.Option("--source-passphrase-file", help="Of the wallet's keystore, if another.", metavar="FILE"),
    ] = None,
    light_kdf: LightKdf = False,
    as_json: AsJson = False,
) -> None:
    """Take over an account that exists, with fresh keys to encrypt to. Delete a bare key's file afterwards.

    Example: `steelyard keys import wallet.json --keystore me.json`.
    """
    _refuse_to_replace(keystore)
    passphrase = get_passphrase(file=source_passphrase_file or passphrase_file) if is_keystore(source) else None
    identity = make_identity(import_account(source, passphrase))
    _write(keystore, identity, passphrase_file, light_kdf=light_kdf)
    show(keystore, as_json=as_json)


@app.command()
def show(keystore: KeystoreFile = DEFAULT_KEYSTORE, as_json: AsJson = False) -> None:
    """Show what is public of a keystore. Needs no passphrase.

    Example: `steelyard keys show`.
    """
    view = read_public(keystore)
    digest = None if view.hybrid_digest is None else "0x" + view.hybrid_digest
    if as_json:
        print_json({"address": view.address, "publicKey": "0x" + view.public_key, "hybridDigest": digest})
        return
    print_lines(
        {
            "address": view.address,
            "X25519 key": "0x" + view.public_key,
            "hybrid key": f"sha2-256 {digest}" if digest else "none: `steelyard keys rotate` makes one",
            "keystore": keystore,
        }
    )


@app.command(name="rotate")
def rotate_keys(
    keystore: KeystoreFile = DEFAULT_KEYSTORE, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """Replace the keys that others encrypt to; the account stays. What was encrypted to the old ones still opens.

    Restart running programs, then `steelyard keys register`: rounds that are open keep the key they were opened with.
    """
    passphrase = get_passphrase(file=passphrase_file)
    identity = rotate(read_keystore(keystore, passphrase))
    write_keystore(keystore, identity, passphrase, scrypt_n=read_public(keystore).scrypt_n, overwrite=True)
    stderr.print("restart what runs with this keystore, then run `steelyard keys register`", markup=False)
    show(keystore, as_json=as_json)


@app.command()
def register(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Register the keystore's present keys on chain, as far as they are not, and store the hybrid one."""
    from steelyard.rounds.keys import register_keys  # noqa: PLC0415
    from steelyard.storage import open_store  # noqa: PLC0415

    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    hashes = register_keys(connection.marketplace, open_store(store_url), identity)
    if as_json:
        print_json({"address": identity.address, "transactions": hashes})
    else:
        print_lines({"account": identity.address, "registered": ", ".join(hashes) or "before"})


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="A file that does not exist yet.", metavar="FILE")],
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write the account alone as another wallet's keystore, with the same passphrase.

    To back everything up, copy the keystore itself: this file has none of the keys that others encrypt to.
    """
    passphrase = get_passphrase(file=passphrase_file)
    identity = read_keystore(keystore, passphrase)
    export_account(target, identity, passphrase, scrypt_n=read_public(keystore).scrypt_n)
    print_lines({"account": identity.address, "keystore": target})


@app.command(name="forget")
def forget_key(
    key: Annotated[str, typer.Argument(help="A retired key as it stood on chain; without one, they are listed.")] = "",
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Delete a retired key, unless a round that is open was opened with it. What was encrypted to it stays closed."""
    from steelyard.rounds.keys import find_keys_in_use  # noqa: PLC0415

    passphrase = get_passphrase(file=passphrase_file)
    identity = read_keystore(keystore, passphrase)
    if not key:
        for pair in identity.retired:
            typer.echo(f"0x{pair.registered.hex()}  {pair.sealing.value}")
        return
    try:
        registered = bytes.fromhex(key.removeprefix("0x"))
    except ValueError:
        raise ConfigError(f"`{key}` is not a key: hexadecimal digits") from None
    left = forget(identity, registered)
    connection = open_connection(rpc_url, deployment_file)
    market = connection.marketplace
    events = market.get_events(connection.deployment.block, market.get_block_number())
    if registered in find_keys_in_use(events, identity.address):
        raise ConfigError("a round that is open was opened with this key: what trainers sent to it would be lost")
    write_keystore(keystore, left, passphrase, scrypt_n=read_public(keystore).scrypt_n, overwrite=True)
    print_lines({"forgotten": key, "retired keys": len(left.retired)})


def _write(keystore: Path, identity: Identity, passphrase_file: Path | None, *, light_kdf: bool) -> None:
    passphrase = get_passphrase(file=passphrase_file, confirm=True)
    write_keystore(keystore, identity, passphrase, scrypt_n=LIGHT_SCRYPT_N if light_kdf else STRONG_SCRYPT_N)
    stderr.print(f"made {keystore}: keep a copy of it and of its passphrase, nobody can restore them", markup=False)


def _refuse_to_replace(keystore: Path) -> None:
    if keystore.exists():
        error = ConfigError(f"{keystore} exists already")
        error.hint = "Choose another path, or move that keystore away first."
        raise error
