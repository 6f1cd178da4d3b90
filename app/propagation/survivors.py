"""Which record stands for a person: where a look-up leads after a merge (decision 0011)."""

from uuid import UUID

from app.ledger import Ledger

CHAIN_MAX = 16
"""An absorbed record absorbs nobody, so a longer chain is a defect of ours."""


async def survivor_of(ledger: Ledger, subject_id: UUID) -> UUID:
    """The record itself, or the one that stands for it, as of now."""
    for _ in range(CHAIN_MAX):
        _, _, states = await ledger.current_states([subject_id])
        absorbed = states[subject_id].merges.absorbed
        if absorbed is None:
            return subject_id
        subject_id = absorbed.other
    raise AssertionError("records that stand for each other in a circle")


async def records_of(ledger: Ledger, subject_id: UUID) -> tuple[UUID, ...]:
    """A record and those that it stands for, itself first."""
    found = [subject_id]
    for one in found:
        _, _, states = await ledger.current_states([one])
        found += [bond.other for bond in states[one].merges.others if bond.other not in found]
    return tuple(found)
