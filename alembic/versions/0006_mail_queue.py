"""The queue of mails: which wait to be sent, by reference."""

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0006"
down_revision = "0005"

S = "ledger"


def upgrade() -> None:
    """Written by the serving role: the rows can be made again from the log."""
    create_queue()
    create_cursor()
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {S}.mail_queue TO ledger_app")
    run(f"GRANT SELECT, UPDATE ON {S}.mail_cursor TO ledger_app")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def create_queue() -> None:
    """One row a mail that has not left."""
    op.create_table(
        "mail_queue",
        sa.Column("mail", sa.Uuid, primary_key=True),
        sa.Column("stream_id", sa.Uuid, nullable=False),
        moment("queued_at", default=None),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        moment("due_at", default=sa.text("clock_timestamp()")),
        sa.Column("claim", sa.Uuid),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text),
        sa.Column("code", sa.Integer),
        schema=S,
        comment="Mails that wait to be sent: references; what they say lies sealed beside the log.",
    )
    op.create_index("mail_queue_due_at_idx", "mail_queue", ["due_at"], schema=S)


def create_cursor() -> None:
    """One row; the log is read from its beginning."""
    op.create_table(
        "mail_cursor",
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.text("true")),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.CheckConstraint("one", name="mail_cursor_one_check"),
        schema=S,
        comment="Up to where the log was read for mails.",
    )
    run("INSERT INTO ledger.mail_cursor (position) VALUES (-1)")


def moment(name: str, default: sa.TextClause | None) -> sa.Column[object]:
    """A moment in time."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=default)


def run(statement: str) -> None:
    """One statement as it is."""
    op.get_bind().exec_driver_sql(statement)
