"""The certificate of an erasure: what went, what stays and why, who was told; no personal data.

It is told from the log alone, the same before and after: what it names can be checked against the
entries whose leaf hashes it gives. It is final when the erasure is closed (Arts. 17, 19; L41).
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from app.documents.letter import Kept, Letter, LetterKind, Told
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.erasure_plan import Extent
from app.domain.erasure_progress import Erasure, Stage
from app.domain.subject import SUBJECT, SubjectState, fold
from app.events.erasures import (
    ErasureExecuted,
    ErasureLevel,
    ErasureRecipientInformed,
    ErasureStep,
    InformOutcome,
)
from app.events.recorded import Recorded
from app.events.suppressions import SuppressionCause
from app.rights.authorship import author_of
from app.rights.certified_epochs import epoch_entries, epoch_rows
from app.rights.erasure_report import class_value, retained_value
from app.rights.sharing import recipient_value
from app.store.event_store import Stream

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

NOT_ISSUED = frozenset({Stage.REQUESTED, Stage.BLOCKED, Stage.PREPARED, Stage.WITHDRAWN})
"""Nothing was destroyed, so there is nothing to certify."""


def same_erasure(stream: Stream, extent: Extent) -> UUID | None:
    """The last erasure of one extent that another record went by; None where none did."""
    known = fold(SUBJECT.initial, stream.events).erasures.by_id.items()
    done = (key for key, one in known if one.extent == extent and one.stage not in NOT_ISSUED)
    return next(reversed(list(done)), None)


def executed_on(stream: Stream, erasure: UUID) -> datetime | None:
    """When an erasure destroyed what it is about; its certificate speaks by the rules of then."""
    progress = fold(SUBJECT.initial, stream.events).erasures.by_id.get(erasure)
    return None if progress is None else progress.executed_at


def certificate_value(
    stream: Stream, erasure: UUID, given: Circumstances, control: Stream
) -> Value | None:
    """The certificate; None while nothing was destroyed, or of an erasure that is not there.

    ``control`` is the control stream, which tells of the key epochs.
    """
    state = fold(SUBJECT.initial, stream.events)
    progress = state.erasures.by_id.get(erasure)
    if progress is None or progress.stage in NOT_ISSUED:
        return None
    executed = list(_executed(stream, erasure))
    return {
        "certificate": "erasure",
        "article": "Art. 17 GDPR",
        "erasure": erasure,
        "final": progress.stage is Stage.CLOSED,
        "trigger": progress.trigger.value,
        "of_everything": progress.extent.of_everything,
        "requested_at": progress.requested_at,
        "executed_at": progress.executed_at,
        "closed_at": progress.closed_at,
        "policy": given.policy.version,
        "controller": {"name": given.policy.controller.name},
        "destroyed": list(_destroyed(progress, executed, given)),
        "keys": sum(len(one.event.keys) for one in executed),
        "sections": sum(one.event.blobs for one in executed),
        "found_by_nothing": any(one.event.identifiers for one in executed),
        "retained": [retained_value(key, progress, given.policy) for key in progress.retained],
        "recipients": list(_recipients(stream, erasure, state, given)),
        "suppressed": list(_suppressed(state, progress)),
        "entries": [_entry(one) for one in executed],
        "key_epochs": epoch_rows(stream, erasure, control),
    }


def proving_entries(stream: Stream, erasure: UUID, control: Stream) -> list[tuple[int, bytes]]:
    """Position and entry of all that a certificate is told from: it carries proofs of just these.

    They are every event of the erasure, those by which the destroyed keys were made, and those of
    the key epochs that had to end.
    """
    destroyed = {key for one in _executed(stream, erasure) for key in one.event.keys}
    found = []
    for recorded, entry in zip(stream.events, stream.entries, strict=True):
        own = getattr(recorded.event, "erasure", None) == erasure
        made = any(seal.commitment and seal.key_id in destroyed for seal in recorded.seals)
        if own or made:
            assert recorded.position is not None, "an event that was read has a position"
            found.append((recorded.position, entry))
    return found + epoch_entries(stream, erasure, control)


def _executed(stream: Stream, erasure: UUID) -> Iterator[Recorded[ErasureExecuted]]:
    for recorded in stream.events:
        event = recorded.event
        if isinstance(event, ErasureExecuted) and event.erasure == erasure:
            yield recorded


def _destroyed(
    progress: Erasure, executed: list[Recorded[ErasureExecuted]], given: Circumstances
) -> Iterator[Value]:
    """Each retention class with the levels it has reached; E3 is null until its epoch is gone."""
    for key in progress.erased:
        reached = progress.levels.get(key, {})
        yield {
            **class_value(key, given.policy),
            "levels": {level.value: reached.get(level) for level in ErasureLevel},
            "closed_to_the_person": any(key in one.event.classes for one in executed),
        }


def _recipients(
    stream: Stream, erasure: UUID, state: SubjectState, given: Circumstances
) -> Iterator[Value]:
    """Who had been given any of it, and what came of telling them; silence is told as such.

    Where contributions stay for others to read, it says as whose they stand there (C62, X12).
    """
    told = {
        recorded.event.recipient: recorded.happened_at
        for recorded in stream.events
        if isinstance(recorded.event, ErasureRecipientInformed)
        and recorded.event.erasure == erasure
    }
    accounts = state.system_accounts
    keeping = {accounts.by_id[one.account].system for one in accounts.contributions.values()}
    for key, outcome in state.erasures.by_id[erasure].recipients.items():
        yield {
            **recipient_value(key, given.policy),
            "outcome": None if outcome is None else outcome.value,
            "confirmed": outcome is InformOutcome.VERIFIED_GONE,
            "at": told.get(key),
            "contributions_stand_as": author_of(state) if key in keeping else None,
        }


def _suppressed(state: SubjectState, progress: Erasure) -> Iterator[str]:
    """The purposes that stay closed to the person's addresses, by a keyed token (L41).

    Not those that an erasure had closed which was taken back: they are open again.
    """
    if progress.extent.of_everything:
        for purpose, one in state.suppressions.purposes.items():
            if one.cause is SuppressionCause.ERASURE:
                yield purpose


def _entry(recorded: Recorded[ErasureExecuted]) -> Value:
    """What anybody with the log can check: the place, and the root over what was destroyed."""
    return {
        "event_id": recorded.event_id,
        "position": recorded.position,
        "version": recorded.version,
        "recorded_at": recorded.recorded_at,
        "leaf_hash": recorded.leaf_hash.hex(),
        "step": ErasureStep(recorded.event.step).value,
        "sections": recorded.event.blobs,
        "root": recorded.event.root,
    }


def certificate_letter(certificate: Value, given: Circumstances) -> Letter:
    """The same for reading: without a name or an address, for there is none any more.

    What lay on other records of the person is told together with it.
    """
    executed: datetime = certificate["executed_at"]
    every = (certificate, *certificate.get("other_records", ()))
    return Letter(
        kind=LetterKind.ERASURE_CERTIFICATE,
        controller=given.policy.controller,
        authority=given.law.authority,
        on=day_of(certificate["closed_at"] or executed, given),
        reference=str(certificate["erasure"]),
        effective_on=day_of(executed, given),
        erased=tuple(dict.fromkeys(one["title"] for part in every for one in part["destroyed"])),
        kept=tuple(
            Kept(
                title=one["title"],
                ground=one["ground"] or "",
                norm=one["norm"] or "",
                until=one["until"],
                criteria=one["criteria"],
            )
            for part in every
            for one in part["retained"]
        ),
        recipients=tuple(
            Told(title=one["title"], outcome=one["outcome"])
            for part in every
            for one in part["recipients"]
        ),
        suppressed=any(part["suppressed"] for part in every),
        beyond_backups_on=_beyond_backups_on(every, given),
    )


def _beyond_backups_on(every: Iterable[Value], given: Circumstances) -> date | None:
    """The day since which all of it is in no backup; None while a part of it may be."""
    reached = [one["levels"]["e3"] for part in every for one in part["destroyed"]]
    return day_of(max(reached), given) if reached and all(reached) else None
