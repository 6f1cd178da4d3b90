"""What a newsletter tool tells, turned into commands; answered after the durable append (C73).

Withdrawing is always safe to apply, whoever called. Granting never follows from a call: a
subscription without evidence makes nobody mailable (L16), and an address moves only when nobody
else holds the new one (DESIGN 6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, assert_never
from uuid import UUID

import structlog

from app.clock import random_id
from app.connectors.connector import Connector
from app.connectors.intents import (
    CampaignSent,
    Cleaned,
    CleanedReason,
    Effect,
    EmailChanged,
    Intent,
    ProfileUpdated,
    Subscribed,
    Unsubscribed,
    UnsubscribeReason,
    effects_of,
)
from app.control_ledger import ControlLedger
from app.domain.collections import RectifyData
from app.domain.consents import ImportUnprovenConsent
from app.domain.decider import Refusal
from app.domain.findings import RaiseFinding
from app.domain.objections import RaiseObjection
from app.domain.register import SuppressUnknown
from app.domain.subject import InTurn
from app.domain.subjects import SubjectErased
from app.domain.suppressions import Unsubscribe
from app.domain.values import normalise
from app.events.findings import FindingCode
from app.events.identifiers import Verification
from app.events.objections import ObjectionCause
from app.events.suppressions import SuppressionCause
from app.ledger import Ledger
from app.policy.model import Policy
from app.policy.vocabulary import IdentifierKind, LegalBasis
from app.propagation.survivors import records_of, survivor_of
from app.receipts import Attribution, IdentifierTaken
from app.store.idempotency import IdempotencyKey
from app.store.lookups import Lookups
from app.store.on_file import addresses_in, addresses_on_file, identifiers_on_file

_log: Any = structlog.get_logger("pdledger.intake")

Step: TypeAlias = tuple[UUID | None, object]
"""Whose stream, or None for the register of unknown people; and the command."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Who an address belongs to, and every address of theirs."""

    subject_id: UUID | None
    addresses: tuple[str, ...] = field(repr=False)


class Intake:
    """Carries out what one system tells. Done twice, it does nothing the second time."""

    def __init__(self, ledger: Ledger, control: ControlLedger, lookups: Lookups) -> None:
        self._ledger = ledger
        self._control = control
        self._lookups = lookups

    async def receive(self, connector: Connector, intent: Intent) -> None:
        """Appends what the intent obliges to; returns once that is durable."""
        policy = (await self._ledger.rules()).policy
        steps = await self._steps(connector.key, intent, policy)
        await self._carry_out(connector, intent, steps)
        if isinstance(intent, (Unsubscribed, Cleaned)) and any(one is None for one, _ in steps):
            # Who registered between look-up and append is found now: the register was written
            # before this look, and a registration looks at the register after its own append.
            again = await self._closing(connector.key, intent, policy)
            if any(subject_id is not None for subject_id, _ in again):
                await self._carry_out(connector, intent, again)

    async def _carry_out(self, connector: Connector, intent: Intent, steps: Sequence[Step]) -> None:
        name = connector.dedupe_material(intent).decode("utf-8", "surrogateescape")
        for number, (subject_id, command) in enumerate(steps):
            key = IdempotencyKey(
                client=f"webhook.{connector.key}",
                operation=f"{type(intent).__name__}#{number}#{type(command).__name__}",
                key=name,
                body=b"",
            )
            await self._execute(subject_id, command, Attribution(f"webhook.{connector.key}", key))

    async def _execute(
        self, subject_id: UUID | None, command: object, attribution: Attribution
    ) -> None:
        if subject_id is None:
            assert isinstance(command, SuppressUnknown)
            await self._control.register(command, attribution)
            return
        try:
            await self._ledger.execute(subject_id, command, attribution)
        except SubjectErased:
            # Erased between look-up and append: the address is nobody's any more.
            for one in _each(command):
                if isinstance(one, Unsubscribe):
                    await self._control.register(_unknown(one), Attribution(attribution.by))
        except IdentifierTaken:
            # Somebody took the new address meanwhile: nothing moves, and the desk is told.
            await self._ledger.execute(
                subject_id, _collision(attribution.by.rpartition(".")[2], random_id()), attribution
            )
        except Refusal as refusal:
            if len(_each(command)) > 1:  # what is refused does not hold back the rest
                for one in _each(command):
                    await self._execute(subject_id, one, Attribution(attribution.by))
                return
            # The tool has done its part: a no of ours is nothing that it could mend by repeating.
            _log.warning("message had no effect", refusal=refusal.code)

    async def _steps(self, system: str, intent: Intent, policy: Policy) -> list[Step]:
        match intent:
            case Unsubscribed() | Cleaned():
                return await self._closing(system, intent, policy)
            case EmailChanged():
                return await self._moving(system, intent, policy)
            case Subscribed():
                told = await self._told(intent.email, policy)
                return [
                    (told.subject_id, ImportUnprovenConsent(purpose=purpose, source=system))
                    for purpose in _mailings(system, policy, LegalBasis.CONSENT)
                    if told.subject_id is not None
                ]
            case ProfileUpdated():
                return await self._comparing(system, intent, policy)
            case CampaignSent():
                return []
            case _:
                assert_never(intent)

    async def _closing(
        self, system: str, intent: Unsubscribed | Cleaned, policy: Policy
    ) -> list[Step]:
        """Every mailing of that system ends, for a person known, unknown or erased alike."""
        told = await self._told(intent.email, policy)
        cause, objection = _causes(intent)
        register: list[Step] = []
        commands: list[object] = []
        for purpose in _mailings(system, policy):
            command = Unsubscribe(
                purpose=purpose,
                source=system,
                cause=cause,
                addresses=told.addresses,
                occurred_at=self._happened(intent),
            )
            if told.subject_id is None:
                register.append((None, _unknown(command)))
                continue
            commands.append(command)
            if Effect.OBJECT in effects_of(intent):
                objected = RaiseObjection(
                    objection=random_id(),
                    source=system,
                    purpose=purpose,
                    cause=objection,
                    addresses=told.addresses,
                    occurred_at=self._happened(intent),
                )
                commands.append(objected)
        if told.subject_id is None:
            return register
        # A person's mailings end together, in one append.
        return [(told.subject_id, InTurn(tuple(commands)))] if commands else []

    async def _moving(self, system: str, intent: EmailChanged, policy: Policy) -> list[Step]:
        """The person's address changes, unless the new one is another's: then nothing moves."""
        old, new = _normal(intent.old_email, policy), _normal(intent.new_email, policy)
        subject_id = old and await self._lookups.subject_of("email", old)
        holder = new and await self._lookups.subject_of("email", new)
        if not old or not new:
            return []
        if not subject_id:
            # Nobody we know, but a suppression of the old address holds for the new one (C7).
            closed = await self._lookups.suppressed_purposes([old], _mailings(system, policy))
            if holder:
                return [
                    (holder, Unsubscribe(purpose=purpose, source=system, addresses=(new,)))
                    for purpose in sorted(closed)
                ]
            return [
                (None, SuppressUnknown(purpose=purpose, source=system, addresses=(new,)))
                for purpose in sorted(closed)
            ]
        survivor = await survivor_of(self._ledger, subject_id)
        if survivor != subject_id:
            # Values of a record that is closed are not corrected by a tool: the desk looks at it.
            finding = RaiseFinding(
                finding=random_id(), code=FindingCode.UNVERIFIED_CHANGE, source=system
            )
            return [(survivor, finding), *await self._carried(system, survivor, new, policy)]
        if holder and holder != subject_id:
            occasion = random_id()
            return [(one, _collision(system, occasion)) for one in (subject_id, holder)]
        [category, *_] = emails = policy.identifying(IdentifierKind.EMAIL)
        former = await identifiers_on_file(self._ledger.store, subject_id, emails)
        command = RectifyData(
            source=system,
            personal={category: new},
            former={version: value for version, value in former.items() if value == old},
            verification=Verification.SYSTEM,
        )
        return [(subject_id, command), *await self._carried(system, subject_id, new, policy)]

    async def _carried(self, system: str, subject_id: UUID, new: str, policy: Policy) -> list[Step]:
        """A person who moves to a suppressed address is suppressed, too (C7)."""
        closed = await self._lookups.suppressed_purposes([new], _mailings(system, policy))
        return [
            (subject_id, Unsubscribe(purpose=purpose, source=system, addresses=(new,)))
            for purpose in sorted(closed)
        ]

    async def _comparing(self, system: str, intent: ProfileUpdated, policy: Policy) -> list[Step]:
        """A newsletter profile is no source of names: a change there is for a human to look at."""
        told = await self._told(intent.email, policy)
        if told.subject_id is None or not (intent.given_name or intent.family_name):
            return []
        command = RaiseFinding(
            finding=random_id(), code=FindingCode.UNVERIFIED_CHANGE, source=system
        )
        return [(told.subject_id, command)]

    async def _told(self, address: str, policy: Policy) -> _Told:
        email = _normal(address, policy)
        if email is None:
            return _Told(None, ())
        subject_id = await self._lookups.subject_of("email", email)
        if subject_id is None:
            return _Told(None, (email,))
        stream = await self._ledger.store.read_stream(subject_id, with_blobs=True)
        emails = policy.identifying(IdentifierKind.EMAIL)
        state = self._ledger.meet(stream)
        on_file = addresses_in(self._ledger.store, stream, state, emails)
        if not state.merges.bonds:
            return _Told(subject_id, tuple(dict.fromkeys((email, *on_file))))
        survivor = await survivor_of(self._ledger, subject_id)
        every = [
            address
            for record in await records_of(self._ledger, survivor)
            for address in await addresses_on_file(self._ledger.store, record, emails)
        ]
        return _Told(survivor, tuple(dict.fromkeys((email, *on_file, *every))))

    def _happened(self, intent: Intent) -> datetime:
        """The tool's time, unless its clock runs ahead of ours."""
        return min(intent.fired_at, self._ledger.clock())


def _each(command: object) -> tuple[object, ...]:
    return command.commands if isinstance(command, InTurn) else (command,)


def _causes(intent: Unsubscribed | Cleaned) -> tuple[SuppressionCause, ObjectionCause]:
    complained = (
        intent.reason is UnsubscribeReason.ABUSE
        if isinstance(intent, Unsubscribed)
        else intent.reason is CleanedReason.ABUSE
    )
    if complained:
        return SuppressionCause.COMPLAINT, ObjectionCause.COMPLAINT
    if isinstance(intent, Cleaned):
        return SuppressionCause.UNDELIVERABLE, ObjectionCause.UNDELIVERABLE
    return SuppressionCause.UNSUBSCRIBE, ObjectionCause.PERSON


def _unknown(command: Unsubscribe) -> SuppressUnknown:
    return SuppressUnknown(
        purpose=command.purpose,
        source=command.source,
        cause=command.cause,
        addresses=command.addresses,
        occurred_at=command.occurred_at,
    )


def _collision(system: str, occasion: UUID) -> RaiseFinding:
    return RaiseFinding(
        finding=random_id(),
        code=FindingCode.IDENTITY_COLLISION,
        source=system,
        occasion=occasion,
    )


def _mailings(system: str, policy: Policy, basis: LegalBasis | None = None) -> list[str]:
    """The purposes for which the system sends mailings to people, by the policy's own words."""
    return [
        purpose.key
        for purpose in policy.purposes.values()
        if purpose.direct_marketing
        and system in purpose.recipients
        and (basis is None or purpose.legal_basis is basis)
    ]


def _normal(address: str, policy: Policy) -> str | None:
    """The address as the indexes know it; None for what is no address at all."""
    try:
        return normalise(policy.categories[policy.identifying(IdentifierKind.EMAIL)[0]], address)
    except Refusal:
        return None
