"""The access report: everything that Art. 15 wants told, with the copy, in one answer (L31).

The report is bytes of JSON from the start; HTML and PDF are made of those bytes and of nothing
else, so the three cannot tell different things.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from app.documents.languages import Language, language
from app.domain.consultations import RecordRightsAnswer, consulted
from app.domain.purpose_limitation import RIGHTS
from app.events.notices import NoticeShown
from app.events.recorded import Recorded
from app.identifiers import EventId
from app.ledger import Ledger
from app.policy.vocabulary import ValueFormat
from app.receipts import Attribution, Receipt, receipt_value
from app.rights.access_names import ENCODER, names, told_in
from app.rights.access_parts import (
    choices_part,
    contact_part,
    data_part,
    purposes_part,
    sharing_part,
    storage_part,
)
from app.rights.access_rows import chain, consultations_rows, timeline_rows
from app.rights.access_summary import GLOSSARY, summary
from app.rights.access_told import Told
from app.rights.as_of import AsOf
from app.rights.copy_of_data import Copy, copy_of
from app.rights.merged import other_records
from app.rights.person import Person, check_known, person_of
from app.rights.policy_quotes import policy_quotes
from app.store.answer_proofs import AnswerProofs
from app.values import replace

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


@dataclass(frozen=True, slots=True)
class AccessReport:
    """One report: the JSON, and the language that it and its other forms are in."""

    json: bytes
    language: Language
    subject_id: UUID
    receipt: Receipt
    """Of the entry that this answer made: it promises what no checkpoint holds so far."""


async def access_report(
    ledger: Ledger,
    subject_id: UUID,
    attribution: Attribution,
    *,
    as_of: AsOf | None = None,
    wanted: str | None = None,
    accepted: str | None = None,
) -> AccessReport:
    """The report, after recording that it was made; SubjectUnknown, SubjectErased.

    ``as_of`` cuts by recorded time or position; what was erased since is not in it. ``wanted`` is
    the language asked for; without it the person's own, then the ``accepted`` one.
    """
    person = await _person(ledger, subject_id, as_of)
    given = (await ledger.rules()).at(ledger.clock())
    copy, policy = copy_of(person), given.policy
    shown = copy.categories & policy.categories.keys()
    # Recorded before it is answered, and told in the answer: the report lacks nothing.
    receipt = await ledger.execute(subject_id, RecordRightsAnswer(categories=shown), attribution)
    if as_of is None:
        reading = consulted(RIGHTS, shown, given).event
        later = await _with_reading(ledger, person, reading, receipt)
        if later.stream is not person.stream:
            copy = copy_of(later)
        person = later
    spoken = language(wanted or language_of(person, copy, given.policy.categories) or accepted)
    told = Told(person, copy, given, names(given.policy, spoken))
    quotes = await policy_quotes(ledger.rulebook, person.state.notices.shown, policy)
    return AccessReport(report_of(told, spoken, quotes, as_of), spoken, subject_id, receipt)


async def proved_json(report: AccessReport, proofs: AnswerProofs) -> bytes:
    """The report with the proof that its history is whole (L9), which waits for no checkpoint.

    It is data for a program: the other forms of the report name the head of the chain. In one that
    looks back are the entries after its day, too: the first of them shows where the day ends.
    """
    version = report.receipt.lines[-1].version
    receipt = receipt_value(replace(report.receipt, version=version))
    proof = await proofs.of_stream(report.subject_id, version, receipt)
    return b'%b,"proof":%b}' % (report.json[:-1], ENCODER.encode(proof))


async def _person(ledger: Ledger, subject_id: UUID, as_of: AsOf | None = None) -> Person:
    stream = await ledger.store.read_stream(subject_id, with_blobs=True)
    person = person_of(ledger.store, stream, as_of, known=ledger.meet(stream))
    check_known(person)
    return person


async def _with_reading(
    ledger: Ledger, person: Person, reading: object, receipt: Receipt
) -> Person:
    """The person with the reading just recorded; read anew where somebody else wrote meanwhile."""
    [line], last = receipt.lines, person.events[-1]
    state = await ledger.state(person.subject_id)
    if line.version != last.version + 1 or state.leaf_hash != line.leaf_hash:
        return await _person(ledger, person.subject_id)
    recorded = Recorded[Any](
        event=reading,
        event_id=EventId(line.event_id),
        stream_id=person.subject_id,
        version=line.version,
        position=line.position,
        recorded_at=line.recorded_at,
        occurred_at=None,
        by="",
        previous=last.leaf_hash,
        leaf_hash=line.leaf_hash,
    )
    return replace(person, events=(*person.events, recorded), state=state)


def language_of(person: Person, copy: Copy, categories: Any) -> str | None:
    """The language that the person gave, or else the one in which they were informed last (L27)."""
    for one in reversed(copy.values):
        kind = categories.get(one.category)
        if kind is not None and kind.format is ValueFormat.LANGUAGE and one.status == "in_use":
            return one.value
    shown = [one.event.language for one in person.events if isinstance(one.event, NoticeShown)]
    return shown[-1] if shown else None


def report_of(
    told: Told, spoken: Language, quotes: list[Value], as_of: AsOf | None = None
) -> bytes:
    """The report as JSON, its texts in one language."""
    person = told.person
    data = data_part(told)
    parts = {
        "purposes": told_in(purposes_part(told), spoken),
        "sharing": _but(frozenset({"disclosures"}), sharing_part(told), spoken),
        "storage": told_in(storage_part(told), spoken),
        "choices": told_in(choices_part(told), spoken),
        "contact": told_in(contact_part(told), spoken),
    }
    report = {
        "report": "access",
        "article": "Art. 15 GDPR",
        "subject_id": person.subject_id,
        "language": {"code": spoken.code, "wanted": spoken.wanted, "fell_back": spoken.fell_back},
        "generated_at": told.given.now,
        "position": person.position,
        "version": person.state.content_version,
        "as_of": None
        if as_of is None
        else {"position": as_of.position, "recorded_at": as_of.moment},
        "policy": told.policy.version,
        "confirmation": spoken.say("We process personal data about you."),
        "summary": summary(told, parts),
        "parts": {"data": _but(frozenset({"held", "files"}), data, spoken), **parts},
        "policy_texts": quotes,
        "other_records": other_records(person.state),
        "consultations": consultations_rows(told),
        "chain": told_in(chain(person), spoken),
        "timeline": timeline_rows(told),
        "glossary": told_in(
            [{"term": term, "meaning": meaning} for term, meaning in GLOSSARY], spoken
        ),
        "articles": ARTICLES,
    }
    return ENCODER.encode(report)


def _but(rows: frozenset[str], part: Value, spoken: Language) -> Value:
    """A part in the language, but for its rows, which are in it already."""
    told = told_in({key: value for key, value in part.items() if key not in rows}, spoken)
    return {key: part[key] if key in rows else told[key] for key in part}


def read_report(report: AccessReport) -> Value:
    """The report as values again, for its other forms."""
    value: Value = msgspec.json.decode(report.json)
    return value
