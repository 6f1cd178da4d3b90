"""Projections are built side by side, in a schema of their own; people can be parked."""

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0003"
down_revision = "0002"

S = "ledger"
WORD = sa.Text(collation="C")
FORMER = ("profiles_subjects_v1", "profiles_v1", "sharing_register_v1")
READERS = ("ledger_app", "ledger_eraser", "ledger_auditor")
PROJECTOR = "ledger_projector"


def upgrade() -> None:
    """The registers of before go: the projector makes them anew, from the log, in its schema."""
    for name in FORMER:
        op.drop_table(name, schema=S)
    run("CREATE SCHEMA projections")
    run(f"GRANT USAGE, CREATE ON SCHEMA projections TO {PROJECTOR}")
    run(f"GRANT USAGE ON SCHEMA projections TO {', '.join(READERS)}")
    create_positions()
    create_rebuilds()
    create_parked()
    for name in ("positions", "rebuild_ranges", "parked_subjects"):
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {S}.{name} TO {PROJECTOR}")
        run(f"GRANT SELECT ON {S}.{name} TO {', '.join(READERS)}")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def create_positions() -> None:
    """One row a build: where it stands, and whether it is the one that serves."""
    op.drop_table("positions", schema=S)
    op.create_table(
        "positions",
        sa.Column("projection", WORD, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("build", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("run", sa.Uuid),
        sa.Column("cut", sa.BigInteger),
        moment("updated_at"),
        sa.CheckConstraint(
            "state IN ('building', 'following', 'serving', 'kept')", name="positions_state_check"
        ),
        schema=S,
        comment="How far each build of each projection has read the log, and which of them serves.",
    )
    op.create_index(
        "positions_serving_key",
        "positions",
        ["projection", "version"],
        unique=True,
        schema=S,
        postgresql_where=sa.text("state = 'serving'"),
    )


def create_rebuilds() -> None:
    """What a rebuild has done of its work, so that it can be taken up again."""
    op.create_table(
        "rebuild_ranges",
        sa.Column("run", sa.Uuid, primary_key=True),
        sa.Column("first_slice", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("end_slice", sa.Integer, nullable=False),
        sa.Column("events", sa.BigInteger),
        schema=S,
        comment="The ranges of a rebuild under way; how many events each had,"
        " once its rows are in.",
    )


def create_parked() -> None:
    """Who waits, and from which event on."""
    op.create_table(
        "parked_subjects",
        sa.Column("projection", WORD, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("build", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        sa.Column("stream_version", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("error_class", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        moment("parked_at"),
        moment("tried_at"),
        schema=S,
        comment="People whose events from this one on wait for a cure, in order; the others go on.",
    )


def moment(name: str) -> sa.Column[object]:
    """A moment in time, taken by the database."""
    now = sa.text("clock_timestamp()")
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=now)


def run(statement: str) -> None:
    """One statement as it is."""
    op.get_bind().exec_driver_sql(statement)
