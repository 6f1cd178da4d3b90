"""Where somebody can be told that their data were in a breach (Art. 34; L53).

It is no advertising: an objection, a suppression or a restriction keeps nobody from being told.
"""

from app.domain.consultations import RecordBreachAddress
from app.domain.subjects import SubjectErased, SubjectUnknown
from app.identifiers import SubjectId
from app.ledger import Ledger
from app.policy.vocabulary import IdentifierKind
from app.receipts import Attribution
from app.rights.person import Person, read_person
from app.store.event_store import EventStore
from app.vault.sealing import Sealed


async def addresses_to_notify(
    ledger: Ledger, store: EventStore, subject_id: SubjectId, attribution: Attribution
) -> tuple[str, ...]:
    """The person's e-mail addresses in use, opened once it is recorded that they are read.

    Empty where there is none, and where the person was erased in the meantime.
    """
    emails = (await ledger.rules()).policy.identifying(IdentifierKind.EMAIL)
    try:
        person = await read_person(store, subject_id)
        found = _in_use(person, frozenset(emails))
        if found:
            read = RecordBreachAddress(categories=frozenset(found.values()))
            await ledger.execute(subject_id, read, attribution)
    except (SubjectErased, SubjectUnknown):
        return ()
    return tuple(found)


def _in_use(person: Person, emails: frozenset[str]) -> dict[str, str]:
    """Address -> the category that it is held as."""
    state = person.state
    held = [(one.version, one.retention_class, one.category) for one in state.collections.current()]
    held += [
        (one.value_at, one.retention_class, one.category)
        for one in state.identifiers.active.values()
    ]
    found: dict[str, str] = {}
    for version, retention_class, category in held:
        opened = person.open(version, retention_class) if category in emails else None
        if isinstance(opened, Sealed) and category in opened.personal:
            found.setdefault(opened.personal[category], category)
    return found
