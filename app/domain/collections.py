"""Commands about a person's data: collect, correct, complete (Arts. 5, 6, 16 GDPR; C6 to C20)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, assert_never

from app.domain.children import child_discovered, is_child
from app.domain.concern import Concern
from app.domain.decider import Circumstances
from app.domain.holdings import Collections, evolve
from app.domain.mailboxes import attributed
from app.domain.obtaining import (
    Obtained,
    Provenance,
    addresses_in,
    admitted,
    claims,
    closed,
    collected,
)
from app.domain.purpose_limitation import source_named
from app.domain.rectifying import Correction, completed, rectified
from app.domain.suppressions import SubjectSuppressed, carried_over, matches
from app.domain.values import normalised
from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.identifiers import Verification
from app.events.recorded import Record
from app.events.retention import RetentionExecuted
from app.events.splits import SplitApproved
from app.values import Confidential, Value, field, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class CollectData(Value, frozen=True, kw_only=True):
    """Data were obtained from or about a known person, for one purpose."""

    obtained: Obtained
    source: str
    flags: frozenset[str] = frozenset()
    region: str | None = None
    identified: frozenset[str] = frozenset()
    """Categories whose value already leads to this person; the caller looked them up."""
    suppressed_for: Collection[str] = frozenset()
    """Purposes for which one of the addresses is on the suppression register; looked up too."""
    occurred_at: datetime | None = None


class RectifyData(Confidential, frozen=True, kw_only=True):
    """The person, or a system on their behalf, says what is right and what is missing."""

    CONFIDENTIAL = ("personal", "statements", "former")

    source: str
    personal: Mapping[str, str] = field(default_factory=dict)
    """Data category -> the correct value."""
    statements: Mapping[str, str] = field(default_factory=dict)
    """Data category -> supplementary statement on it (L47)."""
    former: Mapping[int, str] = field(default_factory=dict)
    """Identifier to be replaced -> its value, opened by the caller. What is not named stays."""
    verification: Verification | None = None
    """How control over a corrected identifier was shown."""
    region: str | None = None
    occurred_at: datetime | None = None


Command: TypeAlias = CollectData | RectifyData


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a collection or a rectification makes."""
    match command:
        case CollectData():
            return _collect(command, state, given)
        case RectifyData():
            return _rectify(command, state, given)
        case _:
            assert_never(command)


def _collect(
    command: CollectData, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    provenance = Provenance(
        source=source_named(command.source, given.policy),
        flags=command.flags,
        region=command.region,
        occurred_at=command.occurred_at,
    )
    values = admitted(command.obtained, provenance, given)
    if not command.obtained.personal:
        return ()
    if is_child(values.personal, given):
        return (child_discovered(provenance.source.key, given),)
    if closed(values.purpose.key, command.suppressed_for, state, given):
        raise SubjectSuppressed(purpose=values.purpose.key)
    collection = collected(values, provenance, given)
    claimed = claims([(state.version + 1, collection)], given, known=command.identified)
    suppressions = tuple(
        suppression
        for address in addresses_in(claimed)
        for suppression in carried_over(state.suppressions, address)
    )
    return (
        replace(collection, suppressions=suppressions),
        *claimed,
        *attributed([(state.version + 1, collection)], provenance, given),
        *matches(state, command.suppressed_for),
    )


def _rectify(
    command: RectifyData, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    source = source_named(command.source, given.policy)
    personal = normalised(command.personal, given.policy, region=command.region)
    if is_child(personal, given):
        return (child_discovered(source.key, given),)
    records: list[Record] = []
    for category, value in personal.items():
        correction = Correction(
            category=category,
            value=value,
            former=_of_category(command.former, category, state),
            source=source,
            verification=command.verification,
            occurred_at=command.occurred_at,
        )
        records += rectified(correction, state, given, after=state.version + len(records))
    for category, statement in command.statements.items():
        added = completed(category, statement, source=source, state=state, given=given)
        records += (replace(one, occurred_at=command.occurred_at) for one in added)
    return tuple(records)


def _of_category(former: Mapping[int, str], category: str, state: "SubjectState") -> dict[int, str]:
    return {
        one.version: former[one.version]
        for one in state.identifiers.of_category(category)
        if one.version in former
    }


COLLECTIONS = Concern(
    "collections",
    commands=(CollectData, RectifyData),
    folds=(
        DataCollected,
        DataRectified,
        DataCompleted,
        SectionsResealed,
        ErasureExecuted,
        RetentionExecuted,
        SplitApproved,
    ),
    initial=Collections(),
    decide=decide,
    evolve=evolve,
)
