"""How much each account has put into storage today."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table that does not follow from the chain."""
    op.create_table(
        "uploads",
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )


def downgrade() -> None:
    """Drops it: everybody begins the day anew."""
    op.drop_table("uploads")
