"""Specifications as storage has them, and the evaluations that owners publish."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds two tables that do not follow from the chain."""
    op.create_table(
        "specs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cid", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=True),
        sa.Column("folded_title", sa.String(length=360), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cid"),
    )
    op.create_table(
        "evaluations",
        sa.Column("project_id", sa.String(length=66), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("cid", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id"),
    )


def downgrade() -> None:
    """Drops both: specifications are read anew, owners publish anew."""
    op.drop_table("evaluations")
    op.drop_table("specs")
