"""The tables that erasure takes rows from can be written anew, so that the bytes go (E2)."""

from pathlib import Path

from alembic.util import CommandError

from alembic import op

revision = "0008"
down_revision = "0007"

FUNCTIONS = Path(__file__).parents[1] / "sql" / revision


def upgrade() -> None:
    """Adds `ledger_rewrite`, for the login that may erase and for no other."""
    for path in sorted(FUNCTIONS.glob("*.sql")):
        op.get_bind().exec_driver_sql(path.read_text(encoding="utf-8"))
    op.execute("REVOKE ALL ON FUNCTION ledger.ledger_rewrite(text, bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ledger.ledger_rewrite(text, bigint) TO ledger_eraser")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")
