"""`steelyard owner root`: the update that a rooted rule holds trainers' updates against."""

import threading
from typing import Annotated

import typer

from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    DEFAULT_STATE,
    DEFAULT_STORE,
    AsJson,
    DeploymentFile,
    KeystoreFile,
    PassphraseFile,
    RpcUrl,
    StateFolder,
    StoreUrl,
    create_app,
    open_connection,
    open_identity,
    parse_project_id,
)
from steelyard.storage import open_store

app = create_app(
    """Send the roots of a project whose rule needs them, such as `fltrust`.

    A root is an update that you train on data of your own, which you trust. Trainers' updates are weighed by how far
    they point its way; it is neither added to the model nor paid. An attempt without a root fails, two in a row end the
    project.
    """
)


@app.command()
def run(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    *,
    data: Annotated[
        str, typer.Option(help="Your root data, for example `csv:clean.csv?label=diagnosis` or `digits:?shard=0/50`.")
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Send the root of the current attempt, if it is missing, and stop.")
    ] = False,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    state: StateFolder = DEFAULT_STATE,
    device: Annotated[str, typer.Option(help="`cpu`, or `cuda` for a GPU.")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="How many threads training may use.")] = None,
    poll_seconds: Annotated[float, typer.Option(min=0.05, help="How often the chain is looked at.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Train on root data in every round, with the project's own schedule, and submit, until the project ends.

    May be stopped and started at any time. The root is encrypted to the round's aggregator, as trainers' updates are.
    With `--json` each line is one event.

    Example: `steelyard owner root run 0x5f… --data 'digits:?shard=0/50'`.
    """
    from trainer_client.root import RootOptions  # noqa: PLC0415
    from trainer_client.session import open_root_session  # noqa: PLC0415
    from trainer_client.terminal import Narrator, stopping_in_order  # noqa: PLC0415

    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    with (
        Narrator(as_json=as_json) as narrator,
        stopping_in_order(narrator.report),
        open_root_session(
            connection,
            identity,
            open_store(store_url),
            parse_project_id(project),
            data,
            state,
            options=RootOptions(device, threads, poll_seconds),
            report=narrator.report,
            progress=narrator.progress,
        ) as source,
    ):
        if once:
            source.step()
        else:
            source.run(threading.Event())
