"""The access report: everything that Art. 15 wants told, with the copy, in one answer (L31).

The report is bytes of JSON from the start; HTML and PDF are made of those bytes and of nothing
else, so the three cannot tell different things.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from app.documents.languages import Language, language
from app.domain.consultations import RecordRightsAnswer
from app.events.notices import NoticeShown
from app.ledger import Ledger
from app.policy.model import DataCategory, Policy
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
from app.rights.access_rows import (
    chain,
    consultations_rows,
    history_row,
    reading_row,
    timeline_rows,
)
from app.rights.access_summary import GLOSSARY, summary
from app.rights.access_told import Told
from app.rights.as_of import AsOf
from app.rights.copy_of_data import Copy, copy_of
from app.rights.merged import other_records
from app.rights.person import Person, check_known, person_of
from app.rights.policy_quotes import policy_quotes
from app.store.answer_proofs import Anchor, AnswerProofs, proof_of
from app.store.log_tree import SignedTree
from app.store.recorded import read_entry
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


async def access_report(
    ledger: Ledger,
    subject_id: UUID,
    attribution: Attribution,
    *,
    proofs: AnswerProofs | None = None,
    as_of: AsOf | None = None,
    wanted: str | None = None,
    accepted: str | None = None,
) -> AccessReport:
    """The report, after recording that it was made; SubjectUnknown, SubjectErased.

    ``as_of`` cuts by recorded time or position; what was erased since is not in it. ``wanted`` is
    the language asked for; without it the person's own, then the ``accepted`` one. ``proofs`` adds
    to the JSON, as data for a program, the proof that its history is whole (L9). It waits for no
    checkpoint. In that of a report which looks back are the entries after its day, too: the first
    of them shows where the day ends.
    """
    standing = asyncio.create_task(_standing(proofs))
    try:
        told = await _told(ledger, subject_id, as_of, wanted=wanted, accepted=accepted)
    finally:
        tree = await standing
    command = RecordRightsAnswer(categories=told.copy.categories & told.policy.categories.keys())
    recording = asyncio.create_task(ledger.execute(subject_id, command, attribution))
    quoting = asyncio.create_task(_quotes(ledger, told))
    anchoring = asyncio.create_task(_anchor(proofs, tree, told.person))
    try:
        # Recorded before it is answered; what was there before is written down meanwhile.
        await _sent()
        report = report_of(told, as_of)
    finally:
        receipt, quotes, anchor = await asyncio.gather(recording, quoting, anchoring)
    if receipt.lines[-1].version != told.person.stream.events[-1].version + 1:
        # Somebody else wrote in between: it is read anew.
        told = await _told(ledger, subject_id, as_of, wanted=wanted, accepted=accepted)
        report, quotes = report_of(told, as_of), await _quotes(ledger, told)
    elif as_of is None:
        _end_with_reading(report, told, receipt)
    report["policy_texts"] = quotes
    if anchor is not None:
        report["proof"] = _proof(told.person, receipt, anchor)
    return AccessReport(ENCODER.encode(report), told.spoken)


async def _told(
    ledger: Ledger,
    subject_id: UUID,
    as_of: AsOf | None,
    *,
    wanted: str | None,
    accepted: str | None,
) -> Told:
    stream = await ledger.store.read_stream(subject_id, with_blobs=True)
    person = person_of(ledger.store, stream, as_of, known=ledger.meet(stream))
    check_known(person)
    given = (await ledger.rules()).at(ledger.clock())
    copy = copy_of(person)
    spoken = language(wanted or language_of(person, copy, given.policy) or accepted)
    return Told(person, copy, given, names(given.policy, spoken), spoken)


async def _standing(proofs: AnswerProofs | None) -> SignedTree | None:
    """The newest checkpoint as of before the stream is read: nobody waits for it twice."""
    return None if proofs is None else await proofs.tree()


async def _anchor(
    proofs: AnswerProofs | None, tree: SignedTree | None, person: Person
) -> Anchor | None:
    if proofs is None:
        return None
    return await proofs.anchor_in(tree, [one.position or 0 for one in person.stream.events])


async def _sent() -> None:
    """Until the append and the question for a checkpoint have left: task, flusher, transport.

    What builds a report waits for nothing, so they would leave only when it is done.
    """
    for _ in range(3):
        await asyncio.sleep(0)


async def _quotes(ledger: Ledger, told: Told) -> list[Value]:
    return await policy_quotes(ledger.rulebook, told.person.state.notices.shown, told.policy)


def _end_with_reading(report: Value, told: Told, receipt: Receipt) -> None:
    """The reading that the report itself is comes last in it: the report lacks nothing."""
    [line], [entry] = receipt.lines, receipt.entries
    recorded = read_entry(entry, line.position)
    report["position"] = line.position
    report["summary"]["consultations"] += 1
    report["summary"]["events"] += 1
    report["consultations"].append(reading_row(recorded, told.names))
    report["chain"] = told_in(chain(recorded), told.spoken)
    report["timeline"].append(history_row(recorded, entry, {}, told.names))


def _proof(person: Person, receipt: Receipt, anchor: Anchor) -> Value:
    """That the history is whole up to the entry that this answer made (L9)."""
    line, stream = receipt.lines[-1], person.stream
    entries = [
        (recorded.position or 0, entry)
        for recorded, entry in zip(stream.events, stream.entries, strict=True)
        if recorded.version < line.version
    ]
    entries.append((line.position, receipt.entries[-1]))
    return proof_of(entries, anchor, receipt_value(replace(receipt, version=line.version)))


def language_of(person: Person, copy: Copy, policy: Policy) -> str | None:
    """The language that the person gave, or else the one in which they were informed last (L27)."""
    categories = {key for key in copy.categories if _is_language(policy.category(key))}
    if categories:
        for one in reversed(copy.values):
            if one.category in categories and one.status == "in_use":
                return one.value
    shown = person.of(NoticeShown)
    return shown[-1].event.language if shown else None


def _is_language(kind: DataCategory | None) -> bool:
    return kind is not None and kind.format is ValueFormat.LANGUAGE


def report_of(told: Told, as_of: AsOf | None = None) -> Value:
    """The report in one language, ready to be encoded but for the texts of the policy."""
    person, spoken = told.person, told.spoken
    parts = {
        "purposes": told_in(purposes_part(told), spoken),
        "sharing": _but(frozenset({"disclosures"}), sharing_part(told), spoken),
        "storage": told_in(storage_part(told), spoken),
        "choices": told_in(choices_part(told), spoken),
        "contact": told_in(contact_part(told), spoken),
    }
    return {
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
        "parts": {"data": _but(frozenset({"held", "files"}), data_part(told), spoken), **parts},
        "policy_texts": [],
        "other_records": other_records(person.state),
        "consultations": consultations_rows(told),
        "chain": told_in(chain(person.events[-1]), spoken),
        "timeline": timeline_rows(told),
        "glossary": told.names.standing(
            "glossary", lambda: [{"term": term, "meaning": meaning} for term, meaning in GLOSSARY]
        ),
        "articles": ARTICLES,
    }


def _but(rows: frozenset[str], part: Value, spoken: Language) -> Value:
    """A part in the language, but for its rows, which are in it already."""
    told = told_in({key: value for key, value in part.items() if key not in rows}, spoken)
    return {key: part[key] if key in rows else told[key] for key in part}


def read_report(report: AccessReport) -> Value:
    """The report as values again, for its other forms."""
    value: Value = msgspec.json.decode(report.json)
    return value
