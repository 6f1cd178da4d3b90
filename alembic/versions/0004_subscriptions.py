"""Subscriptions to the feed, and what they failed to deliver."""

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0004"
down_revision = "0003"

S = "ledger"
WORD = sa.Text(collation="C")
READERS = ("ledger_eraser", "ledger_auditor")


def upgrade() -> None:
    """Written by the serving role: neither table holds anything that the log does not."""
    create_subscriptions()
    create_failures()
    for name in ("subscriptions", "subscription_failures"):
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {S}.{name} TO ledger_app")
    for column in ("wrapped", "sealed"):
        run(f"ALTER TABLE {S}.subscriptions ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def create_subscriptions() -> None:
    """One row a subscription: cursor, claim, and everything secret in one sealed blob."""
    op.create_table(
        "subscriptions",
        sa.Column("subscription_id", sa.Uuid, primary_key=True),
        sa.Column("client_id", WORD, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("types", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'active'")),
        sa.Column("disabled_for", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        moment("due_at"),
        sa.Column("previous_until", sa.DateTime(timezone=True)),
        sa.Column("claim", sa.Uuid),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        moment("created_at"),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("scheme IN ('v1', 'v1a')", name="subscriptions_scheme_check"),
        sa.CheckConstraint(
            "state IN ('active', 'paused', 'disabled')", name="subscriptions_state_check"
        ),
        schema=S,
        comment="Subscriptions to the feed; address and keys are sealed under the key epoch.",
    )
    op.create_index("subscriptions_client_id_idx", "subscriptions", ["client_id"], schema=S)


def create_failures() -> None:
    """One row an event that was not delivered at the first attempt."""
    op.create_table(
        "subscription_failures",
        sa.Column(
            "subscription_id",
            sa.Uuid,
            sa.ForeignKey(
                f"{S}.subscriptions.subscription_id",
                ondelete="CASCADE",
                name="subscription_failures_subscription_id_fkey",
            ),
            primary_key=True,
        ),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("replay", sa.Boolean, nullable=False, server_default=sa.text("false")),
        moment("first_at"),
        moment("last_at"),
        sa.CheckConstraint(
            "state IN ('retrying', 'given-up', 'recovered', 'skipped')",
            name="subscription_failures_state_check",
        ),
        schema=S,
        comment="Deliveries that failed at first: words and numbers, never an answer.",
    )


def moment(name: str) -> sa.Column[object]:
    """A moment in time, the database's own unless given."""
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.text("clock_timestamp()"),
    )


def run(statement: str) -> None:
    """One statement as it is."""
    op.get_bind().exec_driver_sql(statement)
