"""The tables of the transparency log as Core metadata: keys, tiles, right edge, checkpoints.

And what others say of checkpoints: witnesses, time-stamp authorities; and we of theirs.
"""

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

INSERT_ONLY = (
    *("log_key", "log_tile", "log_checkpoint"),
    *("log_cosignature", "log_timestamp", "receipt_key"),
)
"""Nobody updates, deletes or truncates these, the owner included."""
OWNER_WRITES = ("log_edge", "log_witnessed")
"""Changed only inside the ledger's functions."""

_NOW = text("clock_timestamp()")


def declare(metadata: MetaData) -> None:
    """Adds them to what the migrations make."""
    _declare_tree(metadata)
    _declare_statements(metadata)


def _declare_tree(metadata: MetaData) -> None:
    Table(
        "log_key",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("vkey", Text(collation="C"), primary_key=True),
        Column("opened_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        Column("from_size", BigInteger, nullable=False, server_default=text("0")),
        comment="Verifier keys (C2SP) of the log; the name of the newest is its origin.",
    )
    Table(
        "receipt_key",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("vkey", Text(collation="C"), primary_key=True),
        Column("opened_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        comment="Verifier keys (C2SP) of receipts; the newest signs, the others once did.",
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


def _declare_statements(metadata: MetaData) -> None:
    Table(
        "log_cosignature",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("witness", Text(collation="C"), primary_key=True),
        Column("line", Text, nullable=False),
        Column("cosigned_at", DateTime(timezone=True), nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        comment="Cosignatures of checkpoints, by the verifier key (C2SP) of the witness.",
    )
    Table(
        "log_timestamp",
        metadata,
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("authority", Text(collation="C"), primary_key=True),
        Column("response", LargeBinary, nullable=False),
        Column("stamped_at", DateTime(timezone=True), nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        comment="Time-stamps of checkpoints (RFC 3161), as their authority answered.",
    )
    Table(
        "log_witnessed",
        metadata,
        Column("origin", Text(collation="C"), primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("note", LargeBinary, nullable=False),
        Column("cosigned_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        comment="The largest tree of each other log that we, as its witness, cosigned.",
    )
