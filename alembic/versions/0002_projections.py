"""The first two projections: profiles and the sharing register."""

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0002"
down_revision = "0001"

S = "ledger"
TABLES = ("profiles_subjects_v1", "profiles_v1", "sharing_register_v1")
READERS = ("ledger_app", "ledger_eraser", "ledger_auditor")


def upgrade() -> None:
    """Tables that can be dropped and rebuilt on any day: written by the projector, read by all."""
    create_profiles()
    create_sharing_register()
    for name in TABLES:
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {S}.{name} TO ledger_projector")
        run(f"GRANT SELECT ON {S}.{name} TO {', '.join(READERS)}")


def downgrade() -> None:
    """Not offered, like every way back; an old program finds its own tables untouched."""
    raise CommandError("the ledger's schema has no way back")


def create_profiles() -> None:
    """One row a person, one row a held datum."""
    op.create_table(
        "profiles_subjects_v1",
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        moment("registered_at", nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("restrictions", sa.ARRAY(sa.Uuid), nullable=False),
        moment("erased_at"),
        sa.Column("content_version", sa.Integer, nullable=False),
        schema=S,
        comment="Profiles: one row a person.",
    )
    op.create_table(
        "profiles_v1",
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("obtained", sa.Integer, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("occasion", sa.Uuid),
        moment("since", nullable=False),
        moment("occurred_at"),
        sa.Column("state", sa.Text, nullable=False),
        moment("superseded_at"),
        moment("erased_at"),
        sa.Column("retention_class", sa.Text, nullable=False),
        sa.Column("generation", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("section", sa.SmallInteger),
        sa.Column("key_id", sa.Uuid),
        sa.PrimaryKeyConstraint("subject_id", "obtained", "category", "purpose"),
        sa.CheckConstraint(
            "state IN ('current', 'superseded', 'erased')", name="profiles_v1_state_check"
        ),
        schema=S,
        comment="Profiles: one row a held datum; where its sealed value lies, never what it is.",
    )


def create_sharing_register() -> None:
    """One row a disclosure."""
    op.create_table(
        "sharing_register_v1",
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("member", sa.Uuid),
        sa.Column("country", sa.Text),
        sa.Column("mechanism", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("categories", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("occasion", sa.Uuid),
        sa.Column("policy", sa.Text, nullable=False),
        moment("disclosed_at", nullable=False),
        moment("occurred_at"),
        sa.Column("erasure", sa.Uuid),
        sa.Column("of_everything", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("informed", sa.Text),
        moment("informed_at"),
        sa.PrimaryKeyConstraint("subject_id", "version"),
        schema=S,
        comment="Sharing register: one row a disclosure,"
        " kept until nobody need be told of an erasure.",
    )
    op.create_index(
        "sharing_register_v1_recipient_position_idx",
        "sharing_register_v1",
        ["recipient", "position"],
        schema=S,
    )


def moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """A moment in time, taken from an event."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def run(statement: str) -> None:
    """One statement as it is."""
    op.get_bind().exec_driver_sql(statement)
