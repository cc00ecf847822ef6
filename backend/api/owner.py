"""What owners write: drafts and files into storage, and transactions for their wallets to sign."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import Field
from sqlalchemy import select

from backend import quota
from backend.api.auth import CallerDep
from backend.api.calls import AnyCall, Market
from backend.api.dependencies import ServicesDep
from backend.api.schemas import AddressText, Request, Schema
from backend.credentials import Caller, Scope
from backend.errors import DraftRefusedError
from backend.models import Project
from backend.services import Services
from backend.transactions import MAX_RAW_BYTES, build_unsigned, read_signed
from steelyard.errors import StorageUnavailableError
from steelyard.rounds.project_file import ChainTerms, ProjectFile, compute_spec_cid
from steelyard.spec import MAX_SPEC_BYTES, ProjectSpec, decode_project_spec
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid

router = APIRouter(prefix="/v1", tags=["owner"])

_EXAMPLE_ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


class Draft(Request):
    """A project as its owner writes it: the tables of the project file (`steelyard owner example`)."""

    chain: ChainTerms
    spec: dict[str, Any]
    initial_seed: int = Field(default=0, ge=0, le=2**63 - 1)

    def to_file(self) -> ProjectFile:
        """The project file that says the same."""
        return ProjectFile(chain=self.chain, spec=self.spec, initial_seed=self.initial_seed)


class CheckedDraft(Schema):
    """A draft that breaks no rule."""

    title: str
    dimension: int
    model_bytes: int = Field(description="Of the initial model's file.")
    confidential: bool


class StoredDraft(CheckedDraft):
    """A draft whose specification and initial model are in storage."""

    spec_cid: str = Field(description="To create the project with.")
    initial_model: str


class StoredBlob(Schema):
    """A file that storage has."""

    cid: str
    bytes: int


class TransactionRequest(Request):
    """Who will sign, and what."""

    sender: AddressText = Field(examples=[_EXAMPLE_ACCOUNT])
    call: AnyCall = Field(examples=[{"name": "start", "project_id": "0x" + "5e" * 32}])


class UnsignedTransaction(Schema):
    """As `eth_sendTransaction` takes it (EIP-1559): numbers are 0x-hex."""

    type: str
    chainId: str  # noqa: N815 - the wallet's spelling
    sender: str = Field(serialization_alias="from")
    to: str
    nonce: str
    gas: str
    maxFeePerGas: str  # noqa: N815
    maxPriorityFeePerGas: str  # noqa: N815
    value: str
    data: str


class SignedTransactionText(Request):
    """A signed transaction."""

    raw: str = Field(pattern=f"^0x(?:[0-9a-fA-F]{{2}}){{1,{MAX_RAW_BYTES}}}$")


class Broadcast(Schema):
    """A transaction that the node took. Whether it takes effect, the event stream tells."""

    transaction_hash: str
    sender: str


@router.post("/drafts/validate", summary="Check a draft of a project")
def validate_draft(services: ServicesDep, draft: Draft) -> CheckedDraft:
    """Everything is checked that can be without the chain. Nothing is stored."""
    return CheckedDraft(**_check(services, draft))


@router.post("/drafts", status_code=201, summary="Store a draft's specification and initial model")
def store_draft(services: ServicesDep, caller: CallerDep, draft: Draft) -> StoredDraft:
    """The model is drawn from `initial_seed`. Then have a `createProject` made and sign it."""
    caller.require(Scope.UPLOAD)
    checked = _check(services, draft)
    if checked["confidential"]:
        raise DraftRefusedError("a confidential project's model is sealed on your machine: `steelyard owner create`")
    if checked["model_bytes"] > services.settings.max_upload_bytes:
        raise DraftRefusedError(f"its model is larger than {services.settings.max_upload_bytes:,} bytes")
    _charge(services, caller, checked["model_bytes"])
    spec = draft.to_file().prepare(_get_store(services))
    return StoredDraft(**checked, spec_cid=str(compute_spec_cid(spec)), initial_model=str(spec.initial_model))


@router.post("/models", status_code=201, summary="Store an initial model of your own")
def store_model(
    services: ServicesDep,
    caller: CallerDep,
    data: Annotated[bytes, Body(media_type="application/octet-stream", min_length=1)],
) -> StoredBlob:
    """A safetensors file, or a sealed one of a confidential project. Its CID goes into the specification."""
    caller.require(Scope.UPLOAD)
    store = _get_store(services)
    _charge(services, caller, len(data))
    return StoredBlob(cid=str(store.put(data)), bytes=len(data))


@router.post("/specs", status_code=201, summary="Store a specification of your own")
def store_spec(
    services: ServicesDep,
    caller: CallerDep,
    data: Annotated[bytes, Body(media_type="application/octet-stream", min_length=1, max_length=MAX_SPEC_BYTES)],
) -> StoredBlob:
    """Canonical JSON (RFC 8785), as `specCid` is of. Its initial model must be in storage."""
    caller.require(Scope.UPLOAD)
    spec, store = decode_project_spec(data), _get_store(services)
    if not store.has(spec.initial_model):
        raise DraftRefusedError(f"its initial model {spec.initial_model} is not in storage")
    _charge(services, caller, len(data))
    return StoredBlob(cid=str(store.put(data)), bytes=len(data))


@router.post(
    "/transactions", summary="A transaction to sign", response_model_by_alias=True, response_model=UnsignedTransaction
)
def make_transaction(services: ServicesDep, body: TransactionRequest) -> UnsignedTransaction:
    """Simulated, so that what would revert is told before gas is spent. Sign it in a wallet: no key is here."""
    sender = Address(body.sender)
    call = body.call.encode(Market(services.deployment, sender, lambda cid: _fetch_spec(services, cid)))
    figures = services.node.get_figures(sender, call.to, call.data)
    fields = build_unsigned(call, sender, services.deployment.chain_id, figures)
    return UnsignedTransaction.model_validate({**fields, "sender": fields["from"]})


@router.post("/transactions/relay", status_code=202, summary="Broadcast a signed transaction")
def relay_transaction(services: ServicesDep, caller: CallerDep, body: SignedTransactionText) -> Broadcast:
    """For our contracts only. Whoever signed it pays for it."""
    caller.require(Scope.RELAY)
    signed = read_signed(bytes.fromhex(body.raw[2:]), services.deployment.chain_id, _get_contracts(services))
    return Broadcast(transaction_hash=services.node.broadcast(signed.raw), sender=signed.sender)


def _check(services: Services, draft: Draft) -> dict[str, Any]:
    spec = draft.to_file().parse_spec()
    if draft.chain.rule not in services.deployment.rules:
        raise DraftRefusedError(f"this marketplace offers {', '.join(services.deployment.rules)}")
    size = 4 * spec.model.dimension
    return {
        "title": spec.title,
        "dimension": spec.model.dimension,
        "model_bytes": size,
        "confidential": spec.confidential,
    }


def _fetch_spec(services: Services, cid: Cid) -> ProjectSpec:
    return decode_project_spec(_get_store(services).get(cid, MAX_SPEC_BYTES))


def _charge(services: Services, caller: Caller, size: int) -> None:
    with services.database.write() as session:
        quota.charge(session, caller.account, size, services.settings.uploads_per_day, int(time.time()))


def _get_store(services: Services) -> BlobStore:
    if services.store is None:
        raise StorageUnavailableError("this backend has no storage: set STEELYARD_BACKEND_STORE")
    return services.store


def _get_contracts(services: Services) -> frozenset[Address]:
    """Where signed transactions may go: the marketplace, and the tokens of its projects."""
    with services.database.read() as session:
        tokens = {Address(token) for token in session.scalars(select(Project.token).distinct())}
    own = services.deployment.token
    return frozenset({services.deployment.marketplace, *tokens, *([own] if own else [])})
