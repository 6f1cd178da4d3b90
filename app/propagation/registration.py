"""Finds or registers a person from what a system obtained, guessing nothing (DESIGN 6, identity).

A person is found only by a verified identifier. Whoever calls gets the same kind of answer for
known and unknown people: whether somebody is known is personal data.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.clock import random_id
from app.domain.children import UnderAge, minimum_age
from app.domain.collections import CollectData, RectifyData
from app.domain.identifiers import ClaimIdentifier
from app.domain.identities import identifying_kind
from app.domain.merges import SubjectAbsorbed
from app.domain.obtaining import Obtained
from app.domain.subject import SUBJECT, InTurn, fold
from app.domain.subjects import JoinSubject, RegisterSubject
from app.domain.suppressions import SubjectSuppressed, Unsubscribe
from app.domain.values import normalise
from app.events.subjects import ChildDiscovered
from app.ledger import Ledger
from app.policy.model import Policy
from app.policy.vocabulary import IdentifierKind
from app.propagation.survivors import survivor_of
from app.receipts import Attribution, IdentifierTaken, Receipt
from app.store.event_store import EventStore
from app.store.lookups import Lookups
from app.values import replace
from app.vault.sealing import Sealed

TRIES_MAX = 4
REGISTRAR = "registrar"
"""Who records what follows from a registration by itself."""

_DISCOVERY = "child.discovered"


class Registered(StrEnum):
    """What became of a registration, for the caller's own use: the answer does not tell."""

    NEW = "new"
    FOUND = "found"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Registration:
    """The person and the receipt; no receipt when nothing may be kept."""

    outcome: Registered
    subject_id: UUID
    receipt: Receipt | None


class Registrar:
    """The one way in which people become known: the API, imports and receivers all ask here."""

    def __init__(self, ledger: Ledger, lookups: Lookups, *, remembers: bool = True) -> None:
        """``remembers`` is about new people: whoever brings very many lets go of each at once."""
        self._ledger = ledger
        self._lookups = lookups
        self._remembers = remembers

    async def register(
        self, command: RegisterSubject, attribution: Attribution, *, repeated: bool = False
    ) -> Registration:
        """Registers the person, or adds what was obtained to the one person that is meant.

        Raises the refusals of the deciders. An identifier that leads elsewhere without proof opens
        a finding on the new record and moves nothing. ``repeated`` says that it was probably done
        before, under the same key: then it is asked for that first.
        """
        policy = (await self._ledger.rules()).policy
        identifiers = _identifiers(command.obtained, command.region, policy)
        receipt = await self._ledger.repeated(attribution) if repeated else None
        if receipt is not None:
            known = Registration(Registered.FOUND, receipt.stream_id, receipt)
            return await self._settled(known, identifiers, command.source, policy)
        suppressed = await self._suppressed(identifiers, command.obtained, policy)
        command = replace(command, suppressed_for=suppressed)
        for _ in range(TRIES_MAX):
            holders = await self._holders(identifiers)
            found = await self._person_meant(identifiers, holders)
            try:
                registration = (
                    await self._new(command, identifiers, holders, attribution)
                    if found is None
                    else await self._join(found, command, attribution)
                )
                return await self._settled(registration, identifiers, command.source, policy)
            except (IdentifierTaken, SubjectAbsorbed):
                continue  # somebody registered, or was merged, meanwhile: look again
            except SubjectSuppressed:
                return Registration(Registered.SUPPRESSED, random_id(), None)
        raise IdentifierTaken

    async def rectify(
        self, subject_id: UUID, command: RectifyData, attribution: Attribution
    ) -> Receipt:
        """Corrects data; who moves to a suppressed address is suppressed, too (C7)."""
        receipt = await self._ledger.execute(subject_id, command, attribution)
        policy = (await self._ledger.rules()).policy
        emails = policy.identifying(IdentifierKind.EMAIL)
        addresses = [
            normalise(policy.categories[category], value, command.region)
            for category, value in command.personal.items()
            if category in emails
        ]
        await self.settle(subject_id, addresses, command.source, policy)
        return receipt

    async def claim(
        self, subject_id: UUID, command: ClaimIdentifier, attribution: Attribution
    ) -> Receipt:
        """Lets the person be found by one more value; what is suppressed closes (C7)."""
        receipt = await self._ledger.execute(subject_id, command, attribution)
        policy = (await self._ledger.rules()).policy
        if command.category in policy.identifying(IdentifierKind.EMAIL):
            address = normalise(policy.categories[command.category], command.value, command.region)
            await self.settle(subject_id, [address], command.source, policy)
        return receipt

    async def _settled(
        self,
        registration: Registration,
        identifiers: Mapping[tuple[IdentifierKind, str], frozenset[str]],
        source: str,
        policy: Policy,
    ) -> Registration:
        """What follows the append, also of one whose request was broken off there."""
        await self._check_of_age(registration)
        await self.settle(registration.subject_id, _addresses(identifiers), source, policy)
        return registration

    async def settle(
        self, subject_id: UUID, addresses: Sequence[str], source: str, policy: Policy
    ) -> None:
        """Closes to the person what the register closes to their addresses (C7, L41).

        Called after the append that brought the addresses: an unsubscribe that was received
        meanwhile looked for the person in vain, and is found here.
        """
        mailings = [one.key for one in policy.all_purposes() if one.direct_marketing]
        closed = await self._lookups.suppressed_purposes(addresses, mailings)
        if not closed:
            return
        state = await self._ledger.state(subject_id)
        for purpose in sorted(closed - state.suppressions.purposes.keys()):
            if state.consents.of(purpose).proof is None:
                command = Unsubscribe(purpose=purpose, source=source, addresses=tuple(addresses))
                await self._ledger.execute(subject_id, command, Attribution(by=REGISTRAR))

    async def rehearse(
        self, command: RegisterSubject, further: Sequence[object] = ()
    ) -> Registered:
        """What a registration, and commands after it, would do; raises the refusals they meet."""
        rules = await self._ledger.rules()
        given = rules.at(self._ledger.clock())
        identifiers = _identifiers(command.obtained, command.region, rules.policy)
        suppressed = await self._suppressed(identifiers, command.obtained, rules.policy)
        found = await self._person_meant(identifiers, await self._holders(identifiers))
        state = SUBJECT.initial if found is None else await self._ledger.state(found)
        command = replace(command, suppressed_for=suppressed)
        first = command if found is None else JoinSubject(command)
        try:
            records = SUBJECT.decide(InTurn((first, *further)), state, given)
        except SubjectSuppressed:
            return Registered.SUPPRESSED
        if any(isinstance(record.event, ChildDiscovered) for record in records):
            raise UnderAge(minimum_age=minimum_age(given))
        return Registered.NEW if found is None else Registered.FOUND

    async def collect(
        self, subject_id: UUID, command: CollectData, attribution: Attribution
    ) -> Receipt:
        """Adds data to a known person; a new address leads to them only when nobody holds it."""
        policy = (await self._ledger.rules()).policy
        identifiers = _identifiers((command.obtained,), command.region, policy)
        if not identifiers:  # nothing leads anywhere, and no address is suppressed
            return await self._ledger.execute(subject_id, command, attribution)
        holders = await self._holders(identifiers)
        command = replace(
            command,
            identified=frozenset[str]().union(*(identifiers[one] for one in holders)),
            suppressed_for=await self._suppressed(identifiers, (command.obtained,), policy),
        )
        receipt = await self._ledger.execute(subject_id, command, attribution)
        await self.settle(subject_id, _addresses(identifiers), command.source, policy)
        return receipt

    async def _check_of_age(self, registration: Registration) -> None:
        """Of a child who is known the discovery is on record; whoever calls hears the same (C74).

        A different answer would tell which children are known.
        """
        receipt = registration.receipt
        if receipt is not None and any(line.type == _DISCOVERY for line in receipt.lines):
            rules = await self._ledger.rules()
            raise UnderAge(minimum_age=minimum_age(rules.at(self._ledger.clock())))

    async def _suppressed(
        self,
        identifiers: Mapping[tuple[IdentifierKind, str], frozenset[str]],
        obtained: Sequence[Obtained],
        policy: Policy,
    ) -> frozenset[str]:
        """For which of the purposes, or those that they narrow, an address is suppressed."""
        addresses = _addresses(identifiers)
        purposes = dict.fromkeys(key for one in obtained for key in policy.lineage(one.purpose))
        return await self._lookups.suppressed_purposes(addresses, purposes)

    async def _holders(
        self, identifiers: Mapping[tuple[IdentifierKind, str], frozenset[str]]
    ) -> dict[tuple[IdentifierKind, str], UUID]:
        found = {one: await self._lookups.subject_of(one[0].value, one[1]) for one in identifiers}
        return {one: subject for one, subject in found.items() if subject is not None}

    async def _person_meant(
        self,
        identifiers: Collection[tuple[IdentifierKind, str]],
        holders: Mapping[tuple[IdentifierKind, str], UUID],
    ) -> UUID | None:
        """The one person to whom a verified identifier leads; nobody when it leads to two.

        Nobody either where an address came and none leads to them: colleagues share the number of
        their office, and whoever is taken for another gets that person's letters.
        """
        led = {
            (kind, value): await survivor_of(self._ledger, subject_id)
            for (kind, value), subject_id in holders.items()
            if await verified_holder(self._ledger.store, subject_id, kind, value)
        }
        addressed = any(kind is IdentifierKind.EMAIL for kind, _ in identifiers)
        if addressed and not any(kind is IdentifierKind.EMAIL for kind, _ in led):
            return None
        meant = set(led.values())
        return meant.pop() if len(meant) == 1 else None

    async def _new(
        self,
        command: RegisterSubject,
        identifiers: Mapping[tuple[IdentifierKind, str], frozenset[str]],
        holders: Mapping[tuple[IdentifierKind, str], UUID],
        attribution: Attribution,
    ) -> Registration:
        taken = frozenset[str]().union(*(identifiers[one] for one in holders))
        command = replace(command, identified=taken, suspicion=random_id() if taken else None)
        receipt = await self._ledger.execute(
            random_id(), command, attribution, new=True, remembered=self._remembers
        )
        return Registration(Registered.NEW, receipt.stream_id, receipt)

    async def _join(
        self, subject_id: UUID, command: RegisterSubject, attribution: Attribution
    ) -> Registration:
        receipt = await self._ledger.execute(subject_id, JoinSubject(command), attribution)
        return Registration(Registered.FOUND, receipt.stream_id, receipt)


async def verified_holder(
    store: EventStore, subject_id: UUID, kind: IdentifierKind, value: str
) -> bool:
    """Whether the person showed control over exactly this normalised identifier."""
    stream = await store.read_stream(subject_id, with_blobs=True)
    state = fold(SUBJECT.initial, stream.events)
    for held in state.identifiers.active.values():
        if held.kind is kind and held.verification is not None:
            opened = store.open_section(stream, held.value_at, held.retention_class)
            if isinstance(opened, Sealed) and opened.personal.get(held.category) == value:
                return True
    return False


def _addresses(identifiers: Iterable[tuple[IdentifierKind, str]]) -> list[str]:
    return [value for kind, value in identifiers if kind is IdentifierKind.EMAIL]


def _identifiers(
    obtained: Sequence[Obtained], region: str | None, policy: Policy
) -> dict[tuple[IdentifierKind, str], frozenset[str]]:
    """Kind and normalised value of every identifier that came, with the categories it came in."""
    found: dict[tuple[IdentifierKind, str], frozenset[str]] = {}
    for one in obtained:
        for key, value in one.personal.items():
            category = policy.category(key)
            if category is None or category.identifier_kind is None:
                continue
            normal = normalise(category, value, region)
            kind = identifying_kind(key, normal, policy)
            if kind is not None:
                found[kind, normal] = found.get((kind, normal), frozenset()) | {key}
    return found
