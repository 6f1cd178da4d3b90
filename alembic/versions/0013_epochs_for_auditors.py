"""An auditor sees which key epochs there are and in what state; never what their keys are."""

from alembic.util import CommandError

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Verification holds each data key against the state of its epoch."""
    op.execute("GRANT SELECT (epoch, state) ON ledger.key_epoch TO ledger_auditor")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")
