"""Whether the key epochs took legal steps, stand as the log says, and carry what it says of E3."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.store.stream_check import Finding, Rule
from app.tlog.epoch_history import CLASSES, EpochHistory, ErasedClasses

if TYPE_CHECKING:
    from app.store.integrity import Connection, Verification

MAY_SEE_SQL: Final = """
SELECT has_column_privilege('ledger.key_epoch', 'state', 'SELECT')
   AND has_column_privilege('ledger.key_epoch', 'epoch', 'SELECT')
"""
# A key of an epoch that never was, or that can still be opened under one that was destroyed.
ORPHANS_SQL: Final = """
SELECT DISTINCT k.epoch FROM ledger.keyring k LEFT JOIN ledger.key_epoch e ON e.epoch = k.epoch
 WHERE e.epoch IS NULL OR (e.state = 'destroyed' AND k.state <> 'erased') ORDER BY 1
"""
STATES_SQL: Final = "SELECT epoch, state FROM ledger.key_epoch"
STEPS_SQL: Final = """
SELECT e.position, e.stream_id, e.version, e.type, e.entry,
       e.stream_id = (SELECT i.control_stream FROM ledger.ledger_identity i) AS of_control
  FROM ledger.events e WHERE e.type LIKE 'epoch.%'
    OR (e.type = 'retention.executed' AND position('"cause":"key_lost"'::bytea IN e.entry) > 0)
 ORDER BY e.position
"""
ERASURES_SQL: Final = """
SELECT e.position, e.stream_id, e.version, e.type, e.entry FROM ledger.events e
 WHERE e.type = ANY($1)
   AND e.stream_id = ANY(ARRAY(SELECT DISTINCT a.stream_id FROM ledger.events a
                                WHERE a.type = 'erasure.assured'))
 ORDER BY e.stream_id, e.version
"""


class _Core(msgspec.Struct):
    d: dict[str, Any]


async def check_epochs(connection: "Connection", found: "Verification") -> None:
    """Their steps, in the order of the log; their rows and keys; and every E3 that was said."""
    history = EpochHistory()
    for row in await connection.fetch(STEPS_SQL):
        said = _said(row)
        if row["type"] == "retention.executed":
            if not history.giving_up:  # a key that nobody asked to give up
                found.add(_at(row))
        elif not row["of_control"] or said is None:
            found.add(_at(row))  # nobody else may tell of epochs
        elif not _step(history, row, said):
            found.add(_at(row))
    await _check_rows(connection, history, found)
    of, whose = ErasedClasses(), None
    for row in await connection.fetch(ERASURES_SQL, list(CLASSES)):
        if row["stream_id"] != whose:
            of, whose = ErasedClasses(), row["stream_id"]
        said = _said(row)
        if said is None or not of.take(row["position"], row["type"], said, history):
            found.add(_at(row))


def _step(history: EpochHistory, row: Any, said: dict[str, Any]) -> bool:
    if row["type"] == "epoch.restored":
        return history.restore(row["position"], said)
    return history.take(row["position"], row["type"], said["epoch"])


async def _check_rows(
    connection: "Connection", history: EpochHistory, found: "Verification"
) -> None:
    if not await connection.fetchval(MAY_SEE_SQL):
        return
    wrong = {row["epoch"] for row in await connection.fetch(ORPHANS_SQL)}
    stand = {row["epoch"]: row["state"] for row in await connection.fetch(STATES_SQL)}
    told = history.states()
    if stand:  # a ledger whose first epoch is not open yet has no key either
        wrong |= {epoch for epoch in stand | told if stand.get(epoch) != told.get(epoch)}
    for epoch in sorted(wrong):
        found.add(Finding(Rule.EPOCH_STATE, None, None, place=f"epoch {epoch}"))


def _said(row: Any) -> dict[str, Any] | None:
    """What an entry says; None where it is malformed, which other checks name in detail."""
    try:
        return _CORE.decode(row["entry"].partition(b"\n")[0]).d
    except msgspec.MsgspecError:
        return None


def _at(row: Any) -> Finding:
    return Finding(Rule.EPOCH_STATE, row["position"], row["stream_id"], row["version"])


_CORE = msgspec.json.Decoder(_Core)
