"""What the commands of all programs share: options, connections, output, and errors as exit codes with a hint.

Data go to stdout, everything else to stderr. With `--json` stdout has one JSON object a line and nothing else.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from eth_utils.address import is_checksum_address, to_checksum_address
from platformdirs import user_config_path, user_state_path
from rich.console import Console
from typer.core import TyperGroup

from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.rpc import connect
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender
from steelyard.errors import ConfigError, ProtocolError
from steelyard.gram.srs_library import uses_insecure_srs
from steelyard.keystore import Identity, get_passphrase, read_keystore
from steelyard.types import Address, ProjectId


class _Stderr(Console):
    """Begins every printed text with a warning while an insecure reference string is in use."""

    def print(self, *objects: Any, **options: Any) -> None:
        if uses_insecure_srs() and objects and isinstance(objects[0], str):
            objects = (f"INSECURE SRS: {objects[0]}", *objects[1:])
        super().print(*objects, **options)


stderr = _Stderr(stderr=True, highlight=False)
"""For people: progress, warnings, questions."""

RpcUrl = Annotated[str, typer.Option("--rpc-url", envvar="STEELYARD_RPC_URL", help="The Ethereum node.", metavar="URL")]
DeploymentFile = Annotated[
    Path,
    typer.Option("--deployment", envvar="STEELYARD_DEPLOYMENT", help="Where the contracts stand.", metavar="FILE"),
]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="STEELYARD_STORE",
        help="The blob store: `local:PATH`, `kubo:http://…`, `gateway:https://…`, or several joined by ` + `.",
        metavar="URL",
    ),
]
KeystoreFile = Annotated[
    Path,
    typer.Option("--keystore", envvar="STEELYARD_KEYSTORE", help="The account's encrypted keys.", metavar="FILE"),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="STEELYARD_PASSPHRASE_FILE",
        help="Holds the keystore's passphrase; else STEELYARD_PASSPHRASE or a prompt.",
        metavar="FILE",
    ),
]
StateFolder = Annotated[
    Path,
    typer.Option("--state", envvar="STEELYARD_STATE", help="Where a restarted program goes on.", metavar="FOLDER"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]

DEFAULT_RPC_URL = "http://127.0.0.1:8545"
DEFAULT_DEPLOYMENT = Path("deployment.json")
DEFAULT_STORE = f"local:{user_state_path('steelyard') / 'blobs'}"
DEFAULT_KEYSTORE = user_config_path("steelyard") / "keystore.json"
DEFAULT_STATE = user_state_path("steelyard")


class ProtocolGroup(TyperGroup):
    """A group of commands whose expected failures end in a line on stderr, a hint, and their family's exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ProtocolError as error:
            print_error(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def create_app(help_text: str) -> typer.Typer:
    """A group of commands in the house's manner."""
    return typer.Typer(
        cls=ProtocolGroup,
        help=help_text,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )


def print_error(error: ProtocolError) -> None:
    """Says what went wrong and what to do about it."""
    stderr.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
    if error.hint:
        stderr.print(f"hint: {error.hint}", markup=False, soft_wrap=True)


def print_warning(text: str) -> None:
    """Says something that is worth knowing but stops nothing."""
    stderr.print(f"warning: {text}", style="yellow", markup=False, soft_wrap=True)


def print_json(record: Mapping[str, object]) -> None:
    """One object on a line of stdout. Integers that outgrow a float are decimal strings, bytes are 0x-hex."""
    sys.stdout.write(json.dumps(to_json(record), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def with_amounts(record: Mapping[str, object], *names: str) -> dict[str, object]:
    """The record with these amounts as decimal strings, however small: an amount has one type in JSON."""
    return {name: str(value) if name in names else value for name, value in record.items()}


def open_console() -> Console:
    """Stdout for tables; wide enough for an address and its figures where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=130)


def print_lines(lines: Mapping[str, object]) -> None:
    """Labels and values, aligned, on stdout."""
    width = max(map(len, lines), default=0)
    for label, value in lines.items():
        sys.stdout.write(f"{label:<{width}}  {value}\n")
    sys.stdout.flush()


def to_json(value: object) -> Any:
    """What `json` can write for a value, without loss."""
    match value:
        case bool() | None | str() | float():
            return value
        case int():
            return value if abs(value) < 2**53 else str(value)
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class Connection:
    """A marketplace on a chain, with the deployment file that told where it is."""

    deployment: Deployment
    marketplace: Marketplace

    def get_token(self, address: Address) -> Token:
        """A token, as the same sender."""
        return Token(self.marketplace.web3, address, sender=self.marketplace.sender)


def open_connection(rpc_url: str, deployment_file: Path, identity: Identity | None = None) -> Connection:
    """Connects to the node and the marketplace, as `identity` if one is given.

    Raises:
      ConfigError: the deployment file cannot be read.
      ChainUnavailableError: the node does not answer.
      WrongChainError: it serves another chain, or no Steelyard stands where the file says.
    """
    if not deployment_file.exists():
        error = ConfigError(f"there is no deployment file at {deployment_file}")
        error.hint = "Set `--deployment` or STEELYARD_DEPLOYMENT to the file that `deploy` wrote."
        raise error
    deployment = Deployment.load(deployment_file)
    web3 = connect(rpc_url, chain_id=deployment.chain_id)
    sender = None if identity is None else Sender(web3, identity.account)
    marketplace = Marketplace(web3, deployment.marketplace, chain_id=deployment.chain_id, sender=sender)
    return Connection(deployment, marketplace)


def open_identity(keystore: Path, passphrase_file: Path | None) -> Identity:
    """Decrypts a keystore with the passphrase of a file, the environment or a prompt.

    Raises:
      KeystoreError: as `get_passphrase` and `read_keystore`.
    """
    return read_keystore(keystore, get_passphrase(file=passphrase_file))


def parse_project_id(text: str) -> ProjectId:
    """The project that 64 hexadecimal digits name.

    Raises:
      ConfigError: they are not that.
    """
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise ConfigError(f"`{text}` is not a project id: 64 hexadecimal digits after `0x`")
    return ProjectId(value)


def parse_address(text: str) -> Address:
    """The account that 40 hexadecimal digits name; a wrong checksum is refused, none is accepted.

    Raises:
      ConfigError: they are not that.
    """
    digits = text.removeprefix("0x")
    try:
        if len(bytes.fromhex(digits)) != 20:
            raise ConfigError(f"`{text}` is not an address: 40 hexadecimal digits after `0x`")
    except ValueError:
        raise ConfigError(f"`{text}` is not an address: 40 hexadecimal digits after `0x`") from None
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address("0x" + digits):
        raise ConfigError(f"`{text}` has a wrong checksum: a digit or a letter's case is mistaken")
    return Address(to_checksum_address("0x" + digits))


def parse_amount(text: str, decimals: int) -> int:
    """Tokens, written as a decimal number, in the token's smallest unit.

    Raises:
      ConfigError: it is not a number from 0, or finer than the token.
    """
    try:
        # The default context rounds to 28 digits. Where even 80 are too few, the trap says so.
        units = Decimal(text).scaleb(decimals, Context(prec=80, traps=[Inexact, InvalidOperation]))
    except (InvalidOperation, Inexact):
        raise ConfigError(f"`{text}` is not an amount") from None
    if not units.is_finite() or units < 0 or units != units.to_integral_value() or units >= 2**128:
        raise ConfigError(f"`{text}` is not an amount of a token with {decimals} decimals")
    return int(units)


def format_amount(units: int, decimals: int, symbol: str = "") -> str:
    """An amount in tokens, with every digit that counts and no other.

    >>> format_amount(1_234_500_000, 6, "USDC")
    '1,234.5 USDC'
    """
    whole, rest = divmod(abs(units), 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if rest else ""
    text = f"{whole:,}.{fraction}" if fraction else f"{whole:,}"
    return f"{'-' if units < 0 else ''}{text} {symbol}".rstrip()


def format_duration(seconds: int) -> str:
    """A time in the two largest units that are not zero.

    >>> format_duration(90_061)
    '1 d 1 h'
    """
    parts = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
