"""Readings of what the record says about a person, each for a purpose that it names (L3)."""

from uuid import UUID

from app.api.call import Call
from app.domain.consultations import RecordInspection
from app.domain.purpose_limitation import purpose_named

INSPECTING = ("purpose-unknown", "ledger-busy")
"""What such a reading is refused with, beside the missing header."""


async def inspect(call: Call, subject_id: UUID, *, further: bool = False) -> None:
    """Checks the purpose of a reading and records it; ``further`` pages belong to the first.

    Of an erased person there is nobody left to be told who read what.
    """
    ledger = call.service.ledger
    purpose = purpose_named(call.purpose(), (await ledger.rules()).policy).key
    state = await ledger.state(subject_id)
    if state.registered and not state.erased and not further:
        await ledger.execute(subject_id, RecordInspection(purpose=purpose), call.reading())
