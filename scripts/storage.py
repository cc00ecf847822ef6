"""`steelyard storage`: what a blob store holds, keep what has to be kept, let go of what has not."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from steelyard.chain.events import LoggedEvent
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_RPC_URL,
    DEFAULT_STORE,
    AsJson,
    Connection,
    DeploymentFile,
    RpcUrl,
    StoreUrl,
    create_app,
    open_connection,
    parse_project_id,
    print_json,
    print_lines,
    print_warning,
)
from steelyard.errors import BlobNotFoundError, StorageError, VerificationError
from steelyard.gram import shortness_length
from steelyard.rounds.project import ProjectTerms, open_project
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.rounds.retention import Hold, Kind, compute_holds, find_expired, let_go
from steelyard.storage import BlobStore, open_store
from steelyard.types import Cid, ProjectId
from steelyard.updates.aggregate import decode_aggregate, max_aggregate_bytes

app = create_app(
    """Look after a blob store.

    What is kept until when follows from the chain (docs/howto/storage.md): payloads until their round is closed,
    everything else for good.
    """
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


class IncompleteError(StorageError):
    """Something that has to be kept is not to be had."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} blobs that have to be kept are not to be had")
        self.missing = missing


@app.command()
def stat(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Show how much the store holds, and how many of the chain's blobs it has.

    Example: [bold]steelyard storage stat --store kubo:http://127.0.0.1:5001[/bold]
    """
    store = open_store(store_url)
    usage = store.measure()
    connection = open_connection(rpc_url, deployment_file)
    holds = compute_holds(_read_events(connection))
    expired = {hold.cid for hold in find_expired(holds, connection.marketplace.get_block_number())}
    kinds = {}
    for kind in Kind:
        cids = {hold.cid for hold in holds if hold.kind is kind}
        if cids:
            here = sum(store.has(cid) for cid in cids)
            kinds[kind.value] = {"known": len(cids), "here": here, "expired": len(cids & expired)}
    if as_json:
        print_json(
            {
                "pinned": usage and usage.pinned,
                "bytes": usage and usage.total_bytes,
                "limit": usage and usage.limit_bytes,
                "kinds": kinds,
            }
        )
        return
    lines: dict[str, object] = {}
    if usage is not None:
        limit = "" if usage.limit_bytes is None else f" of {usage.limit_bytes:,}"
        lines = {"pinned": f"{usage.pinned:,} blobs", "size": f"{usage.total_bytes:,}{limit} bytes"}
    for kind_name, counts in kinds.items():
        lines[kind_name] = f"{counts['here']} of {counts['known']} here, {counts['expired']} to let go of"
    print_lines(lines)


@app.command()
def pin(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Have the store keep what a project needs for good: specification, models, aggregates, access manifests.

    A node fetches what it does not have. Run it after each round, as owner or as anybody who wants a copy.
    Fails if something is not to be had.

    Example: [bold]steelyard storage pin 0x… --store kubo:http://127.0.0.1:5001[/bold]
    """
    connection, store, missing = open_connection(rpc_url, deployment_file), open_store(store_url), 0
    for hold in find_durable(connection, store, parse_project_id(project)):
        done = "would pin"
        if not dry_run:
            try:
                store.pin(hold.cid)
                done = "pinned"
            except BlobNotFoundError:
                done, missing = "missing", missing + 1
        _print(hold, done, as_json)
    if missing:
        raise IncompleteError(missing)


@app.command()
def gc(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let go of the payloads of rounds that are closed for good. A directory deletes them, an IPFS node unpins them.

    Nothing else is touched, whatever the chain calls a payload: a blob that does not begin as one is left alone.

    Example: [bold]steelyard storage gc --dry-run[/bold]
    """
    connection, store = open_connection(rpc_url, deployment_file), open_store(store_url)
    head = connection.marketplace.get_block_number()
    counts: Counter[str] = Counter()
    for hold in find_expired(compute_holds(_read_events(connection)), head):
        if dry_run:
            done = "would release" if store.is_pinned(hold.cid) else ""
        else:
            done = "released" if let_go(store, hold) else ""
        if done:
            counts[done] += 1
            _print(hold, done, as_json)
    if not as_json:
        print_lines({done: f"{count} payloads" for done, count in counts.items()} or {"released": "nothing"})


def find_durable(connection: Connection, store: BlobStore, project_id: ProjectId) -> Iterator[Hold]:
    """What a project needs for good: the chain's holds, and the models that specification and aggregates name.

    Raises:
      StorageError, VerificationError: the specification is not to be had, or is something else.
    """
    events = _read_events(connection, project_id)
    yield from (hold for hold in compute_holds(events) if hold.kind is not Kind.PAYLOAD)
    terms = open_project(connection.marketplace, connection.deployment, store, project_id)
    yield Hold(terms.spec.initial_model, Kind.INITIAL_MODEL, project_id, account=terms.params.owner)
    for record in select_final(collect_settled_rounds(events, project_id)):
        try:
            model = _read_next_model(store, terms, record)
        except (StorageError, VerificationError) as error:
            print_warning(f"the model of round {record.round_index} is not known: {error}")
        else:
            yield Hold(model, Kind.MODEL, project_id, record.attempt, record.aggregator)


def _read_next_model(store: BlobStore, terms: ProjectTerms, record: SettledRound) -> Cid:
    dimension, blocks = terms.spec.model.dimension, terms.srs.count_blocks(terms.spec.model.dimension)
    required = terms.spec.shortness == "required"
    sizes = (dimension, blocks, shortness_length(terms.srs.payload, record.n * blocks) if required else 0)
    return decode_aggregate(store.get(record.settlement.aggregate_cid, max_aggregate_bytes(*sizes)), *sizes).next_model


def _read_events(connection: Connection, project_id: ProjectId | None = None) -> tuple[LoggedEvent, ...]:
    marketplace = connection.marketplace
    head = marketplace.get_block_number()
    return tuple(marketplace.get_events(connection.deployment.block, head, project_id=project_id))


def _print(hold: Hold, done: str, as_json: bool) -> None:
    if as_json:
        print_json({"cid": hold.cid, "kind": hold.kind.value, "done": done})
    else:
        typer.echo(f"{hold.cid}  {hold.kind.value:<14}  {done}")
