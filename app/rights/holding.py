"""Holds on a person: on every record of theirs, those included that another one stands for (L63).

Each record has the hold as an event of its own, so that what expires or is erased is decided on one
stream: a hold that came meanwhile is a version that the destruction does not expect.
"""

from typing import Final
from uuid import UUID

from app.domain.holds import PlaceHold, ReleaseHold
from app.domain.subject import SubjectState
from app.ledger import Ledger
from app.receipts import Attribution, LedgerContended, Receipt

TRIES_MAX: Final = 12


async def place_hold(
    ledger: Ledger, subject_id: UUID, command: PlaceHold, attribution: Attribution
) -> Receipt:
    """Holds all records of the person; the receipt is that of the one that was named."""
    receipt = await _on_each(ledger, await _records(ledger, subject_id), command, attribution)
    for _ in range(TRIES_MAX):
        missing = [
            one
            for one in await _records(ledger, subject_id)
            if not await _has(ledger, one, command.hold)
        ]
        if not missing or receipt.replayed:
            return receipt
        # Another record was merged in between: it is held as well before anything is answered.
        await _on_each(ledger, missing, command, Attribution(by=attribution.by))
    raise LedgerContended("other writers won every try")


async def release_hold(
    ledger: Ledger, subject_id: UUID, hold: UUID, attribution: Attribution
) -> Receipt:
    """Ends a hold wherever it was placed with this one; LegalHoldUnknown where there is none."""
    held = [one for one in await _records(ledger, subject_id) if await _has(ledger, one, hold)]
    records = list(dict.fromkeys((subject_id, *held)))
    return await _on_each(ledger, records, ReleaseHold(hold=hold), attribution)


def holds_of(state: SubjectState) -> tuple[PlaceHold, ...]:
    """The holds in force, as they are placed on a record that this one comes to stand for."""
    return tuple(
        PlaceHold(
            hold=key,
            ground=one.ground,
            source=one.source,
            retention_classes=one.retention_classes,
            occasion=one.occasion,
        )
        for key, one in state.holds.active.items()
    )


async def _on_each(
    ledger: Ledger, records: list[UUID], command: PlaceHold | ReleaseHold, by: Attribution
) -> Receipt:
    if len(records) == 1:
        return await ledger.execute(records[0], command, by)
    receipt, *_ = await ledger.execute_group([(one, command) for one in records], by)
    return receipt


async def _records(ledger: Ledger, subject_id: UUID) -> list[UUID]:
    """The record and those that it stands for, itself first."""
    found = [subject_id]
    for one in found:
        bonds = (await _state(ledger, one)).merges.others
        found += [bond.other for bond in bonds if bond.other not in found]
    return found


async def _has(ledger: Ledger, subject_id: UUID, hold: UUID) -> bool:
    return hold in (await _state(ledger, subject_id)).holds.active


async def _state(ledger: Ledger, subject_id: UUID) -> SubjectState:
    _, _, states = await ledger.current_states([subject_id])
    return states[subject_id]
