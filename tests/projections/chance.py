"""Random histories that could have happened: what the deciders allow, in any order."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from app.domain.subject import SubjectState, fold
from app.events.consultations import ConsultationRecorded
from app.events.erasures import (
    ErasureStep,
)
from app.events.identifiers import IdentifierReleased
from app.events.objections import (
    GrantReason,
    ObjectionGranted,
    ObjectionGround,
)
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionGround,
    RestrictionLifted,
)
from app.policy.vocabulary import IdentifierKind
from app.store.recorded import read_entry
from tests.projections.history import Bucket, Log, Person
from tests.projections.wording import (
    CATEGORIES,
    CLASSES,
    PURPOSES,
    RECIPIENTS,
    STEPS,
    asked,
    child,
    claimed,
    collected,
    completed,
    consent_confirmed,
    consent_requested,
    consent_unproven,
    consent_withdrawn,
    consented,
    disclosed,
    doubt_answered,
    judged,
    noticed,
    objected,
    part_left,
    part_taken,
    rectified,
    referenced,
    registered,
    requested,
    resealed,
    restricted,
    suppressions,
    told,
    transfer_consented,
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
            self._take_part,
            self._leave,
            self._consent,
            self._consent,
            self._change_mind,
            self._suppress,
            self._notice,
            self._judge,
            self._ask,
            self._go_on_with,
        )
        self._noticed: dict[UUID, list[UUID]] = {}
        self._taking: dict[UUID, list[UUID | None]] = {}

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

    async def _take_part(self, life: Life) -> None:
        organisation = self._random.choice((None, self._id()))
        await self._log.append(life.person, part_taken(organisation))
        self._taking.setdefault(life.person.subject_id, []).append(organisation)

    async def _leave(self, life: Life) -> None:
        if taking := self._taking.get(life.person.subject_id):
            one = self._random.choice(taking)
            since = datetime.now(UTC) - timedelta(days=3)
            await self._log.append(life.person, part_left(one), occurred_at=since)

    async def _consent(self, life: Life) -> None:
        bucket = ("consent-proof", "membership")
        kind, purpose = self._random.randint(0, 3), self._random.choice(PURPOSES)
        if kind == 0:
            request = self._id()
            await self._log.append(life.person, consent_requested(purpose, request))
            await self._log.append(life.person, consent_confirmed(purpose, request), bucket)
        elif kind == 1:
            await self._log.append(life.person, consent_unproven(purpose))
        elif kind == 2:
            await self._log.append(life.person, transfer_consented(purpose), bucket)
        else:
            await self._log.append(life.person, consented(purpose), bucket)

    async def _change_mind(self, life: Life) -> None:
        await self._log.append(life.person, consent_withdrawn(self._random.choice(PURPOSES)))

    async def _suppress(self, life: Life) -> None:
        for event in suppressions(self._random.choice(PURPOSES), self._random.random() < 0.4):
            await self._log.append(life.person, event)

    async def _ask(self, life: Life) -> None:
        await self._log.append(life.person, asked(self._id()))

    async def _go_on_with(self, life: Life) -> None:
        """One more step of a request, or its end; what was closed by a letter can come back."""
        requests = life.state.rights_requests.by_id
        if waiting := [key for key, one in requests.items() if one.status.open]:
            step = self._random.choice(STEPS)
            await self._log.append(life.person, step(self._random.choice(waiting)))
        elif back := [key for key, one in requests.items() if one.status.value == "unidentified"]:
            await self._log.append(life.person, doubt_answered(back[0]))

    async def _notice(self, life: Life) -> None:
        finding = self._id()
        self._noticed.setdefault(life.person.subject_id, []).append(finding)
        await self._log.append(life.person, noticed(finding))

    async def _judge(self, life: Life) -> None:
        if found := self._noticed.get(life.person.subject_id):
            await self._log.append(life.person, judged(found.pop()))

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
            if self._random.random() < 0.1:
                await self._log.append(life.person, child())
            return
        if self._random.random() < 0.5:
            await self._log.append(life.person, child())
        erasure, kept = self._id(), ("erasure-execution", "erasure")
        await self._log.append(life.person, requested(erasure), kept)
        buckets = [bucket for bucket in life.person.keys if bucket != kept]
        await self._log.erase(life.person, erasure, buckets, fenced=CLASSES)
        for recipient in self._some(RECIPIENTS):
            await self._log.append(life.person, told(erasure, recipient))
        if self._random.random() < 0.6:
            await self._log.erase(life.person, erasure, [kept], step=ErasureStep.CLOSING)
        life.over = True
