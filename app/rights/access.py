"""The access report: everything that Art. 15 wants told, with the copy, in one answer (L31)."""

import inspect
from typing import Any, Final, TypeAlias
from uuid import UUID

from app.domain.consultations import RecordRightsAnswer
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.declare import type_of
from app.events.recorded import Recorded
from app.ledger import Ledger
from app.receipts import Attribution
from app.rights.access_parts import (
    Told,
    choices_part,
    contact_part,
    data_part,
    purposes_part,
    sharing_part,
    storage_part,
)
from app.rights.as_of import AsOf
from app.rights.copy_of_data import copy_of
from app.rights.person import Person, read_person
from app.rights.sharing import category_value, purpose_value
from app.store.codec import UnknownEvent
from app.vault.sealing import Erased, NeverSealed, Sealed

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

ARTICLES: Final = {
    "15(1) confirmation": "/confirmation",
    "15(1)(a) purposes": "/parts/purposes/purposes",
    "15(1)(b) categories": "/parts/data/held",
    "15(1)(c) recipients": "/parts/sharing/recipients",
    "15(1)(d) period": "/parts/storage/retention",
    "15(1)(e) rights": "/parts/choices/rights",
    "15(1)(f) complaint": "/parts/choices/complaint",
    "15(1)(g) source": "/parts/data/held",
    "15(1)(h) automated decisions": "/parts/choices/automated_decisions",
    "15(2) safeguards": "/parts/sharing/transfers",
    "15(3) copy": "/parts/data/held",
    "15(4) rights of others": "/parts/data/redactions",
}
"""Provision -> JSON pointer of the report that answers it."""


async def access_report(
    ledger: Ledger, subject_id: UUID, attribution: Attribution, as_of: AsOf | None = None
) -> Value:
    """The report, after recording that it was made; SubjectUnknown, SubjectErased.

    ``as_of`` cuts by recorded time or position; what was erased since is not in it.
    """
    person = await read_person(ledger.store, subject_id, as_of)
    policy = (await ledger.rules()).policy
    shown = copy_of(person).categories & policy.categories.keys()
    # Recorded first and read again, so that the report tells of itself and lacks nothing.
    await ledger.execute(subject_id, RecordRightsAnswer(categories=shown), attribution)
    if as_of is None:
        person = await read_person(ledger.store, subject_id)
    given = (await ledger.rules()).at(ledger.clock())
    return report_of(Told(person, copy_of(person), given), as_of)


def report_of(told: Told, as_of: AsOf | None = None) -> Value:
    """The report as JSON values."""
    person = told.person
    return {
        "report": "access",
        "article": "Art. 15 GDPR",
        "subject_id": person.subject_id,
        "generated_at": told.given.now,
        "position": person.position,
        "version": person.state.content_version,
        "as_of": None
        if as_of is None
        else {"position": as_of.position, "recorded_at": as_of.moment},
        "policy": told.policy.version,
        "confirmation": "Personal data concerning you are processed.",
        "parts": {
            "data": data_part(told),
            "purposes": purposes_part(told),
            "sharing": sharing_part(told),
            "storage": storage_part(told),
            "choices": choices_part(told),
            "contact": contact_part(told),
        },
        "consultations": consultations_value(told),
        "timeline": [_line(recorded, person) for recorded in person.events],
        "articles": ARTICLES,
    }


def consultations_value(told: Told) -> list[Value]:
    """When the data were read and for what; who read them is not told (C-579/21)."""
    return [
        {
            "at": recorded.recorded_at,
            "purpose": purpose_value(recorded.event.purpose, told.policy),
            "categories": [category_value(key, told.policy) for key in recorded.event.categories],
            "refused": isinstance(recorded.event, ConsultationRefused),
        }
        for recorded in told.person.events
        if isinstance(recorded.event, (ConsultationRecorded, ConsultationRefused))
    ]


def _line(recorded: Recorded[Any], person: Person) -> Value:
    """One event; `by` is left out: a tool or a member of staff."""
    event = recorded.event
    known = None if isinstance(event, UnknownEvent) else type_of(event)
    meaning = inspect.getdoc(type(event)) if known else None
    return {
        "event_id": recorded.event_id,
        "type": event.name if known is None else known.name,
        "meaning": meaning and " ".join(meaning.partition("\n\n")[0].split()),
        "version": recorded.version,
        "position": recorded.position,
        "recorded_at": recorded.recorded_at,
        "occurred_at": recorded.happened_at,
        "facts": {} if known is None else known.payload(event),
        "sealed": [
            {
                "retention_class": seal.retention_class,
                "state": _state(person, recorded.version, seal.retention_class),
            }
            for seal in recorded.seals
        ],
    }


def _state(person: Person, version: int, retention_class: str) -> str:
    match person.open(version, retention_class):
        case Sealed():
            return "held"
        case Erased() | NeverSealed():
            return "erased"
        case _:
            return "unavailable"
