"""The tables of schema `ledger` (DESIGN 5), as SQLAlchemy Core metadata.

Triggers, rights and functions are not part of metadata: they live in `app/store/sql` and in the
migrations. Read models have a metadata and a schema of their own, which no migration touches.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from app.store import log_tables, rewrite_tables

SCHEMA = "ledger"
SCHEMA_HEAD = "0016"
"""The newest revision under `alembic/versions`; the service refuses to run on any other."""

_NAMES = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}
METADATA = MetaData(schema=SCHEMA, naming_convention=_NAMES)
"""What the migrations make."""
READ_MODELS = MetaData(schema="projections", naming_convention=_NAMES)
"""What `app.projections` declares and ledger_projector makes, as often as it likes."""

_NOW = text("clock_timestamp()")
WORD = Text(collation="C")
"""A word of a closed vocabulary, or an opaque name: compared by bytes, which no locale changes."""

ledger_identity = Table(
    "ledger_identity",
    METADATA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("ledger_id", Uuid, nullable=False),
    Column("control_stream", Uuid, nullable=False),
    Column("register_stream", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    CheckConstraint("one", name="one"),
    comment="Who this ledger is. One row, made once; no recovery changes it.",
)

events = Table(
    "events",
    METADATA,
    Column("partition", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("stream_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream_id", "version"),
    UniqueConstraint("partition", "position"),
    Index(None, "event_id"),
    comment="The log. Written by ledger_append and ledger_erase alone; never changed.",
)

sealed = Table(
    "sealed",
    METADATA,
    Column("stream_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("section", SmallInteger, nullable=False),
    Column("key_id", Uuid, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream_id", "version", "section"),
    comment="Ciphertext of sealed sections. Only ledger_erase deletes.",
)

key_epoch = Table(
    "key_epoch",
    METADATA,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    CheckConstraint("state IN ('active', 'draining', 'destroying', 'destroyed')", name="state"),
    CheckConstraint("(state = 'destroyed') = (wrapped IS NULL)", name="destroyed"),
    comment="Epoch keys, wrapped by the epoch root that the database never sees.",
)

keyring = Table(
    "keyring",
    METADATA,
    Column("key_id", Uuid, primary_key=True),
    Column("subject_id", Uuid, nullable=False),
    Column("class", WORD, nullable=False),
    Column("generation", WORD, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("wrapped", LargeBinary),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    CheckConstraint("state IN ('active', 'retiring', 'erased')", name="state"),
    CheckConstraint("(state = 'erased') = (wrapped IS NULL)", name="erased"),
    Index(None, "subject_id"),
    comment="Data keys: one a subject, retention class and generation; erased ones stay as tombs.",
)
Index(
    "keyring_active_key",
    keyring.c.subject_id,
    keyring.c["class"],
    keyring.c.generation,
    unique=True,
    postgresql_where=keyring.c.state == text("'active'"),
)

erasure_fence = Table(
    "erasure_fence",
    METADATA,
    Column("subject_id", Uuid, primary_key=True),
    Column("class", WORD, primary_key=True),
    comment="Classes erased for good: no new key or section. `identifiers` fences the blind index.",
)

identifiers = Table(
    "identifiers",
    METADATA,
    Column("kind", WORD, primary_key=True),
    Column("token", LargeBinary, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Index(None, "subject_id"),
    comment="The blind index: a keyed token of an address to its one subject.",
)

suppressions = Table(
    "suppressions",
    METADATA,
    Column("purpose", WORD, primary_key=True),
    Column("token", LargeBinary, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False, server_default=_NOW),
    comment="Who must not be addressed for a purpose, by a keyed token of their address.",
)

idempotency = Table(
    "idempotency",
    METADATA,
    Column("client", WORD, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("stream_id", Uuid, nullable=False),
    Column("first_version", Integer),
    Column("last_version", Integer),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("batch_first", BigInteger),
    Column("batch_size", Integer),
    comment="What a repeated request answers; key and fingerprint are HMACs, never a body.",
)

idempotency_key = Table(
    "idempotency_key",
    METADATA,
    Column("period", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("epoch", Integer, nullable=False, server_default=text("1")),
    comment="HMAC key of one period of seven days since 1970, wrapped by the epoch key.",
)

clients = Table(
    "clients",
    METADATA,
    Column("client_id", WORD, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("system", Text),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    comment="API keys by the hash of their secret.",
)

policies = Table(
    "policies",
    METADATA,
    Column("version", WORD, primary_key=True),
    Column("structure", LargeBinary, nullable=False),
    Column("structure_sha256", LargeBinary, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    comment="Every policy structure ever published, byte for byte.",
)

policy_texts = Table(
    "policy_texts",
    METADATA,
    Column("version", WORD, primary_key=True),
    Column("language", WORD, primary_key=True),
    Column("text", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    comment="The text that people were shown, byte for byte.",
)

subscriptions = Table(
    "subscriptions",
    METADATA,
    Column("subscription_id", Uuid, primary_key=True),
    Column("client_id", WORD, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    Column("disabled_for", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("previous_until", DateTime(timezone=True)),
    Column("claim", Uuid),
    Column("claimed_until", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("delivered_at", DateTime(timezone=True)),
    Column("epoch", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("scheme IN ('v1', 'v1a')", name="scheme"),
    CheckConstraint("state IN ('active', 'paused', 'disabled')", name="state"),
    Index(None, "client_id"),
    comment="Subscriptions to the feed; address and keys are sealed under the key epoch.",
)

_OF_SUBSCRIPTION = "subscription_failures_subscription_id_fkey"
subscription_failures = Table(
    "subscription_failures",
    METADATA,
    Column(
        "subscription_id",
        Uuid,
        ForeignKey(subscriptions.c.subscription_id, ondelete="CASCADE", name=_OF_SUBSCRIPTION),
        primary_key=True,
    ),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Integer),
    Column("replay", Boolean, nullable=False, server_default=text("false")),
    Column("first_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    CheckConstraint("state IN ('retrying', 'given-up', 'recovered', 'skipped')", name="state"),
    comment="Deliveries that failed at first: words and numbers, never an answer.",
)

mail_queue = Table(
    "mail_queue",
    METADATA,
    Column("mail", Uuid, primary_key=True),
    Column("stream_id", Uuid, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("claim", Uuid),
    Column("claimed_until", DateTime(timezone=True)),
    Column("reason", Text),
    Column("code", Integer),
    Index(None, "due_at"),
    comment="Mails that wait to be sent: references; what they say lies sealed beside the log.",
)

mail_cursor = Table(
    "mail_cursor",
    METADATA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("one", name="one"),
    comment="Up to where the log was read for mails.",
)

receivers = Table(
    "receivers",
    METADATA,
    Column("receiver_id", Uuid, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("epoch", Integer, nullable=False, server_default=text("1")),
    comment="Receivers of transmissions; address, key and challenge are sealed.",
)

transmission_queue = Table(
    "transmission_queue",
    METADATA,
    Column("transmission", Uuid, primary_key=True),
    Column("stream_id", Uuid, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("claim", Uuid),
    Column("claimed_until", DateTime(timezone=True)),
    Column("reason", Text),
    Column("status", Integer),
    Index(None, "due_at"),
    comment="Transmissions that wait to be sent: references; a package is made when sent.",
)

transmission_cursor = Table(
    "transmission_cursor",
    METADATA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("one", name="one"),
    comment="Up to where the log was read for transmissions.",
)

log_tables.declare(METADATA)
rewrite_tables.declare(METADATA)

append_lock_0 = Table(
    "append_lock_0",
    METADATA,
    Column("nothing", Boolean),
    comment="Always empty. Its lock is the append lock of partition 0; only the owner may take it.",
)

positions = Table(
    "positions",
    METADATA,
    Column("projection", WORD, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("run", Uuid),
    Column("cut", BigInteger),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    CheckConstraint("state IN ('building', 'following', 'serving', 'kept')", name="state"),
    comment="How far each build of each projection has read the log, and which of them serves.",
)
Index(
    "positions_serving_key",
    positions.c.projection,
    positions.c.version,
    unique=True,
    postgresql_where=positions.c.state == text("'serving'"),
)

rebuild_ranges = Table(
    "rebuild_ranges",
    METADATA,
    Column("run", Uuid, primary_key=True),
    Column("first_slice", Integer, primary_key=True, autoincrement=False),
    Column("end_slice", Integer, nullable=False),
    Column("events", BigInteger),
    comment="The ranges of a rebuild under way; how many events each had, once its rows are in.",
)

parked_subjects = Table(
    "parked_subjects",
    METADATA,
    Column("projection", WORD, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("stream_version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("error_class", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("tried_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    comment="People whose events from this one on wait for a cure, in order; the others go on.",
)

INSERT_ONLY = (
    *("events", "ledger_identity", "policies", "policy_texts", "suppressions"),
    *log_tables.INSERT_ONLY,
)
"""Nobody updates, deletes or truncates these, the owner included."""

OWNER_WRITES = (
    "sealed",
    "keyring",
    "key_epoch",
    "erasure_fence",
    "identifiers",
    *("idempotency", "idempotency_key", "clients", "rewrites"),
    *log_tables.OWNER_WRITES,
    "append_lock_0",
)
"""Changed only while the current user is the owner, that is, inside the ledger's functions."""
