"""The tables that erasure takes rows from are written anew beside living appends (E2)."""

from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0015"
down_revision = "0014"

S = "ledger"
FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
CALLED = {
    "ledger_rewrite_begin": "text",
    "ledger_rewrite_step": "text, bigint",
    "ledger_rewrite_swap": "text",
    "ledger_rewrite_abandon": "text",
}
READERS = ("ledger_app", "ledger_eraser", "ledger_auditor")


def upgrade() -> None:
    """Adds what is remembered of a rewriting, and its functions for the eraser's login alone."""
    op.create_table(
        "rewrites",
        sa.Column("relation", sa.Text(collation="C"), primary_key=True),
        sa.Column("phase", sa.Text, nullable=False, server_default=sa.text("'idle'")),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
        sa.Column("through", sa.BigInteger),
        sa.Column("files", sa.Text),
        sa.Column("at", sa.Text),
        sa.Column("end_block", sa.BigInteger),
        sa.Column("waits_for", sa.ARRAY(sa.Text)),
        sa.Column("xact", sa.BigInteger),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("done_through", sa.BigInteger),
        sa.Column("done_wal", sa.BigInteger),
        sa.CheckConstraint(
            "phase IN ('idle', 'copying', 'comparing', 'comparing-back', 'ready')",
            name="rewrites_phase_check",
        ),
        schema=S,
        comment="How far the tables that erasure takes rows from are written anew, and were last.",
    )
    run("INSERT INTO ledger.rewrites (relation) VALUES ('sealed'), ('keyring'), ('identifiers')")
    guard("no_write", "INSERT OR UPDATE OR DELETE", "WHEN (current_user <> 'ledger_owner')")
    guard("no_truncate", "TRUNCATE", "")
    run(f"GRANT SELECT ON {S}.rewrites TO {', '.join(READERS)}")
    for path in sorted(FUNCTIONS.glob("*.sql")):
        run(path.read_text(encoding="utf-8"))
    run(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {S} FROM PUBLIC")
    for name, arguments in CALLED.items():
        run(f"GRANT EXECUTE ON FUNCTION {S}.{name}({arguments}) TO ledger_eraser")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def guard(name: str, events: str, when: str) -> None:
    """A refusing trigger that a replica session cannot avoid."""
    run(
        f"CREATE TRIGGER {name} BEFORE {events} ON {S}.rewrites FOR EACH STATEMENT {when}"
        f" EXECUTE FUNCTION {S}.refuse_change()"
    )
    run(f"ALTER TABLE {S}.rewrites ENABLE ALWAYS TRIGGER {name}")


def run(statement: str) -> None:
    """One statement as it is: percent signs in function bodies are no parameters."""
    op.get_bind().exec_driver_sql(statement)
