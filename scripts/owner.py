"""`steelyard owner`: create, start, follow and cancel a project."""

import secrets
from typing import Annotated

import typer

from scripts.owner_draft import FileArgument, example, init, prepare, validate
from scripts.owner_evaluate import evaluate
from scripts.owner_root import app as root
from scripts.owner_watch import watch
from scripts.quote import quote
from steelyard.chain.events import AccessGranted, AccessRevoked, ProjectCreated
from steelyard.cli_money import Money, Recipient, claim, get_token_address, mount
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
    open_connection,
    open_identity,
    parse_address,
    parse_project_id,
    print_json,
    print_lines,
)
from steelyard.errors import ConfigError
from steelyard.keystore import Identity
from steelyard.rounds.access import find_readers, make_initial_context, wrap_for
from steelyard.rounds.handover import KeyHolder, open_key_holder
from steelyard.rounds.keys import register_keys
from steelyard.rounds.project import open_project
from steelyard.rounds.project_file import ProjectFile, compute_spec_cid, load_project_file
from steelyard.spec import ProjectSpec
from steelyard.storage import BlobStore, open_store
from steelyard.types import Address, ProjectId
from steelyard.updates.content import CONTENT_KEY_BYTES, seal_content
from steelyard.updates.manifest import encode_manifest

app = create_app(
    """Fund a model and follow its training.

    Write a project file ([bold]steelyard owner init project.toml[/bold]), [bold]validate[/bold] it, [bold]create[/bold]
    the project, which escrows its budget, [bold]start[/bold] it once enough trainers have enrolled, and
    [bold]watch[/bold] it. What was trained is paid for: only rounds that never became final are refunded. A project
    with a rooted rule needs you in every round: `steelyard owner root run`.
    """
)

ProjectArgument = Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")]


for _draft in (init, example, validate, prepare):
    app.command()(_draft)
app.command()(quote)


@app.command()
def fund(
    file: FileArgument,
    token: Annotated[
        str | None, typer.Option(help="The ERC-20 of budget and stakes; the deployment's own if not given.")
    ] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Allow the marketplace to take a project's budget from your tokens, and no more than that.

    `create` then escrows it in one transaction, and does this itself where it was not done. Fails if you have less.

    Example: [bold]steelyard owner fund project.toml[/bold]
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    money = Money(connection, get_token_address(connection, token))
    budget, balance = int(load_project_file(file).chain.budget), money.token.get_balance(identity.address)
    if balance < budget:
        raise ConfigError(f"{identity.address} has {money(balance)}, the budget is {money(budget)}")
    receipt = money.token.approve(connection.marketplace.address, budget)
    if as_json:
        print_json({"allowed": str(budget), "balance": str(balance), "tx": receipt.tx_hash})
    else:
        print_lines({"allowed": money(budget), "of": money(balance), "transaction": receipt.tx_hash})


@app.command()
def create(
    file: FileArgument,
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
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    address = parse_address(token) if token else connection.deployment.token
    if address is None:
        raise ConfigError("which token? The deployment has none of its own: give `--token`")
    project_id, spec = create_project(connection, load_project_file(file), open_store(store_url), address, identity)
    if as_json:
        print_json({"project": project_id, "spec": compute_spec_cid(spec), "initialModel": spec.initial_model})
    else:
        print_lines({"project": "0x" + project_id.hex(), "specification": compute_spec_cid(spec)})


def create_project(
    connection: Connection, project: ProjectFile, store: BlobStore, token: Address, identity: Identity | None = None
) -> tuple[ProjectId, ProjectSpec]:
    """Creates a project as the connection's account.

    The key of a confidential project's initial model is wrapped for the owner and published at once: the keystore and
    the chain are all that is needed afterwards. `identity` is needed for that only.

    Raises:
      ConfigError: no sender, no identity where one is needed, or the marketplace does not offer the rule.
      SpecError, StorageError, ChainError: as `prepare` and the contract say.
    """
    marketplace = connection.marketplace
    if marketplace.sender is None:
        raise ConfigError("creating a project needs an account")
    owner, content_key = marketplace.sender.address, secrets.token_bytes(CONTENT_KEY_BYTES)
    context = make_initial_context(marketplace.chain_id, marketplace.address, owner)
    spec = project.prepare(store, lambda model: seal_content(model, content_key, context))
    if spec.confidential:
        if identity is None:
            raise ConfigError("a confidential project needs its owner's keystore")
        identity.get_pair(spec.sealing)
        register_keys(marketplace, store, identity)
    params = project.build_params(owner, token, connection.deployment, spec)
    erc20 = connection.get_token(token)
    if erc20.get_allowance(params.owner, marketplace.address) < params.budget:
        erc20.approve(marketplace.address, params.budget)
    project_id = marketplace.create_project(params).find(ProjectCreated).project_id
    if spec.confidential and identity is not None:
        terms = open_project(marketplace, connection.deployment, store, project_id)
        wraps = wrap_for(terms, 0, content_key, {owner: identity.get_pair(spec.sealing).public_key})
        marketplace.publish_keys(project_id, store.put(encode_manifest({0: wraps})))
    return project_id, spec


@app.command()
def start(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Start the first round. After enrolment has ended, or once the project is full, anybody may.

    A confidential project's members are handed the key of the initial model first, as `admit` does.
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    project_id, store = parse_project_id(project), open_store(store_url)
    market = connection.marketplace
    if open_project(market, connection.deployment, store, project_id).spec.confidential:
        admit_members(connection, store, identity, project_id)
    print_lines({"started in": market.start(project_id).tx_hash})


def admit_members(
    connection: Connection, store: BlobStore, identity: Identity, project_id: ProjectId
) -> tuple[Address, ...]:
    """Hands every active member of a confidential project the keys of all its models so far, and returns the members.

    Raises:
      ConfigError: the project is not confidential.
      ProtocolError: as `KeyHolder.publish_manifest`, and the contract's refusals.
    """
    holder = _open_holder(connection, store, identity, project_id)
    members = [member.account for member in connection.marketplace.get_members(project_id) if member.active]
    manifest = holder.publish_manifest(members, range(holder.newest + 1))
    connection.marketplace.publish_keys(project_id, manifest)
    return tuple(members)


def _open_holder(connection: Connection, store: BlobStore, identity: Identity, project_id: ProjectId) -> KeyHolder:
    marketplace, first_block = connection.marketplace, connection.deployment.block
    terms = open_project(marketplace, connection.deployment, store, project_id)
    events = marketplace.get_events(first_block, marketplace.get_block_number(), project_id=project_id)
    return open_key_holder(marketplace, terms, store, identity, events, first_block)


@app.command()
def admit(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Hand the members of a confidential project its keys. Needed where somebody else starts it; `start` does it, too.

    Until they have the key of the initial model, nobody can train: after two such attempts the project ends.
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    members = admit_members(connection, open_store(store_url), identity, parse_project_id(project))
    print_lines({"keys handed to": f"{len(members)} members"})


@app.command()
def grant(
    project: ProjectArgument,
    reader: Annotated[str, typer.Argument(help="Who may read: an account with registered keys.", metavar="ADDRESS")],
    from_round: Annotated[
        int | None,
        typer.Option(min=0, help="The first model: the one that this round starts from. The newest if not given."),
    ] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody read a confidential project's models, from one on, until revoked: a customer, an auditor.

    What exists is wrapped now; what follows, by the aggregators. The reader registers keys first (`keys register`).

    Example: [bold]steelyard owner grant 0x5f… 0xabc… --from-round 5[/bold]
    """
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment_file, identity)
    project_id, account = parse_project_id(project), parse_address(reader)
    holder = _open_holder(connection, open_store(store_url), identity, project_id)
    first = holder.newest if from_round is None else from_round
    manifest = holder.publish_manifest([account], range(first, holder.newest + 1))
    receipt = connection.marketplace.grant_access(project_id, account, first, manifest)
    (print_json if as_json else print_lines)({"reader": account, "from round": first, "tx": receipt.tx_hash})


@app.command()
def revoke(
    project: ProjectArgument,
    reader: Annotated[str, typer.Argument(help="Who may no longer read.", metavar="ADDRESS")],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """End a grant. What was published before stays readable: keys cannot be taken back."""
    connection = open_connection(rpc_url, deployment_file, open_identity(keystore, passphrase_file))
    receipt = connection.marketplace.revoke_access(parse_project_id(project), parse_address(reader))
    print_lines({"revoked in": receipt.tx_hash})


@app.command()
def readers(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    as_json: AsJson = False,
) -> None:
    """List the open grants of a project, and from which round on each reads."""
    connection = open_connection(rpc_url, deployment_file)
    project_id, marketplace = parse_project_id(project), connection.marketplace
    kinds = (AccessGranted, AccessRevoked)
    head, first_block = marketplace.get_block_number(), connection.deployment.block
    granted = find_readers(marketplace.get_events(first_block, head, kinds=kinds, project_id=project_id), project_id)
    if as_json:
        print_json({"project": project_id, "readers": granted})
        return
    print_lines({reader: f"from round {first}" for reader, first in granted.items()} or {"readers": "none"})


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
app.command()(watch)
app.command()(evaluate)


@app.command()
def withdraw(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    to: Recipient = None,
    as_json: AsJson = False,
) -> None:
    """Take out what a cancelled or ended project has left you: `claim`, in the project's own token.

    Example: [bold]steelyard owner withdraw 0x5f…[/bold]
    """
    params = open_connection(rpc_url, deployment_file).marketplace.get_project(parse_project_id(project)).params
    claim(rpc_url, deployment_file, keystore, passphrase_file, params.token, to, as_json)


@app.command()
def status(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    as_json: AsJson = False,
) -> None:
    """Show where a project stands, as `watch --once` does: its round, its members, its pool."""
    watch(project, once=True, rpc_url=rpc_url, deployment_file=deployment_file, as_json=as_json)
