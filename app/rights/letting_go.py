"""Identifiers whose value is about to go: moved to where the person keeps it, or released."""

from collections.abc import Callable, Iterable
from uuid import UUID

from app.domain.holdings import Held
from app.domain.identifiers import IdentifierUnknown, RehouseIdentifier, ReleaseIdentifier
from app.domain.identities import Identifier
from app.domain.periods import Place
from app.ledger import Ledger
from app.receipts import Attribution
from app.rights.person import Person
from app.vault.sealing import Sealed

Going = Callable[[Place, str], bool]
"""Whether a category of a section is about to go."""


async def let_go(
    ledger: Ledger, person: Person, versions: Iterable[int], *, going: Going, by: Attribution
) -> bool:
    """Takes the identifiers off what goes, while it can be read; whether there were any.

    What the person keeps for another purpose leads to them on. What cannot be opened cannot be
    released either: its token alone stays, and names nobody by itself.
    """
    found = False
    for version in versions:
        identifier = person.state.identifiers.active[version]
        value = _value(person, (identifier.value_at, identifier.retention_class), identifier)
        if value is None:
            continue
        found = True
        other = _elsewhere(person, identifier, value, going)
        command = (
            ReleaseIdentifier(identifier=version, value=value)
            if other is None
            else RehouseIdentifier(
                identifier=version, value=value, collected_at=other.version, purpose=other.purpose
            )
        )
        await _execute(ledger, person.subject_id, command, by)
    return found


async def _execute(ledger: Ledger, subject_id: UUID, command: object, by: Attribution) -> None:
    try:
        await ledger.execute(subject_id, command, by)
    except IdentifierUnknown:
        ledger.forget(subject_id)  # another process was faster


def _elsewhere(person: Person, identifier: Identifier, value: str, going: Going) -> Held | None:
    for held in person.state.collections.of_category(identifier.category):
        place = (held.version, held.retention_class)
        if not going(place, held.category) and _value(person, place, identifier) == value:
            return held
    return None


def _value(person: Person, place: Place, identifier: Identifier) -> str | None:
    opened = person.open(*place)
    return opened.personal.get(identifier.category) if isinstance(opened, Sealed) else None
