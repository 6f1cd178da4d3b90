"""Witnesses and time-stamps of checkpoints, logs of others that we witness, and other origins."""

from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0010"
down_revision = "0009"

S = "ledger"
FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
CALLERS = {
    "ledger_log_cosign": "ledger_app",
    "ledger_log_stamp": "ledger_app",
    "ledger_witness_advance": "ledger_app",
    "ledger_log_reopen": "ledger_integrator",
}
INSERT_ONLY = ("log_cosignature", "log_timestamp")
READERS = {
    "log_cosignature": "ledger_app, ledger_eraser, ledger_integrator, ledger_auditor",
    "log_timestamp": "ledger_app, ledger_eraser, ledger_integrator, ledger_auditor",
    "log_witnessed": "ledger_app, ledger_auditor",
}
UNSAMPLED = {
    "log_cosignature": ("line",),
    "log_timestamp": ("response",),
    "log_witnessed": ("root", "note"),
}


def upgrade() -> None:
    """What witnesses say is added once and never changed; what we cosigned only goes on."""
    create_tables()
    column = sa.Column("from_size", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("log_key", column, schema=S)
    for path in sorted(FUNCTIONS.glob("*.sql")):
        run(path.read_text(encoding="utf-8"))
        run(f"REVOKE ALL ON FUNCTION {S}.{path.stem} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {S}.{path.stem} TO {CALLERS[path.stem]}")
    from_outside = "FOR EACH STATEMENT WHEN (current_user <> 'ledger_owner')"
    for name in INSERT_ONLY:
        trigger(name, "no_insert", "INSERT", from_outside)
        trigger(name, "no_change", "UPDATE OR DELETE OR TRUNCATE", "FOR EACH STATEMENT")
    trigger("log_witnessed", "no_write", "INSERT OR UPDATE OR DELETE", from_outside)
    trigger("log_witnessed", "no_truncate", "TRUNCATE", "FOR EACH STATEMENT")
    for name, roles in READERS.items():
        run(f"GRANT SELECT ON {S}.{name} TO {roles}")
    for name, columns in UNSAMPLED.items():
        for one in columns:
            run(f"ALTER TABLE {S}.{name} ALTER COLUMN {one} SET STATISTICS 0")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def create_tables() -> None:
    """Of checkpoints of ours, of those of others."""
    op.create_table(
        "log_cosignature",
        *of_checkpoint(),
        sa.Column("witness", sa.Text(collation="C"), primary_key=True),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        moment("received_at"),
        schema=S,
        comment="Cosignatures of checkpoints, by the verifier key (C2SP) of the witness.",
    )
    op.create_table(
        "log_timestamp",
        *of_checkpoint(),
        sa.Column("authority", sa.Text(collation="C"), primary_key=True),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=False),
        moment("received_at"),
        schema=S,
        comment="Time-stamps of checkpoints (RFC 3161), as their authority answered.",
    )
    op.create_table(
        "log_witnessed",
        sa.Column("origin", sa.Text(collation="C"), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        moment("cosigned_at"),
        schema=S,
        comment="The largest tree of each other log that we, as its witness, cosigned.",
    )


def of_checkpoint() -> tuple[sa.Column[object], sa.Column[object]]:
    """Which checkpoint of ours."""
    return (
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    )


def moment(name: str) -> sa.Column[object]:
    """A moment in time, the database's own unless given."""
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.text("clock_timestamp()"),
    )


def trigger(name: str, rule: str, events: str, when: str) -> None:
    """A refusing trigger that a replica session cannot avoid."""
    run(
        f"CREATE TRIGGER {rule} BEFORE {events} ON {S}.{name} {when}"
        f" EXECUTE FUNCTION {S}.refuse_change()"
    )
    run(f"ALTER TABLE {S}.{name} ENABLE ALWAYS TRIGGER {rule}")


def run(statement: str) -> None:
    """One statement as it is."""
    op.get_bind().exec_driver_sql(statement)
