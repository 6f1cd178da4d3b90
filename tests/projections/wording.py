"""Short ways to say the events that projections fold, and random histories made of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from app.domain.subject import SubjectState, fold
from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.consultations import ConsultationRecorded
from app.events.disclosures import DataDisclosed
from app.events.erasures import (
    ErasureRecipientInformed,
    ErasureRequested,
    ErasureStep,
    ErasureTrigger,
    InformOutcome,
    SectionsResealed,
)
from app.events.files import FileReferenced
from app.events.identifiers import IdentifierClaimed, IdentifierReleased
from app.events.objections import (
    GrantReason,
    ObjectionCause,
    ObjectionGranted,
    ObjectionGround,
    ObjectionRaised,
)
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionGround,
    RestrictionLifted,
    RestrictionSet,
)
from app.events.subjects import SubjectRegistered
from app.policy.vocabulary import IdentifierKind, LegalBasis, SourceOrigin
from app.store.codec import read_entry
from tests.projections.history import Bucket, Log, Person

POLICY = "impel-1"
PURPOSES = ("membership", "newsletter", "events")
CATEGORIES = ("contact.email", "contact.phone", "contact.name", "internal.role", "content.message")
CLASSES = ("participation", "correspondence")
RECIPIENTS = ("mailchimp", "basecamp", "azavista", "members")


def registered(source: str = "registration-form") -> SubjectRegistered:
    """A person who registered by themselves."""
    return SubjectRegistered(source=source, origin=SourceOrigin.SUBJECT, policy=POLICY)


def collected(
    *categories: str,
    purpose: str = "membership",
    kept: str = "participation",
    generation: str = "membership",
    occasion: UUID | None = None,
) -> DataCollected:
    """Data for one purpose in one section."""
    return DataCollected(
        purpose=purpose,
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="registration-form",
        origin=SourceOrigin.SUBJECT,
        policy=POLICY,
        held=dict.fromkeys(categories, kept),
        generations={kept: generation},
        occasion=occasion,
        dropped=0,
    )


def rectified(
    category: str, *purposes: str, supersedes: int = 1, occasion: UUID | None = None
) -> DataRectified:
    """A corrected value for some purposes."""
    return DataRectified(
        category=category,
        source="person",
        policy=POLICY,
        held=dict.fromkeys(purposes, "participation"),
        generations={"participation": "membership"},
        supersedes=(supersedes,),
        occasion=occasion,
    )


def completed(category: str, *purposes: str, occasion: UUID | None = None) -> DataCompleted:
    """A supplementary statement on a value."""
    return DataCompleted(
        category=category,
        source="person",
        policy=POLICY,
        held=dict.fromkeys(purposes, "participation"),
        generations={"participation": "membership"},
        supplements=(1,),
        occasion=occasion,
    )


def claimed(value_at: int) -> IdentifierClaimed:
    """An e-mail address that leads to the person."""
    return IdentifierClaimed(
        kind=IdentifierKind.EMAIL,
        category="contact.email",
        purpose="membership",
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="registration-form",
        policy=POLICY,
        value_at=value_at,
        retention_class="participation",
        generation="membership",
        verification=None,
    )


def referenced(file: UUID, category: str = "identity.document") -> FileReferenced:
    """A file in another system."""
    return FileReferenced(
        system="basecamp",
        file=file,
        digest=None,
        category=category,
        purpose="events",
        basis=LegalBasis.CONTRACT,
        source="basecamp",
        origin=SourceOrigin.CONTROLLER,
        policy=POLICY,
        retention_class="participation",
        generation="membership",
        occasion=None,
    )


def disclosed(
    recipient: str, *categories: str, purpose: str = "membership", member: UUID | None = None
) -> DataDisclosed:
    """One share with one recipient."""
    return DataDisclosed(
        recipient=recipient,
        member=member,
        country="us" if recipient == "mailchimp" else "be",
        mechanism="clauses" if recipient == "mailchimp" else "eea",
        purpose=purpose,
        categories=categories or ("contact.email",),
        source="contact-database",
        occasion=None,
        policy=POLICY,
    )


def told(erasure: UUID, recipient: str) -> ErasureRecipientInformed:
    """A recipient was told of an erasure."""
    return ErasureRecipientInformed(
        erasure=erasure, recipient=recipient, outcome=InformOutcome.INFORMED
    )


def requested(erasure: UUID, *categories: str) -> ErasureRequested:
    """The person asks for some categories to be erased, or for everything."""
    return ErasureRequested(
        erasure=erasure,
        trigger=ErasureTrigger.REQUEST,
        purposes=(),
        categories=categories,
        source="person",
    )


def restricted(restriction: UUID) -> RestrictionSet:
    """Every use rests."""
    return RestrictionSet(
        restriction=restriction,
        ground=RestrictionGround.LEGAL_CLAIMS,
        purpose=None,
        source="person",
    )


def objected(objection: UUID, ground: ObjectionGround) -> ObjectionRaised:
    """An objection to one purpose."""
    return ObjectionRaised(
        objection=objection,
        ground=ground,
        purpose="newsletter",
        recipient=None,
        cause=ObjectionCause.PERSON,
        source="person",
    )


def resealed(erasure: UUID, origin: int, generation: str, *categories: str) -> SectionsResealed:
    """What stays of a section of class participation."""
    return SectionsResealed(
        erasure=erasure,
        origin=origin,
        retention_class="participation",
        generation=generation,
        categories=categories,
    )


@dataclass(slots=True)
class Life:
    """A person, with what a random history has to know to stay possible."""

    person: Person = field(default_factory=Person)
    occasions: list[UUID | None] = field(default_factory=lambda: [None])
    sections: dict[int, tuple[Bucket, tuple[str, ...]]] = field(default_factory=dict)
    over: bool = False

    @property
    def state(self) -> SubjectState:
        """What the deciders would be given."""
        return fold(SubjectState(), (read_entry(entry, None) for entry in self.person.entries))

    @property
    def values(self) -> list[tuple[str, str, UUID | None]]:
        """Category, purpose and occasion of every value in use."""
        return [(h.category, h.purpose, h.occasion) for h in self.state.collections.current()]


class Chance:
    """Writes a random but possible history; the same seed, the same story."""

    def __init__(self, log: Log, seed: int, people: int) -> None:
        self._log = log
        self._random = Random(seed)
        self.lives = [Life() for _ in range(people)]
        self._acts = (
            self._collect,
            self._collect,
            self._rectify,
            self._complete,
            self._claim,
            self._release,
            self._reference,
            self._share,
            self._share,
            self._restrict,
            self._lift,
            self._dispute,
            self._object,
            self._answer,
            self._consult,
            self._erase_a_part,
            self._erase_all,
            self._surprise,
        )

    async def live(self, steps: int) -> None:
        """Registers everybody, then lets people act in turn at random."""
        for life in self.lives:
            await self._log.append(life.person, registered())
        await self.go_on(steps)

    async def go_on(self, steps: int) -> None:
        """More of the same."""
        for _ in range(steps):
            life = self._random.choice(self.lives)
            if not life.over:
                await self._random.choice(self._acts)(life)

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    def _some(self, of: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._random.sample(of, self._random.randint(1, len(of))))

    async def _append(
        self, life: Life, event: object, bucket: Bucket, held: tuple[str, ...]
    ) -> int:
        version = await self._log.append(life.person, event, bucket)
        life.sections[version] = (bucket, held)
        return version

    async def _collect(self, life: Life) -> None:
        if self._random.random() < 0.2:
            life.occasions.append(self._id())
        occasion = self._random.choice(life.occasions)
        purpose, categories = self._random.choice(PURPOSES), self._some(CATEGORIES)
        kept = self._random.choice(CLASSES)
        generation = "membership" if occasion is None else f"occasion.{occasion}"
        event = collected(
            *categories, purpose=purpose, kept=kept, generation=generation, occasion=occasion
        )
        since = datetime.now(UTC) - timedelta(days=self._random.randint(1, 900))
        occurred_at = since if self._random.random() < 0.3 else None
        version = await self._log.append(
            life.person, event, (kept, generation), occurred_at=occurred_at
        )
        life.sections[version] = ((kept, generation), categories)

    async def _rectify(self, life: Life) -> None:
        if values := life.values:
            category, purpose, occasion = self._random.choice(values)
            event = rectified(category, purpose, occasion=occasion)
            await self._append(life, event, ("participation", "membership"), (category,))

    async def _complete(self, life: Life) -> None:
        if values := life.values:
            category, purpose, occasion = self._random.choice(values)
            event = completed(category, purpose, occasion=occasion)
            await self._append(life, event, ("participation", "membership"), ())

    async def _claim(self, life: Life) -> None:
        if self._random.random() < 0.5:
            await self._log.append(life.person, claimed(1))
            return
        event, bucket = claimed(life.person.version + 1), ("participation", "membership")
        await self._append(life, event, bucket, ("contact.email",))

    async def _release(self, life: Life) -> None:
        if active := life.state.identifiers.active:
            claim = self._random.choice(list(active))
            event = IdentifierReleased(identifier=claim, kind=IdentifierKind.EMAIL)
            await self._log.append(life.person, event)

    async def _reference(self, life: Life) -> None:
        bucket = ("participation", "membership")
        await self._append(life, referenced(self._id()), bucket, ())

    async def _share(self, life: Life) -> None:
        recipient, purpose = self._random.choice(RECIPIENTS), self._random.choice(PURPOSES)
        member = self._id() if recipient == "members" else None
        event = disclosed(recipient, *self._some(CATEGORIES), purpose=purpose, member=member)
        await self._log.append(life.person, event)

    async def _restrict(self, life: Life) -> None:
        await self._log.append(life.person, restricted(self._id()))

    async def _dispute(self, life: Life) -> None:
        event = AccuracyDisputed(
            restriction=self._id(), categories=("contact.email",), source="person"
        )
        await self._log.append(life.person, event)

    async def _object(self, life: Life) -> None:
        ground = self._random.choice(list(ObjectionGround))
        await self._log.append(life.person, objected(self._id(), ground))

    async def _answer(self, life: Life) -> None:
        if objections := [
            key
            for key, one in life.state.restrictions.active.items()
            if one.ground is RestrictionGround.OBJECTION
        ]:
            event = ObjectionGranted(objection=objections[0], reason=GrantReason.SILENCE)
            await self._log.append(life.person, event)

    async def _lift(self, life: Life) -> None:
        if active := list(life.state.restrictions.active):
            event = RestrictionLifted(restriction=self._random.choice(active))
            await self._log.append(life.person, event)

    async def _consult(self, life: Life) -> None:
        event = ConsultationRecorded(purpose="membership", field_classes=(), categories=())
        await self._log.append(life.person, event)

    async def _surprise(self, life: Life) -> None:
        """Events that only a later program knows."""
        name, version = self._random.choice((("moon.visited", 1), ("data.collected", 7)))
        await self._log.append_foreign(life.person, name, version)

    async def _erase_a_part(self, life: Life) -> None:
        """Some categories of one key go; what else lies under it is sealed anew first."""
        keys = [bucket for bucket in life.person.keys if bucket[0] == "participation"]
        if not keys:
            return
        bucket, gone = self._random.choice(keys), set(self._some(CATEGORIES))
        erasure, renewed = self._id(), (bucket[0], f"again.{life.person.version}")
        purposes = self._some(PURPOSES) if self._random.random() < 0.5 else ()
        retained = self._some(CLASSES) if self._random.random() < 0.5 else ()
        await self._log.append(life.person, requested(erasure, *sorted(gone)))
        for version, (where, held) in list(life.sections.items()):
            rest = tuple(category for category in held if category not in gone)
            if where == bucket and (rest or not held):
                event = resealed(erasure, version, renewed[1], *rest)
                await self._append(life, event, renewed, rest)
            if where == bucket:
                del life.sections[version]
        await self._log.erase(
            life.person,
            erasure,
            [bucket],
            categories=tuple(sorted(gone)),
            purposes=purposes,
            retained=retained,
        )
        if self._random.random() < 0.5:
            await self._log.append(life.person, told(erasure, self._random.choice(RECIPIENTS)))

    async def _erase_all(self, life: Life) -> None:
        """Everything goes; the recipients are told; sometimes the erasure is closed."""
        if self._random.random() < 0.6:
            return
        erasure, kept = self._id(), ("erasure-execution", "erasure")
        await self._log.append(life.person, requested(erasure), kept)
        buckets = [bucket for bucket in life.person.keys if bucket != kept]
        await self._log.erase(life.person, erasure, buckets, fenced=CLASSES)
        for recipient in self._some(RECIPIENTS):
            await self._log.append(life.person, told(erasure, recipient))
        if self._random.random() < 0.6:
            await self._log.erase(life.person, erasure, [kept], step=ErasureStep.CLOSING)
        life.over = True
