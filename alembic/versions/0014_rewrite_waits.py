"""Writing a table anew gives way before an append that waits for it would look for a deadlock."""

from pathlib import Path

from alembic.util import CommandError

from alembic import op

revision = "0014"
down_revision = "0013"

FUNCTIONS = Path(__file__).parents[1] / "sql" / revision


def upgrade() -> None:
    """Replaces the body of `ledger_rewrite`; its signature and its rights stay."""
    for path in sorted(FUNCTIONS.glob("*.sql")):
        op.get_bind().exec_driver_sql(path.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")
