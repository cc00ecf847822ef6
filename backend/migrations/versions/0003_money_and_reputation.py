"""Payments and steps of reputation as rows, so that routes need not decode events."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PAYMENTS = sa.table(
    "payments",
    *map(
        sa.column,
        (
            "block_number",
            "log_index",
            "transaction_hash",
            "account",
            "kind",
            "project_id",
            "token",
            "amount",
            "recipient",
        ),
    ),
)
CHANGES = sa.table(
    "reputation_changes",
    *map(
        sa.column,
        ("block_number", "log_index", "transaction_hash", "trainer", "project_id", "previous", "current"),
    ),
)
BATCH = 10_000


def upgrade() -> None:
    """Adds two tables and fills them from the log, with the events' arguments as they were at this version."""
    op.create_table(
        "payments",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=True),
        sa.Column("project_id", sa.String(length=66), nullable=True),
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("amount", sa.String(78), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=True),
        sa.PrimaryKeyConstraint("block_number", "log_index"),
    )
    op.create_index("payments_by_account", "payments", ["account", "block_number", "log_index"], unique=False)
    op.create_index("payments_by_project", "payments", ["project_id", "block_number", "log_index"], unique=False)
    op.create_table(
        "reputation_changes",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("trainer", sa.String(length=42), nullable=False),
        sa.Column("project_id", sa.String(length=66), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block_number", "log_index"),
    )
    columns = ["trainer", "block_number", "log_index"]
    op.create_index("reputation_changes_by_trainer", "reputation_changes", columns, unique=False)
    _fill("Credited", ["bytes32", "address", "address", "uint256", "uint8"])
    _fill("Claimed", ["address", "address", "uint256", "address"])
    _fill("ReputationUpdated", ["address", "bytes32", "uint256", "uint256"])


def downgrade() -> None:
    """Drops both."""
    op.drop_table("reputation_changes")
    op.drop_table("payments")


def _fill(name: str, types: list[str]) -> None:
    connection = op.get_bind()
    events = sa.table("events", *map(sa.column, ("block_number", "log_index", "transaction_hash", "name", "arguments")))
    place = sa.tuple_(events.c.block_number, events.c.log_index)
    after = (-1, -1)
    while True:
        query = sa.select(events).where(events.c.name == name, place > after).limit(BATCH)
        rows = connection.execute(query.order_by(events.c.block_number, events.c.log_index)).all()
        if not rows:
            return
        after = (rows[-1].block_number, rows[-1].log_index)
        made = [
            {
                "block_number": row.block_number,
                "log_index": row.log_index,
                "transaction_hash": row.transaction_hash,
                **_read(name, decode(types, row.arguments)),
            }
            for row in rows
        ]
        connection.execute(sa.insert(CHANGES if name == "ReputationUpdated" else PAYMENTS), made)


def _read(name: str, values: tuple[Any, ...]) -> dict[str, object]:
    """The columns that an event's arguments make."""
    if name == "ReputationUpdated":
        trainer, project_id, previous, current = values
        return {
            "trainer": to_checksum_address(trainer),
            "project_id": "0x" + project_id.hex(),
            "previous": previous,
            "current": current,
        }
    if name == "Credited":
        project_id, account, token, amount, kind = values
        recipient, project = None, "0x" + project_id.hex()
    else:
        account, token, amount, recipient = values
        kind = project = None
    return {
        "account": to_checksum_address(account),
        "kind": kind,
        "project_id": project,
        "token": to_checksum_address(token),
        "amount": f"{amount:078d}",
        "recipient": None if recipient is None else to_checksum_address(recipient),
    }
