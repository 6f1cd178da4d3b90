"""Takes a portability package in: the same values, purposes and sources, and consents as they are.

A consent is taken over with its proof when the package was signed by a key that is trusted and the
consent was given to this controller: then it is the evidence of L12. Otherwise it is but a claim,
`unproven` and no ground for anything (L16). One that was given to somebody else is none here. A
withdrawal, an objection, a restriction are taken over in any case: a no needs no proof.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

from app.domain.collections import CollectData, RectifyData
from app.domain.consents import (
    GiveConsent,
    GiveExplicitTransferConsent,
    ImportUnprovenConsent,
    WithdrawConsent,
)
from app.domain.decider import Refusal
from app.domain.evidence import Evidence, Wording
from app.domain.files import ReferenceFile
from app.domain.obtaining import Obtained
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.subject import InTurn
from app.domain.subjects import RegisterSubject
from app.events.identifiers import Verification
from app.ledger import Ledger
from app.policy.model import Policy
from app.policy.vocabulary import ConsentMethod, IdentifierKind
from app.propagation.packed_objections import PackedObjection, PackedRestriction
from app.propagation.registration import Registered, Registrar
from app.receipts import Attribution, Receipt
from app.store.on_file import addresses_on_file
from app.values import replace

GIVEN: Final = frozenset({"consent.given", "consent.confirmed"})
ENDED: Final = "consent.withdrawn"
"""One that ran out is none: the consent before it runs out here as well."""
TRANSFER: Final = "transfer-consent.given"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedValue:
    """One value of a package."""

    category: str
    value: str = field(repr=False)
    purpose: str
    source: str
    since: datetime
    occasion: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedStep:
    """One step in the history of a consent."""

    purpose: str
    type: str
    occurred_at: datetime
    source: str = ""
    wording: Wording = field(default_factory=Wording)
    method: str = ""
    evidence: str = field(default="", repr=False)
    recipient: str = ""
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file about the person in another system."""

    system: str
    title: str = field(repr=False)
    date: datetime
    category: str
    purpose: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedStatement:
    """A supplementary statement."""

    completes: tuple[str, ...]
    text: str = field(repr=False)
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRelationship:
    """How the person takes part, or took part."""

    kind: str
    organisation: UUID | None
    occasion: UUID | None
    since: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What came in, checked against its schema."""

    controller: str
    values: tuple[PackedValue, ...]
    files: tuple[PackedFile, ...] = ()
    statements: tuple[PackedStatement, ...] = ()
    steps: tuple[PackedStep, ...] = ()
    relationships: tuple[PackedRelationship, ...] = ()
    objections: tuple[PackedObjection, ...] = ()
    restrictions: tuple[PackedRestriction, ...] = ()


class PackageEmpty(Refusal):
    """There is no value in it, so there is nobody to register."""

    code = "package-empty"
    rules = ("L2",)


@dataclass(slots=True)
class TakenIn:
    """What became of a package; nothing in it is personal. Owned by one task."""

    subject_id: UUID | None = None
    position: int | None = None
    recorded: int = 0
    """Commands that recorded something."""
    unproven: int = 0
    """Steps of consents that are but claims here."""
    left_out: list[str] = field(default_factory=list)
    """Codes of the refusals that parts met; the others were taken in all the same."""


class Intake:
    """Carries one package out, command by command; each is repeatable by the request's key."""

    def __init__(self, ledger: Ledger, registrar: Registrar, attribution: Attribution) -> None:
        self._ledger = ledger
        self._registrar = registrar
        self._attribution = attribution
        self._taken = TakenIn()
        self._steps = 0

    async def take_in(
        self, package: Package, *, proven: bool, verification: Verification | None
    ) -> TakenIn:
        """Registers the person, or finds them by a verified identifier, and adds everything.

        Raises PackageEmpty and the refusals that the first values meet. ``proven`` says that the
        package is known to be what its controller signed.
        """
        policy = (await self._ledger.rules()).policy
        registrations = list(_registrations(package, policy, verification))
        if not registrations:
            raise PackageEmpty
        first, *others = registrations
        made = await self._registrar.register(first, self._next())
        if made.outcome is Registered.SUPPRESSED or made.receipt is None:
            return self._taken
        self._taken.subject_id = made.subject_id
        self._record(made.receipt)
        for registration in others:
            for obtained in registration.obtained:
                await self._collect(made.subject_id, registration, obtained)
        await self._add(made.subject_id, package)
        if package.controller != policy.controller.name:
            self._taken.left_out.extend("consent-of-another-controller" for _ in package.steps)
            return self._taken
        emails = policy.identifying(IdentifierKind.EMAIL)
        addresses = await addresses_on_file(self._ledger.store, made.subject_id, emails)
        for step in sorted(package.steps, key=attrgetter("occurred_at")):
            await self._step(made.subject_id, step, addresses, proven=proven)
        await self._refuse(made.subject_id, package, addresses)
        return self._taken

    def _next(self) -> Attribution:
        """The attribution of the next command: the same one when the request is repeated."""
        key, self._steps = self._attribution.idempotency, self._steps + 1
        numbered = key and replace(key, operation=f"{key.operation}#{self._steps}")
        return replace(self._attribution, idempotency=numbered)

    def _record(self, receipt: Receipt) -> None:
        self._taken.position = receipt.position or self._taken.position
        self._taken.recorded += bool(receipt.lines)

    async def _collect(
        self, subject_id: UUID, registration: RegisterSubject, obtained: Obtained
    ) -> None:
        command = CollectData(
            obtained=obtained,
            source=registration.source,
            flags=registration.flags,
            occurred_at=registration.occurred_at,
        )
        try:
            self._record(await self._registrar.collect(subject_id, command, self._next()))
        except Refusal as refusal:
            self._taken.left_out.append(refusal.code)

    async def _execute(self, subject_id: UUID, command: object) -> bool:
        """Whether it was decided; a refusal leaves this part out and goes on."""
        try:
            self._record(await self._ledger.execute(subject_id, command, self._next()))
        except Refusal as refusal:
            self._taken.left_out.append(refusal.code)
            return False
        return True

    async def _add(self, subject_id: UUID, package: Package) -> None:
        sources = {one.category: one.source for one in package.values}
        for statement in package.statements:
            for category in statement.completes:
                if category in sources:
                    completing = RectifyData(
                        source=sources[category],
                        statements={category: statement.text},
                        occurred_at=statement.since,
                    )
                    await self._execute(subject_id, completing)
        for file in package.files:
            await self._execute(subject_id, self._reference(subject_id, file))
        for one in package.relationships:
            await self._execute(subject_id, _taking_part(one))

    def _reference(self, subject_id: UUID, file: PackedFile) -> ReferenceFile:
        """Named by what is known of it, under a key: its own id stayed with its system."""
        known = f"{file.system}\n{file.title}\n{file.date.isoformat()}".encode()
        named = hashlib.sha256(known).hexdigest()
        return ReferenceFile(
            system=file.system,
            title=file.title,
            category=file.category,
            purpose=file.purpose,
            source=file.source,
            digest=self._ledger.store.vault.file_mac(subject_id, named).hex(),
            occurred_at=file.date,
        )

    async def _refuse(self, subject_id: UUID, package: Package, addresses: tuple[str, ...]) -> None:
        """Last: what rests from now on is all in place."""
        for objection in package.objections:
            await self._execute(subject_id, objection.command(addresses))
        for restriction in package.restrictions:
            await self._execute(subject_id, restriction.command())

    async def _step(
        self, subject_id: UUID, step: PackedStep, addresses: tuple[str, ...], *, proven: bool
    ) -> None:
        claim = ImportUnprovenConsent(purpose=step.purpose, source=step.source)
        if step.type == ENDED:
            await self._end(subject_id, step, claim, addresses)
        elif step.type in GIVEN or (step.type == TRANSFER and step.recipient):
            given = _given(step) if proven and step.evidence else None
            if given is not None and await self._execute(subject_id, given):
                return
            self._taken.unproven += 1
            if step.type != TRANSFER:
                await self._execute(subject_id, claim)
        elif step.type == "consent.unproven":
            self._taken.unproven += 1
            await self._execute(subject_id, claim)

    async def _end(
        self,
        subject_id: UUID,
        step: PackedStep,
        claim: ImportUnprovenConsent,
        addresses: tuple[str, ...],
    ) -> None:
        """A no is taken over whatever became of the yes before it."""
        consent = (await self._ledger.state(subject_id)).consents.of(step.purpose)
        if not consent.open and not await self._execute(subject_id, claim):
            return
        withdrawn = WithdrawConsent(
            purpose=step.purpose,
            source=step.source,
            addresses=addresses,
            occurred_at=step.occurred_at,
        )
        await self._execute(subject_id, withdrawn)


def _taking_part(one: PackedRelationship) -> InTurn:
    """From when it lasts; of one that is over, the end is known, and that alone counts (L40)."""
    kind, organisation, occasion = one.kind, one.organisation, one.occasion
    start = StartRelationship(
        kind=kind,
        organisation=organisation,
        occasion=occasion,
        occurred_at=one.since or one.ended_at,
    )
    if one.ended_at is None:
        return InTurn((start,))
    end = EndRelationship(
        kind=kind, organisation=organisation, occasion=occasion, occurred_at=one.ended_at
    )
    return InTurn((start, end))


def _registrations(
    package: Package, policy: Policy, verification: Verification | None
) -> Iterator[RegisterSubject]:
    """One for each source and moment, oldest first: what was obtained together stays together."""
    together = attrgetter("since", "source")
    for (since, source), values in groupby(sorted(package.values, key=together), together):
        found = list(values)
        yield RegisterSubject(
            source=source,
            obtained=tuple(_obtained(found)),
            flags=_flags(found, policy),
            verification=verification,
            occurred_at=since,
        )


def _obtained(values: Sequence[PackedValue]) -> Iterator[Obtained]:
    grouped: dict[tuple[str, UUID | None], dict[str, str]] = {}
    for one in values:
        grouped.setdefault((one.purpose, one.occasion), {})[one.category] = one.value
    for (purpose, occasion), personal in grouped.items():
        yield Obtained(purpose=purpose, personal=personal, occasion=occasion)


def _flags(values: Sequence[PackedValue], policy: Policy) -> frozenset[str]:
    """What the source had declared, or the values would not have been held."""
    categories = (policy.category(one.category) for one in values)
    return frozenset(one.requires_flag for one in categories if one and one.requires_flag)


def _given(step: PackedStep) -> GiveConsent | GiveExplicitTransferConsent:
    evidence = Evidence(
        wording=step.wording,
        method=step.method or ConsentMethod.DOUBLE_OPT_IN.value,
        source=step.source,
        occurred_at=step.occurred_at,
        reference=step.evidence,
    )
    if step.type == TRANSFER:
        return GiveExplicitTransferConsent(
            purpose=step.purpose,
            recipient=step.recipient,
            evidence=evidence,
            country=step.country.upper() if step.country else None,
        )
    return GiveConsent(purpose=step.purpose, evidence=evidence)
