"""The tables of the transparency log as Core metadata: keys, tiles, right edge, checkpoints."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

INSERT_ONLY = ("log_key", "log_tile", "log_checkpoint")
"""Nobody updates, deletes or truncates these, the owner included."""
OWNER_WRITES = ("log_edge",)
"""Changed only inside the ledger's functions."""

_NOW = text("clock_timestamp()")


def declare(metadata: MetaData) -> None:
    """Adds them to what the migrations make."""
    Table(
        "log_key",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("vkey", Text(collation="C"), primary_key=True),
        Column("opened_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        comment="Verifier keys (C2SP) of the log; the name of the newest is its origin.",
    )
    Table(
        "log_tile",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("level", SmallInteger, primary_key=True, autoincrement=False),
        Column("idx", BigInteger, primary_key=True, autoincrement=False),
        Column("hashes", LargeBinary, nullable=False),
        CheckConstraint("octet_length(hashes) = 8192", name="full"),
        comment="Full tiles of the tree, 256 hashes each; inserted once.",
    )
    Table(
        "log_edge",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("size", BigInteger, nullable=False),
        Column("hashes", LargeBinary, nullable=False),
        comment="The right edge: the partial tile of each level, from the leaves up.",
    )
    Table(
        "log_checkpoint",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("root", LargeBinary, nullable=False),
        Column("note", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        comment="Every checkpoint that was signed: one root a size, for ever.",
    )
