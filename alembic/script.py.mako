"""${message}"""

from alembic import op
from alembic.util import CommandError
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}"""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Not offered: a schema that held history is never taken back, only succeeded."""
    raise CommandError("the ledger's schema has no way back")
