"""Files about a person elsewhere: a system, an opaque id, a sealed title, a category (C43)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.generations import generation
from app.domain.holdings import keys_of
from app.domain.purpose_limitation import admit_held, category_named, purpose_named, source_named
from app.domain.recipients import recipient_named
from app.domain.values import normalise
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.files import FileReferenced
from app.events.recorded import Record, Recorded, Section
from app.events.retention import RetentionExecuted
from app.identifiers import KeyId, is_digest
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

TITLE = "file.title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One file elsewhere; its title lies in the event's section."""

    version: int
    system: str
    file: UUID | None
    digest: str | None
    category: str
    purpose: str
    retention_class: str
    generation: str
    key_id: KeyId | None
    since: datetime
    occasion: UUID | None


@dataclass(frozen=True, slots=True)
class Files:
    """The files about a person, by the version of the event that refers to each."""

    references: Mapping[int, Reference] = field(default_factory=dict)

    def of(self, system: str, file: UUID | None, digest: str | None) -> Reference | None:
        """The reference to one file, when there is one."""
        wanted = (system, file, digest)
        for one in self.references.values():
            if (one.system, one.file, one.digest) == wanted:
                return one
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFile:
    """A file about the person lies in a system, named by its UUID there or a digest of its id."""

    system: str
    title: str = field(repr=False)
    category: str
    """What the file holds: `identity.document`, `signature.attendance` ..."""
    purpose: str
    source: str
    file: UUID | None = None
    digest: str | None = None
    """In hex, of the system's own id of the file, under a key: an id may be a guessable name."""
    occasion: UUID | None = None
    occurred_at: datetime | None = None


Command: TypeAlias = ReferenceFile


class FileUnnamed(Refusal):
    """A file is named by exactly one of a UUID and a SHA-256 in hex, never by a path or a link."""

    code = "file-unnamed"
    rules = ("C13", "C16", "C43")


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The record of a reference; none when the same file is on record."""
    named_once = (command.file is None) != (command.digest is None)
    if not named_once or (command.digest is not None and not is_digest(command.digest)):
        raise FileUnnamed
    system = recipient_named(command.system, given.policy)
    if state.files.of(system.key, command.file, command.digest) is not None:
        return ()
    return (_referenced(command, system.key, given),)


def _referenced(command: ReferenceFile, system: str, given: Circumstances) -> Record:
    purpose = purpose_named(command.purpose, given.policy)
    source = source_named(command.source, given.policy)
    admit_held((command.category,), purpose, given)
    retention_class = purpose.retention_class(command.category)
    on = day_of(command.occurred_at or given.now, given)
    bucket = generation(retention_class, given.policy, on=on, occasion=command.occasion)
    event = FileReferenced(
        system=system,
        file=command.file,
        digest=command.digest,
        category=command.category,
        purpose=purpose.key,
        basis=purpose.legal_basis,
        source=source.key,
        origin=source.origin,
        policy=given.policy.version,
        retention_class=retention_class,
        generation=bucket,
        occasion=command.occasion,
    )
    title = normalise(category_named(TITLE, given.policy), command.title)
    sections = (Section(retention_class, bucket, {TITLE: title}),)
    return Record(event, sections=sections, occurred_at=command.occurred_at)


def evolve(slice_: Files, recorded: Recorded[Any]) -> Files:
    """The references after one more event."""
    match recorded.event:
        case FileReferenced() as event:
            return Files({**slice_.references, recorded.version: _reference(event, recorded)})
        case ErasureExecuted() | RetentionExecuted() as event:
            kept = {v: one for v, one in slice_.references.items() if not _gone(one, event)}
            return Files(kept)
        case SectionsResealed() as event:
            return _resealed(slice_, event, recorded)
        case _:
            return slice_


def _gone(one: Reference, event: ErasureExecuted | RetentionExecuted) -> bool:
    if one.key_id in event.keys:
        return True
    return isinstance(event, ErasureExecuted) and event.reaches(
        category=one.category, purpose=one.purpose, retention_class=one.retention_class
    )


def _reference(event: FileReferenced, recorded: Recorded[Any]) -> Reference:
    return Reference(
        version=recorded.version,
        system=event.system,
        file=event.file,
        digest=event.digest,
        category=event.category,
        purpose=event.purpose,
        retention_class=event.retention_class,
        generation=event.generation,
        key_id=keys_of(recorded).get(event.retention_class),
        since=recorded.happened_at,
        occasion=event.occasion,
    )


def _resealed(slice_: Files, event: SectionsResealed, recorded: Recorded[Any]) -> Files:
    moved = {
        version: replace(
            one,
            version=recorded.version,
            generation=event.generation,
            key_id=keys_of(recorded).get(event.retention_class),
        )
        if (one.version, one.retention_class) == (event.origin, event.retention_class)
        else one
        for version, one in slice_.references.items()
    }
    return Files(moved)


FILES = Concern(
    "files",
    commands=(ReferenceFile,),
    folds=(FileReferenced, ErasureExecuted, RetentionExecuted, SectionsResealed),
    initial=Files(),
    decide=decide,
    evolve=evolve,
)
