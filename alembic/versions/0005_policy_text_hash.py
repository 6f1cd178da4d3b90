"""A policy's text is archived only under a hash that the policy names."""

from pathlib import Path

from alembic.util import CommandError

from alembic import op

revision = "0005"
down_revision = "0004"

FUNCTIONS = Path(__file__).parents[1] / "sql" / revision


def upgrade() -> None:
    """Replaces the body of `ledger_policy_text`; its signature and its rights stay."""
    for path in sorted(FUNCTIONS.glob("*.sql")):
        op.get_bind().exec_driver_sql(path.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")
