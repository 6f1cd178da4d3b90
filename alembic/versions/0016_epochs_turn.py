"""Key epochs can be turned and ended: what hangs on each is known, and no look-up misses."""

from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError

from alembic import op

revision = "0016"
down_revision = "0015"

S = "ledger"
FUNCTIONS = Path(__file__).parents[1] / "sql" / revision
REGISTERS = ("idempotency_key", "subscriptions", "receivers")
CALLS = {
    "ledger_epoch_turn(int, bytea)": "ledger_migrator",
    "ledger_epoch_rekey(int, text[], bytea[], uuid[], bytea[])": "ledger_migrator",
    "ledger_epoch_holds(int)": "ledger_app, ledger_migrator",
    "ledger_idempotency_key_under(int, int, bytea)": "ledger_app",
}


def upgrade() -> None:
    """Columns that say which epoch wraps a key, the steps of an epoch, and their functions."""
    op.alter_column("key_epoch", "wrapped", nullable=True, schema=S)
    op.create_check_constraint(
        op.f("key_epoch_destroyed_check"),
        "key_epoch",
        "(state = 'destroyed') = (wrapped IS NULL)",
        schema=S,
    )
    for name in REGISTERS:
        # There has been one epoch so far: every key is wrapped by the first.
        op.add_column(
            name,
            sa.Column("epoch", sa.Integer, nullable=False, server_default=sa.text("1")),
            schema=S,
        )
    for path in sorted(FUNCTIONS.glob("*.sql")):
        run(path.read_text(encoding="utf-8"))
    run(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {S} FROM PUBLIC")
    for function, roles in CALLS.items():
        run(f"GRANT EXECUTE ON FUNCTION {S}.{function} TO {roles}")
    trigger("key_epoch", "step", "UPDATE", "epoch_step")
    for name in REGISTERS:
        trigger(name, "under_epoch", "INSERT OR UPDATE OF epoch, wrapped", "register_epoch")


def downgrade() -> None:
    """Not offered, like every way back."""
    raise CommandError("the ledger's schema has no way back")


def trigger(table: str, rule: str, events: str, function: str) -> None:
    """A trigger for each row that a replica session cannot avoid."""
    run(
        f"CREATE TRIGGER {rule} BEFORE {events} ON {S}.{table} FOR EACH ROW"
        f" EXECUTE FUNCTION {S}.{function}()"
    )
    run(f"ALTER TABLE {S}.{table} ENABLE ALWAYS TRIGGER {rule}")


def run(statement: str) -> None:
    """One statement as it is: percent signs in function bodies are no parameters."""
    op.get_bind().exec_driver_sql(statement)
