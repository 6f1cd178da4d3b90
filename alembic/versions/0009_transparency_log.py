"""The transparency log: key, tiles, right edge and checkpoints, and the two functions for them."""

from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0009"
down_revision = "0008"

S = "ledger"
ROLE = "ledger_integrator"
READERS = ("ledger_app", "ledger_eraser", "ledger_auditor", ROLE)
FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
INSERT_ONLY = ("log_key", "log_tile", "log_checkpoint")
TABLES = (*INSERT_ONLY, "log_edge")
UNSAMPLED = {"log_tile": ("hashes",), "log_edge": ("hashes",), "log_checkpoint": ("root", "note")}


def upgrade() -> None:
    """Makes the tables, guards them as the log itself is guarded, and begins with no leaf."""
    require_role()
    create_tables()
    for path in sorted(FUNCTIONS.glob("*.sql")):
        run(path.read_text(encoding="utf-8"))
        run(f"REVOKE ALL ON FUNCTION {S}.{path.stem} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {S}.{path.stem} TO {ROLE}")
    from_outside = "FOR EACH STATEMENT WHEN (current_user <> 'ledger_owner')"
    for name in INSERT_ONLY:
        trigger(name, "no_insert", "INSERT", from_outside)
        trigger(name, "no_change", "UPDATE OR DELETE OR TRUNCATE", "FOR EACH STATEMENT")
    run("INSERT INTO ledger.log_edge (partition, size, hashes) VALUES (0, 0, '')")
    trigger("log_edge", "no_write", "INSERT OR UPDATE OR DELETE", from_outside)
    trigger("log_edge", "no_truncate", "TRUNCATE", "FOR EACH STATEMENT")
    run(f"GRANT USAGE ON SCHEMA {S} TO {ROLE}")
    for name in TABLES:
        run(f"GRANT SELECT ON {S}.{name} TO {', '.join(READERS)}")
    for name in ("events", "ledger_identity", "alembic_version"):
        run(f"GRANT SELECT ON {S}.{name} TO {ROLE}")
    # Hashes do not compress, and their distribution says nothing.
    for name in ("log_tile", "log_edge"):
        run(f"ALTER TABLE {S}.{name} ALTER COLUMN hashes SET STORAGE EXTERNAL")
    for name, columns in UNSAMPLED.items():
        for column in columns:
            run(f"ALTER TABLE {S}.{name} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def require_role() -> None:
    """Roles are made by an administrator, not by a migration."""
    found = op.get_bind().execute(
        sa.text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": ROLE}
    )
    if not found.scalar():
        raise CommandError(
            f"the role {ROLE} is missing: an administrator runs app/store/roles.sql and"
            " app/store/database.sql again"
        )


def create_tables() -> None:
    """One partition of the ledger is one tree."""
    op.create_table(
        "log_key",
        partition(),
        sa.Column("vkey", sa.Text(collation="C"), primary_key=True),
        moment("opened_at"),
        schema=S,
        comment="Verifier keys (C2SP) of the log; the name of the newest is its origin.",
    )
    op.create_table(
        "log_tile",
        partition(),
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("octet_length(hashes) = 8192", name="log_tile_full_check"),
        schema=S,
        comment="Full tiles of the tree, 256 hashes each; inserted once.",
    )
    op.create_table(
        "log_edge",
        partition(),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        schema=S,
        comment="The right edge: the partial tile of each level, from the leaves up.",
    )
    op.create_table(
        "log_checkpoint",
        partition(),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        moment("created_at"),
        schema=S,
        comment="Every checkpoint that was signed: one root a size, for ever.",
    )


def partition() -> sa.Column[object]:
    """The first column of every key."""
    return sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False)


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
