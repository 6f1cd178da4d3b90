"""The ledger: log, sealed sections, keys, registers, and the functions that alone write them."""

from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0001"
down_revision = None

S = "ledger"
WORD = sa.Text(collation="C")
FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
APP = ("ledger_app", "ledger_eraser")
RUNTIME = (*APP, "ledger_projector", "ledger_auditor")

READS = {
    "events": RUNTIME,
    "ledger_identity": RUNTIME,
    "alembic_version": RUNTIME,
    "policies": (*APP, "ledger_auditor"),
    "policy_texts": (*APP, "ledger_auditor"),
    "sealed": (*APP, "ledger_auditor"),
    "erasure_fence": (*APP, "ledger_auditor"),
    "keyring": APP,
    "keyring (key_id, subject_id, class, generation, epoch, state)": ("ledger_auditor",),
    "key_epoch": APP,
    "identifiers": APP,
    "suppressions": APP,
    "idempotency": APP,
    "clients": APP,
    "positions": (*APP, "ledger_projector"),
}
CALLS = {
    "ledger_append": APP,
    "ledger_append_one": APP,
    "ledger_erase": ("ledger_eraser",),
    "ledger_client_add": ("ledger_app",),
    "ledger_client_revoke": ("ledger_app",),
    "ledger_policy_archive": ("ledger_app",),
    "ledger_policy_text": ("ledger_app",),
    "ledger_idempotency_key": ("ledger_app",),
    "ledger_idempotency_purge": ("ledger_app",),
    "ledger_epoch_open": ("ledger_migrator",),
}
INSERT_ONLY = ("events", "ledger_identity", "policies", "policy_texts", "suppressions")
OWNER_WRITES = (
    "sealed",
    "keyring",
    "key_epoch",
    "erasure_fence",
    "identifiers",
    "idempotency",
    "idempotency_key",
    "clients",
    "append_lock_0",
)
# Values that must not be kept a second time, as the planner's samples.
UNSAMPLED = {
    "events": ("entry",),
    "sealed": ("blob",),
    "key_epoch": ("wrapped",),
    "keyring": ("wrapped",),
    "identifiers": ("token",),
    "suppressions": ("token",),
    "idempotency": ("key", "fingerprint"),
    "idempotency_key": ("wrapped",),
    "clients": ("name", "secret_hash"),
    "policies": ("structure", "structure_sha256"),
    "policy_texts": ("text", "sha256"),
}


def upgrade() -> None:
    """Tables, functions, guards, rights, and the identity of this ledger."""
    create_log()
    create_keys()
    create_registers()
    create_callers_and_policies()
    create_functions()
    guard_history()
    grant_rights()
    run(
        "INSERT INTO ledger.ledger_identity (ledger_id, control_stream, register_stream)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid())"
    )


def downgrade() -> None:
    """Not offered: a schema that held history is never taken back, only succeeded."""
    raise CommandError("the ledger's schema has no way back")


def create_log() -> None:
    """The identity, the events, their sealed sections, and the append lock."""
    table(
        "ledger_identity",
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.text("true")),
        sa.Column("ledger_id", sa.Uuid, nullable=False),
        sa.Column("control_stream", sa.Uuid, nullable=False),
        sa.Column("register_stream", sa.Uuid, nullable=False),
        moment("created_at"),
        sa.CheckConstraint("one", name="ledger_identity_one_check"),
        comment="Who this ledger is. One row, made once; no recovery changes it.",
    )
    table(
        "events",
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "version"),
        sa.UniqueConstraint("partition", "position", name="events_partition_position_key"),
        comment="The log. Written by ledger_append and ledger_erase alone; never changed.",
    )
    op.create_index("events_event_id_idx", "events", ["event_id"], schema=S)
    table(
        "sealed",
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("section", sa.SmallInteger, nullable=False),
        sa.Column("key_id", sa.Uuid, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "version", "section"),
        comment="Ciphertext of sealed sections. Only ledger_erase deletes.",
    )
    # Ciphertext does not compress; trying costs time at every append.
    run(f"ALTER TABLE {S}.sealed ALTER COLUMN blob SET STORAGE EXTERNAL")
    table(
        "append_lock_0",
        sa.Column("nothing", sa.Boolean),
        comment="Always empty. Its lock is the append lock of partition 0;"
        " only the owner may take it.",
    )
    table(
        "positions",
        sa.Column("projection", WORD, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        moment("updated_at"),
        comment="How far each projection has read the log.",
    )


def create_keys() -> None:
    """Key epochs, the keyring and the fence of erased classes."""
    table(
        "key_epoch",
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'active'")),
        sa.CheckConstraint(
            "state IN ('active', 'draining', 'destroying', 'destroyed')",
            name="key_epoch_state_check",
        ),
        comment="Epoch keys, wrapped by the epoch root that the database never sees.",
    )
    table(
        "keyring",
        sa.Column("key_id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("class", WORD, nullable=False),
        sa.Column("generation", WORD, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("wrapped", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'active'")),
        sa.CheckConstraint("state IN ('active', 'retiring', 'erased')", name="keyring_state_check"),
        sa.CheckConstraint("(state = 'erased') = (wrapped IS NULL)", name="keyring_erased_check"),
        comment="Data keys: one a subject, retention class and generation;"
        " erased ones stay as tombs.",
    )
    op.create_index("keyring_subject_id_idx", "keyring", ["subject_id"], schema=S)
    op.create_index(
        "keyring_active_key",
        "keyring",
        ["subject_id", "class", "generation"],
        unique=True,
        schema=S,
        postgresql_where=sa.text("state = 'active'"),
    )
    table(
        "erasure_fence",
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        sa.Column("class", WORD, primary_key=True),
        comment="Classes erased for good: no new key or section."
        " `identifiers` fences the blind index.",
    )


def create_registers() -> None:
    """The blind index, the suppressions, and what makes a repeated request harmless."""
    table(
        "identifiers",
        sa.Column("kind", WORD, primary_key=True),
        sa.Column("token", sa.LargeBinary, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        comment="The blind index: a keyed token of an address to its one subject.",
    )
    op.create_index("identifiers_subject_id_idx", "identifiers", ["subject_id"], schema=S)
    table(
        "suppressions",
        sa.Column("purpose", WORD, primary_key=True),
        sa.Column("token", sa.LargeBinary, primary_key=True),
        moment("since"),
        comment="Who must not be addressed for a purpose, by a keyed token of their address.",
    )
    table(
        "idempotency",
        sa.Column("client", WORD, primary_key=True),
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("first_version", sa.Integer),
        sa.Column("last_version", sa.Integer),
        moment("at"),
        comment="What a repeated request answers; key and fingerprint are HMACs, never a body.",
    )
    table(
        "idempotency_key",
        sa.Column("period", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        comment="HMAC key of one period of seven days since 1970, wrapped by the epoch key.",
    )


def create_callers_and_policies() -> None:
    """API keys, and the policies ever published."""
    table(
        "clients",
        sa.Column("client_id", WORD, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("system", sa.Text),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        moment("created_at"),
        comment="API keys by the hash of their secret.",
    )
    table(
        "policies",
        sa.Column("version", WORD, primary_key=True),
        sa.Column("structure", sa.LargeBinary, nullable=False),
        sa.Column("structure_sha256", sa.LargeBinary, nullable=False),
        moment("published_at"),
        comment="Every policy structure ever published, byte for byte.",
    )
    table(
        "policy_texts",
        sa.Column("version", WORD, primary_key=True),
        sa.Column("language", WORD, primary_key=True),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        comment="The text that people were shown, byte for byte.",
    )


def create_functions() -> None:
    """Every function as of this revision (docs/decisions/0002), closed to PUBLIC for ever."""
    run("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    for path in sorted(FUNCTIONS.glob("*.sql")):
        run(path.read_text(encoding="utf-8"))
    run(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {S} FROM PUBLIC")


def guard_history() -> None:
    """Triggers for every replication role; inside a function the current user is the owner."""
    from_outside = "FOR EACH STATEMENT WHEN (current_user <> 'ledger_owner')"
    for name in INSERT_ONLY:
        trigger(name, "no_insert", "INSERT", from_outside)
        trigger(name, "no_change", "UPDATE OR DELETE OR TRUNCATE", "FOR EACH STATEMENT")
    for name in OWNER_WRITES:
        trigger(name, "no_write", "INSERT OR UPDATE OR DELETE", from_outside)
        trigger(name, "no_truncate", "TRUNCATE", "FOR EACH STATEMENT")


def grant_rights() -> None:
    """Reading and calling; no runtime role has a writing right on a table of the ledger."""
    run(f"GRANT USAGE ON SCHEMA {S} TO {', '.join(RUNTIME)}, ledger_migrator")
    for target, roles in READS.items():
        name, _, columns = target.partition(" ")
        run(f"GRANT SELECT {columns} ON {S}.{name} TO {', '.join(roles)}")
    run(f"GRANT INSERT, UPDATE, DELETE ON {S}.positions TO ledger_projector")
    for function, roles in CALLS.items():
        run(f"GRANT EXECUTE ON FUNCTION {S}.{function} TO {', '.join(roles)}")
    for name, unsampled in UNSAMPLED.items():
        for column in unsampled:
            run(f"ALTER TABLE {S}.{name} ALTER COLUMN {column} SET STATISTICS 0")


def table(name: str, *columns: sa.schema.SchemaItem, comment: str) -> None:
    """A table of schema `ledger`; PostgreSQL names its primary key."""
    op.create_table(name, *columns, schema=S, comment=comment)


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
    """One statement as it is: colons and percent signs in function bodies are no parameters."""
    op.get_bind().exec_driver_sql(statement)
