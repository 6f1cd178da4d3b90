"""${message}"""

from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}"""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Not offered: a schema that held history is never taken back, only succeeded."""
    raise NotImplementedError("the ledger's schema has no way back")
