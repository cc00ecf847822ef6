"""`steelyard up`: the whole stack on this machine, on embedded defaults, until it is told to stop."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import httpx
import typer

from backend.settings import Settings
from scripts.demo.processes import Processes, find_free_port
from scripts.demo.stage import PASSPHRASE, Paths
from scripts.deploy import load_ethereum_srs_points
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment, deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.records import AggregatorTerms
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender, SendPolicy
from steelyard.cli_support import AsJson, create_app, print_json, print_lines, stderr
from steelyard.errors import ConfigError, ProtocolError
from steelyard.keystore import LIGHT_SCRYPT_N, Identity, make_identity, read_keystore, write_keystore
from steelyard.rounds.keys import register_keys
from steelyard.storage import open_store

app = create_app("")

OWNER, KEEPER, AGGREGATOR = "owner", "keeper", "gil"
TRAINERS: Final = ("ada", "ben", "cleo", "dan", "eve")
NAMES: Final = (OWNER, KEEPER, AGGREGATOR, *TRAINERS)
"""Accounts of the devnet's mnemonic in this order, each with a keystore, ether and tokens."""

WEALTH: Final = 1_000_000 * 10**18
OFFER: Final = AggregatorTerms(max_stake=1_000 * 10**18, max_dimension=1_000_000, min_settle_seconds=30, min_fee_bps=0)
AGGREGATOR_STAKE: Final = 10_000 * 10**18
BLOCK_SECONDS: Final = 1.0
"""A block so often even if nobody sends anything, so that the chain's clock moves."""

START_SECONDS: Final = 120.0


class StackTimeoutError(ProtocolError):
    """A program of the stack did not come up in time."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and where."""

    devnet: Devnet
    processes: Processes
    paths: Paths
    deployment: Deployment
    store_url: str
    backend_url: str
    aggregator_url: str
    """Its metrics, health and readiness."""

    def environment(self, name: str) -> dict[str, str]:
        """The variables that commands of an account need."""
        return {
            "STEELYARD_RPC_URL": self.devnet.url,
            "STEELYARD_DEPLOYMENT": str(self.paths.deployment),
            "STEELYARD_STORE": self.store_url,
            "STEELYARD_KEYSTORE": str(self.paths.keystore(name)),
            "STEELYARD_PASSPHRASE_FILE": str(self.paths.passphrase),
            "STEELYARD_STATE": str(self.paths.state(name)),
        }

    def await_ready(self) -> None:
        """Waits until the backend follows the chain and the aggregator answers draws.

        Raises:
          ProcessDiedError: one of them failed.
          StackTimeoutError: it takes too long.
        """
        deadline = time.monotonic() + START_SECONDS
        while not (_answers(f"{self.backend_url}/v1/ready") and _answers(f"{self.aggregator_url}/ready")):
            self.processes.check()
            if time.monotonic() > deadline:
                raise StackTimeoutError(f"not ready after {START_SECONDS:.0f} s; see {self.paths.logs}")
            self.devnet.mine()
            time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def start_stack(folder: Path, rpc_port: int, backend_port: int, *, ipfs: bool) -> Iterator[Stack]:
    """Starts everything that is to run, in the order in which it is needed, and ends it in the opposite one.

    Raises:
      ConfigError: a port is taken, anvil or the IPFS node is not installed, or the folder holds a chain that was lost.
      ProcessDiedError, ChainError: a program failed.
    """
    paths = Paths(folder.resolve())
    paths.root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        devnet = stack.enter_context(Devnet(port=rpc_port or None, state_file=paths.root / "chain.json"))
        store_url = f"local:{paths.store}"
        if ipfs:
            from scripts.ipfs.node import IpfsNode  # noqa: PLC0415 - needs `make ipfs`

            store_url = f"kubo:{stack.enter_context(IpfsNode(paths.root / 'ipfs')).url}"
        identities = _open_identities(devnet, paths)
        deployment = _open_deployment(devnet, paths, identities, store_url)
        processes = stack.enter_context(Processes(paths.logs))
        port, monitor_port = backend_port or find_free_port(), find_free_port()
        urls = (f"http://127.0.0.1:{each}" for each in (port, monitor_port))
        running = Stack(devnet, processes, paths, deployment, store_url, *urls)
        keeper = ["--port", str(port), "--keeper-keystore", str(paths.keystore(KEEPER))]
        database = {"STEELYARD_BACKEND_DATABASE_URL": f"sqlite:///{paths.database}", "PYTHONUNBUFFERED": "1"}
        processes.start("backend", ["scripts.cli", "backend", "run", *keeper], running.environment(KEEPER) | database)
        monitored = ["--monitor-port", str(monitor_port)]
        processes.start(AGGREGATOR, ["scripts.cli", "aggregator", "run", *monitored], running.environment(AGGREGATOR))
        running.await_ready()
        yield running


def _open_identities(devnet: Devnet, paths: Paths) -> dict[str, Identity]:
    """Everybody's keystore: read where there is one, since messages may be sealed to its keys."""
    if not paths.passphrase.exists():
        with os.fdopen(os.open(paths.passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(PASSPHRASE)
    identities = {}
    for index, name in enumerate(NAMES):
        path = paths.keystore(name)
        if path.exists():
            identities[name] = read_keystore(path, PASSPHRASE)
        else:
            identities[name] = make_identity(devnet.account(index))
            write_keystore(path, identities[name], PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
    return identities


def _open_deployment(devnet: Devnet, paths: Paths, identities: dict[str, Identity], store_url: str) -> Deployment:
    """The contracts in this folder's chain: deployed, with tokens for all and an aggregator, where there are none."""
    if paths.deployment.exists():
        deployment = Deployment.load(paths.deployment)
        if not devnet.web3.eth.get_code(deployment.marketplace):  # type: ignore[arg-type]
            error = ConfigError(f"{paths.root} has a deployment, but its chain was lost: it was not stopped in order")
            error.hint = "Begin anew with `--fresh`."
            raise error
        return deployment
    policy = SendPolicy(poll_seconds=0.05)
    owner = Sender(devnet.web3, identities[OWNER].account, policy)
    token_address = deploy_test_token(owner)
    deployment = deploy(owner, load_ethereum_srs_points(), unbonding_seconds=60, token=token_address)
    token = Token(devnet.web3, token_address, sender=owner)
    for identity in identities.values():
        token.mint(identity.address, WEALTH)
    gil = Sender(devnet.web3, identities[AGGREGATOR].account, policy)
    marketplace = Marketplace(devnet.web3, deployment.marketplace, sender=gil)
    register_keys(marketplace, open_store(store_url), identities[AGGREGATOR])
    token.as_sender(gil).approve(deployment.marketplace, AGGREGATOR_STAKE)
    marketplace.deposit(token_address, AGGREGATOR_STAKE)
    marketplace.register_aggregator(token_address, OFFER)
    paths.deployment.write_text(deployment.dump())
    return deployment


@app.callback(invoke_without_command=True, no_args_is_help=False)
def up(
    folder: Annotated[
        Path, typer.Option(help="Chain, keys, blobs, index and logs; the next `up` goes on with them.")
    ] = Path("build/up"),
    rpc_port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the Ethereum node; 0 for a free one.")] = 8545,
    backend_port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the backend; 0 for a free one.")] = 8000,
    ipfs: Annotated[bool, typer.Option("--ipfs", help="Keep blobs in an IPFS node (`make ipfs`).")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Empty the folder first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the whole stack on this machine until Ctrl-C or SIGTERM: node, contracts, store, backend, aggregator, keeper.

    Nothing has to be set up. An owner and five trainers have keystores, ether and a million test tokens each; their
    keys are publicly known, so this is for trying things, never for money. With `--json` one line says where everything
    is once it is ready.

    Example: [bold]steelyard up[/bold], then in another terminal what it prints
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        with start_stack(folder, rpc_port, backend_port, ipfs=ipfs) as stack:
            try:
                _announce(stack, as_json=as_json)
                while True:
                    stack.processes.check()
                    stack.devnet.mine()
                    time.sleep(BLOCK_SECONDS)
            finally:
                # A second Ctrl-C must not leave half of it running.
                for number in before:
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        stderr.print("stopped", markup=False)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(stack: Stack, *, as_json: bool) -> None:
    where: dict[str, object] = {
        "node": stack.devnet.url,
        "backend": stack.backend_url,
        "page": f"{stack.backend_url}/" if Settings().web.joinpath("index.html").exists() else "not built: make web",
        "aggregator": stack.aggregator_url,
        "store": stack.store_url,
        "marketplace": stack.deployment.marketplace,
        "token": stack.deployment.token,
        "logs": stack.paths.logs,
    }
    if as_json:
        print_json(where | {"environments": {name: stack.environment(name) for name in NAMES}})
        return
    print_lines(where)
    typer.echo("\nas the owner:")
    for key, value in stack.environment(OWNER).items():
        typer.echo(f"  export {key}={value}")
    typer.echo(f"\nTrainers {', '.join(TRAINERS)}: the same with their names.")
    typer.echo("Ctrl-C stops everything; the next `up` goes on from here.")
