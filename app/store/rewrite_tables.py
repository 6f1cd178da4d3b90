"""What is remembered of the rewriting of tables that erasure takes rows from (E2), as metadata."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    MetaData,
    Table,
    Text,
    text,
)


def declare(metadata: MetaData) -> None:
    """Adds it to what the migrations make."""
    Table(
        "rewrites",
        metadata,
        Column("relation", Text(collation="C"), primary_key=True),
        Column("phase", Text, nullable=False, server_default=text("'idle'")),
        Column("begun_at", DateTime(timezone=True)),
        Column("through", BigInteger),
        Column("files", Text),
        Column("at", Text),
        Column("end_block", BigInteger),
        Column("waits_for", ARRAY(Text)),
        Column("xact", BigInteger),
        Column("done_at", DateTime(timezone=True)),
        Column("done_through", BigInteger),
        Column("done_wal", BigInteger),
        CheckConstraint(
            "phase IN ('idle', 'copying', 'comparing', 'comparing-back', 'ready')", name="phase"
        ),
        comment="How far the tables that erasure takes rows from are written anew, and were last.",
    )
