"""What the web page and wallets must know before anything else: which contracts, on which chain, in which tokens."""

from fastapi import APIRouter
from pydantic import Field

from backend.api.dependencies import AddressPath, ServicesDep, SessionDep
from backend.api.schemas import Schema
from backend.errors import NotFoundError
from backend.queries import is_token_used
from steelyard.types import Address

router = APIRouter(prefix="/v1", tags=["contracts"])


class DeploymentDetail(Schema):
    """Where the contracts stand, and what this backend offers."""

    chain_id: int
    marketplace: str
    verifier: str
    rules: dict[str, str] = Field(description="Contracts of the rules that a project may choose, by name.")
    token: str | None = Field(description="The test token of a devnet.")
    block: int = Field(description="The marketplace's first.")
    unbonding_seconds: int = Field(description="How long stake takes to come back.")
    explorer_url: str | None = Field(description="A chain explorer, with `/tx/HASH` and `/address/ADDRESS`.")
    public_rpc_url: str | None = Field(description="A node that wallets may use.")
    has_storage: bool = Field(description="Whether drafts, specifications and models are stored and served here.")


class TokenDetail(Schema):
    """What a token's contract says of itself. Anybody can deploy a token of any name: the address decides."""

    address: str
    symbol: str | None
    decimals: int | None


@router.get("/deployment", summary="The contracts, the chain, and what this backend offers")
def get_deployment(services: ServicesDep) -> DeploymentDetail:
    """The same until the operator changes it."""
    deployment, settings = services.deployment, services.settings
    return DeploymentDetail(
        chain_id=deployment.chain_id,
        marketplace=deployment.marketplace,
        verifier=deployment.verifier,
        rules=dict(deployment.rules),
        token=deployment.token,
        block=deployment.block,
        unbonding_seconds=services.node.get_unbonding_seconds(deployment.marketplace),
        explorer_url=None if settings.explorer_url is None else settings.explorer_url.rstrip("/"),
        public_rpc_url=settings.public_rpc_url,
        has_storage=services.store is not None,
    )


@router.get("/tokens/{address}", summary="A token's symbol and decimals")
def get_token(services: ServicesDep, session: SessionDep, address: AddressPath) -> TokenDetail:
    """Of tokens that projects, stakes or offers are in, and no others."""
    token = Address(address)
    if token != services.deployment.token and not is_token_used(session, token):
        raise NotFoundError("token", token)
    facts = services.node.describe_token(token)
    return TokenDetail(address=token, symbol=facts.symbol, decimals=facts.decimals)
