"""Hybrid keys, and who may read confidential models."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column and a table. The contracts that emit their events are new ones, so there is nothing to fill in."""
    op.add_column("accounts", sa.Column("hybrid_digest", sa.String(length=66), nullable=True))
    op.create_table(
        "readers",
        sa.Column("project_id", sa.String(length=66), nullable=False),
        sa.Column("reader", sa.String(length=42), nullable=False),
        sa.Column("from_round", sa.BigInteger(), nullable=False),
        sa.Column("manifest_cid", sa.String(length=64), nullable=False),
        sa.Column("granted_block", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "reader"),
    )


def downgrade() -> None:
    """Drops both."""
    op.drop_table("readers")
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("hybrid_digest")
