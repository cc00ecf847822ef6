"""What the operator chooses: environment variables that begin with `STEELYARD_BACKEND_`, read once.

Where the node and the deployment file are may also be said for all programs at once: `STEELYARD_RPC_URL` and
`STEELYARD_DEPLOYMENT`. An option of the command line wins over either.
"""

from pathlib import Path

from eth_utils.address import is_address, to_checksum_address
from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from steelyard.cli_support import DEFAULT_DEPLOYMENT, DEFAULT_RPC_URL


class Settings(BaseSettings):
    """Settings of one backend. Secrets are not among them: the keystore's passphrase is asked for separately."""

    model_config = SettingsConfigDict(
        env_prefix="STEELYARD_BACKEND_", frozen=True, extra="forbid", validate_by_name=True
    )

    rpc_url: str = Field(
        default=DEFAULT_RPC_URL,
        validation_alias=AliasChoices("STEELYARD_BACKEND_RPC_URL", "STEELYARD_RPC_URL"),
        description="JSON-RPC endpoint of an Ethereum node.",
    )
    deployment: Path = Field(
        default=DEFAULT_DEPLOYMENT,
        validation_alias=AliasChoices("STEELYARD_BACKEND_DEPLOYMENT", "STEELYARD_DEPLOYMENT"),
        description="Deployment file of the marketplace to index.",
    )
    database_url: str = Field(default="sqlite:///steelyard-backend.sqlite3", description="SQLAlchemy URL.")
    rpc_timeout_seconds: float = Field(
        default=30.0, gt=0, le=600, description="Longest wait for one answer of the node."
    )

    reorg_depth: int = Field(default=64, ge=1, le=10_000, description="Blocks that a reorganisation may take back.")
    block_range: int = Field(default=2_000, ge=1, le=100_000, description="Most blocks asked for at once.")
    poll_seconds: float = Field(default=1.0, gt=0, le=600, description="Between two looks at the chain.")

    host: str = Field(default="127.0.0.1", description="Address that the server listens on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port that the server listens on; 0 for a free one.")
    max_page: int = Field(default=200, ge=1, le=1_000, description="Most items on one page.")
    max_body_bytes: int = Field(default=65_536, ge=0, description="Largest request body accepted.")
    max_upload_bytes: int = Field(
        default=64 * 2**20, ge=0, description="Largest model that may be uploaded or downloaded."
    )
    cache_bytes: int = Field(
        default=32 * 2**20, ge=0, description="Answers of the newest block kept in memory; 0 for none."
    )
    requests_per_minute: int = Field(
        default=3_000, ge=0, description="Most requests of one client, in the long run; 0 for any number."
    )
    uploads_per_day: int = Field(
        default=2**30, ge=0, description="Most bytes that one account may put into storage in a day; 0 for any number."
    )
    slow_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="A request's head must be there by then; a body and a client that reads may pause for so long.",
    )
    min_bytes_per_second: int = Field(
        default=1_024, ge=1, description="How fast, after a pause, a body must come and an answer be read."
    )
    max_connections: int = Field(default=1_000, ge=1, description="Most connections open at once.")
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Other origins whose pages may read and write, as a JSON list of `https://HOST`."
    )
    origin: str | None = Field(
        default=None,
        pattern=r"^https?://[0-9A-Za-z.-]+(:[0-9]{1,5})?$",
        description="Under which scheme, host and port people reach it: what they log in to. By default as it listens.",
    )
    session_seconds: int = Field(default=3_600, ge=60, le=86_400, description="How long a login lasts.")
    store: str | None = Field(
        default=None,
        validation_alias=AliasChoices("STEELYARD_BACKEND_STORE", "STEELYARD_STORE"),
        description="The blob store that models are served from and drafts put into; none for neither.",
    )
    tokens: tuple[str, ...] = Field(
        default=(), max_length=32, description="Tokens to offer to owners, as a JSON list of addresses."
    )
    max_streams: int = Field(default=200, ge=1, description="Most event streams open at once.")
    max_lag_blocks: int = Field(
        default=10, ge=0, description="Blocks behind the chain at which it still counts as ready."
    )

    web: Path = Field(
        default=Path(__file__).parents[1] / "web" / "dist",
        description="Folder of the web page, as `make web` built it; the API alone works without one.",
    )
    explorer_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s\"'<>]+$",
        description="A chain explorer; the web page links to its `/tx/HASH` and `/address/ADDRESS`. None for no links.",
    )
    public_rpc_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s\"'<>]+$",
        description="A node that visitors' wallets may be told of; none for the wallets' own.",
    )

    keeper_keystore: Path | None = Field(
        default=None, description="Keystore of the keeper's account; none for no keeper."
    )
    keeper_poll_seconds: float = Field(default=1.0, gt=0, le=600, description="Between two looks for deadlines.")

    log_level: str = Field(default="info", pattern="^(debug|info|warning|error|critical)$", description="Least severe.")
    log_json: bool = Field(default=True, description="One JSON object a line; otherwise for people.")

    @field_validator("tokens")
    @classmethod
    def _check_tokens(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        for token in tokens:
            if not is_address(token):
                raise ValueError(f"{token} is no address")
        return tuple(map(to_checksum_address, tokens))

    def get_origin(self) -> str:
        """Scheme, host and port under which people reach the server."""
        return self.origin or f"http://{self.host}:{self.port}"
