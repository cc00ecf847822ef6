"""`steelyard aggregator`: offer to weigh rounds, and do it."""

import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import structlog
import typer

from aggregator.monitor import Monitor
from aggregator.monitor_server import serve_monitor
from aggregator.service import AggregatorService, Patience
from aggregator.settings import Settings
from steelyard.chain.history import EventHistory
from steelyard.chain.records import AggregatorTerms
from steelyard.cli_money import claim, mount, unbond, withdraw
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
    format_amount,
    open_connection,
    open_identity,
    parse_address,
    parse_amount,
    print_json,
    print_lines,
    print_warning,
)
from steelyard.logs import configure_logs
from steelyard.rounds.keys import register_keys
from steelyard.settings import load_settings
from steelyard.storage import open_store

log = structlog.get_logger(__name__)

app = create_app(
    """Weigh rounds for other people's projects and earn their fees.

    Make a keystore with [bold]steelyard trainer init[/bold], then [bold]register[/bold] an offer and [bold]run[/bold].
    A stake is locked for each round that you are drawn for. Miss its deadline, or publish a model that does not open
    its commitment, and part of it is burnt.
    """
)

TokenAddress = Annotated[str, typer.Option("--token", help="The ERC-20 of stakes and fees.", metavar="ADDRESS")]


@app.command()
def register(
    token: TokenAddress,
    deposit: Annotated[str, typer.Option(help="Tokens to add to your free stake.")] = "0",
    max_stake: Annotated[str, typer.Option(help="The most tokens that one round may lock.")] = "1000",
    max_dimension: Annotated[int, typer.Option(help="The largest model that you can weigh in time.")] = 1_000_000,
    min_settle_seconds: Annotated[int, typer.Option(help="The shortest deadline that you accept.")] = 300,
    min_fee_bps: Annotated[int, typer.Option(help="The smallest fee that you work for, in basis points.")] = 0,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Offer this account as an aggregator for projects in one token.

    Example: [bold]steelyard aggregator register --token 0x… --deposit 500 --max-stake 100[/bold]
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    marketplace, erc20 = connection.marketplace, connection.get_token(parse_address(token))
    decimals = erc20.get_decimals()
    register_keys(marketplace, open_store(store_url), identity)
    amount = parse_amount(deposit, decimals)
    if amount:
        erc20.approve(marketplace.address, amount)
        marketplace.deposit(erc20.address, amount)
    terms = AggregatorTerms(parse_amount(max_stake, decimals), max_dimension, min_settle_seconds, min_fee_bps)
    if marketplace.get_aggregator_terms(identity.address, erc20.address) is not None:
        marketplace.unregister_aggregator(erc20.address)
    marketplace.register_aggregator(erc20.address, terms)
    free = marketplace.get_stake(identity.address, erc20.address).free
    print_lines({"aggregator": identity.address, "free stake": format_amount(free, decimals, erc20.get_symbol())})


@app.command()
def unregister(
    token: TokenAddress,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take the offer back. Rounds under way are still yours."""
    connection = open_connection(rpc_url, deployment_file, open_identity(keystore, passphrase_file))
    receipt = connection.marketplace.unregister_aggregator(parse_address(token))
    print_lines({"unregistered in": receipt.tx_hash})


@app.command()
def status(
    account: Annotated[str, typer.Argument(help="The aggregator's address.")],
    token: TokenAddress,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    as_json: AsJson = False,
) -> None:
    """Show an aggregator's offer, stake and credit."""
    connection = open_connection(rpc_url, deployment_file)
    marketplace, erc20 = connection.marketplace, connection.get_token(parse_address(token))
    address = parse_address(account)
    terms = marketplace.get_aggregator_terms(address, erc20.address)
    stake = marketplace.get_stake(address, erc20.address)
    credit = marketplace.get_credit(address, erc20.address)
    if as_json:
        print_json(
            {
                "account": address,
                "registered": terms is not None,
                "free": str(stake.free),
                "locked": str(stake.locked),
                "unbonding": str(stake.unbonding),
                "credit": str(credit),
            }
        )
        return
    decimals, symbol = erc20.get_decimals(), erc20.get_symbol()
    offer = "none"
    if terms is not None:
        offer = (
            f"up to {format_amount(terms.max_stake, decimals, symbol)} a round, {terms.max_dimension:,} parameters, "
            f"{terms.min_settle_seconds} s to settle, fee from {terms.min_fee_bps / 100:g} %"
        )
    print_lines(
        {
            "aggregator": address,
            "offer": offer,
            "free stake": format_amount(stake.free, decimals, symbol),
            "locked": format_amount(stake.locked, decimals, symbol),
            "credit": format_amount(credit, decimals, symbol),
        }
    )


mount(app, claim, unbond, withdraw)


@app.command()
def run(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    poll_seconds: Annotated[float | None, typer.Option(help="How often to look at the chain.")] = None,
    missing_seconds: Annotated[
        float | None, typer.Option(help="How long to wait for a payload that the store does not have.")
    ] = None,
    monitor_port: Annotated[
        int | None, typer.Option(help="Serve /metrics, /health and /ready on this port of 127.0.0.1; 0 for a free one.")
    ] = None,
) -> None:
    """Weigh every round that you are drawn for, until SIGTERM or Ctrl-C.

    Nothing is kept on disk: after a restart, what to do follows from the chain. Logs are JSON lines on stderr. Every
    setting is also an environment variable that begins with STEELYARD_AGGREGATOR_ (docs/operations.md).
    """
    settings = load_settings(
        Settings, poll_seconds=poll_seconds, missing_seconds=missing_seconds, monitor_port=monitor_port
    )
    configure_logs(settings.log_level, as_json=settings.log_json)
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    marketplace = connection.marketplace
    if marketplace.get_key(identity.address) != identity.public_key:
        print_warning("the key on chain is not this keystore's present one. See `steelyard keys register`")
    service = AggregatorService(
        marketplace=marketplace,
        history=EventHistory(marketplace.get_events, connection.deployment.block),
        deployment=connection.deployment,
        store=open_store(store_url),
        identity=identity,
        patience=Patience(settings.poll_seconds, settings.missing_seconds, settings.reserve_seconds),
        monitor=Monitor(settings.max_lag_seconds),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with _serve(service.monitor, settings) as port:
        log.info("aggregator ready", account=identity.address, chain_id=marketplace.chain_id, monitor_port=port)
        service.run(stop)
    log.info("aggregator stopped")


def _serve(monitor: Monitor, settings: Settings) -> AbstractContextManager[int | None]:
    if settings.monitor_port is None:
        return nullcontext()
    return serve_monitor(monitor, settings.monitor_host, settings.monitor_port)
