"""Which addresses on file are impersonal ones of legal persons, to be mailed without consent (L17).

It takes both: an address that names a function, and a source that says whose it is. A person's
address at work is a person's (Royal Decree of 4 April 2003, art. 1).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.domain.concern import Concern
from app.domain.contact_points import is_role_address
from app.domain.decider import Circumstances
from app.domain.obtaining import Provenance
from app.events.mailboxes import MailboxAttributed
from app.events.recorded import Record, Recorded
from app.policy.model import Purpose
from app.policy.vocabulary import IdentifierKind, LegalBasis

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

LEGAL_PERSON: Final = "legal_person"
"""The flag by which a source says that the addresses it sends are a legal person's."""


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """Impersonal addresses: version of the event that holds one, and its category."""

    impersonal: frozenset[tuple[int, str]] = frozenset()


def attributed(
    collections: Iterable[tuple[int, Record]], provenance: Provenance, given: Circumstances
) -> Iterator[Record]:
    """One record for each collected address that names a function, where the source says whose."""
    if LEGAL_PERSON not in provenance.flags:
        return
    emails = given.policy.identifying(IdentifierKind.EMAIL)
    for version, record in collections:
        for section in record.sections:
            for category, value in section.personal.items():
                if category in emails and is_role_address(value):
                    event = MailboxAttributed(
                        category=category, collected_at=version, source=provenance.source.key
                    )
                    yield Record(event, occurred_at=record.occurred_at)


def consent_required(purpose: Purpose, emails: Collection[str], state: "SubjectState") -> bool:
    """Whether writing to this person for a purpose needs a consent first.

    ``emails`` are the categories of the policy whose values are e-mail addresses.
    Not where every address held for an advertising purpose is an impersonal one; from the first
    that is not, and where none is held, it does.
    """
    if purpose.legal_basis is not LegalBasis.CONSENT:
        return False
    if not purpose.direct_marketing or purpose.explicit_consent:
        return True
    held = {
        (one.version, one.category)
        for one in state.collections.current()
        if one.purpose == purpose.key and one.category in emails
    }
    personal = any(
        one.kind is IdentifierKind.EMAIL and one.purpose == purpose.key
        for one in state.identifiers.active.values()
    )
    return personal or not held or not held <= state.mailboxes.impersonal


def evolve(slice_: Mailboxes, recorded: Recorded[Any]) -> Mailboxes:
    """The mailboxes after one more event; a value that moves or goes takes its mark with it."""
    event: MailboxAttributed = recorded.event
    return Mailboxes(slice_.impersonal | {(event.collected_at, event.category)})


def _decide(command: Any, _state: "SubjectState", _given: Circumstances) -> tuple[Record, ...]:
    raise AssertionError(f"{type(command).__name__} is no command about mailboxes")


MAILBOXES = Concern(
    "mailboxes",
    commands=(),
    folds=(MailboxAttributed,),
    initial=Mailboxes(),
    decide=_decide,
    evolve=evolve,
)
