"""What the operator chooses for `steelyard aggregator run`: environment variables that begin with
`STEELYARD_AGGREGATOR_`, read once.

Node, deployment, store and keystore are said for all programs at once (`STEELYARD_RPC_URL` and so on).
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one aggregator. Secrets are not among them: the keystore's passphrase is asked for separately."""

    model_config = SettingsConfigDict(env_prefix="STEELYARD_AGGREGATOR_", frozen=True, extra="forbid")

    poll_seconds: float = Field(default=2.0, gt=0, le=600, description="Between two looks at the chain.")
    missing_seconds: float = Field(
        default=60.0, ge=0, description="How long a payload is waited for that the store does not have."
    )
    reserve_seconds: float = Field(
        default=60.0, ge=0, description="Left before a settlement deadline when what cannot be done is given up."
    )

    monitor_host: str = Field(default="127.0.0.1", description="Address of metrics, health and readiness.")
    monitor_port: int | None = Field(
        default=None, ge=0, le=65_535, description="Their port; 0 for a free one, none for no such server."
    )
    max_lag_seconds: float = Field(
        default=300.0, gt=0, description="Age of the node's newest block at which it still counts as ready."
    )

    log_level: str = Field(default="info", pattern="^(debug|info|warning|error|critical)$", description="Least severe.")
    log_json: bool = Field(default=True, description="One JSON object a line; otherwise for people.")
