"""`steelyard owner`: create, start, follow and cancel a project."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.owner_root import app as root
from scripts.project_file import ProjectFile, compute_spec_cid, load_project_file
from scripts.quote import quote
from steelyard.chain.events import ProjectCreated
from steelyard.chain.records import ProjectStatus
from steelyard.cli_money import claim, mount
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    DEFAULT_STORE,
    AsJson,
    Connection,
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
    parse_project_id,
    print_json,
    print_lines,
)
from steelyard.errors import ConfigError
from steelyard.spec import ProjectSpec
from steelyard.storage import BlobStore, open_store
from steelyard.types import Address, ProjectId

app = create_app(
    """Fund a model and follow its training.

    Write a project file ([bold]steelyard owner example > project.toml[/bold]), [bold]create[/bold] the project, which
    escrows its budget, and [bold]start[/bold] it once enough trainers have enrolled. What was trained is paid for: only
    rounds that never became final are refunded. A project with a rooted rule needs you in every round:
    `steelyard owner root run`.
    """
)

ProjectArgument = Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")]


@app.command()
def example() -> None:
    """Print a project file to start from."""
    typer.echo(Path(__file__).with_name("project_example.toml").read_text(), nl=False)


@app.command()
def validate(file: Annotated[Path, typer.Argument(help="The project file.", metavar="FILE")]) -> None:
    """Check a project file without sending anything."""
    project = load_project_file(file)
    spec = project.prepare(open_store("memory:"))
    print_lines(
        {
            "title": spec.title,
            "model": f"{spec.model.name}, {spec.model.dimension:,} parameters",
            "specification": compute_spec_cid(spec),
            "initial model": spec.initial_model,
        }
    )


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="The project file.", metavar="FILE")],
    token: Annotated[
        str | None, typer.Option(help="The ERC-20 of budget and stakes; the deployment's own if not given.")
    ] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Store the model and the specification, escrow the budget, and open enrolment.

    Example: [bold]steelyard owner create project.toml --token 0x…[/bold]
    """
    connection = open_connection(rpc_url, deployment_file, open_identity(keystore, passphrase_file))
    address = parse_address(token) if token else connection.deployment.token
    if address is None:
        raise ConfigError("which token? The deployment has none of its own: give `--token`")
    project_id, spec = create_project(connection, load_project_file(file), open_store(store_url), address)
    if as_json:
        print_json({"project": project_id, "spec": compute_spec_cid(spec), "initialModel": spec.initial_model})
    else:
        print_lines({"project": "0x" + project_id.hex(), "specification": compute_spec_cid(spec)})


def create_project(
    connection: Connection, project: ProjectFile, store: BlobStore, token: Address
) -> tuple[ProjectId, ProjectSpec]:
    """Creates a project as the connection's account.

    Raises:
      ConfigError: no sender, or the marketplace does not offer the rule.
      SpecError, StorageError, ChainError: as `prepare` and the contract say.
    """
    marketplace = connection.marketplace
    if marketplace.sender is None:
        raise ConfigError("creating a project needs an account")
    spec = project.prepare(store)
    params = project.build_params(marketplace.sender.address, token, connection.deployment, spec)
    erc20 = connection.get_token(token)
    if erc20.get_allowance(params.owner, marketplace.address) < params.budget:
        erc20.approve(marketplace.address, params.budget)
    return marketplace.create_project(params).find(ProjectCreated).project_id, spec


@app.command()
def start(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Start the first round. After enrolment has ended, or once the project is full, anybody may."""
    connection = open_connection(rpc_url, deployment_file, open_identity(keystore, passphrase_file))
    print_lines({"started in": connection.marketplace.start(parse_project_id(project)).tx_hash})


@app.command()
def cancel(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Cancel a project that is still enrolling. The budget becomes a credit; see `claim`."""
    connection = open_connection(rpc_url, deployment_file, open_identity(keystore, passphrase_file))
    print_lines({"cancelled in": connection.marketplace.cancel(parse_project_id(project)).tx_hash})


app.add_typer(root, name="root")
mount(app, claim)
app.command()(quote)


@app.command()
def status(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    as_json: AsJson = False,
) -> None:
    """Show where a project stands: its round, its members, its pool."""
    connection = open_connection(rpc_url, deployment_file)
    marketplace, project_id = connection.marketplace, parse_project_id(project)
    state, round_ = marketplace.get_project(project_id), marketplace.get_round(project_id)
    members = marketplace.get_members(project_id)
    if as_json:
        print_json(
            {
                "project": project_id,
                "status": state.status.name.lower(),
                "round": state.round,
                "rounds": state.params.rounds,
                "attempt": state.attempt,
                "roundStatus": round_.status.name.lower(),
                "aggregator": round_.aggregator,
                "submissions": round_.submissions,
                "rooted": state.rooted,
                "hasRoot": round_.has_root,
                "pool": str(state.pool),
                "members": [
                    {
                        "account": member.account,
                        "active": member.active,
                        "strikes": member.strikes,
                        "absences": member.absences,
                        "earned": str(member.earned),
                    }
                    for member in members
                ],
            }
        )
        return
    erc20 = connection.get_token(state.params.token)
    decimals, symbol = erc20.get_decimals(), erc20.get_symbol()
    lines: dict[str, object] = {
        "project": "0x" + project_id.hex(),
        "status": state.status.name.lower(),
        "budget": format_amount(state.params.budget, decimals, symbol),
        "pool": format_amount(state.pool, decimals, symbol),
    }
    if state.status is ProjectStatus.RUNNING:
        lines["round"] = f"{state.round} of {state.params.rounds}, {round_.status.name.lower()}"
        lines["aggregator"] = round_.aggregator
        lines["submissions"] = round_.submissions
        if state.rooted:
            lines["root"] = "submitted" if round_.has_root else "missing: `steelyard owner root run`"
    print_lines(lines)
    for member in members:
        note = "" if member.active else ", left"
        earned = format_amount(member.earned, decimals, symbol)
        typer.echo(f"  {member.account}  earned {earned}, {member.strikes} strikes, {member.absences} absences{note}")
