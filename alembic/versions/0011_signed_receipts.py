"""Signed receipts: the keys that sign them, and of each request what was signed together."""

from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0011"
down_revision = "0010"

S = "ledger"
TABLE = "receipt_key"
READERS = ("ledger_app", "ledger_eraser", "ledger_auditor")
FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
OPENING = "ledger_receipt_key_open"


def upgrade() -> None:
    """Adds the table of keys and two columns; replaces the text of both appending functions."""
    op.create_table(
        TABLE,
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("vkey", sa.Text(collation="C"), primary_key=True),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
        ),
        schema=S,
        comment="Verifier keys (C2SP) of receipts; the newest signs, the others once did.",
    )
    op.add_column("idempotency", sa.Column("batch_first", sa.BigInteger), schema=S)
    op.add_column("idempotency", sa.Column("batch_size", sa.Integer), schema=S)
    for path in sorted(FUNCTIONS.glob("*.sql")):
        run(path.read_text(encoding="utf-8"))
    run(f"REVOKE ALL ON FUNCTION {S}.{OPENING} FROM PUBLIC")
    run(f"GRANT EXECUTE ON FUNCTION {S}.{OPENING} TO ledger_migrator")
    trigger("no_insert", "INSERT", "FOR EACH STATEMENT WHEN (current_user <> 'ledger_owner')")
    trigger("no_change", "UPDATE OR DELETE OR TRUNCATE", "FOR EACH STATEMENT")
    run(f"GRANT SELECT ON {S}.{TABLE} TO {', '.join(READERS)}")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def trigger(rule: str, events: str, when: str) -> None:
    """A refusing trigger that a replica session cannot avoid."""
    run(
        f"CREATE TRIGGER {rule} BEFORE {events} ON {S}.{TABLE} {when}"
        f" EXECUTE FUNCTION {S}.refuse_change()"
    )
    run(f"ALTER TABLE {S}.{TABLE} ENABLE ALWAYS TRIGGER {rule}")


def run(statement: str) -> None:
    """One statement as it is."""
    op.get_bind().exec_driver_sql(statement)
