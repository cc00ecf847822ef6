"""`steelyard backend run | rebuild | status`."""

import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from backend import app as composition
from backend.indexer import rebuild as rebuild_read_model
from backend.server import build_server
from backend.settings import Settings
from steelyard.cli_support import AsJson, PassphraseFile, create_app, open_identity, print_json, print_lines
from steelyard.errors import ChainUnavailableError, ConfigError
from steelyard.logs import configure_logs
from steelyard.settings import load_settings

RpcUrl = Annotated[str | None, typer.Option("--rpc-url", help="The Ethereum node.", metavar="URL")]
DeploymentFile = Annotated[Path | None, typer.Option("--deployment", help="Where the contracts stand.", metavar="FILE")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="For example sqlite:///backend.sqlite3.", metavar="URL")
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on.")]

app = create_app(
    "Index the chain, serve it over HTTP, enforce deadlines.\n\n"
    "Every setting is also an environment variable that begins with STEELYARD_BACKEND_."
)


@app.command()
def run(
    rpc_url: RpcUrl = None,
    deployment: DeploymentFile = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
    keeper_keystore: Annotated[
        Path | None,
        typer.Option("--keeper-keystore", help="Poke projects from this account; it needs gas and nothing else."),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    settings = load_settings(
        Settings,
        rpc_url=rpc_url,
        deployment=deployment,
        database_url=database_url,
        host=host,
        port=port,
        keeper_keystore=keeper_keystore,
    )
    configure_logs(settings.log_level, as_json=settings.log_json)
    keystore = settings.keeper_keystore
    account = None if keystore is None else open_identity(keystore, passphrase_file).account
    services = composition.build_services(settings, account)
    server = build_server(composition.create_app(services), services)
    # Once it has shut down in order, uvicorn raises the signal that it was told to stop by a second time.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run()
    if not server.started:
        raise ConfigError(f"cannot listen on {settings.host}:{settings.port}")


@app.command()
def rebuild(rpc_url: RpcUrl = None, deployment: DeploymentFile = None, database_url: DatabaseUrl = None) -> None:
    """Forget the read model and read the whole chain again. Stop `run` first."""
    settings = load_settings(Settings, rpc_url=rpc_url, deployment=deployment, database_url=database_url)
    configure_logs(settings.log_level, as_json=settings.log_json)
    services = composition.build_services(settings)
    services.database.migrate()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    rebuild_read_model(services.database, services.indexer, stop)
    services.database.close()
    print_lines({"blocks": services.indexer.status.block_number, "events": services.indexer.status.events})


@app.command()
def status(host: Host = None, port: Port = None, as_json: AsJson = False) -> None:
    """Ask a running backend how it is."""
    settings = load_settings(Settings, host=host, port=port)
    try:
        answer = httpx.get(f"http://{settings.host}:{settings.port}/v1/health", timeout=10)
        health: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ChainUnavailableError(f"no backend answers at {settings.host}:{settings.port}: {error}") from None
    if as_json:
        print_json(health)
    else:
        print_lines({name.replace("_", " "): value for name, value in health.items() if value is not None})
