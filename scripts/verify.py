"""`steelyard verify`: check a settled round, from chain and storage alone or offline from its evidence bundle."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from steelyard.chain.events import LoggedEvent
from steelyard.chain.records import RoundOutcome
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
    open_console,
    open_identity,
    parse_project_id,
    print_json,
    print_warning,
)
from steelyard.errors import AccessError, ConfigError, EvidenceError
from steelyard.gram import ETHEREUM_SRS_DIGEST, EvidenceBundle, dump_bundle, load_srs_by_digest, parse_bundle
from steelyard.rounds.access import open_access
from steelyard.rounds.audit import audit_payment, audit_round
from steelyard.rounds.evidence import verify_evidence
from steelyard.rounds.global_model import fetch_initial_model, sync_global_model
from steelyard.rounds.project import open_project
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.rules import get_rule
from steelyard.storage import open_store
from steelyard.types import ProjectId

app = create_app(
    """Check who was paid what, and why, without trusting whoever says so.

    Exit code 0 means that everything holds; 3 that something is false, with the reason.
    """
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found right."""

    proof: bool = True
    weights: bool = True
    shares: bool = True
    aggregate: bool = False
    model: bool = False
    chain: bool = False


@app.command("evidence")
def verify_evidence_file(
    file: Annotated[Path, typer.Argument(help="An evidence bundle, JSON.", metavar="FILE")],
    srs_digest: Annotated[
        str, typer.Option("--srs", help="The reference string of its proof.", metavar="DIGEST")
    ] = ETHEREUM_SRS_DIGEST,
    as_json: AsJson = False,
) -> None:
    """Check an evidence bundle offline: its proof, its weights and its shares.

    Example: [bold]steelyard verify evidence build/demo/evidence/round-0.json[/bold]
    """
    try:
        bundle = parse_bundle(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    verify_evidence(load_srs_by_digest(srs_digest), bundle)
    _print(bundle, Checked(), as_json)


@app.command("round")
def verify_round(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    round_index: Annotated[int, typer.Argument(help="The round, from 0.", metavar="ROUND")],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    out: Annotated[Path | None, typer.Option(help="Write the evidence bundle here.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a settled round from the chain's events and the blob store: proof, pay, aggregate and model.

    Of a confidential project everybody can check proof and pay; the aggregate and the model need the keystore of
    somebody who may read them.

    Example: [bold]steelyard verify round 0x… 0 --rpc-url http://127.0.0.1:8545 --store local:blobs[/bold]
    """
    connection = open_connection(rpc_url, deployment_file)
    project_id = parse_project_id(project)
    records = read_settled_rounds(connection, project_id)
    record = find_round(records, round_index)
    marketplace, store = connection.marketplace, open_store(store_url)
    terms = open_project(marketplace, connection.deployment, store, project_id)
    srs, rule, spec = terms.srs, terms.rule, terms.spec
    earlier = [earlier for earlier in select_final(records) if earlier.round_index < round_index]
    identity = open_identity(keystore, passphrase_file) if spec.confidential and keystore.exists() else None
    access = open_access(terms, store, identity, lambda: read_events(connection, project_id))
    chain_id, address = marketplace.chain_id, marketplace.address
    try:
        start = sync_global_model(fetch_initial_model(store, spec, access), earlier, store, srs, rule, spec, access)
        bundle = audit_round(record, start, chain_id, address, store, srs, rule, spec, access).bundle
        checked = Checked(aggregate=True, model=True, chain=True)
    except AccessError as error:
        print_warning(f"aggregate and model are not checked: {error}")
        bundle = audit_payment(record, chain_id, address, spec.model.dimension, srs, rule)
        checked = Checked(chain=True)
    if out is not None:
        out.write_text(dump_bundle(bundle))
    _print(bundle, checked, as_json)


def read_settled_rounds(connection: Connection, project_id: ProjectId) -> tuple[SettledRound, ...]:
    """All settled attempts of a project, from the chain's events."""
    return collect_settled_rounds(read_events(connection, project_id), project_id)


def read_events(connection: Connection, project_id: ProjectId) -> list[LoggedEvent]:
    """All events of a project."""
    marketplace = connection.marketplace
    return marketplace.get_events(connection.deployment.block, marketplace.get_block_number(), project_id=project_id)


def find_round(records: tuple[SettledRound, ...], round_index: int) -> SettledRound:
    """The attempt of a round that counted, or else its last one.

    Raises:
      EvidenceError: the round was never settled.
    """
    attempts = [record for record in records if record.round_index == round_index]
    if not attempts:
        raise EvidenceError(f"round {round_index} has not been settled")
    return next((record for record in attempts if record.outcome is RoundOutcome.FINAL), attempts[-1])


def _print(bundle: EvidenceBundle, checked: Checked, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "project": bundle.project_id,
                "round": bundle.round_index,
                "rule": bundle.rule_name,
                "f": bundle.f,
                "trainers": bundle.trainers,
                "weights": [str(weight) for weight in bundle.weights],
                "shares": [str(share) for share in bundle.shares],
                "budget": str(bundle.budget),
                "checked": asdict(checked),
            }
        )
        return
    table = Table(title=f"Round {bundle.round_index} of 0x{bundle.project_id.hex()}", caption=_describe(checked))
    for heading in ("trainer", "weight", "share", "of the budget"):
        table.add_column(heading, justify="left" if heading == "trainer" else "right", overflow="fold")
    total = sum(bundle.weights) or 1
    root = bundle.trainers[-1] if get_rule(bundle.rule_name).rooted else None
    for trainer, weight, share in zip(bundle.trainers, bundle.weights, bundle.shares, strict=True):
        part = share / bundle.budget if bundle.budget else 0.0
        table.add_row(
            f"{trainer} (root)" if trainer == root else trainer, f"{weight / total:.2%}", f"{share:,}", f"{part:.2%}"
        )
    open_console().print(table)


def _describe(checked: Checked) -> str:
    found = ["the proof verifies", "weights and shares are the rule's"]
    if checked.chain:
        found.append("the chain paid so")
    if checked.aggregate:
        found.append("the aggregate opens")
    if checked.model:
        found.append("the model follows from it")
    return ", ".join(found)
