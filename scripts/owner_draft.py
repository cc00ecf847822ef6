"""`steelyard owner init | validate | prepare`: a project file, before anything is sent."""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.project_check import find_chain_faults, find_data_faults, find_file_faults
from steelyard.cli_money import get_token_address
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    DEFAULT_STORE,
    AsJson,
    DeploymentFile,
    KeystoreFile,
    RpcUrl,
    StoreUrl,
    open_connection,
    parse_address,
    print_json,
    print_lines,
    stderr,
)
from steelyard.errors import ConfigError
from steelyard.keystore import read_address
from steelyard.rounds.project_file import compute_spec_cid, load_project_file
from steelyard.storage import open_store
from steelyard.types import Cid

EXAMPLE = Path(__file__).with_name("project_example.toml")

FileArgument = Annotated[Path, typer.Argument(help="The project file.", metavar="FILE")]


def example() -> None:
    """Print a project file to start from."""
    typer.echo(EXAMPLE.read_text(), nl=False)


def init(
    file: FileArgument = Path("project.toml"),
    model: Annotated[
        Path | None,
        typer.Option(help="Write the initial model that the file describes as well, as safetensors.", metavar="FILE"),
    ] = None,
) -> None:
    """Write a project file with every setting explained, and the initial model if it is wanted.

    A project file that exists is left as it is: with `--model` its model is written. To start from a model that you
    have trained further, name its file in `initial_file`.

    Example: [bold]steelyard owner init project.toml --model model.safetensors[/bold]
    """
    made: dict[str, object] = {}
    if not file.exists():
        _write(file, EXAMPLE.read_bytes())
        made["project file"] = file
    elif model is None:
        raise ConfigError(f"{file} exists and is not overwritten")
    if model is not None:
        if model.exists():
            raise ConfigError(f"{model} exists and is not overwritten")
        project = load_project_file(file)
        _write(model, project.read_initial_model(project.parse_spec()))
        made["initial model"] = model
    print_lines(made)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def prepare(
    file: FileArgument,
    owner: Annotated[str, typer.Option(help="The wallet that will create the project.", metavar="ADDRESS")],
    token: Annotated[
        str | None, typer.Option(help="The ERC-20 of budget and stakes; the deployment's own if not given.")
    ] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Store the model and the specification, and print the call by which a wallet creates the project (wallet.md).

    No key is needed. `params` is `createProject`'s argument as `cast` takes it, `form` the same as explorers take it.
    Not for confidential projects: the key of their first model is wrapped with the owner's keystore.

    Example: [bold]steelyard owner prepare project.toml --owner 0xabc… --json[/bold]
    """
    project, connection = load_project_file(file), open_connection(rpc_url, deployment_file)
    if project.parse_spec().confidential:
        raise ConfigError("a confidential project is created with its owner's keystore: `steelyard owner create`")
    spec = project.prepare(open_store(store_url))
    address = get_token_address(connection, token)
    params = project.build_params(parse_address(owner), address, connection.deployment, spec)
    values = [getattr(params, field.name) for field in fields(params)]
    made = {
        "marketplace": connection.marketplace.address,
        "token": address,
        "budget": str(params.budget),
        "params": _write_tuple(values),
        "form": json.dumps(_as_form(values), separators=(",", ":")),
    }
    (print_json if as_json else print_lines)(made)


def _write_tuple(values: Sequence[object]) -> str:
    return "(" + ",".join(_write_tuple(item) if isinstance(item, list) else item for item in _as_form(values)) + ")"


def _as_form(values: Sequence[object]) -> list[Any]:
    """Solidity values as text, tuples as lists."""

    def write(value: object) -> Any:
        match value:
            case Cid():
                return write([value.digest, int(value.codec)])
            case list():
                return _as_form(value)
            case bytes():
                return "0x" + value.hex()
            case _:
                return str(value)

    return [write(value) for value in values]


def validate(
    file: FileArgument,
    data: Annotated[
        str | None, typer.Option(help="Your private data, to be checked against `[spec.data]`.", metavar="SOURCE")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Who will pay; the keystore's account if not given.", metavar="ADDRESS")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="The ERC-20 of budget and stakes; the deployment's own if not given.")
    ] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    as_json: AsJson = False,
) -> None:
    """Check a project file, and say everything that is wrong with it. Nothing is sent, no passphrase is asked for.

    The file's schema, what its figures mean together, and the initial model; with `--data` your own data; and where
    there is a deployment file, the chain: rule and verifier are offered, you have the budget and ether, and an
    aggregator offers itself on these terms. Ends with 7 if anything is wrong.

    Example: [bold]steelyard owner validate project.toml --data 'csv:clean.csv?label=diagnosis'[/bold]
    """
    faults = find_file_faults(file)
    on_chain = deployment_file.exists()
    if not faults:
        project = load_project_file(file)
        if data is not None:
            faults += find_data_faults(project, data)
        if on_chain:
            connection = open_connection(rpc_url, deployment_file)
            erc20 = connection.get_token(get_token_address(connection, token))
            owner = parse_address(account) if account else read_address(keystore) if keystore.exists() else None
            faults += find_chain_faults(project, connection.marketplace, connection.deployment, erc20, owner)
    if as_json:
        print_json({"valid": not faults, "faults": faults, "chainAsked": on_chain})
    if faults:
        if not as_json:
            for fault in faults:
                stderr.print(f"error: {fault}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ConfigError.exit_code)
    if as_json:
        return
    spec = project.prepare(open_store("memory:"))
    print_lines(
        {
            "title": spec.title,
            "model": f"{spec.model.name}, {spec.model.dimension:,} parameters",
            "specification": "named when it is created" if spec.confidential else compute_spec_cid(spec),
            "initial model": "encrypted when it is created" if spec.confidential else spec.initial_model,
            "chain": "agrees" if on_chain else f"not asked: there is no {deployment_file}",
        }
    )
