"""What a page or a wallet must know of this marketplace before anything else, and of the tokens it deals in."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import func, select

from backend.api.dependencies import AddressPath, AddressQuery, ServicesDep
from backend.api.schemas import AddressText, Amount, PositiveAmount, Request, Schema
from backend.errors import DraftRefusedError, NotFoundError
from backend.models import Project
from backend.node import TokenFacts
from backend.services import Services
from steelyard.chain.token import build_permit
from steelyard.errors import ChainError, ChainUnavailableError
from steelyard.rules import DEFAULT_RULE
from steelyard.types import Address

router = APIRouter(prefix="/v1", tags=["contracts"])

MAX_TOKENS = 50
"""Most tokens listed, those of most projects first."""


class Token(Schema):
    """A token, as it describes itself: anybody can call a token anything."""

    address: str
    symbol: str | None = Field(description="Null where it has none in printable ASCII.")
    decimals: int | None = Field(description="Null where it says nothing: show amounts in its smallest unit.")
    permit: bool = Field(description="Whether it takes ERC-2612 permits and describes their domain (EIP-5267).")
    offered: bool = Field(description="Whether the operator offers it to owners.")
    test: bool = Field(description="Whether it is the test token of a devnet, which anybody mints.")


class Limits(Schema):
    """How much one client may ask."""

    page_items: int
    body_bytes: int
    upload_bytes: int
    requests_per_minute: int = Field(description="0 for any number. A request that may write counts as ten.")
    streams: int


class DeploymentDetail(Schema):
    """The chain, the contracts, what this server offers, and its limits."""

    chain_id: int
    marketplace: str
    verifier: str
    rules: dict[str, str] = Field(description="Contracts of the rules offered, by name.")
    default_rule: str
    block: int = Field(description="The marketplace's.")
    srs_digest: str
    token: str | None = Field(description="The test token of a devnet.")
    unbonding_seconds: int | None = Field(description="How long stake takes to come back; null while no node answers.")
    explorer_url: str | None = Field(description="A chain explorer: append `/tx/HASH` or `/address/ADDRESS`.")
    public_rpc_url: str | None = Field(description="A node that wallets may use.")
    login_origin: str = Field(description="Where people log in: `domain` and `uri` of the message.")
    has_storage: bool = Field(description="Whether models, specifications and drafts are served.")
    has_keeper: bool = Field(description="Whether the server enforces deadlines.")
    tokens: list[Token] = Field(description="Those offered, then those of projects.")
    limits: Limits


class TokenDetail(Token):
    """A token, and what an account has in it."""

    account: str | None
    balance: Amount | None
    allowance: Amount | None = Field(description="What the marketplace may take of the account's.")
    permit_nonce: Amount | None


class PermitRequest(Request):
    """A permit for the marketplace to take tokens."""

    token: AddressText
    owner: AddressText
    amount: PositiveAmount
    deadline: int = Field(ge=0, le=2**63 - 1, description="Unix seconds.", examples=[2_000_000_000])


class TypedData(Schema):
    """As `eth_signTypedData_v4` takes it (EIP-712)."""

    types: dict[str, list[dict[str, str]]]
    primaryType: str  # noqa: N815 - the wallet's spelling
    domain: dict[str, Any]
    message: dict[str, Any]


@router.get("/deployment", summary="The chain, the contracts, tokens and limits")
def get_deployment(services: ServicesDep) -> DeploymentDetail:
    """Changes only when the server is started anew, but for the tokens of new projects."""
    settings, deployment = services.settings, services.deployment
    return DeploymentDetail(
        chain_id=deployment.chain_id,
        marketplace=deployment.marketplace,
        verifier=deployment.verifier,
        rules=dict(deployment.rules),
        default_rule=DEFAULT_RULE.name,
        block=deployment.block,
        srs_digest=deployment.srs_digest,
        token=deployment.token,
        unbonding_seconds=_get_unbonding_seconds(services),
        explorer_url=None if settings.explorer_url is None else settings.explorer_url.rstrip("/"),
        public_rpc_url=settings.public_rpc_url,
        login_origin=settings.get_origin(),
        has_storage=services.store is not None,
        has_keeper=services.keeper is not None,
        tokens=_describe_all(services, _list_tokens(services)),
        limits=Limits(
            page_items=settings.max_page,
            body_bytes=settings.max_body_bytes,
            upload_bytes=settings.max_upload_bytes,
            requests_per_minute=settings.requests_per_minute,
            streams=settings.max_streams,
        ),
    )


@router.get("/tokens/{address}", summary="A token, and what an account has in it")
def get_token(services: ServicesDep, address: AddressPath, account: AddressQuery = None) -> TokenDetail:
    """Of the newest block, from the node."""
    token = Address(address)
    shown = _describe(services, token, services.tokens.get(token)).model_dump()
    if account is None:
        return TokenDetail(**shown, account=None, balance=None, allowance=None, permit_nonce=None)
    held = services.node.get_holding(token, Address(account), services.deployment.marketplace)
    return TokenDetail(
        **shown,
        account=account,
        balance=str(held.balance),
        allowance=str(held.allowance),
        permit_nonce=None if held.permit_nonce is None or not shown["permit"] else str(held.permit_nonce),
    )


@router.post("/permits", summary="A permit to sign")
def make_permit(services: ServicesDep, body: PermitRequest) -> TypedData:
    """For the call that then takes exactly this amount: `createProject` or `deposit`. No key is here."""
    token, owner, marketplace = Address(body.token), Address(body.owner), services.deployment.marketplace
    domain = services.tokens.get(token).permit_domain
    nonce = services.node.get_holding(token, owner, marketplace).permit_nonce
    if domain is None or nonce is None:
        raise DraftRefusedError(f"token {token} takes no permits: let the marketplace take tokens by `approve`")
    permit = build_permit(domain, owner, marketplace, int(body.amount), nonce, body.deadline)
    exact = {name: str(value) if isinstance(value, int) else value for name, value in permit["message"].items()}
    return TypedData(**{**permit, "message": exact})


def _get_unbonding_seconds(services: Services) -> int | None:
    try:
        return services.node.get_unbonding_seconds(services.deployment.marketplace)
    except ChainError:
        return None


def _list_tokens(services: Services) -> list[Address]:
    by_projects = select(Project.token).group_by(Project.token).order_by(func.count().desc(), Project.token)
    with services.database.read() as session:
        used = session.scalars(by_projects.limit(MAX_TOKENS)).all()
    own = services.deployment.token
    found = dict.fromkeys([*services.settings.tokens, *([own] if own else []), *used])
    return [Address(token) for token in list(found)[:MAX_TOKENS]]


def _describe_all(services: Services, tokens: list[Address]) -> list[Token]:
    """Those that do not answer now are shown without facts; a node that does not answer is not asked for the rest."""
    shown, silent = [], False
    for token in tokens:
        facts = TokenFacts(None, None, None)
        if not silent:
            try:
                facts = services.tokens.get(token)
            except ChainUnavailableError:
                silent = True
            except (ChainError, NotFoundError):
                pass
        shown.append(_describe(services, token, facts))
    return shown


def _describe(services: Services, token: Address, facts: TokenFacts) -> Token:
    own = services.deployment.token
    return Token(
        address=token,
        symbol=facts.symbol,
        decimals=facts.decimals,
        permit=facts.permit_domain is not None,
        offered=token in services.settings.tokens or token == own,
        test=token == own,
    )
