"""Receivers of transmissions, and which transmissions wait to be sent."""

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0007"
down_revision = "0006"

S = "ledger"


def upgrade() -> None:
    """The queue can be made again from the log; a receiver is added and never changed."""
    create_receivers()
    create_queue()
    create_cursor()
    run(f"GRANT SELECT, INSERT ON {S}.receivers TO ledger_app")
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {S}.transmission_queue TO ledger_app")
    run(f"GRANT SELECT, UPDATE ON {S}.transmission_cursor TO ledger_app")
    for column in ("wrapped", "sealed"):
        run(f"ALTER TABLE {S}.receivers ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def create_receivers() -> None:
    """One row a receiver; everything that says who it is, is in one sealed blob."""
    op.create_table(
        "receivers",
        sa.Column("receiver_id", sa.Uuid, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        moment("created_at"),
        schema=S,
        comment="Receivers of transmissions; address, key and challenge are sealed.",
    )


def create_queue() -> None:
    """One row a transmission that has not left."""
    op.create_table(
        "transmission_queue",
        sa.Column("transmission", sa.Uuid, primary_key=True),
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        moment("due_at"),
        sa.Column("claim", sa.Uuid),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text),
        sa.Column("status", sa.Integer),
        schema=S,
        comment="Transmissions that wait to be sent: references; a package is made when sent.",
    )
    op.create_index("transmission_queue_due_at_idx", "transmission_queue", ["due_at"], schema=S)


def create_cursor() -> None:
    """One row; the log is read from its beginning."""
    op.create_table(
        "transmission_cursor",
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.text("true")),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.CheckConstraint("one", name="transmission_cursor_one_check"),
        schema=S,
        comment="Up to where the log was read for transmissions.",
    )
    run("INSERT INTO ledger.transmission_cursor (position) VALUES (-1)")


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
