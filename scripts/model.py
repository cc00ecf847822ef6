"""`steelyard model`: get a project's global model, checked against the chain."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
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
    open_connection,
    open_identity,
    parse_project_id,
    print_json,
    print_lines,
)
from steelyard.errors import AccessError, ConfigError
from steelyard.keystore import Identity
from steelyard.models.safetensors_io import encode_model
from steelyard.rounds.access import open_access
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model, fetch_published_model, sync_global_model
from steelyard.rounds.project import ProjectTerms, open_project
from steelyard.rounds.records import collect_settled_rounds, select_final
from steelyard.storage import BlobStore, compute_cid, open_store
from steelyard.types import ProjectId
from steelyard.updates.flatten import unflatten_parameters

app = create_app("Get a project's model, and know that it is the one which the chain's rounds lead to.")

RoundIndex = Annotated[
    int | None, typer.Option("--round", min=0, help="The model that this round starts from; else the newest.")
]


class Form(enum.StrEnum):
    """How a model is written."""

    SAFETENSORS = "safetensors"
    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"


_SUFFIXES: Final = {".safetensors": Form.SAFETENSORS, ".pt": Form.TORCHSCRIPT, ".onnx": Form.ONNX}


@app.callback()
def describe() -> None:
    """Get a project's model, and know that it is the one which the chain's rounds lead to."""


@dataclass(frozen=True, slots=True)
class PulledModel:
    """A model, and what was checked about it."""

    terms: ProjectTerms
    model: GlobalModel
    recomputed: bool
    """Whether it was computed again from the initial model, or taken as its round's trainers attested it."""

    @property
    def content(self) -> bytes:
        """Its safetensors file."""
        return encode_model(self.model.parameters, self.terms.spec.model.shapes)


def pull_model(
    marketplace: Marketplace,
    deployment: Deployment,
    store: BlobStore,
    project_id: ProjectId,
    round_index: int | None = None,
    identity: Identity | None = None,
) -> PulledModel:
    """The model that a round starts from: the newest, if no round is given.

    It is computed again from the initial model where all of that can be read. Somebody who was granted later models of
    a confidential project gets the published file: its round's aggregate opens the commitments on chain, and more than
    half of the trainers that it paid found that it leads to this file.

    Raises:
      ConfigError: the round has not been reached.
      AccessError: the project is confidential, and the keys at hand do not open the model.
      StorageError, VerificationError: something is not to be had, or false.
    """
    terms = open_project(marketplace, deployment, store, project_id)
    events = marketplace.get_events(deployment.block, marketplace.get_block_number(), project_id=project_id)
    final = select_final(collect_settled_rounds(events, project_id))
    wanted = len(final) if round_index is None else round_index
    if wanted > len(final):
        raise ConfigError(f"round {wanted} has not begun: the newest model is that of round {len(final)}")
    access, spec = open_access(terms, store, identity, lambda: events), terms.spec
    try:
        start = fetch_initial_model(store, spec, access)
        model = sync_global_model(start, final[:wanted], store, terms.srs, terms.rule, spec, access)
    except AccessError:
        if wanted == 0:
            raise
        return PulledModel(terms, fetch_published_model(store, terms.srs, spec, final[wanted - 1], access), False)
    return PulledModel(terms, model, True)


@app.command()
def pull(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    out: Annotated[Path, typer.Option(help="Where the safetensors file goes.", metavar="FILE")],
    round_index: RoundIndex = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a project's model to a file. Of a confidential project, as far as the keystore may read it.

    Example: [bold]steelyard model pull 0x5f… --out model.safetensors[/bold]. The keystore is opened for confidential
    projects only.
    """
    pulled = _pull(project, round_index, rpc_url, deployment_file, store_url, keystore, passphrase_file)
    _write(pulled, pulled.content, out, as_json=as_json)


@app.command()
def export(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    out: Annotated[
        Path, typer.Option(help="What it is written to; `.safetensors`, `.pt` or `.onnx` says how.", metavar="FILE")
    ],
    form: Annotated[
        Form | None, typer.Option("--format", help="How, whatever the file is called.", case_sensitive=False)
    ] = None,
    round_index: RoundIndex = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a project's model for use elsewhere, checked as `pull` does: safetensors, TorchScript or ONNX.

    TorchScript and ONNX take features of shape (batch, …) as the project declares them and give logits. ONNX needs the
    package `onnx` (`steelyard[export]`).

    Example: [bold]steelyard model export 0x5f… --out model.onnx[/bold]
    """
    form = form or _SUFFIXES.get(out.suffix)
    if form is None:
        raise ConfigError(f"{out.name} does not say the format: end it in {', '.join(_SUFFIXES)}, or give `--format`")
    pulled = _pull(project, round_index, rpc_url, deployment_file, store_url, keystore, passphrase_file)
    _write(pulled, _encode(pulled, form), out, as_json=as_json)


def _encode(pulled: PulledModel, form: Form) -> bytes:
    if form is Form.SAFETENSORS:
        return pulled.content
    from steelyard.models.export import encode_onnx, encode_torchscript  # noqa: PLC0415 - torch, which `pull` needs not

    spec = pulled.terms.spec
    encode = encode_onnx if form is Form.ONNX else encode_torchscript
    parameters = unflatten_parameters(pulled.model.parameters, spec.model.shapes)
    return encode(spec.model, parameters, spec.data.feature_shape)


def _pull(
    project: str,
    round_index: int | None,
    rpc_url: str,
    deployment_file: Path,
    store_url: str,
    keystore: Path,
    passphrase_file: Path | None,
) -> PulledModel:
    connection = open_connection(rpc_url, deployment_file)
    project_id, store = parse_project_id(project), open_store(store_url)
    terms = open_project(connection.marketplace, connection.deployment, store, project_id)
    identity = open_identity(keystore, passphrase_file) if terms.spec.confidential else None
    return pull_model(connection.marketplace, connection.deployment, store, project_id, round_index, identity)


def _write(pulled: PulledModel, content: bytes, out: Path, *, as_json: bool) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    if as_json:
        record = {"round": pulled.model.round_index, "recomputed": pulled.recomputed, "bytes": len(content)}
        print_json({"project": pulled.terms.project_id, **record, "cid": compute_cid(content), "file": out})
        return
    checked = (
        "computed again from the initial model and every round's aggregate"
        if pulled.recomputed
        else "as attested: the aggregate opens the commitments on chain, its trainers found the file to follow from it"
    )
    print_lines({"model": f"that round {pulled.model.round_index} starts from", "checked": checked, "file": out})
