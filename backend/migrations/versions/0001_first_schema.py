"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates every table."""
    op.create_table(
        "accounts",
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("key", sa.String(length=66), nullable=True),
        sa.Column("reputation_bps", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "aggregators",
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("offered_block", sa.BigInteger(), nullable=False),
        sa.Column("offered_log", sa.BigInteger(), nullable=False),
        sa.Column("max_stake", sa.String(78), nullable=False),
        sa.Column("max_dimension", sa.BigInteger(), nullable=False),
        sa.Column("min_settle_seconds", sa.BigInteger(), nullable=False),
        sa.Column("min_fee_bps", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "token"),
    )
    op.create_index("aggregators_by_age", "aggregators", ["offered_block", "offered_log"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("project_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("aggregator", sa.String(length=42), nullable=False),
        sa.Column("members", sa.BigInteger(), nullable=False),
        sa.Column("submissions", sa.BigInteger(), nullable=False),
        sa.Column("has_root", sa.Boolean(), nullable=False),
        sa.Column("submit_deadline", sa.BigInteger(), nullable=False),
        sa.Column("settle_deadline", sa.BigInteger(), nullable=False),
        sa.Column("opened_block", sa.BigInteger(), nullable=False),
        sa.Column("opened_transaction", sa.String(length=66), nullable=False),
        sa.Column("attest_deadline", sa.BigInteger(), nullable=True),
        sa.Column("aggregate_cid", sa.String(length=64), nullable=True),
        sa.Column("settled_block", sa.BigInteger(), nullable=True),
        sa.Column("settled_transaction", sa.String(length=66), nullable=True),
        sa.Column("settled_gas", sa.BigInteger(), nullable=True),
        sa.Column("num_byzantine", sa.BigInteger(), nullable=True),
        sa.Column("budget", sa.String(78), nullable=True),
        sa.Column("attesters", sa.BigInteger(), nullable=False),
        sa.Column("approvals", sa.BigInteger(), nullable=False),
        sa.Column("objections", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("paid", sa.String(78), nullable=False),
        sa.Column("to_pool", sa.String(78), nullable=False),
        sa.Column("closed_block", sa.BigInteger(), nullable=True),
        sa.Column("closed_transaction", sa.String(length=66), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "attempt"),
    )
    op.create_index("attempts_by_aggregator", "attempts", ["aggregator"], unique=False)
    op.create_index("attempts_by_round", "attempts", ["project_id", "round", "attempt"], unique=False)
    op.create_table(
        "balances",
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("free", sa.String(78), nullable=False),
        sa.Column("locked", sa.String(78), nullable=False),
        sa.Column("unbonding", sa.String(78), nullable=False),
        sa.Column("available_at", sa.String(78), nullable=False),
        sa.Column("slashed", sa.String(78), nullable=False),
        sa.Column("credited", sa.String(78), nullable=False),
        sa.Column("claimed", sa.String(78), nullable=False),
        sa.PrimaryKeyConstraint("account", "token"),
    )
    op.create_table(
        "before_images",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("table", sa.String(length=32), nullable=False),
        sa.Column("key", sa.JSON(), nullable=False),
        sa.Column("row", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("before_images_by_block", "before_images", ["block_number"], unique=False)
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "cursor",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("marketplace", sa.String(length=42), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("final_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "events",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("arguments", sa.LargeBinary(), nullable=False),
        sa.Column("project_id", sa.String(length=66), nullable=True),
        sa.Column("attempt", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(length=42), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("block_number", "log_index"),
    )
    op.create_index("events_by_account", "events", ["account", "name", "block_number", "log_index"], unique=False)
    op.create_index("events_by_project", "events", ["project_id", "block_number", "log_index"], unique=False)
    op.create_table(
        "members",
        sa.Column("project_id", sa.String(length=66), nullable=False),
        sa.Column("trainer", sa.String(length=42), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.Column("left", sa.SmallInteger(), nullable=False),
        sa.Column("strikes", sa.BigInteger(), nullable=False),
        sa.Column("absences", sa.BigInteger(), nullable=False),
        sa.Column("earned", sa.String(78), nullable=False),
        sa.Column("pool_split", sa.String(78), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "trainer"),
    )
    op.create_index("members_by_trainer", "members", ["trainer"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=66), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("budget", sa.String(78), nullable=False),
        sa.Column("rounds", sa.BigInteger(), nullable=False),
        sa.Column("min_trainers", sa.BigInteger(), nullable=False),
        sa.Column("max_trainers", sa.BigInteger(), nullable=False),
        sa.Column("min_reputation_bps", sa.BigInteger(), nullable=False),
        sa.Column("byzantine_bps", sa.BigInteger(), nullable=False),
        sa.Column("min_stake", sa.String(78), nullable=False),
        sa.Column("aggregator_fee_bps", sa.BigInteger(), nullable=False),
        sa.Column("slash_bps", sa.BigInteger(), nullable=False),
        sa.Column("max_strikes", sa.BigInteger(), nullable=False),
        sa.Column("max_absences", sa.BigInteger(), nullable=False),
        sa.Column("aggregator_stake", sa.String(78), nullable=False),
        sa.Column("aggregator_slash_bps", sa.BigInteger(), nullable=False),
        sa.Column("enrol_seconds", sa.BigInteger(), nullable=False),
        sa.Column("submit_seconds", sa.BigInteger(), nullable=False),
        sa.Column("settle_seconds", sa.BigInteger(), nullable=False),
        sa.Column("attest_seconds", sa.BigInteger(), nullable=False),
        sa.Column("dimension", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(length=42), nullable=False),
        sa.Column("verifier", sa.String(length=42), nullable=False),
        sa.Column("aggregator", sa.String(length=42), nullable=False),
        sa.Column("spec_cid", sa.String(length=64), nullable=False),
        sa.Column("rule_name", sa.String(length=64), nullable=False),
        sa.Column("rooted", sa.Boolean(), nullable=False),
        sa.Column("powers", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.String(78), nullable=False),
        sa.Column("enrol_deadline", sa.BigInteger(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("created_log", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("pool", sa.String(78), nullable=False),
        sa.Column("pool_split", sa.String(78), nullable=False),
        sa.Column("paid", sa.String(78), nullable=False),
        sa.Column("fees", sa.String(78), nullable=False),
        sa.Column("refund", sa.String(78), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("projects_by_age", "projects", ["created_block", "created_log"], unique=False)
    op.create_index("projects_by_owner", "projects", ["owner"], unique=False)
    op.create_index("projects_by_status", "projects", ["status"], unique=False)
    op.create_index("projects_by_token", "projects", ["token"], unique=False)
    op.create_table(
        "submissions",
        sa.Column("project_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("trainer", sa.String(length=42), nullable=False),
        sa.Column("cid", sa.String(length=64), nullable=False),
        sa.Column("commitment_hash", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("excluded", sa.SmallInteger(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.Column("weight", sa.String(78), nullable=True),
        sa.Column("contribution", sa.String(78), nullable=True),
        sa.Column("share", sa.String(78), nullable=True),
        sa.Column("opposed", sa.Boolean(), nullable=False),
        sa.Column("opens", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "attempt", "position"),
    )
    op.create_index("submissions_by_trainer", "submissions", ["trainer"], unique=False)


def downgrade() -> None:
    """Drops every table: the chain has it all."""
    for table in (
        "submissions",
        "projects",
        "members",
        "events",
        "cursor",
        "blocks",
        "before_images",
        "balances",
        "attempts",
        "aggregators",
        "accounts",
    ):
        op.drop_table(table)
