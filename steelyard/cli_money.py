"""Commands about an account's own tokens, the same for owners, trainers and aggregators: each group mounts them."""

from collections.abc import Callable
from typing import Annotated

import typer

from steelyard.chain.events import Claimed, StakeUnbonding, StakeWithdrawn
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    AsJson,
    Connection,
    DeploymentFile,
    KeystoreFile,
    PassphraseFile,
    RpcUrl,
    format_amount,
    format_duration,
    open_connection,
    open_identity,
    parse_address,
    parse_amount,
    print_json,
    print_lines,
    print_warning,
)
from steelyard.errors import ConfigError
from steelyard.types import Address

TokenAddress = Annotated[
    str | None, typer.Option("--token", help="The token; the deployment's own if not given.", metavar="ADDRESS")
]
Recipient = Annotated[
    str | None, typer.Option("--to", help="Who receives it; the account itself if not given.", metavar="ADDRESS")
]


class Money:
    """Writes amounts of one token."""

    def __init__(self, connection: Connection, address: Address) -> None:
        token = connection.get_token(address)
        self.token, self.decimals, self.symbol = token, token.get_decimals(), token.get_symbol()

    def __call__(self, units: int) -> str:
        return format_amount(units, self.decimals, self.symbol)


def get_token_address(connection: Connection, text: str | None) -> Address:
    """The token that an option names, or the deployment's own.

    Raises:
      ConfigError: neither.
    """
    if text is not None:
        return parse_address(text)
    if connection.deployment.token is None:
        raise ConfigError("this deployment has no token of its own: name one with `--token`")
    return connection.deployment.token


def claim(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    token: TokenAddress = None,
    to: Recipient = None,
    as_json: AsJson = False,
) -> None:
    """Have everything paid out that has been credited: shares, fees, refunds.

    Example: `… claim --to 0xabc…`.
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment, identity)
    money = Money(connection, get_token_address(connection, token))
    recipient = parse_address(to) if to else identity.address
    if not connection.marketplace.get_credit(identity.address, money.token.address):
        print_warning("there is nothing to claim; credits of a round can be claimed once it is final")
        if as_json:
            print_json({"amount": "0", "recipient": recipient, "tx": None})
        return
    receipt = connection.marketplace.claim(money.token.address, recipient)
    amount = receipt.find(Claimed).amount
    if as_json:
        print_json({"amount": str(amount), "recipient": recipient, "tx": receipt.tx_hash})
    else:
        print_lines({"paid": money(amount), "to": recipient, "transaction": receipt.tx_hash})


def unbond(
    amount: Annotated[str, typer.Argument(help="How many tokens of free stake.", metavar="TOKENS")],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    token: TokenAddress = None,
    as_json: AsJson = False,
) -> None:
    """Start to take free stake out. It can be withdrawn once the marketplace's delay has passed.

    Unbonding again restarts the delay for all that is unbonding. Example: `… unbond 100`.
    """
    connection = open_connection(rpc_url, deployment, open_identity(keystore, passphrase_file))
    money = Money(connection, get_token_address(connection, token))
    receipt = connection.marketplace.unbond(money.token.address, parse_amount(amount, money.decimals))
    started = receipt.find(StakeUnbonding)
    if as_json:
        print_json({"amount": str(started.amount), "availableAt": started.available_at, "tx": receipt.tx_hash})
        return
    delay = format_duration(connection.marketplace.get_unbonding_seconds())
    print_lines({"unbonding": money(started.amount), "available in": delay, "transaction": receipt.tx_hash})


def withdraw(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    token: TokenAddress = None,
    to: Recipient = None,
    as_json: AsJson = False,
) -> None:
    """Take out the stake whose delay has passed.

    Example: `… withdraw --to 0xabc…`.
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment, identity)
    money = Money(connection, get_token_address(connection, token))
    recipient = parse_address(to) if to else identity.address
    receipt = connection.marketplace.withdraw(money.token.address, recipient)
    amount = receipt.find(StakeWithdrawn).amount
    if as_json:
        print_json({"amount": str(amount), "recipient": recipient, "tx": receipt.tx_hash})
    else:
        print_lines({"withdrawn": money(amount), "to": recipient, "transaction": receipt.tx_hash})


def mount(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Adds commands of this module to a group."""
    for command in commands:
        app.command()(command)
