"""A destruction says under which rules it was decided, and the database compares (L63)."""

from pathlib import Path

from alembic.util import CommandError

from alembic import op

revision = "0012"
down_revision = "0011"

FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
SIGNATURE = "ledger.ledger_erase_under(int, uuid, int, int, bytea)"


def upgrade() -> None:
    """Adds `ledger_erase_under`, for the login that may erase and for no other."""
    for path in sorted(FUNCTIONS.glob("*.sql")):
        op.get_bind().exec_driver_sql(path.read_text(encoding="utf-8"))
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO ledger_eraser")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")
